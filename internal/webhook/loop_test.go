package webhook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/sqlite"
)

// world is a store, a loop on it and a receiver that stands for every
// endpoint, told apart by host; all in one bubble.
type world struct {
	*testing.T
	store   *sqlite.Store
	client  *Client
	loop    *Loop
	account *bridge.Account
	stop    context.CancelFunc
	stopped chan struct{}

	mu     sync.Mutex
	begun  time.Time
	hits   []hit
	answer map[string]http.HandlerFunc // by host; none: 200
	refuse func(bridge.Command) error  // an error instead of executing it
	looks  int                         // calls of NextTry
	claims int

	endings int
	step    int  // of new deliveries
	crashed bool // first tries are claimed for a node that is no more
}

type hit struct {
	host, id, body string
	at             time.Duration // since the world began
}

// inWorld runs fn in a bubble in which a loop runs.
func inWorld(t *testing.T, fn func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, begun: time.Now(), answer: map[string]http.HandlerFunc{}}
		var err error
		if w.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: ":memory:"}); err != nil {
			t.Fatal(err)
		}
		pipes := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		srv := &http.Server{Handler: w, ErrorLog: quiet()}
		served := make(chan struct{})
		go func() { defer close(served); _ = srv.Serve(pipes) }() // waited for below
		w.client = NewClient(ClientOptions{Own: func(*url.URL) bool { return true }, DialOwn: pipes.dial})

		w.account = &bridge.Account{Email: "a@example.com", Active: true, CreatedAt: time.Now(), UpdatedAt: time.Now()}
		w.do(func(*bridge.Facts) *bridge.Changes { return &bridge.Changes{Accounts: []*bridge.Account{w.account}} })
		w.start("n1")
		defer func() { // also when a test gives up
			w.halt()
			w.client.Close()
			_ = srv.Close()
			<-served
			if err := w.store.Close(); err != nil {
				t.Error(err)
			}
		}()
		fn(w)
	})
}

func (w *world) start(node string) {
	ctx, stop := context.WithCancel(w.Context())
	w.stop, w.stopped = stop, make(chan struct{})
	loop := New(Options{Store: countingReader{w.store, w}, Post: w.post, Node: node, Client: w.client, Rand: func() float64 { return 0.5 }})
	w.loop = loop
	done := w.stopped
	go func() { defer close(done); _ = loop.Run(ctx) }() // halt waits for it
	synctest.Wait()
}

// halt stops the loop and waits for it.
func (w *world) halt() { w.stop(); <-w.stopped }

// post is a node's: what is committed is told to the room first.
func (w *world) post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	w.mu.Lock()
	if _, ok := cmd.(*bridge.ClaimDeliveries); ok {
		w.claims++
	}
	refuse := w.refuse
	w.mu.Unlock()
	if refuse != nil {
		if err := refuse(cmd); err != nil {
			done(nil, err)
			return
		}
	}
	w.store.Post(cmd, func(c *bridge.Changes, err error) {
		if err == nil && w.loop != nil {
			w.loop.Committed(c)
		}
		done(c, err)
	})
}

type countingReader struct {
	bridge.Reader
	w *world
}

func (r countingReader) NextTry(ctx context.Context) (time.Time, error) {
	r.w.mu.Lock()
	r.w.looks++
	r.w.mu.Unlock()
	return r.Reader.NextTry(ctx)
}

// change is a command of these tests.
type change struct {
	needs  bridge.Needs
	decide func(*bridge.Facts) *bridge.Changes
}

func (c *change) Needs() bridge.Needs { return c.needs }
func (c *change) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	out := c.decide(f)
	out.Now = f.Now
	return out, nil
}

func (w *world) do(decide func(*bridge.Facts) *bridge.Changes) {
	w.Helper()
	var needs bridge.Needs
	if w.account.ID != 0 {
		needs = bridge.Needs{AccountID: w.account.ID, Endpoints: true}
	}
	if err := bridge.Do(context.Background(), w.post, &change{needs, decide}); err != nil {
		w.Fatal(err)
	}
}

