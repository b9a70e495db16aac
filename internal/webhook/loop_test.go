package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

func TestFirstTryLeavesAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		wait(7 * time.Second)
		r := w.end(1, "hello", e)[0]
		synctest.Wait()
		d, tries := w.delivery(r)
		hits := w.seen("a")
		if len(hits) != 1 || hits[0].at != 7*time.Second || d.Status != bridge.DeliveryDelivered || len(tries) != 1 || tries[0].Status != 200 || tries[0].Number != 1 {
			w.Fatalf("hits %v, delivery %+v, tries %v", hits, d, tries)
		}
		if !strings.Contains(hits[0].body, `"response":"hello"`) || hits[0].id != d.WebhookID {
			w.Errorf("sent %+v", hits[0])
		}
		if _, claims := w.counted(); claims != 0 {
			w.Errorf("%d claims for a first try", claims)
		}
	})
}

func TestRetriesFollowTheSchedule(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.end(1, "x", w.endpoint("a", status(500)))[0]
		var want time.Duration
		for i, wait := range schedule[:5] {
			want += wait
			time.Sleep(wait)
			synctest.Wait()
			hits := w.seen("a")
			if len(hits) != i+1 || (hits[i].at-want).Abs() > 100*time.Millisecond {
				w.Fatalf("try %d: hits %v, want one at %v", i+1, hits, want)
			}
		}
		if d, tries := w.delivery(r); d.Status != bridge.DeliveryFailing || d.Step != 5 || len(tries) != 5 || tries[4].Error == "" {
			w.Errorf("%+v %v", d, tries)
		}
	})
}

func TestDeadAfterTheSchedule(t *testing.T) {
	inWorld(t, func(w *world) {
		w.step = len(schedule) - 1
		r := w.end(1, "x", w.endpoint("a", status(500)))[0]
		wait(time.Hour)
		if d, tries := w.delivery(r); d.Status != bridge.DeliveryDead || len(tries) != 1 || len(w.seen("a")) != 1 {
			w.Errorf("%s after %d tries, %d hits", d.Status, len(tries), len(w.seen("a")))
		}
	})
}

func TestRetryAfterPostpones(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(429)
		})
		w.end(1, "x", e)
		wait(599 * time.Second)
		if n := len(w.seen("a")); n != 1 {
			w.Fatalf("%d tries before the time it asked for", n)
		}
		wait(2 * time.Second)
		if n := len(w.seen("a")); n != 2 {
			w.Fatalf("%d tries after it", n)
		}
	})
}

// Endpoints that hang, many of them and with much to do, delay no other: not
// its first tries, not its retries.
func TestOneEndpointsTroubleDelaysNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		good := w.endpoint("good", nil)
		retried := w.endpoint("retried", func(rw http.ResponseWriter, _ *http.Request) {
			if len(w.seen("retried")) == 1 {
				rw.WriteHeader(500)
			}
		})
		var bad []*bridge.Endpoint
		for i := range 20 {
			bad = append(bad, w.endpoint(fmt.Sprint("bad", i), hang(time.Hour)))
		}
		w.end(30, "x", bad...)
		w.end(1, "x", retried)
		for i := range 120 {
			w.end(1, "x", good)
			wait(time.Second)
			if n := len(w.seen("good")); n != i+1 {
				w.Fatalf("second %d: %d deliveries of %d within a second", i, n, i+1)
			}
		}
		if hits := w.seen("retried"); len(hits) != 2 || (hits[1].at-5*time.Second).Abs() > alarmGrain+100*time.Millisecond {
			w.Errorf("retried: %v", hits)
		}
		if n := len(w.seen("bad0")); n < 4 {
			w.Errorf("the hanging ones were tried %d times in two minutes", n)
		}
	})
}

// What is due for an endpoint that has no room hides no retry, and is not asked
// for again and again.
func TestBacklogHidesNoRetry(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end(100, "x", w.endpoint("slow", hang(29*time.Second)))
		wait(26 * time.Second) // what did not begin is due, in the store
		w.end(1, "x", w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			if len(w.seen("a")) == 1 {
				rw.Header().Set("Retry-After", "7")
				rw.WriteHeader(503)
			}
		}))
		synctest.Wait()
		w.counted()
		wait(2 * time.Second)
		if looks, claims := w.counted(); looks > 1 || claims > 1 {
			w.Errorf("%d looks and %d claims in two seconds", looks, claims)
		}
		wait(6 * time.Second)
		if hits := w.seen("a"); len(hits) != 2 || hits[1].at-33*time.Second > 100*time.Millisecond || hits[1].at < 33*time.Second {
			w.Errorf("%v, want the second at 33s", hits)
		}
		wait(10 * time.Minute)
		if n := len(w.seen("slow")); n != 100 {
			w.Errorf("%d tries of the slow one", n)
		}
	})
}

