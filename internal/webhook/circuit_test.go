package webhook

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

// An endpoint that fails again and again is left alone for a while; then one
// probe at a time looks whether it works again, and with its success all that
// waited leaves at once.
func TestCircuit(t *testing.T) {
	inWorld(t, func(w *world) {
		var healthy atomic.Bool
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(100 * time.Millisecond)
			if !healthy.Load() {
				rw.WriteHeader(500)
			}
		})
		rs := w.end(40, "x", e)
		wait(time.Second)
		first := len(w.seen("a"))
		if first > defaultPerEndpoint+2 {
			w.Fatalf("%d tries although the first %d failed", first, bridge.CircuitAfter)
		}
		if d, _ := w.delivery(rs[39]); d.ClaimedBy != "" || d.Tried != 0 {
			w.Errorf("one that waited: %+v; want it given back", d)
		}
		other := w.end(1, "x", w.endpoint("b", nil))[0]
		w.counted()
		var fresh []*bridge.Request
		for range 20 {
			fresh = append(fresh, w.end(1, "x", e)...) // is not claimed in its commit, and nobody looks for it
		}
		wait(28 * time.Second)
		if d, _ := w.delivery(other); d.Status != bridge.DeliveryDelivered {
			w.Errorf("meanwhile another endpoint's is %s", d.Status)
		}
		looks, claims := w.counted()
		if n := len(w.seen("a")); n != first || looks > 8 || claims > 1 {
			w.Errorf("%d tries on hold, %d looks, %d claims", n-first, looks, claims)
		}
		wait(2 * time.Second) // 30 s and the probe
		if hits := w.seen("a"); len(hits) != first+1 || hits[first].at < bridge.CircuitHold || hits[first].at > bridge.CircuitHold+300*time.Millisecond {
			w.Fatalf("%d probes: %v", len(hits)-first, hits[first:])
		}
		wait(58 * time.Second)
		if n := len(w.seen("a")); n != first+1 {
			w.Errorf("%d probes on the second hold", n-first)
		}
		healthy.Store(true)
		wait(4 * time.Second)
		for _, r := range append(rs[20:], fresh...) { // the others wait for their second try
			if d, _ := w.delivery(r); d.Status != bridge.DeliveryDelivered {
				w.Fatalf("after the probe's success: %+v", d)
			}
		}
	})
}

// While a failure is not stored yet, nothing more begins: it may open the
// circuit.
func TestAFailureIsStoredFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mu.Lock()
		w.refuse = func(cmd bridge.Command) error {
			if _, ok := cmd.(*bridge.RecordTry); ok {
				time.Sleep(time.Second) // a slow store
			}
			return nil
		}
		w.mu.Unlock()
		w.end(20, "x", w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(10 * time.Millisecond)
			rw.WriteHeader(500)
		}))
		for second, want := range []int{8, 8} {
			wait(900 * time.Millisecond)
			if n := len(w.seen("a")); n != want {
				w.Errorf("second %d: %d tries, want %d", second, n, want)
			}
		}
	})
}

// An endpoint on hold is probed on time also where another's backlog is all that
// the store tells of.
func TestProbeBehindABacklog(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end(300, "x", w.endpoint("slow", hang(29*time.Second)))
		wait(26300 * time.Millisecond)
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "7")
			rw.WriteHeader(503)
		})
		w.end(8, "x", e)
		synctest.Wait()
		n := len(w.seen("a"))
		wait(10 * time.Second)
		if next := w.loop.alarms.next(time.Now(), time.Hour); next > bridge.CircuitHold-10*time.Second+alarmGrain {
			w.Errorf("the loop means to look in %v", next)
		}
		wait(bridge.CircuitHold - 10*time.Second + 100*time.Millisecond)
		if hits := w.seen("a"); len(hits) != n+1 || hits[n].at < 56300*time.Millisecond {
			w.Errorf("%d probes", len(hits)-n)
		}
	})
}

// A replay says that an endpoint works again: it is probed at once.
func TestReplayProbes(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", status(500))
		rs := w.end(8, "x", e)
		synctest.Wait()
		w.mu.Lock()
		delete(w.answer, "a")
		w.mu.Unlock()
		d, _ := w.delivery(rs[0])
		if d.Endpoint.HoldUntil.IsZero() {
			w.Fatal("not on hold")
		}
		if err := bridge.Do(w.Context(), w.post, &bridge.ReplayDelivery{DeliveryID: d.ID}); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		if d, _ := w.delivery(rs[0]); d.Status != bridge.DeliveryDelivered || d.Endpoint.Open() {
			w.Errorf("%s, endpoint %+v", d.Status, d.Endpoint)
		}
	})
}

// A limit spreads tries over time. It uses none up, holds no claim for longer
// than it lasts, and makes nobody look all the time.
func TestRateLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		w.limit(e, 20) // two at once, then one every three seconds
		rs := w.end(40, "x", e)
		free := w.end(1, "x", w.endpoint("b", nil))[0]
		synctest.Wait()
		if d, _ := w.delivery(free); d.Status != bridge.DeliveryDelivered {
			w.Errorf("another endpoint's is %s", d.Status)
		}
		w.counted()
		for minute := range 2 {
			wait(time.Minute)
			if n, most := len(w.seen("a")), 2+20*(minute+1); n > most || n < most-2 {
				w.Errorf("%d tries after %d minutes, want %d", n, minute+1, most)
			}
		}
		if looks, claims := w.counted(); looks > 50 || claims > 50 {
			w.Errorf("%d looks and %d claims in two minutes", looks, claims)
		}
		for _, r := range rs {
			if d, tries := w.delivery(r); d.Status != bridge.DeliveryDelivered || len(tries) != 1 {
				w.Fatalf("%s after %d tries", d.Status, len(tries))
			}
		}
		// What it allows is not forgotten with the last delivery.
		wait(3 * time.Second)
		w.end(10, "x", e)
		synctest.Wait()
		if n := len(w.seen("a")); n > 42 {
			w.Errorf("%d tries at once after a short rest", n-40)
		}
		w.limit(e, 0)
		synctest.Wait()
		if n := len(w.seen("a")); n != 50 {
			w.Errorf("%d tries without a limit", n)
		}
		wait(time.Minute)
		w.idle()
	})
}

// A slow limit with more than it takes: one a minute, and between two of them
// nothing is claimed that cannot begin.
func TestSlowRateLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		w.limit(e, 1)
		var rs []*bridge.Request
		for range 5 {
			rs = append(rs, w.end(20, "x", e)...)
			synctest.Wait()
		}
		if looks, _ := w.counted(); looks > 20 {
			w.Errorf("%d looks for five times more than the limit allows", looks)
		}
		wait(30 * time.Second)
		for _, r := range rs {
			if d, _ := w.delivery(r); d.ClaimedBy != "" {
				w.Fatalf("claimed by %s half a minute before its turn", d.ClaimedBy)
			}
		}
		w.counted()
		wait(10 * time.Minute)
		if n := len(w.seen("a")); n < 10 || n > 12 {
			w.Errorf("%d tries in ten minutes", n)
		}
		if looks, claims := w.counted(); looks > 10*12+50 || claims > 10*12+50 {
			w.Errorf("%d looks and %d claims in ten minutes", looks, claims)
		}
	})
}