// endpoint adds one with this host.
func (w *world) endpoint(host string, answer http.HandlerFunc) *bridge.Endpoint {
	w.Helper()
	if answer != nil {
		w.mu.Lock()
		w.answer[host] = answer
		w.mu.Unlock()
	}
	e := &bridge.Endpoint{AccountID: w.account.ID, URL: "https://" + host + "/hook", Format: "guide", Enabled: true, Secret: vectorSecret, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	w.do(func(*bridge.Facts) *bridge.Changes { return &bridge.Changes{Endpoints: []*bridge.Endpoint{e}} })
	return e
}

// end stores the end of n requests that owe a delivery to each of these
// endpoints, all in one commit, and claims the first tries as ends do.
func (w *world) end(n int, response string, endpoints ...*bridge.Endpoint) []*bridge.Request {
	w.Helper()
	var out []*bridge.Request
	w.do(func(f *bridge.Facts) *bridge.Changes {
		c := &bridge.Changes{}
		out = nil
		for range n {
			w.endings++
			chat := &bridge.Chat{AccountID: w.account.ID, CreatedAt: f.Now, UpdatedAt: f.Now}
			r := &bridge.Request{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", w.endings), AccountID: w.account.ID, Chat: chat, ResponseType: "auto", ThinkingTime: "standard",
				TimeoutSeconds: 60, Status: bridge.Done, QueuedAt: f.Now, CompletedAt: f.Now, Body: &bridge.Body{Message: "m", Response: response}}
			c.Chats, c.Requests, out = append(c.Chats, chat), append(c.Requests, r), append(out, r)
			for _, e := range endpoints {
				i := slices.IndexFunc(f.Endpoints, func(x *bridge.Endpoint) bool { return x.ID == e.ID })
				d := &bridge.Delivery{WebhookID: fmt.Sprintf("msg_%d_%d", w.endings, e.ID), AccountID: w.account.ID, Endpoint: f.Endpoints[i], Request: r,
					Status: bridge.DeliveryPending, Step: w.step, NextTryAt: f.Now, CreatedAt: f.Now}
				if w.loop.Room() {
					d.ClaimedBy, d.ClaimedUntil = w.loop.opt.Node, f.Now.Add(bridge.ClaimLasts)
					if w.crashed {
						d.ClaimedBy = "crashed"
					}
				}
				c.Deliveries = append(c.Deliveries, d)
			}
		}
		return c
	})
	return out
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	_, _ = fmt.Fprint(&body, readAll(r))
	w.mu.Lock()
	w.hits = append(w.hits, hit{r.Host, r.Header.Get(HeaderID), body.String(), time.Since(w.begun)})
	answer := w.answer[r.Host]
	w.mu.Unlock()
	if answer != nil {
		answer(rw, r)
	}
}

// seen returns the hits of a host.
func (w *world) seen(host string) (out []hit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hits {
		if h.host == host {
			out = append(out, h)
		}
	}
	return out
}

// delivery is the one that a request owes, with its tries.
func (w *world) delivery(r *bridge.Request) (*bridge.Delivery, []*bridge.Try) {
	w.Helper()
	ds, err := w.store.Deliveries(w.Context(), r.Seq)
	if err != nil || len(ds) != 1 {
		w.Fatalf("deliveries of %s: %v, %v", r.ID, ds, err)
	}
	tries, err := w.store.Tries(w.Context(), ds[0].ID)
	if err != nil {
		w.Fatal(err)
	}
	return ds[0], tries
}

// wait lets d pass and everything settle.
func wait(d time.Duration) { time.Sleep(d); synctest.Wait() }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hang answers after d, or never if the client goes first.
func hang(d time.Duration) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	}
}

func TestFirstTryLeavesAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		wait(7 * time.Second)
		r := w.end(1, "hello", e)[0]
		synctest.Wait()
		d, tries := w.delivery(r)
		hits := w.seen("a")
		if len(hits) != 1 || hits[0].at != 7*time.Second || d.Status != bridge.DeliveryDelivered || len(tries) != 1 || tries[0].Status != 200 || tries[0].Number != 1 {
			t.Fatalf("hits %v, delivery %+v, tries %v", hits, d, tries)
		}
		if !strings.Contains(hits[0].body, `"response":"hello"`) || hits[0].id != d.WebhookID {
			t.Errorf("sent %+v", hits[0])
		}
		if w.claims != 0 {
			t.Errorf("%d claims for a first try", w.claims)
		}
	})
}

func TestRetriesFollowTheSchedule(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.end(1, "x", w.endpoint("a", status(500)))[0]
		var want time.Duration
		for i, wait := range schedule[:5] {
			want += wait
			time.Sleep(wait)
			synctest.Wait()
			hits := w.seen("a")
			if len(hits) != i+1 || (hits[i].at-want).Abs() > 100*time.Millisecond {
				t.Fatalf("try %d: hits %v, want one at %v", i+1, hits, want)
			}
		}
		if d, tries := w.delivery(r); d.Status != bridge.DeliveryFailing || d.Step != 5 || len(tries) != 5 || tries[4].Error == "" {
			t.Errorf("%+v %v", d, tries)
		}
	})
}

