package sim

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/node"
)

var errCrashed = errors.New("the node has crashed")

// host is a place where a node lives, crashes and is started again.
type host struct {
	s    *sim
	name string
	dice dice
	life *life // nil while it is down
	born int
}

// life is a node from one start to its end.
type life struct {
	h      *host
	node   *node.Node
	bus    *local.Node
	ctx    context.Context
	cancel context.CancelFunc
	ready  bool // Begin has come through: it takes connections
	dead   bool
	conns  []*conn
	silent sync.Map // names of sockets that were told to close

	queue    []job // posted, not yet executed
	flushing bool
	told     time.Time // when the last commit is heard of: they are heard in order
	unheard  []func(err error)
	alone    atomic.Bool // one commit is heard of, and no other near it
}

type job struct {
	cmd  bridge.Command
	done func(*bridge.Changes, error)
}

func (h *host) start() {
	h.born++
	h.s.logf("", "%s starts", h.name)
	l := &life{h: h, bus: h.s.bus.Node()}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	h.life = l
	l.node = node.New(node.Options{
		Name: h.name, Store: &lifeStore{h.s.store, l}, Bus: lossyBus{l.bus, h.s}, Log: slog.New(slog.DiscardHandler),
		StreamURL: func(id string) string { return "/api/sse/" + id + "/" },
	})
	go func() { // the bubble waits for it
		if l.node.Begin(l.ctx) != nil {
			return
		}
		h.s.post(h.name, func() { l.ready = !l.dead })
		_ = l.node.Run(l.ctx) // ends with ctx, without an error
	}()
}

// crash ends the node as a kill does: what it had not committed is gone, what it
// had committed but not heard of it never hears, and of what it had sent some
// arrives and some does not.
func (h *host) crash(why string) {
	l := h.life
	if l == nil {
		return
	}
	h.s.logf("", "%s %s", h.name, why)
	h.life = nil
	l.dead, l.ready = true, false
	for _, c := range l.conns {
		c.lose()
		c.serverEnds()
	}
	l.cancel()
	l.bus.Close()
	for _, j := range l.queue {
		j.done(nil, errCrashed)
	}
	for _, tell := range l.unheard {
		tell(errCrashed)
	}
	l.queue, l.unheard = nil, nil
}

// enqueue takes a command; the store takes it in a moment, with all that have
// come by then.
func (l *life) enqueue(j job) {
	if l.dead {
		j.done(nil, errCrashed)
		return
	}
	l.queue = append(l.queue, j)
	if !l.flushing {
		l.flushing = true
		l.h.s.after(l.delay(), l.flush)
	}
}

// delay is how long the store takes: mostly nothing worth a step of its own.
func (l *life) delay() time.Duration {
	if !l.h.s.faults(slowStore) {
		return 0
	}
	d := l.h.dice
	if d.chance(0.5) {
		return 0
	}
	return d.seldom(0.05, 0, 20*time.Millisecond, 20*time.Millisecond, 5*time.Second)
}

// flush has the store execute what is queued, and the node hear of it later.
func (l *life) flush() {
	if l.dead {
		return
	}
	batch := l.queue
	l.queue, l.flushing = nil, false
	type result struct {
		job
		changes *bridge.Changes
		err     error
	}
	s := l.h.s
	var results []result // in the order of the commits; of the store's writer until executed is done
	var executed sync.WaitGroup
	for _, j := range batch {
		executed.Add(1)
		s.store.Post(s.mutated(j.cmd), func(c *bridge.Changes, err error) {
			results = append(results, result{j, c, err})
			executed.Done()
		})
	}
	executed.Wait()
	s.commits.Add(1)
	for _, r := range results {
		s.ledger.observe(l, plain(r.cmd), r.changes, r.err)
	}
	at := time.Now().Add(l.delay())
	if at.Before(l.told) {
		at = l.told
	}
	l.told = at
	for _, r := range results {
		l.unheard = append(l.unheard, func(err error) {
			if err == nil {
				r.done(r.changes, r.err)
			} else {
				r.done(nil, err)
			}
		})
	}
	s.at(at, func() {
		l.alone.Store(len(batch) == 1)
		defer l.alone.Store(false)
		for range min(len(batch), len(l.unheard)) {
			tell := l.unheard[0]
			l.unheard = l.unheard[1:]
			tell(nil)
		}
	})
}