// An endpoint whose last try failed gets one try at a time, until one succeeds.
func TestFailingEndpointGetsOneTryAtATime(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			if time.Since(w.begun) < 3500*time.Millisecond {
				rw.WriteHeader(500)
			}
		})
		w.end(1, "x", e)
		wait(1500 * time.Millisecond)
		w.end(20, "x", e)
		for second, want := range []int{2, 3, 11, 19, 21} { // the third succeeds
			synctest.Wait()
			if n := len(w.seen("a")); n != want {
				w.Errorf("second %d: %d tries, want %d", second, n, want)
			}
			wait(time.Second)
		}

		// It is known to fail also where nothing of it has run here for long.
		w.step = 8
		bad := w.endpoint("bad", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			rw.WriteHeader(500)
		})
		w.end(1, "x", bad)
		wait(time.Hour)
		w.end(5, "x", bad)
		synctest.Wait()
		if n := len(w.seen("bad")); n != 2 {
			w.Errorf("%d tries of the one known to fail", n)
		}
	})
}

// A try that would begin so late that its claim might lapse under it is not
// begun: it is given back, and claimed anew.
func TestWaitingTooLong(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.end(12, "x", w.endpoint("a", hang(29*time.Second)))[11]
		wait(26 * time.Second)
		if d, _ := w.delivery(r); d.ClaimedBy != "" && d.ClaimedUntil.Sub(w.begun) < 80*time.Second || len(w.seen("a")) != 8 {
			w.Errorf("the last: %+v; %d tries", d, len(w.seen("a")))
		}
		wait(4 * time.Second)
		if n := len(w.times("a")); n != 12 {
			w.Errorf("%d were tried when there is room", n)
		}
		wait(time.Minute)
		if n := len(w.seen("a")); n != 12 {
			w.Errorf("%d tries", n)
		}
	})
}

func TestGoneSwitchesOff(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			rw.WriteHeader(410)
		})
		w.end(100, "x", e)
		wait(time.Hour)
		if n := len(w.seen("a")); n > defaultPerEndpoint {
			w.Errorf("%d tries; only those in flight may still come", n)
		}
	})
}

// What a node claimed and did not try, and what was owed while no loop ran, is
// found.
func TestNothingIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		w.halt()
		w.end(3, "x", e) // no room: not claimed
		before := time.Since(w.begun)
		w.start("n2")
		if hits := w.seen("a"); len(hits) != 3 || hits[0].at != before {
			w.Fatalf("after the start: %v", hits)
		}
		w.halt()
		w.start("n3")
		w.crashed = true
		w.end(3, "x", e)
		wait(59 * time.Second)
		if n := len(w.seen("a")); n != 3 {
			w.Fatalf("%d tries while the claim lasts", n)
		}
		wait(6 * time.Second)
		if n := len(w.seen("a")); n != 6 {
			w.Fatalf("%d tries after it", n)
		}
	})
}

func TestStop(t *testing.T) {
	inWorld(t, func(w *world) {
		slow, stuck := w.endpoint("slow", hang(3*time.Second)), w.endpoint("stuck", hang(time.Hour))
		finished, broken := w.end(1, "x", slow)[0], w.end(1, "x", stuck)[0]
		queued := w.end(20, "x", slow)
		synctest.Wait()
		begun := time.Now()
		w.halt()
		if took := time.Since(begun); took != grace {
			w.Errorf("stopped after %v", took)
		}
		if d, _ := w.delivery(finished); d.Status != bridge.DeliveryDelivered {
			w.Errorf("a try that finished in the grace is %s", d.Status)
		}
		if d, tries := w.delivery(broken); d.Status != bridge.DeliveryPending || d.Step != 0 || len(tries) != 0 {
			w.Errorf("a try that was broken off: %+v %v", d, tries)
		}
		if n := len(w.seen("slow")); n != defaultPerEndpoint {
			w.Errorf("%d tries, also after the stop", n)
		}
		if d, _ := w.delivery(queued[19]); d.ClaimedBy != "" {
			w.Error("what waited is still claimed after the stop")
		}
		w.start("n2")
		wait(2 * time.Minute)
		if d, _ := w.delivery(queued[19]); d.Status != bridge.DeliveryDelivered {
			w.Errorf("what waited at the stop is %s", d.Status)
		}
	})
}

// A store that cannot write for a moment does not make a webhook come twice.
func TestStoreTroubleWhileRecording(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		failures := 0
		w.refuse = func(cmd bridge.Command) error {
			if _, ok := cmd.(*bridge.RecordTry); ok && failures < 3 {
				failures++
				return bridge.Errorf(bridge.Unavailable, "store_unavailable", "The disk is full.")
			}
			return nil
		}
		r := w.end(1, "x", e)[0]
		wait(2 * time.Minute)
		if d, _ := w.delivery(r); d.Status != bridge.DeliveryDelivered || len(w.seen("a")) != 1 || failures != 3 {
			w.Errorf("%s, %d tries, %d failures", d.Status, len(w.seen("a")), failures)
		}
	})
}

