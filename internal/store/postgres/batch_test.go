//go:build unix

package postgres

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
)

// A command of a batch is given the same facts as if everything before it had been
// written and it read the database alone.
func TestFactsOfABatch(t *testing.T) {
	url, c := database(t)
	s := start(t, url)
	x := &lives{t: t, s: s, c: c, rnd: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))}
	x.account = benchAccount(t, s).AccountID
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	for round := range rounds {
		x.look()
		var batch []job
		for range 1 + x.rnd.IntN(24) {
			batch = append(batch, job{cmd: x.draw()})
		}
		if !x.run(batch) {
			t.Fatalf("in round %d", round)
		}
		x.check()
		x.pass(int64(20 * time.Minute / time.Microsecond))
	}
	for kind := range x.lacks() {
		t.Errorf("no command was ever given %s", kind)
	}
}

// lives draws commands that have something to do with the database as it is.
type lives struct {
	t       *testing.T
	s       *Store
	c       *pgx.Conn
	rnd     *rand.Rand
	account int64

	conns      map[string]string // by worker
	requests   []string
	leases     []bridge.Lease
	chats      []int64
	deliveries []int64
	seen       map[string]bool
	n          int
	told       string // the batch so far
}

func (x *lives) look() {
	ctx := x.t.Context()
	x.conns, x.requests, x.leases, x.chats, x.deliveries = map[string]string{}, nil, nil, nil, nil
	workers, err := x.s.Workers(ctx, x.account)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, w := range workers {
		x.conns[w.ID] = w.Conn
	}
	leases, err := x.s.Leases(ctx, x.account)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, l := range leases {
		x.leases = append(x.leases, *l)
	}
	list := func(text string, scan func(pgx.Rows) error) {
		rows, err := x.c.Query(ctx, text)
		if err != nil {
			x.t.Fatal(err)
		}
		for rows.Next() {
			if err := scan(rows); err != nil {
				x.t.Fatal(err)
			}
		}
		if rows.Err() != nil {
			x.t.Fatal(rows.Err())
		}
	}
	list(`SELECT id FROM requests ORDER BY seq DESC LIMIT 30`, func(r pgx.Rows) error {
		x.requests = append(x.requests, "")
		return r.Scan(&x.requests[len(x.requests)-1])
	})
	list(`SELECT id FROM chats ORDER BY id DESC LIMIT 6`, func(r pgx.Rows) error {
		x.chats = append(x.chats, 0)
		return r.Scan(&x.chats[len(x.chats)-1])
	})
	list(`SELECT id FROM deliveries ORDER BY id DESC LIMIT 20`, func(r pgx.Rows) error {
		x.deliveries = append(x.deliveries, 0)
		return r.Scan(&x.deliveries[len(x.deliveries)-1])
	})
}

func pick[T any](x *lives, list []T) (v T) {
	if len(list) > 0 {
		v = list[x.rnd.IntN(len(list))]
	}
	return v
}

