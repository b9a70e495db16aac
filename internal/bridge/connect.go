package bridge

import (
	"encoding/json"
	"slices"
	"time"
)

// Phases of an attempt, as a worker reports them.
const (
	PhaseOpening   = "opening"
	PhaseTyping    = "typing"
	PhaseSubmitted = "submitted"
	PhaseAnswering = "answering"
	PhaseEnded     = "ended" // only in a hello: its response or error is not acked
)

// Holding is an attempt that a worker names in its hello.
type Holding struct {
	RequestID string
	Attempt   int
	Phase     string
}

// Hello connects a worker: the highest n counts, of equal ones the later hello.
// What the worker names in holding is kept or dropped; what it leaves out is
// lost at once, its slot free.
type Hello struct {
	Worker  Worker // what it said; Conn, Node and AccountID are the node's
	Holding []Holding
	Here    Here

	Replaced bool // the result: a newer socket counts already
}

// Needs implements [Command].
func (h *Hello) Needs() Needs {
	n := Needs{AccountID: h.Worker.AccountID, Workers: []string{h.Worker.ID}, HeldBy: h.Worker.ID, Endpoints: true, Bodies: true}
	for _, held := range h.Holding {
		if !slices.Contains(n.Requests, held.RequestID) {
			n.Requests = append(n.Requests, held.RequestID)
		}
	}
	return n
}

// Decide implements [Command].
func (h *Hello) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	w := f.Workers[h.Worker.ID]
	h.Replaced = w != nil && w.N > h.Worker.N
	if h.Replaced {
		c.Signals = append(c.Signals, Signal{Kind: SignalReplaced, AccountID: h.Worker.AccountID, WorkerID: h.Worker.ID, Conn: h.Worker.Conn})
		return c, nil
	}
	now := h.Worker
	now.Connected, now.HelloAt = true, f.Now
	if w != nil {
		if w.Connected {
			c.Signals = append(c.Signals, Signal{Kind: SignalReplaced, AccountID: w.AccountID, WorkerID: w.ID, Conn: w.Conn})
		}
		now.BlockedBy, now.PausedUntil, now.Health = w.BlockedBy, w.PausedUntil, w.Health
	}
	c.Workers = append(c.Workers, &now)
	if now.Guide {
		return c, nil
	}
	welcome := Signal{Kind: SignalWelcome, AccountID: now.AccountID, WorkerID: now.ID, Conn: now.Conn}
	named := map[AttemptID]bool{}
	for _, held := range h.Holding {
		key := AttemptID{held.RequestID, held.Attempt}
		if named[key] {
			continue
		}
		named[key] = true
		if keep, goes := h.keeps(f, held); keep {
			welcome.Keep = append(welcome.Keep, Kept{key, goes})
		} else {
			welcome.Drop = append(welcome.Drop, key)
		}
	}
	for _, held := range f.Held {
		l := held.Lease
		switch {
		case named[AttemptID{l.RequestID, l.Attempt}]:
			if !l.Cancelled {
				l.renew(f.Now)
				c.Leases = append(c.Leases, l)
			}
		default:
			c.DropLeases = append(c.DropLeases, l)
			if !l.Cancelled {
				c.lost(held.Request, l, f.Endpoints, h.Here.partial(held.Request))
			}
		}
	}
	c.Signals = append(c.Signals, welcome)
	c.claimFirstTries(h.Here)
	return c, nil
}

// keeps decides whether the worker may go on with what it holds: with its live
// attempt; and an old one that has ended at the worker, so that its last word
// is heard and acked. goes tells whether its go is stored.
func (h *Hello) keeps(f *Facts, held Holding) (keep, goes bool) {
	r := f.Requests[held.RequestID]
	if r == nil || r.AccountID != h.Worker.AccountID || held.Attempt < 1 || held.Attempt > r.Attempt {
		return false, false
	}
	for _, l := range f.Leases {
		if l.RequestID == r.ID && l.Attempt == held.Attempt {
			return l.WorkerID == h.Worker.ID && (!l.Cancelled || held.Phase == PhaseEnded), !l.GoAt.IsZero()
		}
	}
	return held.Phase == PhaseEnded, false
}

// Disconnect notes that a worker's socket is gone. It ends no lease.
type Disconnect struct{ From From }

// Needs implements [Command].
func (d *Disconnect) Needs() Needs {
	return Needs{AccountID: d.From.AccountID, Workers: []string{d.From.WorkerID}}
}

// Decide implements [Command].
func (d *Disconnect) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if d.From.counts(f) {
		c.disconnect(f.Workers[d.From.WorkerID])
	}
	return c, nil
}

// disconnect notes that w has no socket. A guide socket's worker is no more.
func (c *Changes) disconnect(w *Worker) {
	if w.Guide {
		c.DropWorker = append(c.DropWorker, w)
		return
	}
	w.Connected = false
	c.Workers = append(c.Workers, w)
}

// ReportHealth stores a worker's health when it changed. It pauses a worker
// whose page is not in order, and what that worker holds without go goes back;
// a good one ends such a pause.
type ReportHealth struct {
	From   From
	Health Health
}

// Needs implements [Command].
func (h *ReportHealth) Needs() Needs {
	return Needs{AccountID: h.From.AccountID, Workers: []string{h.From.WorkerID}, HeldBy: h.From.WorkerID}
}

// Decide implements [Command].
func (h *ReportHealth) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if !h.From.counts(f) {
		return c, nil
	}
	w := f.Workers[h.From.WorkerID]
	blocked := FailCode("")
	switch {
	case !h.Health.LoggedIn:
		blocked = LoggedOut
	case !h.Health.PageOK:
		blocked = PageChanged
	}
	if w.BlockedBy != "" && blocked != "" {
		blocked = w.BlockedBy
	}
	if w.BlockedBy == blocked && sameHealth(w.Health, &h.Health) {
		return c, nil
	}
	w.BlockedBy, w.Health = blocked, &h.Health
	c.Workers = append(c.Workers, w)
	if reason, _ := w.Pause(f.Now); reason != "" {
		c.takeBackUnsent(f, nil, reason)
	}
	return c, nil
}

func sameHealth(a, b *Health) bool {
	if a == nil || a.LoggedIn != b.LoggedIn || a.PageOK != b.PageOK {
		return false
	}
	limit := func(h *Health) time.Time {
		if h.LimitedUntil == nil {
			return time.Time{}
		}
		return *h.LimitedUntil
	}
	x, _ := json.Marshal(a.Matched)
	y, _ := json.Marshal(b.Matched)
	return limit(a).Equal(limit(b)) && string(x) == string(y)
}
