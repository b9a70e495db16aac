package webhook

import (
	"context"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// maxHeld bounds what is claimed and not recorded yet, waiting or running; only
	// a lane's first does not count. See accepts.
	maxHeld = 2048
	// claimBatch bounds one claim and claimPerEndpoint one endpoint's part of
	// it, so that its commit stays short.
	claimBatch       = 512
	claimPerEndpoint = 32
	// keepBody is the largest text, in bytes, that a claim loads and that is kept in
	// memory while its delivery waits; a larger one is read when its turn comes. A
	// look loads claimBatch of them at most: 8 MiB.
	keepBody = 16 << 10
	// startWithin is how long after its claim a try may begin: the claim must
	// outlast the try and its record.
	startWithin = bridge.ClaimLasts - tryTimeout - 5*time.Second
)

// lanes holds the claimed deliveries, a lane for each endpoint, and decides
// which run. One endpoint never waits for another: each may always have one try
// running; further ones come from a shared pool, see share, and only an endpoint
// whose last try succeeded gets more than one. What cannot run soon is given
// back to the store.
type lanes struct {
	pool    pool
	perLane int
	try     func(ctx context.Context, d *bridge.Delivery, t *text, answered func(status int))
	hungry  func() // there is room again for what was left in the store, or something to give back

	mu     sync.Mutex
	ctx    context.Context // of the tries; nil while closed
	held   map[int64]bool  // by delivery id
	lanes  map[int64]*lane // by endpoint id
	back   []int64         // deliveries to be given back
	behind bool            // something due was left in the store
	tries  sync.WaitGroup
}

func (ls *lanes) init(places, perLane int, try func(context.Context, *bridge.Delivery, *text, func(int)), hungry func()) {
	ls.pool = pool{free: places, running: map[int64]int{}, taken: map[int64]int{}, queue: map[*lane]bool{}}
	ls.perLane, ls.try, ls.hungry = perLane, try, hungry
	ls.held, ls.lanes = map[int64]bool{}, map[int64]*lane{}
}

// open lets tries run, under ctx.
func (ls *lanes) open(ctx context.Context) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.ctx = ctx
}

// close begins nothing more; what waited is to be given back. The caller waits
// for ls.tries.
func (ls *lanes) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.ctx = nil
	for _, la := range ls.lanes {
		ls.drop(la)
		ls.rest(la)
	}
}

// easy reports whether what is owed may be claimed without asking which endpoint
// it is for: what finds no room is given back.
func (ls *lanes) easy() bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.ctx != nil && len(ls.back) < maxHeld
}

// accepts reports whether a lane takes one delivery more: the first always, a
// few while there is room at all, and of one half of all room as many as it
// leaves free, so that one endpoint's many do not keep out another's few.
func (ls *lanes) accepts(la *lane, now time.Time) bool {
	switch n := len(la.waiting); {
	case n >= la.useful(now):
		return false
	case n+la.running == 0:
		return true
	case n < ls.perLane:
		return len(ls.held) < maxHeld
	default:
		return n < maxHeld/2-len(ls.held)
	}
}

// wants is how many deliveries a look may claim, and the endpoints of which it
// should claim none, because enough of theirs wait here.
func (ls *lanes) wants() (limit int, skip []int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	for id, la := range ls.lanes {
		if la.full(now) || !ls.accepts(la, now) {
			skip = append(skip, id)
		}
	}
	ls.behind = true // until a lane is short of work, see rest
	// As many as accepts will take: what is given back was claimed for nothing.
	return max(min(maxHeld/2-len(ls.held)-claimPerEndpoint, claimBatch), claimPerEndpoint), skip
}

