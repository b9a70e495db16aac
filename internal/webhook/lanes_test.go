package webhook

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

// A place of the shared pool that one lane leaves goes to another that waits
// for it.
func TestSharedPlacesGoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ls lanes
		running, end := map[int64]int{}, map[int64]chan int{1: make(chan int), 2: make(chan int)}
		ls.init(1, 2, func(_ context.Context, d *bridge.Delivery, _ *text, answered func(int)) {
			answered(<-end[d.Endpoint.ID])
		}, func() {})
		ls.open(t.Context())
		count := func() {
			synctest.Wait()
			ls.mu.Lock()
			defer ls.mu.Unlock()
			clear(running)
			for id, la := range ls.lanes {
				running[id] = la.running
			}
		}
		for id := range int64(6) { // 0 to 2 for endpoint 1, 3 to 5 for endpoint 2
			ls.take(&bridge.Delivery{ID: id, Endpoint: &bridge.Endpoint{ID: 1 + id/3, Enabled: true}, Request: &bridge.Request{}}, nil, time.Now())
		}
		if count(); running[1] != 2 || running[2] != 1 {
			t.Errorf("at first %v: each has one, and the first the shared place", running)
		}
		for range 3 {
			end[1] <- 200
			synctest.Wait()
		}
		if count(); running[1] != 0 || running[2] != 2 {
			t.Errorf("after the first has ended %v: the second has the shared place too", running)
		}
		for range 3 {
			end[2] <- 200
			synctest.Wait()
		}
		ls.close()
		ls.tries.Wait()
		if len(ls.held)+len(ls.lanes)+len(ls.pool.running)+len(ls.pool.taken) != 0 || ls.pool.free != 1 {
			t.Errorf("held %v, lanes %v, pool %v", ls.held, ls.lanes, ls.pool)
		}
	})
}

// laneWorld are lanes whose tries run until they are ended by hand.
type laneWorld struct {
	*testing.T
	lanes
	running map[int64][]chan int // by endpoint
}

func inLanes(t *testing.T, places, perLane int, fn func(w *laneWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &laneWorld{T: t, running: map[int64][]chan int{}}
		var mu sync.Mutex
		w.init(places, perLane, func(_ context.Context, d *bridge.Delivery, _ *text, answered func(int)) {
			end := make(chan int)
			mu.Lock()
			w.running[d.Endpoint.ID] = append(w.running[d.Endpoint.ID], end)
			mu.Unlock()
			answered(<-end)
		}, func() {})
		w.open(t.Context())
		fn(w)
		synctest.Wait()
		w.close()
		for len(w.running) > 0 {
			for id := range w.running {
				w.end(id)
			}
		}
		w.tries.Wait()
		if len(w.held)+len(w.lanes.lanes)+len(w.pool.running)+len(w.pool.taken) != 0 || w.pool.free != places {
			t.Errorf("held %v, lanes %v, pool %+v", w.held, w.lanes.lanes, w.pool)
		}
	})
}

// owe takes n deliveries of an endpoint, of the account of its tens.
func (w *laneWorld) owe(endpoint int64, n int) {
	for range n {
		w.take(&bridge.Delivery{ID: int64(len(w.held)+len(w.back)) + 1, Endpoint: &bridge.Endpoint{ID: endpoint, AccountID: endpoint / 10, Enabled: true}, Request: &bridge.Request{}}, nil, time.Now())
	}
	synctest.Wait()
}

// end lets one try of an endpoint succeed.
func (w *laneWorld) end(endpoint int64) {
	if list := w.running[endpoint]; len(list) > 1 {
		w.running[endpoint] = list[1:]
		list[0] <- 200
	} else {
		delete(w.running, endpoint)
		list[0] <- 200
	}
	synctest.Wait()
}

// One account with many endpoints leaves places to others.
func TestPlacesAreSharedBetweenAccounts(t *testing.T) {
	inLanes(t, 8, 4, func(w *laneWorld) {
		for endpoint := range int64(6) {
			w.owe(10+endpoint, 20)
		}
		if w.pool.running[1] != 6+4 {
			w.Errorf("the first account has %d tries, want one for each endpoint and half of the places", w.pool.running[1])
		}
		w.owe(20, 20)
		if w.pool.running[2] != 1+2 {
			w.Errorf("the second has %d tries, want its first and half of what was left", w.pool.running[2])
		}
	})
}

