package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatbridge/internal/bridge"
)

// model compares an engine with maps and loops, over random lives of the
// requests of one account. Each run has an account of its own in the same
// database, and leaves nothing there that a clock ends.
func model(t *testing.T, e Engine) {
	d := fresh(t, e)
	d.request(d.account(), nil) // somebody else's, never to be seen
	rapid.Check(t, func(rt *rapid.T) {
		d.t = rt
		m := &machine{db: d, account: d.account()}
		defer m.finish()
		actions := map[string]func(*rapid.T){
			"submit": m.submit, "hand out": m.handOut, "go": m.mayGo, "put back": m.putBack, "end": m.end, "cancel": m.cancel, "drop": m.drop, "move": m.move,
			"retrieve": m.retrieve, "forget texts": m.forgetTexts, "forget": m.forget, "": m.compare,
		}
		if !e.Volatile {
			actions["reopen"] = func(t *rapid.T) {
				if rapid.IntRange(0, 7).Draw(t, "rarely") == 0 {
					m.reopen()
				}
			}
		}
		rt.Repeat(actions)
	})
	d.t = t
}

// finish ends every request and drops every lease.
func (m *machine) finish() {
	c := &bridge.Changes{DropLeases: m.leases}
	for _, r := range m.unfinished() {
		r.Status, r.CompletedAt = bridge.Done, day(0)
		c.Requests = append(c.Requests, r)
	}
	m.put(c)
}

// machine is the model: what should be stored.
type machine struct {
	*db
	account  *bridge.Account
	chats    []*bridge.Chat
	requests []*bridge.Request
	leases   []*bridge.Lease
	events   int64   // the last one's number
	eventsOf []int64 // by number, from 1: of which request
	clock    int
}

// tick is a later time each time.
func (m *machine) tick() time.Time {
	m.clock++
	return day(0).Add(time.Duration(m.clock) * 37 * time.Second)
}

// store writes a changed request of the model, with an event.
func (m *machine) store(r *bridge.Request, c *bridge.Changes) {
	m.t.Helper()
	r.Rev++
	copied := *r
	c.Requests = append(c.Requests, &copied)
	c.Events = append(c.Events, &bridge.Event{AccountID: m.account.ID, Request: &copied, Type: bridge.EventExecuting, At: day(0)})
	m.put(c)
	m.events++
	r.Seq = copied.Seq
	m.eventsOf = append(m.eventsOf, r.Seq)
	same(m.t, "the event's number", c.Events[0].Seq, m.events)
}

