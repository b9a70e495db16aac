// Package worker is the Go side of chatbridge.v1: a client that takes requests
// from a bridge, has a Backend answer them, and reports what came of them.
//
// Its one promise is that a request reaches the backend at most once. What
// cannot be undone is written down first: the bridge stores "may be sent" before
// it says go, the worker stores "submitted" before it calls the backend, and one
// that wakes up with "submitted" stored never calls again.
//
// One goroutine, Run's loop, owns all state. Others (the reader of the socket,
// one for each running answer, the health check) only hand it functions to run
// or wake it; Run waits for all of them. Time, channels and contexts are all it
// uses, so that it runs in a testing/synctest bubble with a Conn made of channels.
package worker

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"chatbridge/protocol"
)

// Config says who the worker is and what it works with.
type Config struct {
	// Dial opens a connection to the bridge. See WebSocket for the usual one.
	Dial func(ctx context.Context) (Conn, error)
	// Key is an API key with the scope worker.
	Key string
	// Backend answers.
	Backend Backend
	// Store keeps what must outlive the process. Two workers never share one.
	Store Store
	// WorkerID is the worker's lasting name. Empty: the one in Store, or a new
	// random one that is then kept there.
	WorkerID string
	// Name, Version and Site are shown in the bridge's admin panel.
	Name, Version, Site string
	// Capacity is how many requests are answered at once; 0 means 1, the most
	// is protocol.MaxCapacity.
	Capacity int
	// ResponseTypes are those that the backend can give; none means all.
	ResponseTypes []string
	// Logger is told about connections and failures. Nil: slog.Default.
	Logger *slog.Logger
	// Jitter returns numbers in [0, 1) that spread reconnects. Nil: random.
	Jitter func() float64
}

// Worker is one worker. Make it with New and run it once.
type Worker struct {
	cfg  Config
	log  *slog.Logger
	do   chan func()   // what the loop is to run for others
	wake chan struct{} // a running answer has new text
	all  sync.WaitGroup

	// What follows belongs to Run's loop.
	ctx       context.Context // of everything the loop starts
	id        string
	n         int64
	attempts  map[protocol.Ref]*attempt
	link      *link     // nil between connections
	dialAt    time.Time // when to connect, while link is nil
	failures  int       // connections in a row that did not last
	stopCheck context.CancelFunc
	unknown   map[string]bool // types already logged as unknown
	final     error           // set: the loop ends with it
}

// maxUnknown bounds how many unknown types are remembered, and so logged.
const maxUnknown = 32

// New checks the settings. It connects to nothing yet.
func New(cfg Config) (*Worker, error) {
	cfg.Capacity = cmp.Or(cfg.Capacity, 1)
	switch {
	case cfg.Dial == nil || cfg.Backend == nil || cfg.Store == nil:
		return nil, errors.New("make worker: Dial, Backend and Store are needed")
	case cfg.Key == "":
		return nil, errors.New("make worker: a key is needed; the admin panel shows one for each account")
	case cfg.Capacity < 1 || cfg.Capacity > protocol.MaxCapacity:
		return nil, fmt.Errorf("make worker: capacity %d is not 1 to %d", cfg.Capacity, protocol.MaxCapacity)
	case len(cfg.WorkerID) > protocol.MaxIDBytes:
		return nil, fmt.Errorf("make worker: the worker id has more than %d bytes", protocol.MaxIDBytes)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Jitter == nil {
		cfg.Jitter = mathrand.Float64
	}
	return &Worker{
		cfg: cfg, log: cfg.Logger,
		do: make(chan func()), wake: make(chan struct{}, 1),
		attempts: map[protocol.Ref]*attempt{}, unknown: map[string]bool{},
		stopCheck: func() {},
	}, nil
}

// Run works until ctx ends, then returns nil: it closes the socket, stops the
// backend, keeps what it has, and finishes nothing. Before that it returns only
// what cannot mend itself: a *ByeError, or a Store that cannot be read or does
// not take the worker's number. It must be called once.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.load(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	var stop context.CancelFunc
	w.ctx, stop = context.WithCancel(ctx)
	defer func() {
		if w.link != nil {
			w.hangUp("the worker stops")
		}
		stop()
		w.all.Wait()
		w.keepRunning()
	}()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := w.tend()
		if w.final != nil {
			return w.final
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return nil
		case f := <-w.do:
			f()
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// post has the loop run f; false means that the loop has ended.
func (w *Worker) post(f func()) bool {
	select {
	case w.do <- f:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// never is later than any deadline of the worker: it only ends an idle sleep.
const never = time.Hour

// tend does all that is due and returns when something is due next.
func (w *Worker) tend() time.Time {
	now := time.Now()
	next := now.Add(never)
	for _, a := range w.attempts {
		next = earlier(next, w.tendAttempt(a, now))
	}
	return earlier(next, w.tendLink(now))
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// identity is kept under the name identityName.
type identity struct {
	WorkerID string `json:"worker_id"`
	N        int64  `json:"n"`
}

const identityName = "worker"

// load reads who the worker is and what it had not forgotten when it ended.
func (w *Worker) load() error {
	var who identity
	data, err := w.cfg.Store.Get(identityName)
	switch {
	case errors.Is(err, ErrNotKept):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(data, &who); err != nil {
			return fmt.Errorf("read the worker's own record: %w; remove its state folder to begin anew", err)
		}
	}
	w.id = cmp.Or(w.cfg.WorkerID, who.WorkerID, "w_"+strings.ToLower(rand.Text()))
	w.n = who.N

	names, err := w.cfg.Store.List(attemptPrefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := w.cfg.Store.Get(name)
		if err != nil {
			return err
		}
		a := &attempt{name: name, text: &text{}}
		if err := json.Unmarshal(data, &a.record); err != nil || a.Request.RequestID == "" {
			// Left out of holding, it counts as lost, which is the truth.
			w.log.Warn("worker: a kept request cannot be read and is lost", "name", name, "error", err)
			if err := w.cfg.Store.Delete(name); err != nil {
				return err
			}
			continue
		}
		w.attempts[a.Request.Ref] = a
		if a.Result == nil && a.submitted() {
			w.fail(a, &Failure{Code: protocol.CodeWorkerLost, Sentence: "The worker was restarted after the message may have been sent. It was not sent again: look whether an answer came, or send it again yourself."})
		}
	}
	return nil
}

// raise makes n larger than any before, durably. It is at least the time in
// milliseconds, so that a worker that lost its storage still counts as newer.
func (w *Worker) raise() error {
	w.n = max(w.n+1, time.Now().UnixMilli())
	data, err := json.Marshal(identity{w.id, w.n})
	if err != nil {
		return fmt.Errorf("raise the worker's number: %w", err)
	}
	if err := w.cfg.Store.Put(identityName, data); err != nil {
		return fmt.Errorf("raise the worker's number, without which it must not connect: %w", err)
	}
	return nil
}
