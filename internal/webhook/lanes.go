package webhook

import (
	"context"
	"net/http"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// maxHeld bounds what is claimed and not recorded yet, waiting or running.
	// It leaves room for a large commit: its ends have all asked for room
	// before the first of them is taken.
	maxHeld = 2048
	// maxLane bounds what waits for one endpoint: it must not take all of
	// maxHeld.
	maxLane = 1024
	// crowded is how many may wait for a healthy endpoint before first tries
	// are left in the store, to be claimed when there is room. (What is
	// claimed and does not fit would be late by the time of a claim.)
	crowded = 64
	// claimBatch bounds one claim and claimPerEndpoint one endpoint's part of
	// it, so that its commit stays short.
	claimBatch       = 64
	claimPerEndpoint = 32
	// keepBody is the largest text that is kept in memory while its delivery
	// waits; a larger one is read again when its turn comes.
	keepBody = 16 << 10
	// startWithin is how long after its claim a try may begin: the claim must
	// outlast the try and its record.
	startWithin = bridge.ClaimLasts - tryTimeout - 5*time.Second
)

// lanes holds the claimed deliveries, a lane for each endpoint, and decides
// which run. One endpoint never waits for another: each may always have one try
// running, further ones come from a shared pool, and only an endpoint whose
// last try succeeded gets more than one.
type lanes struct {
	maxShared int
	perLane   int
	try       func(ctx context.Context, d *bridge.Delivery, answered func(status int))
	hungry    func() // there is room again for what was left in the store

	mu     sync.Mutex
	ctx    context.Context // of the tries; nil while closed
	held   map[int64]bool  // by delivery id
	lanes  map[int64]*lane // by endpoint id; none is empty
	shared int             // tries running beyond each lane's first
	behind bool            // something due was left in the store
	tries  sync.WaitGroup
}

type lane struct {
	endpoint *bridge.Endpoint // as last heard of
	waiting  []waiting
	running  int
	allowed  int // tries at once
}

type waiting struct {
	delivery *bridge.Delivery
	until    time.Time // too late to begin
}

func (ls *lanes) init(shared, perLane int, try func(context.Context, *bridge.Delivery, func(int)), hungry func()) {
	ls.maxShared, ls.perLane, ls.try, ls.hungry = shared, perLane, try, hungry
	ls.held, ls.lanes = map[int64]bool{}, map[int64]*lane{}
}

// open lets tries run, under ctx.
func (ls *lanes) open(ctx context.Context) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.ctx = ctx
}

// close drops what waits and returns when nothing runs any more.
func (ls *lanes) close() {
	ls.mu.Lock()
	ls.ctx = nil
	for id, la := range ls.lanes {
		ls.drop(id, la)
	}
	ls.mu.Unlock()
	ls.tries.Wait()
}

// easy reports whether there is so much room that what is owed may be claimed
// without asking which endpoint it is for.
func (ls *lanes) easy() bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ctx == nil || len(ls.held) >= maxHeld/2 {
		return false
	}
	for _, la := range ls.lanes {
		if la.allowed == ls.perLane && len(la.waiting) >= crowded {
			return false
		}
	}
	return true
}

// wants is how many deliveries a look may claim, and the endpoints of which it
// should claim none, because enough of theirs wait here.
func (ls *lanes) wants() (limit int, skip []int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	limit = min(maxHeld-len(ls.held), claimBatch)
	for id, la := range ls.lanes {
		if len(la.waiting) > 0 && len(la.waiting) >= la.allowed {
			skip = append(skip, id)
		}
	}
	ls.behind = true // until a try that ends finds its lane short of work, see ended
	return limit, skip
}

// take begins a claimed delivery, or lets it wait for its turn. One that is
// held already is not taken twice; one for which there is no room is left: its
// claim lapses, and a look finds it.
func (ls *lanes) take(d *bridge.Delivery) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	e := d.Endpoint
	if ls.ctx == nil || ls.held[d.ID] || len(ls.held) >= maxHeld || !e.Enabled {
		return
	}
	la := ls.lanes[e.ID]
	if la == nil {
		la = &lane{allowed: ls.perLane}
		if !e.FailingSince.IsZero() {
			la.allowed = 1
		}
		ls.lanes[e.ID] = la
	}
	la.endpoint = e
	if len(la.waiting) >= maxLane {
		return
	}
	ls.held[d.ID] = true
	la.waiting = append(la.waiting, waiting{delivery: d, until: time.Now().Add(startWithin)})
	ls.advance(la)
	if n := len(la.waiting); n > 0 {
		la.waiting[n-1].delivery = light(d)
	}
}

// light is d without a large text.
func light(d *bridge.Delivery) *bridge.Delivery {
	b := d.Request.Body
	if b == nil || len(b.Message)+len(b.Response)+len(b.Partial) <= keepBody {
		return d
	}
	r, out := *d.Request, *d
	r.Body, out.Request = nil, &r
	return &out
}

// changed hears of an endpoint: what waits goes to where it is now, or nowhere.
func (ls *lanes) changed(e *bridge.Endpoint) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	la := ls.lanes[e.ID]
	if la == nil {
		return
	}
	la.endpoint = e
	if !e.Enabled {
		ls.drop(e.ID, la)
	}
}

// drop forgets what waits in a lane.
func (ls *lanes) drop(id int64, la *lane) {
	for _, w := range la.waiting {
		delete(ls.held, w.delivery.ID)
	}
	la.waiting = nil
	if la.running == 0 {
		delete(ls.lanes, id)
	}
}

// advance begins as many tries of a lane as may run now. ls.mu is held.
func (ls *lanes) advance(la *lane) {
	for len(la.waiting) > 0 && la.running < la.allowed && (la.running == 0 || ls.shared < ls.maxShared) {
		w := la.waiting[0]
		la.waiting[0] = waiting{}
		la.waiting = la.waiting[1:]
		if time.Now().After(w.until) {
			delete(ls.held, w.delivery.ID)
			continue
		}
		if la.running++; la.running > 1 {
			ls.shared++
		}
		d := *w.delivery
		d.Endpoint = la.endpoint
		// close waits for it.
		ctx := ls.ctx
		ls.tries.Go(func() {
			ls.try(ctx, &d, func(status int) { ls.ended(la, status) })
			ls.recorded(&d)
		})
	}
}

// ended hears how the endpoint has answered: its place is free, the delivery is
// still held until its record is stored.
func (ls *lanes) ended(la *lane, status int) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	full := ls.shared >= ls.maxShared
	if la.running--; la.running > 0 {
		ls.shared--
	}
	la.allowed = 1
	switch {
	case status >= 200 && status < 300:
		la.allowed = ls.perLane
	case status == http.StatusGone: // the endpoint is off as soon as that is stored
		ls.drop(la.endpoint.ID, la)
	}
	if full { // others may have waited for the place; a map's order is fair enough
		for _, other := range ls.lanes {
			ls.advance(other)
		}
	} else {
		ls.advance(la)
	}
	if ls.behind && len(la.waiting) <= la.allowed/2 {
		ls.behind = false
		ls.hungry()
	}
}

// recorded lets go of a delivery.
func (ls *lanes) recorded(d *bridge.Delivery) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.held, d.ID)
	if la := ls.lanes[d.Endpoint.ID]; la != nil && la.running == 0 && len(la.waiting) == 0 {
		delete(ls.lanes, d.Endpoint.ID)
	}
}