func TestDeadAfterTheSchedule(t *testing.T) {
	inWorld(t, func(w *world) {
		w.step = len(schedule) - 1
		r := w.end(1, "x", w.endpoint("a", status(500)))[0]
		wait(time.Hour)
		if d, tries := w.delivery(r); d.Status != bridge.DeliveryDead || len(tries) != 1 || len(w.seen("a")) != 1 {
			t.Errorf("%s after %d tries, %d hits", d.Status, len(tries), len(w.seen("a")))
		}
	})
}

func TestRetryAfterPostpones(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(429)
		})
		w.end(1, "x", e)
		wait(599 * time.Second)
		if n := len(w.seen("a")); n != 1 {
			t.Fatalf("%d tries before the time it asked for", n)
		}
		wait(2 * time.Second)
		if n := len(w.seen("a")); n != 2 {
			t.Fatalf("%d tries after it", n)
		}
	})
}

// Endpoints that hang, many of them and with much to do, delay no other: not
// its first tries, not its retries.
func TestOneEndpointsTroubleDelaysNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		good := w.endpoint("good", nil)
		retried := w.endpoint("retried", func(rw http.ResponseWriter, _ *http.Request) {
			if len(w.seen("retried")) == 1 {
				rw.WriteHeader(500)
			}
		})
		var bad []*bridge.Endpoint
		for i := range 20 {
			bad = append(bad, w.endpoint(fmt.Sprint("bad", i), hang(time.Hour)))
		}
		w.end(30, "x", bad...)
		w.end(1, "x", retried)
		for i := range 120 {
			w.end(1, "x", good)
			wait(time.Second)
			if n := len(w.seen("good")); n != i+1 {
				t.Fatalf("second %d: %d deliveries of %d within a second", i, n, i+1)
			}
		}
		if hits := w.seen("retried"); len(hits) != 2 || (hits[1].at-5*time.Second).Abs() > lookBehind+100*time.Millisecond {
			t.Errorf("retried: %v", hits)
		}
		if n := len(w.seen("bad0")); n < 4 {
			t.Errorf("the hanging ones were tried %d times in two minutes", n)
		}
	})
}

func TestGoneSwitchesOff(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			rw.WriteHeader(410)
		})
		w.end(100, "x", e)
		wait(time.Hour)
		if n := len(w.seen("a")); n > defaultPerEndpoint {
			t.Errorf("%d tries; only those in flight may still come", n)
		}
	})
}

// What a node claimed and did not try, and what was owed while no loop ran, is
// found.
func TestNothingIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		w.halt()
		w.end(3, "x", e) // no room: not claimed
		before := time.Since(w.begun)
		w.start("n2")
		if hits := w.seen("a"); len(hits) != 3 || hits[0].at != before {
			t.Fatalf("after the start: %v", hits)
		}
		w.halt()
		w.start("n3")
		w.crashed = true
		w.end(3, "x", e)
		wait(59 * time.Second)
		if n := len(w.seen("a")); n != 3 {
			t.Fatalf("%d tries while the claim lasts", n)
		}
		wait(6 * time.Second)
		if n := len(w.seen("a")); n != 6 {
			t.Fatalf("%d tries after it", n)
		}
	})
}

func TestStop(t *testing.T) {
	inWorld(t, func(w *world) {
		slow, stuck := w.endpoint("slow", hang(3*time.Second)), w.endpoint("stuck", hang(time.Hour))
		finished, broken := w.end(1, "x", slow)[0], w.end(1, "x", stuck)[0]
		queued := w.end(20, "x", slow)
		synctest.Wait()
		begun := time.Now()
		w.halt()
		if took := time.Since(begun); took != grace {
			t.Errorf("stopped after %v", took)
		}
		if d, _ := w.delivery(finished); d.Status != bridge.DeliveryDelivered {
			t.Errorf("a try that finished in the grace is %s", d.Status)
		}
		if d, tries := w.delivery(broken); d.Status != bridge.DeliveryPending || d.Step != 0 || len(tries) != 0 {
			t.Errorf("a try that was broken off: %+v %v", d, tries)
		}
		if n := len(w.seen("slow")); n != defaultPerEndpoint {
			t.Errorf("%d tries, also after the stop", n)
		}
		w.start("n2")
		wait(2 * time.Minute)
		if d, _ := w.delivery(queued[19]); d.Status != bridge.DeliveryDelivered {
			t.Errorf("what waited at the stop is %s", d.Status)
		}
	})
}

