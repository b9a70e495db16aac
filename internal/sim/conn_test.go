package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/dispatch"
	"chatbridge/protocol"
)

// peer is the worker's end of a connection.
type peer interface {
	receive(*conn, protocol.Message)
	closed(*conn)
}

// conn is a worker's connection to a node: what the edge of the API does with a
// WebSocket, over a network that delays, and loses what is on its way when it
// is cut. Each direction keeps its order.
type conn struct {
	s      *sim
	l      *life
	id     string
	guide  bool
	peer   peer
	dice   dice
	ctx    context.Context
	cancel context.CancelFunc
	in     chan protocol.Message

	up, down               pipe
	workerGone, serverGone bool
	pings                  int
	pongs                  map[int]func() // by ping: who waits for its pong
}

// pipe is one direction.
type pipe struct {
	last   time.Time // when the last that was sent arrives
	lost   bool      // nothing arrives any more
	closed bool      // nothing more is taken
}

// The frames of a WebSocket that are no messages.
type (
	pingFrame struct{ number int }
	pongFrame struct{ number int }
)

func (pingFrame) Type() string { return "ping frame" }
func (pongFrame) Type() string { return "pong frame" }

// maxInbound is more than a worker ever has on its way.
const maxInbound = 4096

// connect opens a connection to a node; hello is what arrives first.
func (l *life) connect(p peer, name string, guide bool, hello *bridge.Hello) *conn {
	s := l.h.s
	s.conns++
	c := &conn{s: s, l: l, id: fmt.Sprintf("c%d.%s", s.conns, name), guide: guide, peer: p, in: make(chan protocol.Message, maxInbound), pongs: map[int]func(){}}
	c.dice = s.rand(c.id)
	c.ctx, c.cancel = context.WithCancel(l.ctx)
	l.conns = append(l.conns, c)
	hello.Worker.Conn, hello.Worker.Node, hello.Worker.AccountID = c.id, l.h.name, s.account
	if guide {
		hello.Worker.ID = "~" + c.id
	}
	c.send(&c.up, func() {
		if !c.serverGone {
			go c.serve(hello) // ends with the connection; the bubble waits for it
			s.after(protocol.PingInterval, c.beat)
		}
	})
	return c
}

// send has do run at the far end after all that was sent before.
func (c *conn) send(p *pipe, do func()) {
	if p.closed {
		return
	}
	at := time.Now().Add(c.s.netDelay(c.dice))
	if !at.After(p.last) {
		at = p.last.Add(time.Microsecond)
	}
	p.last = at
	c.s.at(at, func() {
		if !p.lost {
			do()
		}
	})
}

// say is the worker sending a message.
func (c *conn) say(m protocol.Message) {
	if c.workerGone {
		return
	}
	c.s.log(m, "%s ← %s %s", c.l.h.name, c.id, shown{m})
	c.send(&c.up, func() {
		if c.serverGone {
			return
		}
		if pong, ok := m.(pongFrame); ok && c.pongs[pong.number] != nil {
			c.pongs[pong.number]()
			delete(c.pongs, pong.number)
		}
		c.in <- m
	})
}

// tell is the server sending a message.
func (c *conn) tell(m protocol.Message) {
	if c.serverGone {
		return
	}
	c.send(&c.down, func() {
		if c.workerGone {
			return
		}
		if ping, ok := m.(pingFrame); ok {
			c.say(pongFrame(ping))
			return
		}
		c.s.log(m, "%s → %s %s", c.l.h.name, c.id, shown{m})
		c.peer.receive(c, m)
	})
}

// Deliver implements dispatch.Socket.
func (c *conn) Deliver(sig bridge.Signal) {
	if sig.Kind == bridge.SignalSilence && c.l.alone.Load() {
		c.l.silent.Store(c.id, true) // no desk can have offered it just before
	}
	c.s.post(c.id, func() {
		m, last := c.translate(sig)
		if m != nil {
			c.tell(m)
		}
		if last {
			c.serverEnds()
		}
	})
}

