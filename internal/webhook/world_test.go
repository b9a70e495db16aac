package webhook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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
	large  int // texts over keepBody that claims loaded

	endings int
	step    int  // of new deliveries
	crashed bool // first tries are claimed for a node that is no more
	logged  strings.Builder
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
	loop := New(Options{Store: countingReader{w.store, w}, Post: w.post, Node: node, Client: w.client, Rand: func() float64 { return 0.5 },
		Log: slog.New(slog.NewTextHandler(&lockedWriter{w: &w.logged}, nil))})
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
		if claim, ok := cmd.(*bridge.ClaimDeliveries); ok && err == nil {
			w.mu.Lock()
			for _, d := range claim.Claimed {
				if b := d.Request.Body; b != nil && len(b.Response) > keepBody {
					w.large++
				}
			}
			w.mu.Unlock()
		}
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

// command executes one of the domain's.
func (w *world) command(cmd bridge.Command) {
	w.Helper()
	if err := bridge.Do(context.Background(), w.post, cmd); err != nil {
		w.Fatal(err)
	}
}

// limit sets an endpoint's rate limit.
func (w *world) limit(e *bridge.Endpoint, perMinute int) {
	w.Helper()
	w.command(&bridge.UpdateEndpoint{AccountID: w.account.ID, EndpointID: e.ID, Fields: bridge.EndpointFields{RateLimit: &perMinute}})
}

// counted is how often the loop has looked and claimed since the last call.
func (w *world) counted() (looks, claims int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	looks, claims = w.looks, w.claims
	w.looks, w.claims = 0, 0
	return looks, claims
}

// idle checks that the loop holds nothing.
func (w *world) idle() {
	w.Helper()
	ls := &w.loop.lanes
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if n := len(ls.held) + len(ls.lanes) + len(ls.back) + len(ls.pool.running) + len(ls.pool.taken); n != 0 || ls.pool.free != defaultConcurrency {
		w.Errorf("%d things are still held, %d places are free", n, ls.pool.free)
	}
}

// lockedWriter lets several goroutines write.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
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
				if w.loop.Room() && !d.Endpoint.Open() {
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
	body := readAll(r)
	w.mu.Lock()
	w.hits = append(w.hits, hit{r.Host, r.Header.Get(HeaderID), body, time.Since(w.begun)})
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
