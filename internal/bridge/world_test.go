package bridge_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

// world is the smallest engine there can be: one account in maps. It loads what
// the commands of a request's life need, as copies, and keeps what they change.
type world struct {
	now       time.Time
	account   bridge.Account
	endpoints []bridge.Endpoint
	chats     map[int64]bridge.Chat
	requests  map[string]bridge.Request
	chatOf    map[string]int64
	bodies    map[string]bridge.Body
	leases    map[bridge.AttemptID]bridge.Lease
	workers   map[string]bridge.Worker
	events    []bridge.Event
	owed      map[string]int // request → deliveries
	seq       int64
	chatID    int64
}

func newWorld() *world {
	return &world{
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), account: bridge.Account{ID: 1, Email: "a@example.com", Active: true},
		endpoints: []bridge.Endpoint{{ID: 1, AccountID: 1, Enabled: true}, {ID: 2, AccountID: 1, Enabled: true, Events: []string{"request.failed"}}, {ID: 3, AccountID: 1}},
		chats:     map[int64]bridge.Chat{}, requests: map[string]bridge.Request{}, chatOf: map[string]int64{}, bodies: map[string]bridge.Body{},
		leases: map[bridge.AttemptID]bridge.Lease{}, workers: map[string]bridge.Worker{}, owed: map[string]int{},
	}
}

// loading is one command's view: a row is the same pointer wherever it is.
type loading struct {
	w        *world
	requests map[string]*bridge.Request
	chats    map[int64]*bridge.Chat
	leases   map[bridge.AttemptID]*bridge.Lease
}

func (l *loading) chat(id int64) *bridge.Chat {
	if l.chats[id] == nil {
		c := l.w.chats[id]
		l.chats[id] = &c
	}
	return l.chats[id]
}

func (l *loading) request(id string) *bridge.Request {
	if l.requests[id] == nil {
		r, ok := l.w.requests[id]
		if !ok {
			return nil
		}
		body := l.w.bodies[id]
		r.Body, r.Chat = &body, l.chat(l.w.chatOf[id])
		l.requests[id] = &r
	}
	return l.requests[id]
}

func (l *loading) lease(id bridge.AttemptID) *bridge.Lease {
	if l.leases[id] == nil {
		lease := l.w.leases[id]
		l.leases[id] = &lease
	}
	return l.leases[id]
}

func (w *world) leaseIDs(which func(bridge.Lease) bool) []bridge.AttemptID {
	var out []bridge.AttemptID
	for id, l := range w.leases {
		if which(l) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b bridge.AttemptID) int {
		return cmp.Or(cmp.Compare(a.RequestID, b.RequestID), cmp.Compare(a.Attempt, b.Attempt))
	})
	return out
}

func (w *world) inOrder() []string {
	ids := slices.Collect(maps.Keys(w.requests))
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(w.requests[a].Seq, w.requests[b].Seq) })
	return ids
}

func (w *world) do(cmd bridge.Command) (*bridge.Changes, error) {
	n := cmd.Needs()
	l := &loading{w, map[string]*bridge.Request{}, map[int64]*bridge.Chat{}, map[bridge.AttemptID]*bridge.Lease{}}
	account := w.account
	f := &bridge.Facts{Now: w.now, Account: &account, Requests: map[string]*bridge.Request{}, Workers: map[string]*bridge.Worker{}, Taken: map[string]int{}}
	if n.Endpoints {
		for _, e := range w.endpoints {
			f.Endpoints = append(f.Endpoints, &e)
		}
	}
	for _, id := range n.Requests {
		if r := l.request(id); r != nil {
			f.Requests[id] = r
			for _, at := range w.leaseIDs(func(x bridge.Lease) bool { return x.RequestID == id }) {
				f.Leases = append(f.Leases, l.lease(at))
			}
		}
	}
	for _, id := range n.Workers {
		if worker, ok := w.workers[id]; ok {
			f.Workers[id] = &worker
		}
	}
	held := func(which func(bridge.Lease) bool) {
		for _, at := range w.leaseIDs(which) {
			f.Held = append(f.Held, bridge.Held{Lease: l.lease(at), Request: l.request(at.RequestID)})
		}
	}
	if n.HeldBy != "" {
		held(func(x bridge.Lease) bool { return x.WorkerID == n.HeldBy })
	}
	if n.GuideHeld {
		held(func(x bridge.Lease) bool { return x.Guide && !x.Cancelled })
	}
	if n.AllHeld {
		held(func(bridge.Lease) bool { return true })
	}
	for _, x := range w.leases {
		f.Taken[x.WorkerID]++
	}
	for id, c := range w.chats {
		if n.SiteChat != "" && c.SiteID == n.SiteChat {
			f.SiteChat = l.chat(id)
		}
	}
	if n.WaitingIn {
		for _, id := range w.inOrder() {
			if w.requests[id].Status == bridge.Idle && w.chatOf[id] == w.chatOf[n.Requests[0]] {
				f.Waiting = append(f.Waiting, l.request(id))
			}
		}
	}
	for _, id := range w.inOrder() {
		if len(f.Candidates) < n.Candidates && w.mayBeHandedOut(id) {
			f.Candidates = append(f.Candidates, l.request(id))
		}
	}
	c, err := cmd.Decide(f)
	if err == nil {
		w.keep(c)
	}
	return c, err
}

func (w *world) mayBeHandedOut(id string) bool {
	r := w.requests[id]
	for _, l := range w.leases {
		if l.ChatID == w.chatOf[id] {
			return false
		}
	}
	for other, o := range w.requests {
		if w.chatOf[other] == w.chatOf[id] && !o.Status.Ended() && o.Seq < r.Seq {
			return false
		}
	}
	return r.Status == bridge.Idle
}

func (w *world) keep(c *bridge.Changes) {
	for _, chat := range c.Chats {
		if chat.ID == 0 {
			w.chatID++
			chat.ID = w.chatID
		}
		w.chats[chat.ID] = *chat
	}
	for _, r := range c.Requests {
		if r.Seq == 0 {
			w.seq++
			r.Seq = w.seq
			w.bodies[r.ID] = *r.Body
		}
		w.requests[r.ID], w.chatOf[r.ID] = *r, r.Chat.ID
	}
	for _, r := range c.Bodies {
		w.bodies[r.ID] = *r.Body
	}
	for _, l := range c.DropLeases {
		delete(w.leases, bridge.AttemptID{RequestID: l.RequestID, Attempt: l.Attempt})
	}
	for _, l := range c.Leases {
		w.leases[bridge.AttemptID{RequestID: l.RequestID, Attempt: l.Attempt}] = *l
	}
	for _, x := range c.Workers {
		w.workers[x.ID] = *x
	}
	for _, x := range c.DropWorker {
		delete(w.workers, x.ID)
	}
	for _, e := range c.Events {
		w.events = append(w.events, *e)
	}
	for _, d := range c.Deliveries {
		w.owed[d.Request.ID]++
	}
}
