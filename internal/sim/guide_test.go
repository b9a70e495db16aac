package sim

import (
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// guide is a worker that was written for the guide: it presses as soon as it is
// handed a message, says its answer once, by whatever socket it then has, and
// may forget everything.
type guide struct {
	s     *sim
	name  string
	dice  dice
	alive bool
	over  bool // it does not come back
	life  int
	conn  *conn
	works map[string]*page
}

func (g *guide) later(d time.Duration, do func()) {
	life := g.life
	g.s.after(d, func() {
		if g.life == life {
			do()
		}
	})
}

func (g *guide) connect() {
	if !g.alive || g.conn != nil {
		return
	}
	l := g.s.someLife(g.dice)
	if l == nil {
		g.later(g.dice.between(time.Second, 5*time.Second), g.connect)
		return
	}
	g.conn = l.connect(g, g.name, true, &bridge.Hello{Worker: bridge.Worker{Guide: true, Capacity: 1}})
}

// closed implements peer.
func (g *guide) closed(c *conn) {
	if g.conn == c {
		g.conn = nil
		g.later(g.dice.between(50*time.Millisecond, 5*time.Second), g.connect)
	}
}

// receive implements peer.
func (g *guide) receive(_ *conn, message protocol.Message) {
	m, ok := message.(protocol.NewRequest)
	if !ok {
		return
	}
	g.s.checkStoredGuide(m)
	r := g.s.ledger.record(m.RequestID)
	var press func()
	press = func() {
		if g.s.holding {
			g.later(time.Second, press)
			return
		}
		if m.Message != r.message {
			g.s.failf("exactly as given", r.label, "the guide worker was given %q", m.Message)
		}
		p := g.s.site.press(r, given(m.ChatID))
		g.works[r.id] = p
		g.follow(r, p)
	}
	g.later(g.dice.seldom(0.1, 0, time.Second, time.Second, 30*time.Second), press)
}

func (g *guide) follow(r *record, p *page) {
	g.later(g.dice.between(300*time.Millisecond, 3*time.Second), func() {
		if p.running() || g.conn == nil {
			g.follow(r, p)
			return
		}
		delete(g.works, r.id)
		ref := protocol.Ref{RequestID: r.id}
		if _, whole := p.truth(); !whole {
			g.conn.say(protocol.Error{Ref: ref, Error: "the site refused"})
			return
		}
		g.conn.say(protocol.Response{Ref: ref, Response: p.visible(), ChatID: &p.chat})
	})
}

// die ends it; it forgets what it was doing.
func (g *guide) die() {
	if !g.alive {
		return
	}
	g.s.logf("", "%s dies and forgets %d", g.name, len(g.works))
	g.alive = false
	g.life++
	clear(g.works)
	if c := g.conn; c != nil {
		g.conn = nil
		c.workerEnds()
	}
}

func (g *guide) revive() {
	if g.alive || g.over {
		return
	}
	g.alive = true
	g.connect()
}