// One endpoint leaves places to others too.
func TestOneEndpointLeavesPlaces(t *testing.T) {
	inLanes(t, 4, 8, func(w *laneWorld) {
		w.owe(10, 20)
		if n := len(w.running[10]); n != 1+2 {
			w.Errorf("%d tries, want the first and half of the places", n)
		}
	})
	inLanes(t, 16, 8, func(w *laneWorld) {
		w.owe(10, 20)
		w.owe(11, 20)
		if a, b := len(w.running[10]), len(w.running[11]); a != 1+6 || b != 1+2 {
			w.Errorf("two endpoints of one account have %d and %d tries", a, b)
		}
	})
}

func TestPlacesOfALane(t *testing.T) {
	now := time.Now()
	for i, tt := range []struct {
		e       bridge.Endpoint
		allowed int
		want    int
	}{
		{bridge.Endpoint{Enabled: true}, 8, 8},
		{bridge.Endpoint{Enabled: true}, 1, 1},
		{bridge.Endpoint{Enabled: true}, 0, 0},
		{bridge.Endpoint{}, 8, 0},
		{bridge.Endpoint{Enabled: true, HoldUntil: now.Add(time.Second)}, 8, 0},
		{bridge.Endpoint{Enabled: true, HoldUntil: now.Add(-time.Second)}, 8, 1}, // half open
		{bridge.Endpoint{Enabled: true, HoldUntil: now.Add(-time.Second)}, 0, 0},
	} {
		la := &lane{allowed: tt.allowed}
		la.hears(&tt.e, now)
		if got := la.places(now); got != tt.want {
			t.Errorf("%d: %d places, want %d", i, got, tt.want)
		}
		// Another clock of the store's changes nothing.
		if !tt.e.HoldUntil.IsZero() {
			tt.e.HoldUntil = tt.e.HoldUntil.Add(time.Hour)
		}
		la.hears(&tt.e, now.Add(time.Hour))
		if got := la.places(now); got != tt.want {
			t.Errorf("%d, another clock: %d places, want %d", i, got, tt.want)
		}
	}
}

// Where places are scarce, one that is free goes to the account that runs the
// fewest tries.
func TestAFreePlaceGoesToTheAccountWithTheFewestTries(t *testing.T) {
	inLanes(t, 1, 3, func(w *laneWorld) {
		w.owe(10, 9)
		w.owe(11, 9)
		w.owe(12, 9) // one for each, and the one place for one of them
		w.owe(20, 9) // one
		if w.pool.running[1] != 4 || w.pool.running[2] != 1 || w.pool.free != 0 {
			w.Errorf("pool %+v", w.pool)
		}
		for id, list := range w.running {
			if len(list) == 2 { // its place is free now
				w.end(id)
			}
		}
		if w.pool.running[1] != 3 || w.pool.running[2] != 2 {
			w.Errorf("the place went elsewhere: %v", w.pool.running)
		}
	})
}

// However many endpoints are stuck, there is room for the next one's work.
func TestStuckLanesLeaveRoom(t *testing.T) {
	inLanes(t, 64, 8, func(w *laneWorld) {
		w.owe(10, 3000)
		if n := len(w.held); n < maxHeld/4 || n > maxHeld/2 {
			w.Errorf("one endpoint holds %d", n)
		}
		for endpoint := range int64(400) {
			w.owe(100+endpoint, 10)
		}
		if n := len(w.held); n > maxHeld+400 {
			w.Errorf("%d are held", n)
		}
		w.owe(5000, 1)
		if len(w.running[5000]) != 1 {
			w.Error("the next endpoint's does not run")
		}
		if limit, skip := w.wants(); limit < 1 || len(skip) != 402 {
			w.Errorf("a look may claim %d, and skips %d", limit, len(skip))
		}
	})
}

// What a look may claim finds room, however many endpoints it is for: giving it
// back would cost two commits for nothing.
func TestClaimsFindRoom(t *testing.T) {
	const endpoints = 40
	inLanes(t, 64, 8, func(w *laneWorld) {
		id := int64(0)
		for {
			limit, skip := w.wants()
			if limit == claimPerEndpoint || len(skip) == endpoints {
				break
			}
			for i := range int64(min(limit, endpoints*claimPerEndpoint)) { // all have been owed as many for as long
				if e := i%endpoints + 1; !slices.Contains(skip, e) {
					id++
					w.take(&bridge.Delivery{ID: id, Endpoint: &bridge.Endpoint{ID: e, Enabled: true}, Request: &bridge.Request{}}, nil, time.Now())
				}
			}
		}
		if len(w.back) > 0 || id < maxHeld/4 {
			t.Errorf("of %d claimed %d were given back", id, len(w.back))
		}
	})
}
