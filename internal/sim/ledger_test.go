package sim

import (
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// ledger keeps its own account of what the contract allows, from the commands
// as they are committed: who may hold what, which socket counts, who is paused.
// It does not look at leases; what the product does must agree with it.
type ledger struct {
	s       *sim
	byID    map[string]*record
	order   []*record // of submission
	chats   []int64
	siteIDs map[int64]string // by chat
	keys    map[string]string
	workers map[string]*station
	holds   []*hold
	now     time.Time // of the commit that is observed, by the store's clock
}

// record is a request as it was committed.
type record struct {
	label, id, message string
	seq, rev, chat     int64
	status             bridge.Status
	attempt            int
	responseType       string
	timeout            time.Duration
	queuedAt, goAt     time.Time
	lost, refused      int // put back: its worker was lost, or refused it
	cancelAsked        bool
	accepted           bool

	code     bridge.FailCode // of the end
	response string
}

// hold is an attempt from its hand-over to when its worker has certainly
// nothing more to do with it.
type hold struct {
	r           *record
	attempt     int
	worker      string
	guide       bool
	taken, goAt time.Time
	chat        int64
	released    bool
}

// station is a worker_id.
type station struct {
	n        int64
	conn     string // the socket that counts
	capacity int
	types    []string
	blocked  bridge.FailCode
	until    time.Time
	limited  time.Time
}

func newLedger(s *sim) *ledger {
	return &ledger{s: s, byID: map[string]*record{}, siteIDs: map[int64]string{}, keys: map[string]string{}, workers: map[string]*station{}}
}

func (g *ledger) label(id string) string {
	if r := g.byID[id]; r != nil {
		return r.label
	}
	return "r?"
}

func (g *ledger) record(id string) *record {
	if r := g.byID[id]; r != nil {
		return r
	}
	g.s.failf("after the commit", "", "a worker hears of request %s, which is not stored", id)
	return &record{label: "r?", id: id}
}

// live reports whether the attempt is what its request is at.
func (h *hold) live() bool { return h.r.status == bridge.Executing && h.r.attempt == h.attempt }

// over reports whether a lease may have ended by silence: not before.
func (h *hold) over(now time.Time) bool {
	switch {
	case h.guide && h.r.code == bridge.CancelledCode:
		return !now.Before(h.goAt.Add(h.r.timeout))
	case h.guide:
		return !now.Before(h.goAt.Add(bridge.GuideLostAfter))
	case h.goAt.IsZero():
		return !now.Before(h.taken.Add(bridge.LeaseBeforeGo))
	default:
		return !now.Before(h.goAt.Add(bridge.LeaseAfterGo))
	}
}

func (g *ledger) hold(request string, attempt int, guide bool) *hold {
	for i := len(g.holds) - 1; i >= 0; i-- {
		if h := g.holds[i]; h.r.id == request && (guide && h.guide || !guide && h.attempt == attempt) {
			return h
		}
	}
	return nil
}

// observe hears what became of a command, in the order of the commits.
func (g *ledger) observe(l *life, cmd bridge.Command, c *bridge.Changes, err error) {
	if err != nil {
		if _, ok := cmd.(*bridge.Cancel); !ok || bridge.AsError(err).Kind != bridge.Conflict {
			g.s.failf("the store takes what is decided", "", "%T %+v: %v", cmd, cmd, err)
		}
		return
	}
	g.now = c.Now
	expect := g.before(cmd, c)
	for _, chat := range c.Chats {
		switch was := g.siteIDs[chat.ID]; was {
		case chat.SiteID:
		case "":
			g.s.logf("", "chat %d is the site's %s", chat.ID, chat.SiteID)
		default:
			g.s.failf("chats", "", "%T renames chat %d from %s to %q", cmd, chat.ID, was, chat.SiteID)
		}
		if _, known := g.siteIDs[chat.ID]; !known {
			g.chats = append(g.chats, chat.ID)
		}
		g.siteIDs[chat.ID] = chat.SiteID
	}
	for _, e := range c.Events {
		g.event(l, cmd, e, c)
	}
	for _, r := range c.Requests {
		g.row(cmd, r)
	}
	for _, r := range c.Bodies {
		if rec := g.byID[r.ID]; rec != nil && rec.status == bridge.Done && r.Body != nil {
			if rec.response != "" && rec.response != r.Body.Response {
				g.s.failf("an answer stays", rec.label, "%T makes it %q", cmd, r.Body.Response)
			}
		}
	}
	expect()
}

// before takes in what a command says of sockets, slots and pauses. It returns
// what to check of its effects.
func (g *ledger) before(cmd bridge.Command, c *bridge.Changes) (after func()) {
	nothing := func() {}
	if m, ok := cmd.(*bridge.Hello); ok {
		g.hello(m, c)
		return func() { g.leftOut(m) }
	}
	from, request, attempt := sayer(cmd)
	if from == nil {
		return nothing
	}
	w := g.workers[from.WorkerID]
	if w == nil || w.conn != from.Conn {
		_, renew := cmd.(*bridge.Renew)
		if (!renew || !from.Guide) && (!c.Empty() || len(c.Signals) > 0) {
			g.s.failf("which socket counts", g.label(request), "%T by %s, which no longer counts, changes something", cmd, from.Conn)
		}
		return nothing
	}
	h := g.hold(request, attempt, from.Guide)
	mine := h != nil && (from.Guide || h.worker == from.WorkerID)
	live := mine && h.live()
	switch m := cmd.(type) {
	case *bridge.MaySend:
		if mine && !live {
			h.released = true // acked: it is forgotten
		}
		if live {
			return func() {
				if h.goAt.IsZero() {
					g.s.failf("ready gets go", h.r.label, "attempt %d said ready and go is not stored", attempt)
				}
			}
		}
	case *bridge.Complete:
		if mine {
			h.released = true
		}
		if live {
			return func() {
				if h.r.status != bridge.Done {
					g.s.failf("an answer is stored", h.r.label, "attempt %d answered and it is %s", attempt, h.r.status)
				}
			}
		}
	case *bridge.Fail:
		g.pause(w, from, m)
		if mine {
			h.released = true
		}
		if live {
			return func() {
				if h.live() {
					g.s.failf("an error is stored", h.r.label, "attempt %d failed and it is still %s", attempt, h.r.status)
				}
			}
		}
	case *bridge.Stopped:
		if mine {
			h.released = true
		}
	case *bridge.ReportHealth:
		w.limited = time.Time{}
		if m.Health.LimitedUntil != nil {
			w.limited = *m.Health.LimitedUntil
		}
		w.blocked = ""
		if !m.Health.LoggedIn || !m.Health.PageOK {
			w.blocked = bridge.LoggedOut
		}
	}
	return nothing
}

func (g *ledger) pause(w *station, from *bridge.From, m *bridge.Fail) {
	if from.Guide || !protocol.ErrorCode(m.Trouble.Code).Pauses() {
		return
	}
	if m.Trouble.Code != bridge.RateLimited {
		w.blocked = m.Trouble.Code
		return
	}
	wait := bridge.DefaultPause
	if m.Trouble.RetryAfter > 0 {
		wait = time.Duration(m.Trouble.RetryAfter) * time.Second
	}
	w.until = g.now.Add(wait)
}

func (g *ledger) hello(m *bridge.Hello, c *bridge.Changes) {
	w := g.workers[m.Worker.ID]
	if w != nil && w.n > m.Worker.N {
		if !c.Empty() {
			g.s.failf("which socket counts", "", "a hello of %s with n=%d counts after n=%d", m.Worker.ID, m.Worker.N, w.n)
		}
		return
	}
	if w == nil {
		w = &station{}
		g.workers[m.Worker.ID] = w
	}
	w.n, w.conn, w.capacity, w.types = m.Worker.N, m.Worker.Conn, m.Worker.Capacity, m.Worker.ResponseTypes
	if m.Worker.Guide {
		return
	}
	for _, h := range g.holds {
		if h.worker == m.Worker.ID && !h.guide && !holds(m, h) {
			h.released = true
		}
	}
}

// leftOut checks that what a hello does not name is lost at once.
func (g *ledger) leftOut(m *bridge.Hello) {
	for _, h := range g.holds {
		if h.worker == m.Worker.ID && !h.guide && !m.Replaced && h.live() && !holds(m, h) {
			g.s.failf("left out is lost", h.r.label, "attempt %d is not in the hello of %s and still its", h.attempt, h.worker)
		}
	}
}

func holds(m *bridge.Hello, h *hold) bool {
	for _, x := range m.Holding {
		if x.RequestID == h.r.id && x.Attempt == h.attempt {
			return true
		}
	}
	return false
}

// sayer says which worker a command comes from, and of which attempt.
func sayer(cmd bridge.Command) (from *bridge.From, request string, attempt int) {
	switch m := cmd.(type) {
	case *bridge.MaySend:
		return &m.From, m.RequestID, m.Attempt
	case *bridge.Complete:
		return &m.From, m.RequestID, m.Attempt
	case *bridge.Fail:
		return &m.From, m.RequestID, m.Attempt
	case *bridge.Stopped:
		return &m.From, m.RequestID, m.Attempt
	case *bridge.NameChat:
		return &m.From, m.RequestID, m.Attempt
	case *bridge.Renew:
		return &m.From, "", 0
	case *bridge.ReportHealth:
		return &m.From, "", 0
	case *bridge.Disconnect:
		return &m.From, "", 0
	}
	return nil, "", 0
}

// made is a new request.
func (g *ledger) made(r *bridge.Request) *record {
	label, _, _ := strings.Cut(r.Body.Message, ":")
	rec := &record{label: label, id: r.ID, message: r.Body.Message, seq: r.Seq, rev: r.Rev, chat: r.Chat.ID, status: r.Status,
		responseType: r.ResponseType, timeout: time.Duration(r.TimeoutSeconds) * time.Second, queuedAt: r.QueuedAt}
	if r.IdempotencyKey != "" {
		if g.keys[r.IdempotencyKey] != "" {
			g.s.failf("idempotency", label, "%s made two requests", r.IdempotencyKey)
		}
		g.keys[r.IdempotencyKey] = r.ID
	}
	g.byID[r.ID] = rec
	g.order = append(g.order, rec)
	return rec
}

// accepted hears that a client was told of its request.
func (g *ledger) accepted(cmd *bridge.Submit) {
	r := g.byID[cmd.Request.ID]
	if r == nil || r.message != cmd.Message {
		g.s.failf("a 201 is stored", "", "%q was accepted as %s and is not there", cmd.Message, cmd.Request.ID)
		return
	}
	r.accepted = true
}

// checkPress is asked before a press: no go, no press.
func (g *ledger) checkPress(t *task) {
	h := g.hold(t.ref.RequestID, t.ref.Attempt, false)
	if h == nil || h.goAt.IsZero() {
		g.s.failf("no press without go", t.r.label, "attempt %d is pressed without a stored go", t.ref.Attempt)
	}
}
