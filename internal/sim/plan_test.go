package sim

import (
	"time"
)

// fault is a kind of trouble. A seed has about half of them, so that each is
// also seen alone.
type fault uint32

const (
	crashes fault = 1 << iota // nodes
	outages                   // all nodes, for a day
	drains
	cuts // sockets
	kills
	wipes // a worker's storage
	sleeps
	flaps // a worker connects again, for no reason
	clones
	slowNet
	slowStore
	slowSite
	busLosses
	refusals // the site, after the press
	pauses   // …before it
	illness  // a worker's page, told by health
	cancels
	stuck // never ready
	rude  // a delta before go
	lazy  // an offset beyond the text
	wanderingChats
	anyFault fault = 1<<iota - 1
)

// plan is what a seed is about.
type plan struct {
	faults   fault
	horizon  time.Duration // then the faults end
	nodes    int
	workers  int
	guides   int
	requests int
	chats    int // the most that clients begin
}

func newPlan(d dice) plan {
	p := plan{
		horizon:  d.between(3*time.Minute, 14*time.Minute),
		nodes:    1 + d.IntN(2),
		workers:  1 + d.IntN(3),
		requests: 5 + d.IntN(16),
		chats:    1 + d.IntN(6),
	}
	if d.chance(0.4) {
		p.guides = 1 + d.IntN(2)
	}
	for f := fault(1); f < anyFault; f <<= 1 {
		if d.chance(0.5) {
			p.faults |= f
		}
	}
	if d.chance(0.9) {
		p.faults &^= outages
	}
	return p
}

// schedule lays out what happens, up to the horizon.
func (s *sim) schedule() {
	c := &client{s: s, dice: s.rand("client")}
	s.clients = append(s.clients, c)
	for i := range s.plan.requests {
		s.at(s.moment(), func() { c.submit(i) })
	}
	s.some(cancels, s.plan.requests/3, c.cancel)
	for i := range s.plan.requests {
		s.at(s.moment(), func() { s.openReader(i) })
	}
	s.some(crashes, 3, func() {
		h := pick(s.dice, s.hosts)
		if s.dice.chance(0.2) && h.life != nil && h.life.ready {
			h.life.node.Drain()
			s.logf("", "%s drains", h.name)
			l := h.life
			s.after(s.dice.between(time.Second, 10*time.Second), func() {
				if h.life == l {
					s.down(h, s.dice.between(0, 10*time.Second))
				}
			})
			return
		}
		s.down(h, s.dice.seldom(0.2, 0, 5*time.Second, 5*time.Second, 2*time.Minute))
	})
	s.some(outages, 1, func() {
		d := s.dice.between(23*time.Hour, 25*time.Hour)
		for _, h := range s.hosts {
			s.down(h, d)
		}
	})
	s.some(cuts, 12, func() {
		if k := pick(s.dice, s.workers); k.conn != nil && s.dice.chance(0.8) {
			k.conn.cut()
		} else if len(s.guides) > 0 {
			if g := pick(s.dice, s.guides); g.conn != nil {
				g.conn.cut()
			}
		}
	})
	s.some(kills, 6, func() {
		if len(s.guides) > 0 && s.dice.chance(0.3) {
			g := pick(s.dice, s.guides)
			g.die()
			if s.dice.chance(0.1) {
				g.over = true
				return
			}
			s.after(s.dice.seldom(0.2, time.Second, 30*time.Second, 30*time.Second, 5*time.Minute), g.revive)
			return
		}
		k := pick(s.dice, s.workers)
		k.die()
		if k != s.workers[0] && !k.clone && s.dice.chance(0.3) {
			k.over = true
			return
		}
		wiped := s.faults(wipes) && s.dice.chance(0.3)
		s.after(s.dice.seldom(0.2, time.Second, 30*time.Second, 30*time.Second, 15*time.Minute), func() { k.revive(wiped) })
	})
	s.some(sleeps, 4, func() {
		pick(s.dice, s.workers).sleep(s.dice.seldom(0.3, 5*time.Second, 70*time.Second, 70*time.Second, 12*time.Minute))
	})
	s.some(flaps, 6, func() {
		if k := pick(s.dice, s.workers); k.alive && !k.asleep {
			k.reconnect(s.dice.seldom(0.5, 0, time.Millisecond, time.Millisecond, time.Second))
		}
	})
	s.some(clones, 1, func() { s.clone(pick(s.dice, s.workers)) })
	s.some(illness, 3, func() {
		if k := pick(s.dice, s.workers); k.alive {
			k.fallIll(s.dice.between(5*time.Second, 3*time.Minute))
		}
	})
	s.some(busLosses, 1, func() { s.busLoss.Store(true) })
}

// moment is a random time before the horizon, early ones more often.
func (s *sim) moment() time.Time {
	return s.begun.Add(time.Duration(s.dice.Float64() * s.dice.Float64() * float64(s.plan.horizon)))
}

// some lays out up to most events of a kind of fault, if the seed has it.
func (s *sim) some(f fault, most int, do func()) {
	if s.plan.faults&f == 0 || most == 0 {
		return
	}
	for range 1 + s.dice.IntN(most) {
		s.at(s.moment(), do)
	}
}

// down crashes a node and starts it again after a while.
func (s *sim) down(h *host, d time.Duration) {
	if h.life == nil {
		return
	}
	h.crash("crashes")
	s.after(d, func() {
		if h.life == nil {
			h.start()
		}
	})
}

// clone starts a second worker with the same worker_id and a number of its own:
// a copied profile. One of the two is soon replaced for good.
func (s *sim) clone(k *worker) {
	if k.over {
		return
	}
	k.clone = true
	other := &worker{s: s, name: k.name + "'", id: k.id, n: k.n - 3 + int64(s.dice.IntN(7)), alive: true, clone: true, capacity: 1 + s.dice.IntN(3), types: k.types}
	other.dice = s.rand(other.name)
	s.addWorker(other)
}
