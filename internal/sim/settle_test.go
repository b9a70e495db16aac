package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// settleWithin is far more than anything may take once all faults are over:
	// the longest is a guide worker's cancelled attempt, which keeps its chat
	// for up to an hour, some times in a row. It is well below the day after
	// which a request that nobody took expires, so that a chat that is blocked
	// for ever is seen as such.
	settleWithin = 12 * time.Hour
	// fullWithin is how long it may take until every slot is taken.
	fullWithin = 2 * time.Minute
	// lookEvery is how often the world is asked whether it has settled.
	lookEvery = 5 * time.Second
)

// settle ends all faults, lets everything come to rest and checks what is left:
// every request has ended, no slot and no chat is taken, every reader has the
// end, and each worker that lives takes as much as it has slots.
func (s *sim) settle() {
	s.logf("", "the faults end")
	s.calm = true
	s.busLoss.Store(false)
	for _, h := range s.hosts {
		if h.life == nil {
			h.start()
		}
	}
	for _, k := range s.workers {
		k.wake()
		k.later(0, k.sayHealth)
		s.after(k.dice.between(0, time.Minute), func() { k.revive(false) })
	}
	for _, g := range s.guides {
		s.after(g.dice.between(0, time.Minute), g.revive)
	}
	if !s.until(settleWithin, s.rest) {
		return
	}
	s.probe()
	if s.failed() {
		return
	}
	s.checkStore()
	for _, r := range s.readers {
		r.check()
	}
}

// until waits for a state that must come; why says what is missing, "" nothing.
func (s *sim) until(limit time.Duration, why func() (oracle, request, missing string)) bool {
	end := time.Now().Add(limit)
	for {
		next := time.Now().Add(lookEvery)
		s.run(lookEvery, func() bool { return false })
		if s.failed() {
			return false
		}
		oracle, request, missing := why()
		if missing == "" {
			return true
		}
		if next.After(end) {
			s.failf(oracle, request, "%v after the faults: %s", limit, missing)
			return false
		}
	}
}

// rest says what keeps the world from being at rest.
func (s *sim) rest() (oracle, request, missing string) {
	for _, r := range s.ledger.order {
		if !r.status.Ended() {
			return "every request ends", r.label, fmt.Sprintf("it is %s, attempt %d", r.status, r.attempt)
		}
	}
	if s.busy > 0 {
		return "every call is answered", "", fmt.Sprintf("%d submits and cancels wait", s.busy)
	}
	for _, k := range s.workers {
		for _, t := range k.tasks() {
			if k.alive {
				return "every word is acked", t.r.label, fmt.Sprintf("%s still holds attempt %d, %s", k.name, t.ref.Attempt, t.phase)
			}
		}
	}
	leases, err := s.store.Leases(context.Background(), s.account)
	for _, l := range leases {
		return "no slot leaks", s.ledger.label(l.RequestID), fmt.Sprintf("a lease of attempt %d at %s is left", l.Attempt, l.WorkerID)
	}
	if err != nil {
		return "the store", "", err.Error()
	}
	for _, r := range s.readers {
		if !r.over {
			return "every reader gets the end", r.r.label, fmt.Sprintf("%s (reading: %v) does not have it", r.name, r.reading)
		}
	}
	for id, w := range s.ledger.workers {
		if now := time.Now(); id[0] != '~' && (now.Before(w.until) || now.Before(w.limited)) {
			return "pauses end", "", id + " is still paused"
		}
	}
	for _, k := range s.workers {
		if !k.alive && !k.over || k.alive && (!k.welcomed || k.unwell || k.conn.serverGone || s.ledger.workers[k.id].conn != k.conn.id) {
			return "workers come back", "", k.name + " is not there"
		}
	}
	for _, g := range s.guides {
		if g.over {
			continue
		}
		if g.conn == nil || g.conn.serverGone || s.ledger.workers["~"+g.conn.id] == nil {
			return "workers come back", "", g.name + " is not there"
		}
	}
	return "", "", ""
}

// probe fills every slot that there is at once, then lets all be answered.
func (s *sim) probe() {
	slots := 0
	for _, g := range s.guides {
		if g.alive {
			slots++
		}
	}
	for _, k := range s.workers {
		if k.alive {
			slots += k.capacity
		}
	}
	s.logf("", "a probe of %d slots", slots)
	s.holding = true
	before := len(s.ledger.order)
	c := s.clients[0]
	for i := range slots {
		cmd := bridge.Submit{AccountID: s.account, Message: fmt.Sprintf("p%d: probe", i+1), ResponseType: "auto", TimeoutSeconds: 3600, IdempotencyKey: fmt.Sprintf("probe-%d", i)}
		s.after(time.Duration(i)*time.Millisecond, func() { c.send(cmd) })
	}
	full := func() (oracle, request, missing string) {
		taken := 0
		var idle []string
		for _, r := range s.ledger.order[before:] {
			if r.status == bridge.Executing {
				taken++
			} else {
				idle = append(idle, r.label)
			}
		}
		if taken < slots {
			return "no slot leaks", "", fmt.Sprintf("only %d of %d free slots take a request; %s wait", taken, slots, strings.Join(idle, ", "))
		}
		return "", "", ""
	}
	if !s.until(fullWithin, full) {
		return
	}
	s.holding = false
	for _, k := range s.workers {
		for _, t := range k.tasks() {
			t.open()
		}
	}
	if !s.until(time.Hour, s.rest) {
		return
	}
	for _, r := range s.ledger.order[before:] {
		if r.status != bridge.Done {
			s.failf("no slot leaks", r.label, "a probe ended as %s %s", r.status, r.code)
		}
	}
}

// checkStore compares what is stored at the end with what was seen.
func (s *sim) checkStore() {
	ctx := context.Background()
	for _, r := range s.ledger.order {
		q, err := s.store.Request(ctx, r.id)
		switch {
		case err != nil || q == nil:
			s.failf("a 201 is stored", r.label, "it is gone: %v", err)
		case q.Body.Message != r.message || q.Status != r.status || q.ErrorCode != r.code || q.Attempt != r.attempt:
			s.failf("an end stays", r.label, "stored is %s %s, it was %s %s", q.Status, q.ErrorCode, r.status, r.code)
		case q.Status == bridge.Done && q.Body.Response != r.response:
			s.failf("an answer stays", r.label, "stored is %q, acked was %q", q.Body.Response, r.response)
		}
		if p := s.site.pages[r.id]; p != nil && p.presses > 1 {
			s.failf("pressed once", r.label, "%d times", p.presses)
		}
	}
	for _, r := range s.ledger.keys {
		if rec := s.ledger.byID[r]; rec != nil && !rec.accepted {
			s.failf("a 201 is stored", rec.label, "its client, which has a key, was never told of it")
		}
	}
}
