package sim

import (
	"context"
	"fmt"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// worker speaks chatbridge.v1 as the contract has it, on a machine that sleeps,
// dies and comes back.
type worker struct {
	s        *sim
	name     string // of this instance, for the trace and its dice
	id       string // worker_id
	dice     dice
	capacity int
	types    []string
	clone    bool // shares its id with another: either may be replaced for good

	// In its storage: outlives its death.
	n    int64
	held map[protocol.Ref]*task

	// In its memory.
	alive    bool
	life     int // raised with each death: earlier timers are void
	conn     *conn
	welcomed bool
	named    map[protocol.Ref]bool // what the hello named, until the welcome
	asleep   bool                  // nothing runs
	missed   []func()              // while asleep
	unwell   bool                  // says so in its health
	wasIll   bool                  // has ever been
	over     bool                  // it does not come back
}

func (k *worker) String() string { return k.name }

// later has do run in this life of the worker, unless it sleeps: then after.
func (k *worker) later(d time.Duration, do func()) {
	life := k.life
	var run func()
	run = func() {
		switch {
		case k.life != life:
		case k.asleep:
			k.missed = append(k.missed, run)
		default:
			do()
		}
	}
	k.s.after(d, run)
}

// sleep freezes the worker; its clock runs on. What it misses comes after.
func (k *worker) sleep(d time.Duration) {
	if !k.alive || k.asleep {
		return
	}
	k.s.logf("", "%s sleeps for %v", k.name, d)
	k.asleep = true
	k.s.after(d, k.wake)
}

func (k *worker) wake() {
	if !k.asleep {
		return
	}
	k.s.logf("", "%s wakes", k.name)
	missed := k.missed
	k.asleep, k.missed = false, nil
	for _, run := range missed {
		run()
	}
}

// connect opens a new socket; from then on earlier ones are nothing to it.
func (k *worker) connect() {
	if !k.alive || k.over || k.conn != nil {
		return
	}
	l := k.s.someLife(k.dice)
	if l == nil {
		k.later(k.dice.between(time.Second, 5*time.Second), k.connect)
		return
	}
	k.n++
	hello := &bridge.Hello{Worker: bridge.Worker{ID: k.id, N: k.n, Capacity: k.capacity, ResponseTypes: k.types}}
	k.named = map[protocol.Ref]bool{}
	for _, t := range k.tasks() {
		k.named[t.ref] = true
		hello.Holding = append(hello.Holding, bridge.Holding{RequestID: t.ref.RequestID, Attempt: t.ref.Attempt, Phase: string(t.phase)})
	}
	k.conn = l.connect(k, k.name, false, hello)
	k.welcomed = false
	k.s.logf("", "%s says hello n=%d by %s, holding %d", k.name, k.n, k.conn.id, len(hello.Holding))
	c := k.conn
	k.later(20*time.Second, func() {
		if k.conn == c && !k.welcomed {
			k.reconnect(k.dice.between(0, time.Second))
		}
	})
}

func (k *worker) reconnect(wait time.Duration) {
	if c := k.conn; c != nil {
		k.conn, k.welcomed = nil, false
		c.workerEnds()
	}
	k.later(wait, k.connect)
}

// closed implements peer.
func (k *worker) closed(c *conn) {
	k.later(0, func() {
		if k.conn == c {
			k.reconnect(k.dice.seldom(0.1, 50*time.Millisecond, 5*time.Second, 5*time.Second, time.Minute))
		}
	})
}

// tasks lists what it holds in a stable order.
func (k *worker) tasks() []*task {
	out := make([]*task, 0, len(k.held))
	for _, t := range k.held {
		at := len(out)
		for at > 0 && out[at-1].order > t.order {
			at--
		}
		out = append(out[:at], append([]*task{t}, out[at:]...)...)
	}
	return out
}

// receive implements peer.
func (k *worker) receive(c *conn, m protocol.Message) {
	k.later(0, func() {
		if k.conn == c {
			k.handle(m)
		}
	})
	if c == k.conn {
		k.s.checkStored(k, m)
	}
}

func (k *worker) handle(message protocol.Message) {
	switch m := message.(type) {
	case protocol.Ping:
		k.conn.say(protocol.Pong{})
	case protocol.Bye:
		k.bye(m)
	case protocol.Welcome:
		k.welcome(m)
	case protocol.NewRequest:
		k.take(m)
	case protocol.Go:
		k.withTask(m.Ref, (*task).goes)
	case protocol.Cancel:
		k.withTask(m.Ref, (*task).cancel)
	case protocol.Resync:
		k.withTask(m.Ref, (*task).resync)
	case protocol.Ack:
		k.withTask(m.Ref, (*task).forget)
	}
}

func (k *worker) withTask(ref protocol.Ref, do func(*task)) {
	if t := k.held[ref]; t != nil {
		do(t)
	}
}

func (k *worker) bye(m protocol.Bye) {
	if m.Code == protocol.ByeReplaced {
		if !k.clone {
			k.s.failf("which socket counts", "", "%s was replaced on its newest socket, n=%d", k.name, k.n)
		}
		k.s.logf("", "%s is replaced for good", k.name)
		k.over = true
		k.die()
		return
	}
	k.reconnect(k.dice.between(time.Second, 10*time.Second))
}

func (k *worker) welcome(m protocol.Welcome) {
	k.welcomed = true
	for _, list := range [][]protocol.Ref{m.Keep, m.Drop} {
		for _, ref := range list {
			delete(k.named, ref)
		}
	}
	for ref := range k.named {
		k.s.failf("holding is answered", k.s.ledger.label(ref.RequestID), "the welcome names attempt %d of %s neither in keep nor in drop", ref.Attempt, k.name)
	}
	if k.dice.chance(0.3) || k.wasIll || k.clone {
		k.sayHealth() // what was said of it before may have been lost, or be another's
	}
	for _, ref := range m.Drop {
		k.withTask(ref, (*task).cancel)
	}
	for _, ref := range m.Keep {
		k.withTask(ref, (*task).resume)
	}
}

// take takes what is handed over: stored on receipt.
func (k *worker) take(m protocol.NewRequest) {
	if k.held[m.Ref] != nil {
		return
	}
	running := 0
	for _, t := range k.held {
		if t.result == nil && !t.stopping {
			running++
		}
	}
	r := k.s.ledger.record(m.RequestID)
	if running >= k.capacity {
		k.s.failf("capacity", r.label, "%s has %d slots, holds %d and is handed another", k.name, k.capacity, running)
	}
	k.s.tasks++
	t := &task{k: k, r: r, ref: m.Ref, chat: given(m.ChatID), phase: protocol.PhaseOpening, order: k.s.tasks}
	k.held[m.Ref] = t
	t.open()
}

// sayHealth tells how the page is now.
func (k *worker) sayHealth() {
	if k.conn == nil || !k.welcomed {
		return
	}
	k.wasIll = k.wasIll || k.unwell
	h := protocol.Health{LoggedIn: !k.unwell, PageOK: true}
	if k.unwell && k.dice.chance(0.3) {
		h = protocol.Health{LoggedIn: true, PageOK: false}
	}
	k.conn.say(h)
}

// fallIll makes the page unusable for a while.
func (k *worker) fallIll(d time.Duration) {
	k.unwell = true
	k.sayHealth()
	k.healSoon(d)
}

// healSoon has the worker say, after a while, that all is well.
func (k *worker) healSoon(d time.Duration) {
	k.later(d, func() {
		k.unwell = false
		k.sayHealth()
		if k.conn == nil || !k.welcomed {
			k.healSoon(10 * time.Second)
		}
	})
}

// die ends the worker's process: its storage is left.
func (k *worker) die() {
	if !k.alive {
		return
	}
	k.s.logf("", "%s dies, holding %d", k.name, len(k.held))
	k.alive = false
	k.life++
	if c := k.conn; c != nil {
		k.conn, k.welcomed = nil, false
		c.workerEnds()
	}
}

// revive starts it again; with wiped, its storage was lost but for n.
func (k *worker) revive(wiped bool) {
	if k.alive || k.over {
		return
	}
	k.alive, k.asleep, k.missed = true, false, nil
	if wiped {
		clear(k.held)
	}
	k.s.logf("", "%s revives, holding %d", k.name, len(k.held))
	for _, t := range k.tasks() {
		t.revive()
	}
	if k.unwell {
		k.healSoon(10 * time.Second)
	}
	k.later(k.dice.between(0, 3*time.Second), k.connect)
}

// checkStored looks into the store at what has just arrived: go, new_request
// and ack leave after their commit.
func (s *sim) checkStored(k *worker, message protocol.Message) {
	m, ok := message.(protocol.AttemptMessage)
	if !ok {
		return
	}
	ref := m.Of()
	r, err := s.store.Request(context.Background(), ref.RequestID)
	if err != nil || r == nil {
		s.failf("after the commit", ref.RequestID, "%s for a request that is not stored: %v", m.Type(), err)
		return
	}
	good := true
	live := r.Status == bridge.Executing && r.Attempt == ref.Attempt
	switch m.(type) {
	case protocol.NewRequest:
		good = r.Attempt >= ref.Attempt
	case protocol.Go:
		good = r.Attempt == ref.Attempt && !r.MaySendAt.IsZero()
	case protocol.Cancel, protocol.Ack:
		good = !live
	}
	if !good {
		s.failf("after the commit", s.ledger.label(ref.RequestID), "%s of attempt %d came to %s while the store has it %s, attempt %d, go %v",
			m.Type(), ref.Attempt, k.name, r.Status, r.Attempt, !r.MaySendAt.IsZero())
	}
}

// checkStoredGuide is checkStored for a guide worker: go is stored first.
func (s *sim) checkStoredGuide(m protocol.NewRequest) {
	r, err := s.store.Request(context.Background(), m.RequestID)
	if err != nil || r == nil || r.MaySendAt.IsZero() {
		s.failf("after the commit", s.ledger.label(m.RequestID), "handed to a guide worker without a stored go: %v", err)
	}
}

func (k *worker) describe() string {
	return fmt.Sprintf("%s(capacity %d, types %v, clone %v)", k.name, k.capacity, k.types, k.clone)
}
