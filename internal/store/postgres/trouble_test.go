//go:build unix

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
)

// terminate ends all connections of the database but c's own.
const terminate = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

// The server is restarted, and killed, under load: nothing acknowledged is lost or
// done twice, whoever is not served is told Unavailable, and all goes on by itself.
func TestServerRestartsUnderLoad(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{Fsync: true})
	name, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x := newNodes(t, server.URL(name), 2)
	x.c.Close(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told atomic.Int64
	trouble := func(cmd bridge.Command, err error) bool {
		e := bridge.AsError(err)
		if e.Kind == bridge.Unavailable && e.Code == "store_unavailable" && e.RetryAfter > 0 {
			told.Add(1)
			return true
		}
		return false
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { x.life(ctx, i%2, rand.New(rand.NewPCG(2, uint64(i))), trouble) })
	}
	progress := func(what string) {
		t.Helper()
		// A commit of each node from now on, in real time: the server is a real one.
		for deadline, from := time.Now().Add(20*time.Second), x.commits.Load(); x.commits.Load() < from+40; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no progress %s; the log:\n%s", what, x.log.String())
			}
		}
	}
	progress("at first")
	for range 2 {
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		progress("after a restart")
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		progress("after a kill")
	}
	cancel()
	wg.Wait()
	if r, err := x.stores[0].Requests(t.Context(), bridge.RequestFilter{AccountID: x.account, Limit: 1}); err != nil || len(r) != 1 {
		t.Errorf("a query afterwards: %v, %v", r, err)
	}
	x.c = beside(t, server.URL(name))
	x.check()
	t.Logf("%d commands, %d told to try again", x.commits.Load(), told.Load())
	for _, words := range []string{"the database is lost", "the database is back"} {
		if !strings.Contains(x.log.String(), words) {
			t.Errorf("nothing logged says %q", words)
		}
	}
}

// A server that stays away: commands wait for it a little, then are told; later
// ones are told at once; and so are queries.
func TestServerStaysAway(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})
	name, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, server.URL(name))
	mustDo(t, s, setting("a", "1"))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = do(s, setting("a", "2"))
	wantUnavailable(t, err, "Check that PostgreSQL runs")
	if took := time.Since(began); took < patience/2 || took > 2*patience {
		t.Errorf("told after %v", took)
	}
	began = time.Now()
	_, err = do(s, setting("a", "2"))
	wantUnavailable(t, err, "Check that PostgreSQL runs")
	if took := time.Since(began); took > patience/2 {
		t.Errorf("the second was told after %v", took)
	}
	_, err = s.Setting(t.Context(), "a")
	wantUnavailable(t, err, "Check that PostgreSQL runs")
	if strings.Contains(err.Error(), "sslmode") {
		t.Errorf("an error with the URL: %v", err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, setting("a", "3"))
	if got, err := s.Setting(t.Context(), "a"); err != nil || got != "3" {
		t.Errorf("read %q, %v", got, err)
	}
}

// Connections that die while nobody uses them are nobody's trouble.
func TestConnectionsLostIdle(t *testing.T) {
	url, c := database(t)
	s := start(t, url)
	var wg sync.WaitGroup
	for range 20 { // so that several connections wait in the pool
		wg.Go(func() { _ = s.Ping(t.Context()) })
	}
	wg.Wait()
	number(t, c, terminate)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a query: %v", err)
	}
	number(t, c, terminate)
	mustDo(t, s, setting("a", "1"))
}

// A connection that breaks before COMMIT is sent costs nothing but a second
// attempt; one that breaks behind it leaves the outcome unknown, and nothing is
// done again.
func TestConnectionLostInATransaction(t *testing.T) {
	for _, x := range []struct {
		name, trigger string
		decided       int
		lost          bool
	}{
		{"before the commit", `CREATE TRIGGER break AFTER INSERT ON settings FOR EACH ROW EXECUTE FUNCTION break()`, 2, false},
		{"in the commit", `CREATE CONSTRAINT TRIGGER break AFTER INSERT ON settings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break()`, 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			url, c := database(t)
			s := start(t, url)
			exec(t, c, `CREATE SEQUENCE breaks`)
			exec(t, c, `CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('breaks') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
				RETURN NULL; END $$`)
			exec(t, c, x.trigger)
			decided := 0
			_, err := do(s, command{bridge.Needs{Settings: []string{"a"}}, func(f *bridge.Facts) (*bridge.Changes, error) {
				decided++
				return &bridge.Changes{Settings: map[string]string{"a": "1"}}, nil
			}})
			if x.lost {
				wantUnavailable(t, err, "")
			} else if err != nil {
				t.Error(err)
			}
			if decided != x.decided {
				t.Errorf("decided %d times", decided)
			}
			mustDo(t, s, setting("b", "1"))
			if got, err := s.Setting(t.Context(), "b"); err != nil || got != "1" {
				t.Errorf("afterwards read %q, %v", got, err)
			}
		})
	}
}

