package dispatch

import (
	"context"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// claimAtOnce bounds one claim, so that no commit grows too large.
	claimAtOnce = 64
	// pongWithin is how long a guide socket may take to answer the ping that
	// goes before a hand-over.
	pongWithin = 10 * time.Second
	// claimsUnderWay bounds the claims that go along with submits.
	claimsUnderWay = 2
	// claimAgain is the wait after the store could not take a claim.
	claimAgain = time.Second
)

// desk hands out an account's requests to the sockets that are connected here,
// for as long as there are any.
func (d *Dispatch) desk(a *account) {
	pause := time.NewTimer(time.Hour)
	pause.Stop()
	defer pause.Stop()
	for {
		select {
		case <-a.wake:
		case <-pause.C:
			d.pusher.mark(a.id)
		case <-d.ctx.Done():
			return
		}
		d.mu.Lock()
		if len(a.sockets) == 0 {
			a.atDesk = false
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		if again := d.serve(a); again > 0 {
			pause.Reset(again)
		}
	}
}

// serve claims until nothing is left or nobody has room. It returns when to try
// again without a wake-up: at the end of a pause, or after a failure.
func (d *Dispatch) serve(a *account) (again time.Duration) {
	for {
		offers, room, resume := d.offers(a)
		if room == 0 {
			d.greetGuides(a)
			return resume
		}
		claim := &bridge.Claim{AccountID: a.id, Offers: offers, Limit: min(room, claimAtOnce)}
		a.claims.Add(1)
		err := bridge.Do(d.ctx, d.o.Post, claim)
		a.claims.Add(-1)
		if err != nil {
			d.o.Log.Warn("claim requests", "account", a.id, "err", err)
			return claimAgain
		}
		if claim.Claimed == 0 || !claim.More {
			d.greetGuides(a)
			return resume
		}
	}
}

// Expect is called right behind the posting of a submit: where a worker here has
// room, a claim goes with it into the same commit. The desk would claim as well,
// one commit later. Two under way are enough: one that commits now, and one that
// will take in whatever is submitted until the next commit begins.
func (d *Dispatch) Expect(accountID int64) {
	d.mu.Lock()
	a := d.accounts[accountID]
	if a == nil || a.board == nil || d.closing || a.claims.Load() >= claimsUnderWay {
		d.mu.Unlock()
		return
	}
	offers, room, _ := a.offers(time.Now())
	d.mu.Unlock()
	if room == 0 {
		return
	}
	a.claims.Add(1)
	d.o.Post(&bridge.Claim{AccountID: accountID, Offers: offers, Limit: min(room, claimAtOnce)}, func(_ *bridge.Changes, err error) {
		a.claims.Add(-1)
		if err != nil {
			d.o.Log.Debug("claim along with a submit", "account", accountID, "err", err)
		}
	})
}

// offers lists what there is to offer where a request waits.
func (d *Dispatch) offers(a *account) (offers []bridge.Offer, room int, resume time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.board == nil || a.board.idle == 0 {
		return nil, 0, 0
	}
	offers, room, resume = a.offers(time.Now())
	served := func(kind string) bool {
		return slices.ContainsFunc(offers, func(o bridge.Offer) bool { return len(o.Types) == 0 || slices.Contains(o.Types, kind) })
	}
	if a.board.ready(1, served) == 0 {
		room = 0
	}
	return offers, room, resume
}

// offers lists the chatbridge.v1 workers here that have room, and when the next
// pause ends. The caller holds the lock.
func (a *account) offers(now time.Time) (offers []bridge.Offer, room int, resume time.Duration) {
	for id, s := range a.counts {
		w := a.board.workers[id]
		if w == nil || s.from.Guide || s.closing || w.Conn != s.from.Conn {
			continue
		}
		if reason, until := w.Pause(now); reason != "" {
			if !until.IsZero() && (resume == 0 || until.Sub(now) < resume) {
				resume = until.Sub(now)
			}
			continue
		}
		if free := w.Capacity - a.board.taken[id]; free > 0 {
			offers = append(offers, bridge.Offer{WorkerID: id, Conn: s.from.Conn, Types: w.ResponseTypes})
			room += free
		}
	}
	return offers, room, resume
}

// greetGuides pings as many free guide sockets as there are requests to hand
// out; each claims right after its pong.
func (d *Dispatch) greetGuides(a *account) {
	for _, s := range d.freeGuides(a) {
		d.desks.Go(func() { d.handToGuide(a, s) }) // Run waits for it
	}
}

// freeGuides picks guide sockets that hold nothing, and notes that they are
// being pinged.
func (d *Dispatch) freeGuides(a *account) []*Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.board == nil {
		return nil
	}
	var free []*Session
	pinging := 0
	for id, s := range a.counts {
		switch {
		case !s.from.Guide || s.closing || a.board.taken[id] > 0:
		case s.pinging:
			pinging++
		default:
			free = append(free, s)
		}
	}
	wanted := min(a.board.ready(len(free)+pinging, func(string) bool { return true })-pinging, len(free))
	if wanted <= 0 {
		return nil
	}
	for _, s := range free[:wanted] {
		s.pinging = true
	}
	return free[:wanted]
}

// handToGuide pings a guide socket and, right after the pong, claims for it. A
// socket that does not answer is closed: nothing was handed to it.
func (d *Dispatch) handToGuide(a *account, s *Session) {
	ctx, cancel := context.WithTimeout(d.ctx, pongWithin)
	defer cancel()
	if err := s.socket.Ping(ctx); err != nil {
		s.socket.Close("")
		return
	}
	s.Ponged()
	claim := &bridge.Claim{AccountID: a.id, Offers: []bridge.Offer{{WorkerID: s.from.WorkerID, Conn: s.from.Conn}}, Limit: 1}
	if err := bridge.Do(d.ctx, d.o.Post, claim); err != nil {
		d.o.Log.Warn("claim a request for a guide worker", "account", a.id, "err", err)
		select {
		case <-time.After(claimAgain):
		case <-d.ctx.Done():
		}
	}
	d.mu.Lock()
	s.pinging = false
	a.nudge()
	d.mu.Unlock()
}
