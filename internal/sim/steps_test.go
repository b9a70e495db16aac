package sim

import (
	"fmt"
	"slices"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// event checks one stored step of a request against what the ledger has.
func (g *ledger) event(l *life, cmd bridge.Command, e *bridge.Event, c *bridge.Changes) {
	if e.Type == bridge.EventMade {
		r := g.made(e.Request)
		g.s.logf(r.label, "%s: made, in chat %d", l.h.name, r.chat)
		return
	}
	r := g.byID[e.Request.ID]
	if r == nil {
		g.s.failf("the state machine", "", "a request that was never made: %s", e.Type)
		return
	}
	g.s.logf(r.label, "%s: %T: %s attempt %d %s %s", l.h.name, cmd, e.Type, e.Attempt, e.WorkerID, e.Reason)
	if r.status.Ended() && e.Type != bridge.EventLate {
		g.s.failf("an end stays", r.label, "%s after it has %s", e.Type, r.status)
	}
	switch e.Type {
	case bridge.EventExecuting:
		g.handOver(r, e, c)
	case bridge.EventGo:
		g.goes(r, e)
	case bridge.EventPutBack:
		g.putBack(r, cmd, e)
	case bridge.EventEnd:
		g.end(r, cmd, e)
	}
}

func (g *ledger) handOver(r *record, e *bridge.Event, c *bridge.Changes) {
	fail := func(oracle, format string, args ...any) { g.s.failf(oracle, r.label, format, args...) }
	switch {
	case r.status != bridge.Idle:
		fail("the state machine", "handed over while %s", r.status)
	case !r.goAt.IsZero():
		fail("never handed over after go", "attempt %d after go at %v", e.Attempt, r.goAt.Sub(g.s.begun))
	case e.Attempt <= r.attempt:
		fail("attempt numbers", "attempt %d after attempt %d", e.Attempt, r.attempt)
	}
	r.status, r.attempt, r.chat = bridge.Executing, e.Attempt, e.Request.Chat.ID
	w := g.workers[e.WorkerID]
	if w == nil {
		fail("who is handed to", "%s has never said hello", e.WorkerID)
		return
	}
	sent := slices.ContainsFunc(c.Signals, func(sig bridge.Signal) bool {
		return sig.Kind == bridge.SignalHandOver && sig.RequestID == r.id && sig.Conn == w.conn
	})
	if !sent {
		fail("which socket counts", "handed to %s by a socket that does not count", e.WorkerID)
	}
	now := g.now
	switch {
	case w.blocked != "":
		fail("pauses", "handed to %s, which is paused: %s", e.WorkerID, w.blocked)
	case now.Before(w.until) || now.Before(w.limited):
		fail("pauses", "handed to %s, which is rate limited", e.WorkerID)
	case len(w.types) > 0 && !slices.Contains(w.types, r.responseType):
		fail("who is handed to", "%s takes %v, not %s", e.WorkerID, w.types, r.responseType)
	}
	for _, other := range g.order {
		if other != r && other.chat == r.chat && other.seq < r.seq && !other.status.Ended() {
			fail("the order of a chat", "handed over before %s of the same chat", other.label)
		}
	}
	var used []string
	for _, h := range g.holds {
		if h.released || h.over(g.now) && !h.live() {
			continue
		}
		if h.worker == e.WorkerID {
			used = append(used, fmt.Sprintf("%s/%d", h.r.label, h.attempt))
		}
		if h.r != r && h.chat == r.chat && (h.live() || !h.goAt.IsZero()) {
			fail("one attempt of a chat", "handed over while attempt %d of %s has the chat", h.attempt, h.r.label)
		}
	}
	if len(used) >= w.capacity {
		fail("capacity", "%s has %d slots and %v are taken", e.WorkerID, w.capacity, used)
	}
	g.holds = append(g.holds, &hold{r: r, attempt: e.Attempt, worker: e.WorkerID, guide: e.WorkerID[0] == '~', taken: now, chat: r.chat})
}

func (g *ledger) goes(r *record, e *bridge.Event) {
	h := g.hold(r.id, e.Attempt, false)
	if h == nil || !h.live() || !r.goAt.IsZero() {
		g.s.failf("go", r.label, "go for attempt %d while it is %s, attempt %d, go %v", e.Attempt, r.status, r.attempt, !r.goAt.IsZero())
		return
	}
	r.goAt, h.goAt = g.now, g.now
}

func (g *ledger) putBack(r *record, cmd bridge.Command, e *bridge.Event) {
	switch {
	case r.status != bridge.Executing:
		g.s.failf("the state machine", r.label, "put back while %s", r.status)
	case !r.goAt.IsZero():
		g.s.failf("never handed over after go", r.label, "put back after go")
	}
	g.patience(r, cmd)
	r.status = bridge.Idle
	if e.Reason == bridge.WorkerLost {
		r.lost++
	} else if m, ok := cmd.(*bridge.Fail); ok && m.RequestID == r.id {
		r.refused++
	}
}

// patience checks that a clock has not ended a lease too early.
func (g *ledger) patience(r *record, cmd bridge.Command) {
	if _, ok := cmd.(*bridge.Expire); !ok {
		return
	}
	if h := g.hold(r.id, r.attempt, false); h != nil && !h.over(g.now) {
		g.s.failf("a lease lasts", r.label, "attempt %d ended by silence after %v, %v after go", h.attempt, g.now.Sub(h.taken), g.now.Sub(h.goAt))
	}
}

func (g *ledger) end(r *record, cmd bridge.Command, e *bridge.Event) {
	now := g.now
	good := true
	was := r.status
	switch q := e.Request; {
	case q.Status == bridge.Done:
		m, ok := cmd.(*bridge.Complete)
		truth, whole := g.s.site.pages[r.id].truth()
		switch {
		case !ok || was != bridge.Executing || q.Body == nil:
			good = false
		case !whole || q.Body.Response != truth || storable(m.Answer.Response) != truth:
			g.s.failf("done only with the true answer", r.label, "the site's answer (%v) is %q, stored is %q", whole, truth, q.Body.Response)
		default:
			r.response = q.Body.Response
		}
	case q.Status != bridge.Failed:
		good = false
	case q.ErrorCode == bridge.Expired:
		good = r.goAt.IsZero() && !now.Before(r.queuedAt.Add(bridge.ExpiresAfter))
	case q.ErrorCode == bridge.Timeout:
		good = !r.goAt.IsZero() && !now.Before(r.goAt.Add(r.timeout))
	case q.ErrorCode == bridge.CancelledCode:
		good = r.cancelAsked
	default:
		good = g.explained(r, cmd, q.ErrorCode)
	}
	if !good {
		g.s.failf("an end has its reason", r.label, "it was %s, attempt %d, go %v, lost %d, refused %d; %T ends it as %s %s",
			was, r.attempt, !r.goAt.IsZero(), r.lost, r.refused, cmd, e.Request.Status, e.Request.ErrorCode)
	}
	r.status, r.code = e.Request.Status, e.Request.ErrorCode
}

// explained reports whether a failure follows from what its worker did.
func (g *ledger) explained(r *record, cmd bridge.Command, code bridge.FailCode) bool {
	if m, ok := cmd.(*bridge.Fail); ok {
		said := m.Trouble.Code
		if m.From.Guide {
			said = bridge.WorkerError
		}
		third := r.refused == bridge.MaxPutBacks-1
		return said == code && (!r.goAt.IsZero() || third || !protocol.ErrorCode(code).Pauses())
	}
	switch cmd.(type) {
	case *bridge.Hello, *bridge.Expire, *bridge.Stopped:
		if code != bridge.WorkerLost {
			return false
		}
		if r.goAt.IsZero() && r.lost != bridge.MaxHandOvers-1 {
			return false
		}
		g.patience(r, cmd)
		return true
	}
	return false
}

// row checks a request's row as it was written.
func (g *ledger) row(cmd bridge.Command, q *bridge.Request) {
	r := g.byID[q.ID]
	if r == nil {
		return
	}
	if q.Rev < r.rev {
		g.s.failf("the state machine", r.label, "its rev goes back from %d to %d", r.rev, q.Rev)
	}
	if q.Status != r.status || q.Attempt != r.attempt || q.MaySendAt.IsZero() != r.goAt.IsZero() {
		g.s.failf("the state machine", r.label, "%T makes it %s, attempt %d, go %v without an event: it was %s, attempt %d, go %v",
			cmd, q.Status, q.Attempt, !q.MaySendAt.IsZero(), r.status, r.attempt, !r.goAt.IsZero())
	}
	r.rev = q.Rev
	if q.Chat.ID != r.chat {
		m, ok := cmd.(*bridge.Complete)
		if !ok || q.ID != m.RequestID && r.status != bridge.Idle {
			g.s.failf("chats", r.label, "%T moves it from chat %d to %d while %s", cmd, r.chat, q.Chat.ID, r.status)
		}
		g.s.logf(r.label, "moves from chat %d to %d", r.chat, q.Chat.ID)
		r.chat = q.Chat.ID
	}
}