// A store that cannot write for a moment does not make a webhook come twice.
func TestStoreTroubleWhileRecording(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		failures := 0
		w.refuse = func(cmd bridge.Command) error {
			if _, ok := cmd.(*bridge.RecordTry); ok && failures < 3 {
				failures++
				return bridge.Errorf(bridge.Unavailable, "store_unavailable", "The disk is full.")
			}
			return nil
		}
		r := w.end(1, "x", e)[0]
		wait(2 * time.Minute)
		if d, _ := w.delivery(r); d.Status != bridge.DeliveryDelivered || len(w.seen("a")) != 1 || failures != 3 {
			t.Errorf("%s, %d tries, %d failures", d.Status, len(w.seen("a")), failures)
		}
	})
}

// Far more than fits at once arrives, each once, and soon.
func TestBurst(t *testing.T) {
	inWorld(t, func(w *world) {
		e, other := w.endpoint("a", hang(10*time.Millisecond)), w.endpoint("b", nil)
		for range 4 {
			w.end(400, "x", e)
		}
		w.end(1, "x", other)
		wait(10 * time.Second)
		hits := w.seen("a")
		ids := map[string]bool{}
		for _, h := range hits {
			ids[h.id] = true
		}
		if len(hits) != 1600 || len(ids) != 1600 {
			t.Errorf("%d tries of %d deliveries, want 1600", len(hits), len(ids))
		}
		if hits := w.seen("b"); len(hits) != 1 || hits[0].at > time.Second {
			t.Errorf("another endpoint meanwhile: %v", hits)
		}
		w.loop.lanes.mu.Lock()
		defer w.loop.lanes.mu.Unlock()
		if n := len(w.loop.lanes.held) + len(w.loop.lanes.lanes) + w.loop.lanes.shared; n != 0 {
			t.Errorf("%d things are still held", n)
		}
	})
}

// Large texts are not kept while they wait, and arrive whole.
func TestLargeTexts(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", hang(time.Second))
		text := strings.Repeat("é", keepBody)
		w.end(20, text, e)
		synctest.Wait()
		w.loop.lanes.mu.Lock()
		for _, la := range w.loop.lanes.lanes {
			for _, waiting := range la.waiting {
				if waiting.delivery.Request.Body != nil {
					t.Error("a large text is kept")
				}
			}
		}
		w.loop.lanes.mu.Unlock()
		wait(5 * time.Second)
		if hits := w.seen("a"); len(hits) != 20 || !strings.Contains(hits[19].body, text) {
			t.Errorf("%d arrived", len(hits))
		}
	})
}

// What waits goes to where the endpoint is now.
func TestEndpointChangesWhileDeliveriesWait(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("old", hang(time.Second))
		w.answer["new"] = hang(time.Second)
		w.end(10, "x", e)
		synctest.Wait()
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].URL = "https://new/hook"
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		wait(3 * time.Second)
		if old, now := len(w.seen("old")), len(w.seen("new")); old != 8 || now != 2 {
			t.Errorf("%d to the old URL, %d to the new", old, now)
		}
		w.end(20, "x", e)
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].Enabled = false
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		wait(time.Hour)
		if now := len(w.seen("new")); now > 2+8 {
			t.Errorf("%d to an endpoint that is off", now)
		}
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].Enabled = true
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		wait(2 * time.Minute)
		if now := len(w.seen("new")); now != 22 {
			t.Errorf("%d after it is on again, want 22", now)
		}
	})
}

func TestIdleCostsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end(1, "x", w.endpoint("a", nil))
		wait(0)
		w.mu.Lock()
		w.looks, w.claims = 0, 0
		w.mu.Unlock()
		wait(time.Hour)
		if w.looks > 720 || w.claims != 0 {
			t.Errorf("%d looks and %d claims in an idle hour", w.looks, w.claims)
		}
	})
}

func TestNewFillsInDefaults(t *testing.T) {
	l := New(Options{})
	if l.opt.Concurrency != defaultConcurrency || l.opt.PerEndpoint != defaultPerEndpoint || l.opt.Rand == nil || l.opt.Log == nil {
		t.Errorf("%+v", l.opt)
	}
	if l.Room() {
		t.Error("there is room in a loop that does not run")
	}
	l.Committed(nil)
	l.Committed(&bridge.Changes{Deliveries: []*bridge.Delivery{{ID: 1, NextTryAt: time.Now(), Endpoint: &bridge.Endpoint{Enabled: true}}}})
}
