//go:build unix

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
)

// nodes are stores on one database, each with a worker of its own, and an account
// that all of them serve.
type nodes struct {
	t       testing.TB
	c       *pgx.Conn
	stores  []*Store
	account int64
	commits atomic.Int64
	log     logged

	mu        sync.Mutex
	submitted map[string]bool   // acknowledged
	keys      map[string]string // idempotency key → request
	handed    map[string]int    // request → how often it was handed out with go
}

func newNodes(t testing.TB, url string, n int) *nodes {
	x := &nodes{t: t, c: beside(t, url), submitted: map[string]bool{}, keys: map[string]string{}, handed: map[string]int{}}
	for range n {
		s, err := Open(t.Context(), Options{URL: url, Log: slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		x.stores = append(x.stores, s)
	}
	account := &bridge.CreateAccount{Email: "a@example.com", WebhookURL: "http://localhost/", Key: strings.Repeat("k", 40), Secret: "whsec_x"}
	mustDo(t, x.stores[0], account)
	x.account = account.Account.ID
	for i := range x.stores {
		x.hello(i)
	}
	return x
}

// logged is what stores log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func worker(node int) string { return fmt.Sprint("w", node) }

func (x *nodes) from(node int) bridge.From {
	return bridge.From{AccountID: x.account, WorkerID: worker(node), Conn: "c"}
}

func (x *nodes) hello(node int) {
	mustDo(x.t, x.stores[node], &bridge.Hello{Worker: bridge.Worker{AccountID: x.account, ID: worker(node), N: 1, Conn: "c", Node: worker(node), Capacity: 8}})
}

// life takes requests through their lives on one node until ctx ends. Chats, and
// what fails, are everybody's.
func (x *nodes) life(ctx context.Context, node int, rnd *rand.Rand, trouble func(cmd bridge.Command, err error) bool) {
	s, from := x.stores[node], x.from(node)
	ok := func(cmd bridge.Command) bool {
		_, err := do(s, cmd)
		if err == nil {
			x.commits.Add(1)
			return true
		}
		if !trouble(cmd, err) {
			x.t.Errorf("%T on node %d: %v", cmd, node, err)
		}
		return false
	}
	chat := bridge.ChatRef("")
	for i := 0; ctx.Err() == nil; i++ {
		submit := &bridge.Submit{AccountID: x.account, Message: "hello", ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 60}
		switch rnd.IntN(3) {
		case 0:
			submit.ChatRef = chat
		case 1:
			submit.IdempotencyKey = fmt.Sprint("key ", x.commits.Load()/8)
		}
		if ok(submit) {
			x.acknowledged(submit)
		}
		if rnd.IntN(3) == 0 {
			x.meddle(s, rnd, trouble)
		}
		claim := &bridge.Claim{AccountID: x.account, Offers: []bridge.Offer{{WorkerID: from.WorkerID, Conn: from.Conn}}, Limit: 1 + rnd.IntN(3)}
		claimed, err := do(s, claim)
		if err != nil {
			if !trouble(claim, err) {
				x.t.Errorf("claim on node %d: %v", node, err)
			}
			continue
		}
		for _, sig := range claimed.Signals {
			x.answer(ok, node, from, sig, rnd, &chat)
		}
	}
}

// meddle does something to a request that may be in anybody's hands.
func (x *nodes) meddle(s *Store, rnd *rand.Rand, trouble func(bridge.Command, error) bool) {
	x.mu.Lock()
	id := ""
	for id = range x.submitted { // any
		break
	}
	x.mu.Unlock()
	var cmd bridge.Command
	switch rnd.IntN(4) {
	case 0:
		cmd = &bridge.Cancel{AccountID: x.account, RequestID: id}
	case 1:
		cmd = &bridge.NextIdle{AccountID: x.account}
	case 2:
		cmd = &bridge.Expire{AccountID: x.account, RequestID: id}
	default:
		cmd = &bridge.TakeSurvey{AccountID: x.account}
	}
	_, err := do(s, cmd)
	if kind := bridge.AsError(err).Kind; err != nil && kind != bridge.Conflict && kind != bridge.NotFound && !trouble(cmd, err) {
		x.t.Errorf("%T: %v", cmd, err)
	}
}

func (x *nodes) acknowledged(m *bridge.Submit) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.submitted[m.Request.ID] = true
	if m.IdempotencyKey != "" {
		if have := x.keys[m.IdempotencyKey]; have != "" && have != m.Request.ID {
			x.t.Errorf("%s made requests %s and %s", m.IdempotencyKey, have, m.Request.ID)
		}
		x.keys[m.IdempotencyKey] = m.Request.ID
	}
}

func (x *nodes) answer(ok func(bridge.Command) bool, node int, from bridge.From, sig bridge.Signal, rnd *rand.Rand, chat *bridge.ChatRef) {
	here := bridge.Here{Node: worker(node), Room: func() bool { return sig.Attempt%2 == 1 }}
	if rnd.IntN(8) == 0 {
		ok(&bridge.Stopped{From: from, RequestID: sig.RequestID, Attempt: sig.Attempt, Here: here})
		return
	}
	if !ok(&bridge.MaySend{From: from, RequestID: sig.RequestID, Attempt: sig.Attempt}) {
		return
	}
	x.mu.Lock()
	x.handed[sig.RequestID]++
	x.mu.Unlock()
	site := fmt.Sprint("site ", x.commits.Load()/64) // now and then the name of another's chat
	end := &bridge.Complete{From: from, RequestID: sig.RequestID, Attempt: sig.Attempt, Answer: bridge.Answer{Response: "Paris.", ChatID: site}, Here: here}
	c, err := do(x.stores[node], end)
	if err != nil {
		ok(end)
		return
	}
	*chat = bridge.ChatRef(site)
	for _, d := range c.Deliveries {
		if d.ClaimedBy != "" {
			ok(&bridge.RecordTry{DeliveryID: d.ID, Node: worker(node), Try: bridge.Try{Status: []int{200, 500}[rnd.IntN(2)]}, Wait: time.Hour, More: true})
		}
	}
	if rnd.IntN(4) == 0 {
		due := &bridge.ClaimDeliveries{Node: worker(node), Limit: 4, PerEndpoint: 4}
		if ok(due) {
			for _, d := range due.Claimed {
				ok(&bridge.RecordTry{DeliveryID: d.ID, Node: worker(node), Try: bridge.Try{Status: 200}})
			}
		}
	}
}

// check looks for what no crowd of nodes may do.
func (x *nodes) check() {
	x.t.Helper()
	for what, text := range map[string]string{
		"gaps in the events":                   `SELECT c.last - count(*) FROM event_counters c JOIN events e USING (account_id) GROUP BY c.account_id, c.last`,
		"events of a request out of order":     `SELECT count(*) FROM events a JOIN events b ON a.request_seq = b.request_seq AND a.seq < b.seq WHERE a.at > b.at`,
		"steps without an event":               `SELECT count(*) FROM requests r WHERE rev <> (SELECT count(*) FROM events e WHERE e.request_seq = r.seq AND e.type <> 'late')`,
		"ends without a delivery":              `SELECT count(*) FROM requests r WHERE status IN ('done', 'failed') AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.request_seq = r.seq)`,
		"ends without an event":                `SELECT count(*) FROM requests r WHERE status IN ('done', 'failed') AND (SELECT count(*) FROM events e WHERE e.request_seq = r.seq AND e.type = 'end') <> 1`,
		"tries that were not counted":          `SELECT count(*) FROM deliveries d WHERE tried <> (SELECT count(*) FROM tries t WHERE t.delivery_id = d.id)`,
		"executing requests without a lease":   `SELECT count(*) FROM requests r WHERE status = 'executing' AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.request_seq = r.seq AND NOT l.cancelled)`,
		"requests that are not listed as open": `SELECT count(*) FROM requests r WHERE (status IN ('idle', 'executing')) <> EXISTS (SELECT 1 FROM open_requests o WHERE o.seq = r.seq AND o.chat_id = r.chat_id)`,
		"workers with more than they can hold": `SELECT count(*) FROM (SELECT 1 FROM leases GROUP BY worker_id HAVING count(*) > 8) x`,
	} {
		if n := number(x.t, x.c, text); n != 0 {
			x.t.Errorf("%d %s", n, what)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.submitted {
		if number(x.t, x.c, `SELECT count(*) FROM requests WHERE id = $1`, id) != 1 {
			x.t.Errorf("request %s was acknowledged and is not there", id)
		}
	}
	for id, n := range x.handed {
		if n > 1 {
			x.t.Errorf("request %s was sent %d times", id, n)
		}
	}
}

// Several nodes at once on one account: no command fails, none of them hands out
// what another has, and everything adds up.
func TestSeveralNodes(t *testing.T) {
	x := newNodes(t, pgtest.URL(t), 3)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 4 * len(x.stores) {
		wg.Go(func() {
			x.life(ctx, i%len(x.stores), rand.New(rand.NewPCG(1, uint64(i))), func(bridge.Command, error) bool { return false })
		})
	}
	wg.Wait()
	x.check()
	t.Logf("%d commands; begun anew: %d deadlocks, %d stale", x.commits.Load(), strings.Count(x.log.String(), deadlock), strings.Count(x.log.String(), errStale.Error()))
	if x.commits.Load() < 100 {
		t.Errorf("only %d commands in five seconds", x.commits.Load())
	}
}