func (x *lives) draw() bridge.Command {
	x.n++
	id, attempt, worker := pick(x, x.requests), 1+x.rnd.IntN(2), pick(x, []string{"w", "v"})
	if len(x.leases) > 0 && x.rnd.IntN(4) > 0 {
		l := pick(x, x.leases)
		id, attempt, worker = l.RequestID, l.Attempt, l.WorkerID
	}
	from := bridge.From{AccountID: x.account, WorkerID: worker, Conn: x.conns[worker]}
	here := bridge.Here{Node: "n", Room: func() bool { return x.n%3 == 0 }, Partial: func(string) string { return "so far" }}
	site := pick(x, []string{"", "s1", "s2", fmt.Sprint("new", x.n)})
	failed := bridge.Try{Status: 500, Error: "no"}
	switch x.rnd.IntN(24) {
	case 0:
		return &bridge.Submit{AccountID: x.account, Message: fmt.Sprint("message ", x.n), ResponseType: pick(x, []string{"auto", "instant"}), TimeoutSeconds: 60}
	case 1, 2:
		return &bridge.Submit{AccountID: x.account, Message: "more", ResponseType: "auto", TimeoutSeconds: 60, ChatRef: pick(x, []bridge.ChatRef{bridge.ChatRef(fmt.Sprint(pick(x, x.chats))), "s1", "9999"})}
	case 3:
		return &bridge.Submit{AccountID: x.account, Message: "once", ResponseType: "auto", TimeoutSeconds: 60, IdempotencyKey: fmt.Sprint(x.n / 50)}
	case 4, 5, 6, 7, 8, 9:
		return &bridge.Claim{AccountID: x.account, Limit: pick(x, []int{1, 3, 1000}), Offers: []bridge.Offer{{WorkerID: worker, Conn: x.conns[worker], Types: pick(x, [][]string{nil, nil, {"instant"}})}}}
	case 10, 11:
		return &bridge.MaySend{From: from, RequestID: id, Attempt: attempt}
	case 12, 13, 14:
		return &bridge.Complete{From: from, RequestID: id, Attempt: attempt, Answer: bridge.Answer{Response: fmt.Sprint("answer ", x.n), ChatID: site}, Here: here}
	case 15:
		return &bridge.Fail{From: from, RequestID: id, Attempt: attempt, Trouble: bridge.Trouble{Code: pick(x, []bridge.FailCode{bridge.RateLimited, bridge.TooLong}), RetryAfter: 1}, Here: here}
	case 16:
		return &bridge.Cancel{AccountID: x.account, RequestID: id, Here: here}
	case 17:
		return pick(x, []bridge.Command{&bridge.NameChat{From: from, RequestID: id, Attempt: attempt, SiteID: "s2"}, &bridge.Stopped{From: from, RequestID: id, Attempt: attempt, Here: here},
			&bridge.Expire{AccountID: x.account, RequestID: id, Here: here}, &bridge.NextIdle{AccountID: x.account}})
	case 18:
		return &bridge.Hello{Worker: bridge.Worker{AccountID: x.account, ID: worker, N: int64(x.n), Conn: fmt.Sprint("c", x.n), Capacity: 20, Node: "n"}, Here: here,
			Holding: pick(x, [][]bridge.Holding{nil, {{RequestID: id, Attempt: attempt, Phase: bridge.PhaseTyping}}})}
	case 19:
		return pick(x, []bridge.Command{&bridge.Renew{From: from}, &bridge.Start{Node: pick(x, []string{"n", "other"})}, &bridge.TakeSurvey{AccountID: x.account},
			&bridge.ReportHealth{From: from, Health: bridge.Health{LoggedIn: x.rnd.IntN(4) > 0, PageOK: true}}})
	case 20, 21:
		return &bridge.RecordTry{DeliveryID: pick(x, x.deliveries), Node: "n", Try: pick(x, []bridge.Try{{Status: 200}, failed}), Wait: time.Second, More: true}
	case 22:
		return pick(x, []bridge.Command{&bridge.ClaimDeliveries{Node: "n", Limit: 3, PerEndpoint: 2}, &bridge.ReplayDelivery{DeliveryID: pick(x, x.deliveries)}})
	default:
		retention := bridge.Retention{Bodies: time.Hour, Requests: 2 * time.Hour, Tries: time.Hour, Audit: time.Hour}
		return pick(x, []bridge.Command{&bridge.CleanUp{Kind: bridge.SweepKind(x.rnd.IntN(4)), Limit: 3, Retention: retention},
			&bridge.CreateAccount{Email: fmt.Sprint(x.n, "@example.com"), Key: fmt.Sprintf("%040d", x.n), WebhookURL: "http://localhost/"},
			&bridge.InitSetting{Name: fmt.Sprint(x.n / 20), Value: fmt.Sprint(x.n)}})
	}
}

// run runs a batch as the writer does, and compares.
func (x *lives) run(batch []job) bool {
	w := x.s.w // idle: nothing is posted
	t := &tx{writer: w, overlay: newOverlay(), batch: batch, results: make([]result, len(batch))}
	if err := t.prefetch(0); err != nil {
		x.t.Fatal(err)
	}
	x.told = ""
	for _, j := range batch {
		if !x.step(t, j.cmd) {
			return false
		}
		for x.rnd.IntN(3) == 0 { // one that knows what has happened in this very batch
			x.lookInto(t)
			if !x.step(t, x.draw()) {
				return false
			}
		}
	}
	if err := t.flush(); err != nil {
		x.t.Fatalf("%sflush: %v", x.told, err)
	}
	if err := t.commit(); err != nil {
		x.t.Fatalf("%scommit: %v", x.told, err)
	}
	return true
}

// lookInto looks at what a batch knows.
func (x *lives) lookInto(t *tx) {
	x.leases = nil
	for _, have := range t.leases.slots {
		if have.now != nil {
			x.leases = append(x.leases, *have.now)
		}
	}
	for key, have := range t.workers.slots {
		if have.now != nil {
			x.conns[key.id] = have.now.Conn
		}
	}
	for id, seq := range t.byID {
		if seq != 0 {
			x.requests = append(x.requests, id)
		}
	}
	for id := range t.deliveries.slots {
		x.deliveries = append(x.deliveries, id)
	}
	for id := range t.chats.slots {
		x.chats = append(x.chats, id)
	}
}