// lifeStore is the shared store as one life of a node has it. What is asked
// again and again while nothing happens is remembered from commit to commit.
type lifeStore struct {
	bridge.Store
	l *life
}

func (s *lifeStore) Post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	l, m := s.l, s.l.h.s.mutation
	if claim, ok := cmd.(*bridge.Claim); ok {
		l.checkOffers(claim)
	}
	l.h.s.post(l.h.name, func() {
		if m != nil && m.early != nil && m.early(cmd) && !l.dead {
			l.tooEarly(job{cmd, done})
			return
		}
		l.enqueue(job{cmd, done})
	})
}

// checkOffers: a socket that was told to close, because its worker was silent,
// is offered nothing more. What is handed to it would be lost, and three lost
// hand-overs fail a request.
func (l *life) checkOffers(claim *bridge.Claim) {
	for _, o := range claim.Offers {
		if _, silent := l.silent.Load(o.Conn); silent {
			l.h.s.failf("a silent socket is closed", "", "%s is offered work by %s, which was told to close", o.WorkerID, o.Conn)
		}
	}
}

// memory holds answers of the store that are true until the next commit.
type memory struct {
	mu      sync.Mutex
	version int64
	nextDue time.Time
	hasDue  bool
	nextTry time.Time
	hasTry  bool
	last    map[int64]int64
}

// remembered returns the answer under which key finds one, or asks.
func remembered[T any](s *lifeStore, look func(*memory) (T, bool), ask func() (T, error), keep func(*memory, T)) (T, error) {
	m, version := &s.l.h.s.memory, s.l.h.s.commits.Load()
	m.mu.Lock()
	if m.version != version {
		m.version, m.hasDue, m.hasTry = version, false, false
		clear(m.last)
	}
	v, ok := look(m)
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := ask()
	if err == nil {
		m.mu.Lock()
		if m.version == version {
			keep(m, v)
		}
		m.mu.Unlock()
	}
	return v, err
}

func (s *lifeStore) NextDue(ctx context.Context) (time.Time, error) {
	return remembered(s, func(m *memory) (time.Time, bool) { return m.nextDue, m.hasDue },
		func() (time.Time, error) { return s.Store.NextDue(ctx) },
		func(m *memory, t time.Time) { m.nextDue, m.hasDue = t, true })
}

func (s *lifeStore) Due(ctx context.Context, now time.Time, limit int) ([]bridge.Due, error) {
	next, err := s.NextDue(ctx)
	if err == nil && (next.IsZero() || next.After(now)) {
		return nil, nil
	}
	return s.Store.Due(ctx, now, limit)
}

func (s *lifeStore) NextTry(ctx context.Context) (time.Time, error) {
	return remembered(s, func(m *memory) (time.Time, bool) { return m.nextTry, m.hasTry },
		func() (time.Time, error) { return s.Store.NextTry(ctx) },
		func(m *memory, t time.Time) { m.nextTry, m.hasTry = t, true })
}

func (s *lifeStore) EventRange(ctx context.Context, account int64) (first, last int64, err error) {
	last, err = remembered(s, func(m *memory) (int64, bool) { v, ok := m.last[account]; return v, ok },
		func() (int64, error) { _, last, err := s.Store.EventRange(ctx, account); return last, err },
		func(m *memory, v int64) { m.last[account] = v })
	return min(1, last), last, err
}

// lossyBus loses what is said on it: hints are hints.
type lossyBus struct {
	*local.Node
	s *sim
}

var _ bus.Bus = lossyBus{}

func (b lossyBus) Publish(subject string, data []byte) {
	if b.s.busLoss.Load() && b.s.lost.Add(1)*2654435761>>16%4 == 0 {
		return
	}
	b.Node.Publish(subject, data)
}

// counters that other goroutines read.
type counters struct {
	commits atomic.Int64
	lost    atomic.Uint32
	busLoss atomic.Bool
}