// A deadlock with somebody else ends by itself.
func TestDeadlock(t *testing.T) {
	url, c := database(t)
	// A session looks for a deadlock once, so long after it began to wait: ours does,
	// and by then the deadlock must be there.
	exec(t, c, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '5s'); END $$`)
	exec(t, c, `SET deadlock_timeout = '1h'`)
	s := start(t, url)
	account := benchAccount(t, s).AccountID
	var ids []string
	for range 2 {
		m := &bridge.Submit{AccountID: account, Message: "hello", ResponseType: "auto", TimeoutSeconds: 60}
		mustDo(t, s, m)
		ids = append(ids, m.Request.ID)
	}
	exec(t, c, `BEGIN`)
	exec(t, c, `SELECT 1 FROM requests WHERE id = $1 FOR UPDATE`, ids[1])
	ended := make(chan error, 1)
	needs := bridge.Needs{Requests: ids}
	s.Post(command{needs, func(f *bridge.Facts) (*bridge.Changes, error) {
		r := f.Requests[ids[1]]
		r.ModeUsed += " ours"
		return &bridge.Changes{Requests: []*bridge.Request{r}}, nil
	}}, func(_ *bridge.Changes, err error) { ended <- err })
	watch := beside(t, url)
	for number(t, watch, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		time.Sleep(5 * time.Millisecond) // a real server's clock
	}
	exec(t, c, `UPDATE requests SET mode_used = 'theirs' WHERE id = $1`, ids[1])
	exec(t, c, `SELECT 1 FROM requests WHERE id = $1 FOR UPDATE`, ids[0]) // which the store holds
	exec(t, c, `COMMIT`)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if r, err := s.Request(t.Context(), ids[1]); err != nil || r.ModeUsed != "theirs ours" {
		t.Errorf("mode_used is %q, %v", r.ModeUsed, err)
	}
}

// What two nodes put in one place at once, one of them sees of the other: by fresh
// facts, not by an error.
func TestTakenPlace(t *testing.T) {
	url, _ := database(t)
	a, b := start(t, url), start(t, url)
	account := benchAccount(t, a).AccountID
	for round := range 30 {
		ready := make(chan struct{})
		type init struct {
			s *Store
			m *bridge.InitSetting
			k *bridge.Submit
			h *bridge.Hello
		}
		var all []*init
		var wg sync.WaitGroup
		for i, s := range []*Store{a, b} {
			v := string(rune('a' + i))
			x := &init{s, &bridge.InitSetting{Name: string(rune('A' + round)), Value: v},
				&bridge.Submit{AccountID: account, Message: "once", ResponseType: "auto", TimeoutSeconds: 60, IdempotencyKey: string(rune('A' + round))},
				&bridge.Hello{Worker: bridge.Worker{AccountID: account, ID: "w" + string(rune('A'+round)), N: int64(1 + i), Conn: v, Node: v, Capacity: 1}}}
			all = append(all, x)
			for _, cmd := range []bridge.Command{x.m, x.k, x.h} {
				wg.Go(func() {
					<-ready
					if _, err := do(s, cmd); err != nil {
						t.Errorf("%T: %v", cmd, err)
					}
				})
			}
		}
		close(ready)
		wg.Wait()
		if t.Failed() {
			return
		}
		stored, err := a.Setting(t.Context(), all[0].m.Name)
		if err != nil || all[0].m.Present != stored || all[1].m.Present != stored {
			t.Errorf("stored is %q, the nodes have %q and %q; %v", stored, all[0].m.Present, all[1].m.Present, err)
		}
		if all[0].k.Request.ID != all[1].k.Request.ID {
			t.Error("one key has made two requests")
		}
		workers, err := a.Workers(t.Context(), account)
		if err != nil || !slices.ContainsFunc(workers, func(w *bridge.Worker) bool { return w.ID == all[0].h.Worker.ID && w.N == 2 }) {
			t.Errorf("the newer hello does not count: %v", err)
		}
	}
}

// A command that would block behind a transaction that stands still is told so in
// the end, and holds nobody else up for good.
func TestStandingTransaction(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a lock is waited for")
	}
	url, c := database(t)
	s := start(t, url)
	mustDo(t, s, setting("a", "1"))
	s.w.config.RuntimeParams["lock_timeout"] = "100ms"
	number(t, c, terminate) // so that it is set
	exec(t, c, `BEGIN`)
	exec(t, c, `SELECT 1 FROM settings FOR UPDATE`)
	_, err := do(s, &bridge.InitSetting{Name: "a", Value: "2"})
	wantUnavailable(t, err, "Another node holds")
	exec(t, c, `ROLLBACK`)
	mustDo(t, s, &bridge.InitSetting{Name: "a", Value: "2"})
}

// A search that is given up ends soon, here and at the server.
func TestCancelledSearch(t *testing.T) {
	url, c := database(t)
	s := start(t, url)
	account := benchAccount(t, s).AccountID
	text := strings.Repeat("k", 1<<16) // of which no part can be narrowed by
	for range 100 {
		mustDo(t, s, &bridge.Submit{AccountID: account, Message: text, ResponseType: "auto", TimeoutSeconds: 60})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := s.Requests(ctx, bridge.RequestFilter{AccountID: account, Contains: text[:500] + "s", Limit: 1})
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
		t.Fatalf("ended with %v after %v", err, took)
	}
	for range 100 {
		if number(t, c, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()`) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond) // a real server's clock
	}
	t.Error("the server goes on searching")
}