// step executes one command of a batch, and compares.
func (x *lives) step(t *tx, cmd bridge.Command) bool {
	x.told += fmt.Sprintf("%T %+v\n", cmd, cmd)
	needs := cmd.Needs()
	facts, err := t.load(&needs)
	if err != nil {
		x.t.Fatalf("%sload: %v", x.told, err)
	}
	x.note(facts)
	if x.rnd.IntN(2) == 0 {
		if err := t.flush(); err != nil {
			x.t.Fatalf("%sflush: %v", x.told, err)
		}
		ours := t.overlay
		t.overlay = newOverlay()
		alone, err := t.load(&needs)
		if err != nil {
			x.t.Fatalf("%sload alone: %v", x.told, err)
		}
		t.overlay = ours
		facts.Now = alone.Now
		if diff := cmp.Diff(alone, facts); diff != "" {
			x.t.Errorf("%sthe facts of the last one (-alone +in the batch):\n%s", x.told, diff)
			return false
		}
	}
	changes, refused := cmd.Decide(facts)
	if refused != nil || changes.Empty() {
		return true
	}
	if err := t.apply(changes); err != nil {
		x.t.Fatalf("%sapply: %v", x.told, err)
	}
	return true
}

func (x *lives) note(f *bridge.Facts) {
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	for what, there := range found(f) {
		x.seen[what] = x.seen[what] || there
	}
}

func found(f *bridge.Facts) map[string]bool {
	return map[string]bool{"leases": len(f.Leases) > 0, "an idempotent request": f.Idempotent != nil, "a chat": f.Chat != nil, "a chat of the site": f.SiteChat != nil,
		"what waits": len(f.Waiting) > 0, "what a worker holds": len(f.Held) > 0, "several candidates": len(f.Candidates) > 1, "deliveries": len(f.Deliveries) > 0,
		"unfinished requests": len(f.Survey.Unfinished) > 0, "what a clean-up looks at": len(f.Swept) > 0, "workers of a node": len(f.OnNode) > 0}
}

// lacks is what no facts have had.
func (x *lives) lacks() map[string]bool {
	out := found(&bridge.Facts{})
	for what := range out {
		if x.seen[what] {
			delete(out, what)
		}
	}
	return out
}

// pass lets time pass: it moves what the tables say of it back.
func (x *lives) pass(micros int64) {
	for _, text := range []string{
		`UPDATE requests SET queued_at = queued_at - $1, started_at = started_at - $1, may_send_at = may_send_at - $1, completed_at = completed_at - $1`,
		`UPDATE open_requests SET due_at = due_at - $1`,
		`UPDATE leases SET taken_at = taken_at - $1, go_at = go_at - $1, expires_at = expires_at - $1, due_at = due_at - $1`,
		`UPDATE deliveries SET created_at = created_at - $1, next_try_at = next_try_at - $1, claimed_until = claimed_until - $1, due_at = due_at - $1`,
		`UPDATE endpoints SET failing_since = failing_since - $1, hold_until = hold_until - $1`,
		`UPDATE workers SET paused_until = paused_until - $1`,
		`UPDATE audit SET at = at - $1`,
	} {
		exec(x.t, x.c, text, micros)
	}
}

// check looks for what may never be otherwise in the tables.
func (x *lives) check() {
	for what, text := range map[string]string{
		"unfinished requests that are not listed": `SELECT count(*) FROM requests r WHERE r.status IN ('idle', 'executing') AND NOT EXISTS
			(SELECT 1 FROM open_requests o WHERE o.seq = r.seq AND o.account_id = r.account_id AND o.chat_id = r.chat_id)`,
		"ended requests that are listed":      `SELECT count(*) FROM open_requests o WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.seq = o.seq AND r.status IN ('idle', 'executing'))`,
		"wrong clocks":                        `SELECT count(*) FROM open_requests o JOIN requests r USING (seq) WHERE o.due_at <> coalesce(r.may_send_at + r.timeout_seconds * 1000000, r.queued_at + 86400000000)`,
		"failed requests that are not marked": `SELECT count(*) FROM requests WHERE failed <> (status = 'failed')`,
		"leases without a request":            `SELECT count(*) FROM leases l WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.seq = l.request_seq AND r.id = l.request_id)`,
		"executing requests without a lease":  `SELECT count(*) FROM requests r WHERE status = 'executing' AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.request_seq = r.seq AND NOT l.cancelled)`,
		"events of nothing":                   `SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.seq = e.request_seq)`,
		"requests of no chat":                 `SELECT count(*) FROM requests r WHERE NOT EXISTS (SELECT 1 FROM chats c WHERE c.id = r.chat_id)`,
		"dead or delivered ones that are due": `SELECT count(*) FROM deliveries WHERE status IN ('dead', 'delivered') AND due_at IS NOT NULL`,
	} {
		if n := number(x.t, x.c, text); n != 0 {
			x.t.Fatalf("%d %s", n, what)
		}
	}
}