// Ping implements dispatch.Socket.
func (c *conn) Ping(ctx context.Context) error {
	pong := make(chan struct{})
	c.s.post(c.id, func() { c.ping(func() { close(pong) }) })
	select {
	case <-pong:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

func (c *conn) ping(then func()) {
	c.pings++
	c.pongs[c.pings] = then
	c.tell(pingFrame{c.pings})
}

// Close implements dispatch.Socket.
func (c *conn) Close(bye string) {
	if bye == "" || c.guide {
		c.cancel()
		c.s.post(c.id, c.serverEnds)
		return
	}
	c.s.post(c.id, func() {
		c.tell(protocol.Bye{Code: protocol.ByeCode(bye)})
		c.serverEnds()
	})
}

// beat is the server's ping, every 20 s, as each dialect has it.
func (c *conn) beat() {
	if c.serverGone {
		return
	}
	c.s.after(protocol.PingInterval, c.beat)
	if !c.guide {
		c.tell(protocol.Ping{})
		return
	}
	answered := false
	c.ping(func() { answered = true })
	c.s.after(protocol.PingInterval-time.Microsecond, func() {
		if !answered {
			c.serverEnds()
		}
	})
}

// cut breaks the connection; both ends find out, sooner or later.
func (c *conn) cut() {
	if c.workerGone && c.serverGone {
		return
	}
	c.s.logf("", "cut %s", c.id)
	c.lose()
	notice := func() time.Duration {
		return c.dice.seldom(0.2, 0, 2*time.Second, 2*time.Second, 3*time.Minute)
	}
	c.s.after(notice(), c.serverEnds)
	c.s.after(notice(), c.workerEnds)
}

// lose ends both directions. Of what is on its way, each loses all or nothing.
func (c *conn) lose() {
	for _, p := range []*pipe{&c.up, &c.down} {
		p.closed = true
		p.lost = p.lost || c.dice.chance(0.5)
	}
}

// serverEnds closes the connection at the server; the worker hears of it.
func (c *conn) serverEnds() {
	if c.serverGone {
		return
	}
	c.serverGone = true
	c.cancel()
	c.end(&c.down, c.workerEnds)
}

// workerEnds closes the connection at the worker.
func (c *conn) workerEnds() {
	if c.workerGone {
		return
	}
	c.workerGone = true
	c.end(&c.up, c.serverEnds)
	c.peer.closed(c)
}

// end has the far end close after what was sent, or after a while where it
// cannot hear.
func (c *conn) end(p *pipe, do func()) {
	wait := c.s.netDelay(c.dice)
	if p.closed {
		wait += c.dice.between(0, time.Minute)
	}
	at := time.Now().Add(wait)
	if at.Before(p.last) {
		at = p.last
	}
	p.closed = true
	c.s.at(at, do)
}

// serve is the server's side: it brings the worker in, reads it, sees it out.
func (c *conn) serve(hello *bridge.Hello) {
	session, err := c.l.node.Dispatch.Join(c.ctx, hello, c)
	if err != nil {
		if errors.Is(err, dispatch.ErrClosing) {
			c.Close(string(protocol.ByeDraining))
		} else {
			c.Close("")
		}
		return
	}
	defer session.Leave()
	for {
		select {
		case <-c.ctx.Done():
			return
		case m := <-c.in:
			if c.guide {
				c.readGuide(session, m)
			} else {
				session.Heard()
				c.readV1(session, m)
			}
		}
	}
}

func (c *conn) readV1(session *dispatch.Session, message protocol.Message) {
	switch m := message.(type) {
	case protocol.Ready:
		session.Ready(m.RequestID, m.Attempt)
	case protocol.StatusUpdate:
		session.Status(m.RequestID, m.Attempt, string(m.Phase), given(m.ChatID))
	case protocol.Delta:
		if c.s.mutation != nil && c.s.mutation.delta != nil && c.s.mutation.delta(c.l, m) {
			return
		}
		if !session.Delta(m.RequestID, m.Attempt, m.Offset, m.Text) {
			c.s.post(c.id, func() { c.tell(protocol.Resync{Ref: m.Ref}) })
		}
	case protocol.Response:
		session.Answer(m.RequestID, m.Attempt, answerOf(m))
	case protocol.Error:
		session.Trouble(m.RequestID, m.Attempt, troubleOf(m))
	case protocol.Cancelled:
		session.Stopped(m.RequestID, m.Attempt)
	case protocol.Health:
		session.Health(bridge.Health{LoggedIn: m.LoggedIn, PageOK: m.PageOK, LimitedUntil: m.LimitedUntil})
	}
}

func (c *conn) readGuide(session *dispatch.Session, message protocol.Message) {
	switch m := message.(type) {
	case pongFrame:
		session.Ponged()
	case protocol.Response:
		session.Answer(m.RequestID, 0, answerOf(m))
	case protocol.Error:
		session.Trouble(m.RequestID, 0, troubleOf(m))
	}
}

// translate says a signal as a message; last closes the connection after it.
func (c *conn) translate(sig bridge.Signal) (m protocol.Message, last bool) {
	ref := protocol.Ref{RequestID: sig.RequestID, Attempt: sig.Attempt}
	if c.guide && sig.Kind != bridge.SignalHandOver {
		return nil, sig.Kind == bridge.SignalReplaced
	}
	switch sig.Kind {
	case bridge.SignalWelcome:
		w := protocol.Welcome{}
		for _, k := range sig.Keep {
			w.Keep = append(w.Keep, protocol.Ref{RequestID: k.RequestID, Attempt: k.Attempt})
		}
		for _, d := range sig.Drop {
			w.Drop = append(w.Drop, protocol.Ref{RequestID: d.RequestID, Attempt: d.Attempt})
		}
		return w, false
	case bridge.SignalReplaced:
		return protocol.Bye{Code: protocol.ByeReplaced}, true
	case bridge.SignalHandOver:
		r := sig.Request
		n := protocol.NewRequest{Ref: ref, ResponseType: r.ResponseType, ChatDBID: r.Chat.ID}
		if r.Body != nil {
			n.Message = r.Body.Message
		}
		if id := r.Chat.SiteID; id != "" {
			n.ChatID = &id
		}
		return n, false
	case bridge.SignalGo:
		return protocol.Go{Ref: ref}, false
	case bridge.SignalCancel:
		return protocol.Cancel{Ref: ref}, false
	case bridge.SignalAck:
		return protocol.Ack{Ref: ref}, false
	default: // bridge.SignalSilence
		return nil, true
	}
}

func answerOf(m protocol.Response) bridge.Answer {
	return bridge.Answer{Response: m.Response, ChatID: given(m.ChatID), ChatTitle: given(m.ChatTitle)}
}

func troubleOf(m protocol.Error) bridge.Trouble {
	return bridge.Trouble{Code: bridge.FailCode(m.Code), Message: m.Error, RetryAfter: given(m.RetryAfter), Partial: given(m.PartialResponse)}
}

func given[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// shown is a message in the trace.
type shown struct{ protocol.Message }

func (m shown) String() string {
	data, _ := json.Marshal(m.Message)
	if len(data) > 200 {
		data = append(data[:200], "…"...)
	}
	return m.Type() + " " + string(data)
}
