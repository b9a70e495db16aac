package crash

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
	// settleWithin is how long everything may take to end once the load stops:
	// the timeout of what is lost, and a second try of its webhook.
	settleWithin = 60 * time.Second
	// parallel is how many requests one client has under way.
	parallel = 4
)

// world is one run: who takes part in it and what they saw.
type world struct {
	t     testing.TB
	seed  uint64
	bases []string // the servers' addresses, http://…; each connection picks one
	site  *site
	book  *book
	sink  *sink
	web   *http.Transport

	ctx      context.Context // ends with the test
	wg       sync.WaitGroup  // all actors; the cleanup waits for it
	clients  sync.WaitGroup
	quota    atomic.Int64 // how many requests may still be made; 0 ends the load
	actors   int          // how many have dice
	accounts []account    // those under load
}

func newWorld(t testing.TB, bases ...string) *world {
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{t: t, seed: *seedFlag, bases: bases, book: newBook(), ctx: ctx, web: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	w.site = &site{book: w.book, pressed: map[string]*press{}}
	w.sink = newSink(t, w)
	w.quota.Store(1 << 40)
	t.Cleanup(func() {
		cancel()
		w.wg.Wait()
		w.web.CloseIdleConnections()
	})
	return w
}

// dice are an actor's own: their numbers do not depend on the other actors.
func (w *world) dice() *rand.Rand {
	w.actors++
	return rand.New(rand.NewPCG(w.seed, uint64(w.actors)))
}

// between is a random time.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// base is the server that a new connection goes to.
func (w *world) base() string { return w.bases[rand.IntN(len(w.bases))] }

// api is the client API at some server.
func (w *world) api(key string) *client.Client {
	c, err := client.New(w.base(), key, w.web)
	if err != nil {
		panic(err) // the addresses are ours
	}
	return c
}

// sleep waits, unless ctx ends first: then it returns false.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// account is one of the accounts under load.
type account struct {
	key  string
	name string // its path at the sink
}

var quiet = slog.New(slog.DiscardHandler)
