// Package actors plays who lives around servers under load: clients, readers of
// streams, workers of both dialects, the chat site behind them, and webhook
// receivers that behave well and badly. They write down what they saw, in a
// [Book], so that it can be compared with what the servers know at the end.
//
// What they keep of a text is its digest: a run over 100,000 requests takes some
// 100 MB. A promise that is broken on the way is noted as a fault; nothing here
// ends a test by itself.
package actors

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatbridge/internal/client"
)

const (
	// timeout is the timeout_seconds of every request: a hand-over whose worker
	// died after go ends while the test still waits.
	timeout = 5
	// openWithin is how long an account's feed may take to open.
	openWithin = 60 * time.Second
	// idleConns is how many connections are kept for the next call.
	idleConns = 64
)

// Options sets up a [World].
type Options struct {
	Seed  uint64   // what the actors' dice begin with
	Bases []string // the servers' addresses, http://…; each connection picks one
	// Parallel is how many requests one client has under way; 0: 4.
	Parallel int
	// Capacity is how many requests one chatbridge.v1 worker answers at once; 0: 4.
	Capacity int
	// Pause is how long a client waits between two submissions at most; 0: 60 ms.
	Pause time.Duration
	// Quick makes the site answer five times as fast.
	Quick bool
}

// World is one run: who takes part in it and what they saw.
type World struct {
	Options
	Site *Site
	Book *Book
	Sink *Sink
	Web  *http.Transport
	// Accounts are those under load.
	Accounts []Account
	// Quota is how many requests may still be made; 0 or less ends the load.
	Quota atomic.Int64
	// Clients are the clients and their readers, each until all that it submitted
	// has ended.
	Clients sync.WaitGroup
	// Ctx ends with the test; all actors end with it.
	Ctx context.Context

	t      testing.TB
	wg     sync.WaitGroup // all actors; the cleanup waits for it
	actors int            // how many have dice
}

// Account is one of the accounts under load.
type Account struct {
	ID   int64 // 0 where nobody asks
	Name string
	Key  string
}

// New makes a world with nobody in it. What is added to it ends when the test
// ends.
func New(t testing.TB, opt Options) *World {
	opt.Parallel, opt.Capacity = max(opt.Parallel, 4), max(opt.Capacity, 4)
	if opt.Pause == 0 {
		opt.Pause = 60 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &World{t: t, Options: opt, Book: NewBook(), Ctx: ctx, Web: &http.Transport{MaxIdleConnsPerHost: idleConns, DisableCompression: true}}
	w.Site = &Site{book: w.Book, pressed: map[string]*press{}, quick: opt.Quick}
	w.Sink = NewSink(t, w.Book)
	w.Quota.Store(1 << 40)
	t.Cleanup(func() {
		cancel()
		w.wg.Wait()
		w.Web.CloseIdleConnections()
	})
	return w
}

// Go runs an actor; the cleanup waits for it. It must end with Ctx.
func (w *World) Go(run func()) { w.wg.Go(run) }

// Dice are an actor's own: their numbers do not depend on the other actors.
func (w *World) Dice() *rand.Rand {
	w.actors++
	return rand.New(rand.NewPCG(w.Seed, uint64(w.actors)))
}

// Between is a random time.
func Between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// base is the server that a new connection goes to.
func (w *World) base() string { return w.Bases[rand.IntN(len(w.Bases))] }

// API is the client API at some server.
func (w *World) API(key string) *client.Client {
	c, err := client.New(w.base(), key, w.Web)
	if err != nil {
		panic(err) // the addresses are ours
	}
	return c
}

// Sleep waits, unless ctx ends first: then it returns false.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var quiet = slog.New(slog.DiscardHandler)

func given(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