// wanted reports whether to look in the store for what an endpoint is owed that
// nobody has claimed; if its lane has no room now, that tells later.
func (ls *lanes) wanted(e *bridge.Endpoint, at time.Time) bool {
	if !e.Enabled || e.HoldUntil.After(at) {
		return false
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	la := ls.lanes[e.ID]
	if la == nil || !la.full(now) && ls.accepts(la, now) {
		return true
	}
	ls.behind = true
	return false
}

// giveBack returns up to n deliveries that are to be given back, and forgets
// them. One that came again meanwhile (by a replay) is kept.
func (ls *lanes) giveBack(n int) (ids []int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for len(ls.back) > 0 && len(ids) < n {
		last := len(ls.back) - 1
		if id := ls.back[last]; !ls.held[id] {
			ids = append(ids, id)
		}
		ls.back = ls.back[:last]
	}
	return ids
}

// take begins a claimed delivery, or lets it wait for its turn. One that is
// held already is not taken twice; one for which there is no room is given back.
// t is what it sends, kept here if it is not large; at is the time of its claim, by the store's clock.
func (ls *lanes) take(d *bridge.Delivery, t *text, at time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ctx == nil || ls.held[d.ID] {
		return
	}
	e, now := d.Endpoint, time.Now()
	la := ls.lanes[e.ID]
	if la == nil {
		la = &lane{allowed: ls.perLane}
		if !e.FailingSince.IsZero() {
			la.allowed = 1
		}
		ls.lanes[e.ID] = la
	}
	la.hears(e, at)
	if !ls.accepts(la, now) {
		ls.back = append(ls.back, d.ID)
		ls.hungry()
		ls.rest(la)
		return
	}
	ls.held[d.ID] = true
	la.waiting = append(la.waiting, waiting{delivery: d, text: t, until: now.Add(startWithin)})
	ls.advance(la)
	if n := len(la.waiting); n > 0 {
		la.waiting[n-1].lighten()
	}
}

// lighten lets go of a large text.
func (w *waiting) lighten() {
	b := w.delivery.Request.Body
	if b == nil || len(b.Message)+len(b.Response)+len(b.Partial)+len(b.Metadata) <= keepBody {
		return
	}
	r, d := *w.delivery.Request, *w.delivery
	r.Body, d.Request = nil, &r
	w.delivery, w.text = &d, nil
}

// changed hears of an endpoint, as it is at that time by the store's clock: what
// waits goes to where it is now, or is given back.
func (ls *lanes) changed(e *bridge.Endpoint, at time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	la := ls.lanes[e.ID]
	if la == nil {
		return
	}
	la.hears(e, at)
	if !e.Enabled || e.HoldUntil.After(at) {
		ls.drop(la)
	}
	ls.advance(la)
}

// drop gives back what waits in a lane.
func (ls *lanes) drop(la *lane) {
	for _, w := range la.waiting {
		ls.putBack(w.delivery)
	}
	la.waiting = nil
}

// putBack gives a delivery back that was held.
func (ls *lanes) putBack(d *bridge.Delivery) {
	delete(ls.held, d.ID)
	ls.back = append(ls.back, d.ID)
	ls.hungry()
}

// advance begins as many tries of a lane as may run now. ls.mu is held.
func (ls *lanes) advance(la *lane) {
	now := time.Now()
	for len(la.waiting) > 0 && now.After(la.waiting[0].until) {
		ls.putBack(la.pop().delivery)
	}
	if la.running == 0 && la.ready(now) {
		ls.begin(la, now)
	}
	ls.share(la, now)
	ls.rest(la)
}

// rest makes sure that a lane is looked at again when its time comes, that it is
// forgotten when there is nothing to remember, and that the store is asked for
// more where that is of use. ls.mu is held.
func (ls *lanes) rest(la *lane) {
	now := time.Now()
	if ls.behind && la.short(now) && ls.accepts(la, now) {
		ls.behind = false
		ls.hungry()
	}
	if la.idle(now) || ls.ctx == nil {
		if la.timer != nil {
			la.timer.Stop()
		}
		if la.pending == 0 {
			delete(ls.lanes, la.endpoint.ID)
		}
		return
	}
	wait, ok := la.next(now)
	if at := now.Add(wait); !ok || !la.wakeAt.IsZero() && !at.Before(la.wakeAt) {
		return
	} else if la.wakeAt = at; la.timer == nil {
		la.timer = time.AfterFunc(wait, func() { ls.wake(la) })
	} else {
		la.timer.Reset(wait)
	}
}

// wake is a lane's timer.
func (ls *lanes) wake(la *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	la.wakeAt = time.Time{}
	if ls.ctx != nil && ls.lanes[la.endpoint.ID] == la { // it may have fired just before it was stopped
		ls.advance(la)
	}
}

// begin begins a lane's next try. ls.mu is held; la is ready.
func (ls *lanes) begin(la *lane, now time.Time) {
	next := la.pop()
	d := *next.delivery
	d.Endpoint = la.endpoint
	la.use(now)
	la.pending++
	ls.pool.begin(la)
	// Run waits for it.
	ctx := ls.ctx
	ls.tries.Go(func() {
		ls.try(ctx, &d, next.text, func(status int) { ls.ended(la, status) })
		ls.recorded(la, &d)
	})
}

// ended hears how the endpoint has answered: its place is free, the delivery is
// still held until its record is stored. After a failure nothing begins until
// then: it may put the endpoint on hold, or switch it off.
func (ls *lanes) ended(la *lane, status int) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.pool.end(la)
	if la.allowed = 0; status >= 200 && status < 300 {
		la.allowed = ls.perLane
	}
	if ls.ctx != nil {
		ls.advance(la)
	}
}

// recorded lets go of a delivery.
func (ls *lanes) recorded(la *lane, d *bridge.Delivery) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.held, d.ID)
	if la.pending--; la.pending == 0 {
		la.allowed = max(la.allowed, 1)
	}
	if ls.ctx != nil {
		ls.advance(la)
	} else {
		ls.rest(la)
	}
}
