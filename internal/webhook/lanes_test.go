package webhook

import (
	"context"
	"testing"
	"testing/synctest"

	"chatbridge/internal/bridge"
)

// A place of the shared pool that one lane leaves goes to another that waits
// for it.
func TestSharedPlacesGoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ls lanes
		running, end := map[int64]int{}, map[int64]chan int{1: make(chan int), 2: make(chan int)}
		ls.init(1, 2, func(_ context.Context, d *bridge.Delivery, answered func(int)) {
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
			ls.take(&bridge.Delivery{ID: id, Endpoint: &bridge.Endpoint{ID: 1 + id/3, Enabled: true}, Request: &bridge.Request{}})
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
		if len(ls.held)+len(ls.lanes)+ls.shared != 0 {
			t.Errorf("held %v, lanes %v, shared %d", ls.held, ls.lanes, ls.shared)
		}
	})
}