// Far more than fits at once arrives, each once, and soon.
func TestBurst(t *testing.T) {
	inWorld(t, func(w *world) {
		e, other := w.endpoint("a", hang(10*time.Millisecond)), w.endpoint("b", nil)
		for range 4 {
			w.end(400, "x", e)
		}
		w.end(1, "x", other)
		wait(10 * time.Second)
		hits := w.seen("a")
		ids := map[string]bool{}
		for _, h := range hits {
			ids[h.id] = true
		}
		if len(hits) != 1600 || len(ids) != 1600 {
			w.Errorf("%d tries of %d deliveries, want 1600", len(hits), len(ids))
		}
		if hits := w.seen("b"); len(hits) != 1 || hits[0].at > time.Second {
			w.Errorf("another endpoint meanwhile: %v", hits)
		}
		w.idle()
	})
}

// Large texts are not kept while they wait, and arrive whole.
func TestLargeTexts(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", hang(time.Second))
		text := strings.Repeat("é", keepBody)
		w.end(20, text, e)
		synctest.Wait()
		w.loop.lanes.mu.Lock()
		for _, la := range w.loop.lanes.lanes {
			for _, waiting := range la.waiting {
				if waiting.delivery.Request.Body != nil {
					w.Error("a large text is kept")
				}
			}
		}
		w.loop.lanes.mu.Unlock()
		wait(5 * time.Second)
		if hits := w.seen("a"); len(hits) != 20 || !strings.Contains(hits[19].body, text) {
			w.Errorf("%d arrived", len(hits))
		}
	})
}

// A look loads no large text, however many are due, and they arrive whole.
func TestLooksLeaveLargeTexts(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", nil)
		text := strings.Repeat("é", keepBody)
		w.crashed = true // so that a look finds them
		w.end(3, text, e)
		w.end(3, "short", e)
		wait(bridge.ClaimLasts + lookEvery)
		whole := 0
		for _, hit := range w.seen("a") {
			if strings.Contains(hit.body, text) || strings.Contains(hit.body, "short") {
				whole++
			}
		}
		if whole != 6 {
			w.Errorf("%d arrived whole", whole)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.large > 0 {
			w.Errorf("looks loaded %d large texts", w.large)
		}
	})
}

// What waits goes to where the endpoint is now.
func TestEndpointChangesWhileDeliveriesWait(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("old", hang(time.Second))
		w.answer["new"] = hang(time.Second)
		w.end(10, "x", e)
		synctest.Wait()
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].URL = "https://new/hook"
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		wait(3 * time.Second)
		if old, now := len(w.seen("old")), len(w.seen("new")); old != 8 || now != 2 {
			w.Errorf("%d to the old URL, %d to the new", old, now)
		}
		w.end(20, "x", e)
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].Enabled = false
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		wait(time.Hour)
		if now := len(w.seen("new")); now > 2+8 {
			w.Errorf("%d to an endpoint that is off", now)
		}
		w.do(func(f *bridge.Facts) *bridge.Changes {
			f.Endpoints[0].Enabled = true
			return &bridge.Changes{Endpoints: f.Endpoints}
		})
		synctest.Wait()
		if now := len(w.seen("new")); now < 2+8+8 {
			w.Errorf("%d right after it is on again", now)
		}
		wait(5 * time.Second)
		if now := len(w.seen("new")); now != 22 {
			w.Errorf("%d after it is on again, want 22", now)
		}
	})
}

func TestIdleCostsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.end(1, "x", w.endpoint("a", nil))
		w.step = 7
		w.end(1, "x", w.endpoint("b", status(500))) // to be tried again in 20 h
		synctest.Wait()
		w.counted()
		wait(time.Hour)
		if looks, claims := w.counted(); looks > 720 || claims != 0 {
			w.Errorf("%d looks and %d claims in an idle hour", looks, claims)
		}
	})
}

func TestNewFillsInDefaults(t *testing.T) {
	l := New(Options{})
	if l.opt.Concurrency != defaultConcurrency || l.opt.PerEndpoint != defaultPerEndpoint || l.opt.Rand == nil || l.opt.Log == nil {
		t.Errorf("%+v", l.opt)
	}
	if l.Room() {
		t.Error("there is room in a loop that does not run")
	}
	l.Committed(nil)
	l.Committed(&bridge.Changes{Deliveries: []*bridge.Delivery{{ID: 1, Request: &bridge.Request{}, NextTryAt: time.Now(), Endpoint: &bridge.Endpoint{Enabled: true}}}})
}