func (m *machine) pick(t *rapid.T, of func(*bridge.Request) bool) *bridge.Request {
	var list []*bridge.Request
	for _, r := range m.requests {
		if of(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		t.Skip("none")
	}
	return rapid.SampledFrom(list).Draw(t, "request")
}

func (m *machine) submit(t *rapid.T) {
	c := &bridge.Changes{}
	var chat *bridge.Chat
	if i := rapid.IntRange(0, 3).Draw(t, "chat"); i < len(m.chats) {
		chat = m.chats[i]
	} else {
		chat = m.newChat(m.account)
		m.chats = append(m.chats, chat)
		c.Chats = []*bridge.Chat{chat}
	}
	r := m.newRequest(m.account, chat)
	r.QueuedAt = m.tick()
	m.store(r, c)
	m.requests = append(m.requests, r)
}

func (m *machine) live(r *bridge.Request) *bridge.Lease {
	for _, l := range m.leases {
		if l.RequestSeq == r.Seq && !l.Cancelled {
			return l
		}
	}
	return nil
}

func (m *machine) handOut(t *rapid.T) {
	r := m.pick(t, func(r *bridge.Request) bool { return slices.Contains(m.candidates(), r) })
	r.Status, r.Attempt = bridge.Executing, r.Attempt+1
	l := newLease(r, fmt.Sprint("w", rapid.IntRange(0, 2).Draw(t, "worker")))
	l.Guide = rapid.Bool().Draw(t, "guide")
	l.TakenAt = m.tick()
	l.ExpiresAt = l.TakenAt.Add(time.Duration(rapid.IntRange(1, 1000).Draw(t, "lasts")) * time.Second)
	m.leases = append(m.leases, l)
	m.store(r, &bridge.Changes{Leases: []*bridge.Lease{new(*l)}})
}

func executing(r *bridge.Request) bool { return r.Status == bridge.Executing }

func (m *machine) mayGo(t *rapid.T) {
	r := m.pick(t, executing)
	l := m.live(r)
	l.GoAt, r.MaySendAt = m.tick(), day(0).Add(time.Duration(m.clock)*37*time.Second)
	m.store(r, &bridge.Changes{Leases: []*bridge.Lease{new(*l)}})
}

func (m *machine) putBack(t *rapid.T) {
	r := m.pick(t, func(r *bridge.Request) bool { return executing(r) && r.MaySendAt.IsZero() })
	r.Status = bridge.Idle
	m.store(r, m.release(t, r))
}

func (m *machine) end(t *rapid.T) {
	r := m.pick(t, func(r *bridge.Request) bool { return !r.Status.Ended() })
	r.Status, r.CompletedAt = rapid.SampledFrom([]bridge.Status{bridge.Done, bridge.Failed}).Draw(t, "end"), m.tick()
	m.store(r, m.release(t, r))
}

// release drops the live lease, or cancels it, with or without its chat.
func (m *machine) release(t *rapid.T, r *bridge.Request) *bridge.Changes {
	l := m.live(r)
	if l == nil {
		return &bridge.Changes{}
	}
	switch rapid.IntRange(0, 2).Draw(t, "release") {
	case 0:
		m.leases = slices.DeleteFunc(m.leases, func(have *bridge.Lease) bool { return have == l })
		return &bridge.Changes{DropLeases: []*bridge.Lease{new(*l)}}
	case 1:
		l.ChatID = 0
	}
	l.Cancelled = true
	return &bridge.Changes{Leases: []*bridge.Lease{new(*l)}}
}

func (m *machine) cancel(t *rapid.T) {
	r := m.pick(t, executing)
	r.Status = bridge.Failed
	r.CompletedAt = m.tick()
	l := m.live(r)
	l.Cancelled = true
	m.store(r, &bridge.Changes{Leases: []*bridge.Lease{new(*l)}})
}

func (m *machine) drop(t *rapid.T) {
	i := slices.IndexFunc(m.leases, func(l *bridge.Lease) bool { return l.Cancelled })
	if i < 0 {
		t.Skip("none")
	}
	m.put(&bridge.Changes{DropLeases: []*bridge.Lease{new(*m.leases[i])}})
	m.leases = slices.Delete(m.leases, i, i+1)
}

func (m *machine) move(t *rapid.T) {
	r := m.pick(t, func(r *bridge.Request) bool { return r.Status == bridge.Idle })
	r.Chat = rapid.SampledFrom(m.chats).Draw(t, "chat")
	m.store(r, &bridge.Changes{})
}

func (m *machine) retrieve(t *rapid.T) {
	next := m.nextIdle()
	if next == nil {
		t.Skip("none")
	}
	next.LastRetrievedAt = m.tick()
	m.store(next, &bridge.Changes{})
}

// past is a request that has ended and that no lease holds, or nil: an action
// that does nothing then rather than skip, as a run in which all others have
// nothing to do would end for it.
func (m *machine) past(t *rapid.T) *bridge.Request {
	list := filter(m.requests, func(r *bridge.Request) bool {
		return r.Status.Ended() && !slices.ContainsFunc(m.leases, func(l *bridge.Lease) bool { return l.RequestSeq == r.Seq })
	})
	if len(list) == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(t, "request")
}

func (m *machine) forgetTexts(t *rapid.T) {
	r := m.past(t)
	if r == nil {
		return
	}
	m.put(&bridge.Changes{DropBodies: []*bridge.Request{new(*r)}})
	r.Body = nil
}

func (m *machine) forget(t *rapid.T) {
	r := m.past(t)
	if r == nil {
		return
	}
	m.put(&bridge.Changes{DropRequests: []*bridge.Request{new(*r)}})
	m.requests = slices.DeleteFunc(m.requests, func(have *bridge.Request) bool { return have == r })
	if !slices.ContainsFunc(m.requests, func(have *bridge.Request) bool { return have.Chat == r.Chat }) {
		m.chats = slices.DeleteFunc(m.chats, func(have *bridge.Chat) bool { return have == r.Chat })
	}
}

func (m *machine) unfinished() []*bridge.Request {
	return filter(m.requests, func(r *bridge.Request) bool { return !r.Status.Ended() })
}

func (m *machine) candidates() []*bridge.Request {
	return filter(m.requests, func(r *bridge.Request) bool {
		if r.Status != bridge.Idle {
			return false
		}
		for _, p := range m.unfinished() {
			if p.Chat.ID == r.Chat.ID && p.Seq < r.Seq {
				return false
			}
		}
		return !slices.ContainsFunc(m.leases, func(l *bridge.Lease) bool { return l.ChatID == r.Chat.ID })
	})
}

func (m *machine) nextIdle() *bridge.Request {
	idle := filter(m.requests, func(r *bridge.Request) bool { return r.Status == bridge.Idle })
	if len(idle) == 0 {
		return nil
	}
	return slices.MinFunc(idle, func(a, b *bridge.Request) int {
		return cmp.Or(a.LastRetrievedAt.Compare(b.LastRetrievedAt), cmp.Compare(a.Seq, b.Seq))
	})
}

func (m *machine) held(of func(*bridge.Lease) bool) []bridge.Held {
	var out []bridge.Held
	for _, l := range m.leases {
		if of(l) {
			i := slices.IndexFunc(m.requests, func(r *bridge.Request) bool { return r.Seq == l.RequestSeq })
			out = append(out, bridge.Held{Lease: l, Request: m.requests[i]})
		}
	}
	slices.SortFunc(out, func(a, b bridge.Held) int {
		return cmp.Or(cmp.Compare(a.Lease.RequestSeq, b.Lease.RequestSeq), cmp.Compare(a.Lease.Attempt, b.Lease.Attempt))
	})
	return out
}

// compare asks one of four sets of questions, for time's sake.
func (m *machine) compare(t *rapid.T) {
	rapid.SampledFrom([]func(*rapid.T){m.compareHandOut, m.compareHeld, m.compareOne, m.compareLists}).Draw(t, "compare")(t)
}

func (m *machine) compareHandOut(t *rapid.T) {
	f := m.facts(bridge.Needs{AccountID: m.account.ID, Candidates: 100, NextIdle: true, Bodies: true})
	same(t, "Candidates", f.Candidates, m.candidates())
	if next := m.nextIdle(); next == nil {
		same(t, "NextIdle", len(f.Requests), 0)
	} else {
		same(t, "NextIdle", f.Requests[next.ID], next)
	}
}

func (m *machine) compareHeld(t *rapid.T) {
	f := m.facts(bridge.Needs{AccountID: m.account.ID, HeldBy: "w1", Bodies: true})
	same(t, "Held by w1", f.Held, m.held(func(l *bridge.Lease) bool { return l.WorkerID == "w1" }))
	f = m.facts(bridge.Needs{AccountID: m.account.ID, GuideHeld: true, Bodies: true, Taken: true})
	same(t, "GuideHeld", f.Held, m.held(func(l *bridge.Lease) bool { return l.Guide && !l.Cancelled }))
	taken := map[string]int{}
	for _, l := range m.leases {
		taken[l.WorkerID]++
	}
	same(t, "Taken", f.Taken, taken)
}

func (m *machine) compareOne(t *rapid.T) {
	if len(m.requests) == 0 {
		return
	}
	r := rapid.SampledFrom(m.requests).Draw(t, "one")
	f := m.facts(bridge.Needs{AccountID: m.account.ID, Requests: []string{r.ID}, Bodies: true, WaitingIn: true})
	same(t, "Requests", f.Requests[r.ID], r)
	var leases []*bridge.Lease
	for _, h := range m.held(func(l *bridge.Lease) bool { return l.RequestSeq == r.Seq }) {
		leases = append(leases, h.Lease)
	}
	same(t, "Leases", f.Leases, leases)
	same(t, "Waiting", f.Waiting, filter(m.requests, func(w *bridge.Request) bool { return w.Chat.ID == r.Chat.ID && w.Status == bridge.Idle }))
	same(t, "Request", must(m.Request(m.ctx, r.ID))(t), r)
}

func (m *machine) compareLists(t *rapid.T) {
	same(t, "Unfinished", ids(must(m.Unfinished(m.ctx, m.account.ID))(t)), ids(m.unfinished()))
	status := rapid.SampledFrom([]bridge.Status{"", bridge.Idle, bridge.Executing, bridge.Done, bridge.Failed}).Draw(t, "status")
	want := filter(m.requests, func(r *bridge.Request) bool { return status == "" || r.Status == status })
	got := must(m.Requests(m.ctx, bridge.RequestFilter{AccountID: m.account.ID, Status: status, Ascending: true, Limit: 100}))(t)
	same(t, "Requests "+string(status), got, want)
	m.compareClocks(t)
	m.compareEvents(t)
}

func (m *machine) compareEvents(t *rapid.T) {
	want, got := []int64{}, []int64{}
	for i, seq := range m.eventsOf {
		if slices.ContainsFunc(m.requests, func(r *bridge.Request) bool { return r.Seq == seq }) {
			want = append(want, int64(i+1))
		}
	}
	for _, e := range must(m.Events(m.ctx, m.account.ID, 0, 1000))(t) {
		got = append(got, e.Seq)
	}
	same(t, "Events", got, want)
	if m.events > 0 {
		want = append(want, m.events+1)
		first, last, err := m.EventRange(m.ctx, m.account.ID)
		same(t, "EventRange", [3]any{first, last, err}, [3]any{want[0], m.events, nil})
	}
}

func (m *machine) compareClocks(t *rapid.T) {
	earliest := map[string]time.Time{}
	note := func(id string, at time.Time) {
		if have, ok := earliest[id]; !at.IsZero() && (!ok || at.Before(have)) {
			earliest[id] = at
		}
	}
	for _, r := range m.requests {
		note(r.ID, r.DueAt())
	}
	for _, l := range m.leases {
		note(l.RequestID, l.DueAt())
	}
	now := day(0).Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "now")) * time.Second)
	want, got := map[string]bool{}, map[string]bool{}
	for id, at := range earliest {
		if !at.After(now) {
			want[id] = true
		}
	}
	var last time.Time
	for _, due := range must(m.Due(m.ctx, now, 100))(t) {
		if got[due.RequestID] || earliest[due.RequestID].Before(last) {
			t.Fatalf("Due lists %s twice, or too late", due.RequestID)
		}
		got[due.RequestID], last = true, earliest[due.RequestID]
	}
	same(t, "Due", got, want)
	note("somebody else's", day(24))
	next := time.Time{}
	for _, at := range earliest {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	same(t, "NextDue", must(m.NextDue(m.ctx))(t), next)
}

func filter(list []*bridge.Request, keep func(*bridge.Request) bool) []*bridge.Request {
	var out []*bridge.Request
	for _, r := range list {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}
