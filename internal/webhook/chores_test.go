package webhook

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

// What an endpoint that is off for good is owed is given up, whoever switched
// it off; what one is owed that is off for a while waits.
func TestAbandon(t *testing.T) {
	inWorld(t, func(w *world) {
		gone, removed, off := w.endpoint("gone", status(410)), w.endpoint("removed", hang(29*time.Second)), w.endpoint("off", hang(29*time.Second))
		var rs [3][]*bridge.Request
		for i, e := range []*bridge.Endpoint{gone, removed, off} {
			rs[i] = w.end(abandonStep+20, "x", e)
		}
		w.command(&bridge.RemoveEndpoint{AccountID: w.account.ID, EndpointID: removed.ID})
		w.command(&bridge.UpdateEndpoint{AccountID: w.account.ID, EndpointID: off.ID, Fields: bridge.EndpointFields{Enabled: new(false)}})
		const all = abandonStep + 20
		wait(2 * time.Second)
		for _, e := range []*bridge.Endpoint{gone, removed} {
			if left, err := w.store.CountDeliveries(w.Context(), bridge.DeliveryFilter{EndpointID: e.ID, Owed: true}); err != nil || left > 0 {
				w.Errorf("%s: after two seconds %d are owed (%v)", e.URL, left, err)
			}
		}
		wait(time.Minute)
		for e, want := range map[*bridge.Endpoint]map[string]int64{
			gone:    {bridge.DeliveryDead: all},
			removed: {bridge.DeliveryDead: all - defaultPerEndpoint, bridge.DeliveryDelivered: defaultPerEndpoint},
			off:     {bridge.DeliveryPending: all - defaultPerEndpoint, bridge.DeliveryDelivered: defaultPerEndpoint},
		} {
			for status, n := range want {
				if got, err := w.store.CountDeliveries(w.Context(), bridge.DeliveryFilter{EndpointID: e.ID, Status: []string{status}}); err != nil || got != n {
					w.Errorf("%s: %d are %s, want %d (%v)", e.URL, got, status, n, err)
				}
			}
		}
		if d, _ := w.delivery(rs[1][all-1]); d.Error == "" || d.ClaimedBy != "" {
			w.Errorf("given up: %+v", d)
		}
		if left, err := w.store.Abandoned(w.Context()); err != nil || len(left) != 0 {
			w.Errorf("left: %v, %v", left, err)
		}
	})
}

// What another node left behind is given up too.
func TestAbandonAtStart(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", hang(29*time.Second))
		w.halt()
		r := w.end(1, "x", e)[0]
		w.command(&bridge.RemoveEndpoint{AccountID: w.account.ID, EndpointID: e.ID})
		w.start("n2")
		if d, _ := w.delivery(r); d.Status != bridge.DeliveryDead {
			w.Errorf("%+v", d)
		}
	})
}

func (w *world) replay(rs ...*bridge.Request) *bridge.Replay {
	d, _ := w.delivery(rs[len(rs)-1])
	cmd := &bridge.StartReplay{Filter: bridge.DeliveryFilter{EndpointID: d.Endpoint.ID, Status: []string{bridge.DeliveryDelivered}, UpTo: d.ID}, Matching: int64(len(rs))}
	w.command(cmd)
	return cmd.Replay
}

// times is how often each webhook-id came to a host.
func (w *world) times(host string) map[string]int {
	times := map[string]int{}
	for _, h := range w.seen(host) {
		times[h.id]++
	}
	return times
}

func (w *world) stored(id int64) *bridge.Replay {
	w.Helper()
	r, err := w.store.Replay(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// A replay sends all again under the same ids; two side by side both end.
func TestReplays(t *testing.T) {
	inWorld(t, func(w *world) {
		var all [2][]*bridge.Request
		hosts := []string{"a", "b"}
		for i, host := range hosts {
			all[i] = w.end(2*replayStep+50, "x", w.endpoint(host, nil))
		}
		wait(time.Second)
		var replays []*bridge.Replay
		for i := range hosts {
			replays = append(replays, w.replay(all[i]...))
		}
		wait(time.Second)
		for i, host := range hosts {
			if r := w.stored(replays[i].ID); r.Status != bridge.ReplayDone || r.Replayed != int64(len(all[i])) {
				w.Errorf("%+v", r)
			}
			times := w.times(host)
			if len(times) != len(all[i]) {
				w.Errorf("%d ids, want %d", len(times), len(all[i]))
			}
			for id, n := range times {
				if n != 2 {
					w.Errorf("%s came %d times", id, n)
				}
			}
		}
		w.idle()
	})
}

// A stop is heard between two steps, and a node that starts goes on with what
// runs; others may step the same.
func TestReplayStopsAndGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		rs := w.end(3*replayStep, "x", w.endpoint("a", nil))
		wait(time.Second)
		var r *bridge.Replay
		steps, atSecond := 0, func() bridge.Command { return &bridge.StopReplay{ID: r.ID} }
		refuse := func(cmd bridge.Command) error {
			if _, ok := cmd.(*bridge.StepReplay); ok {
				if steps++; steps == 2 {
					w.store.Post(atSecond(), func(*bridge.Changes, error) {})
				}
			}
			return nil
		}
		w.halt()
		w.refuse = refuse
		r = w.replay(rs...)
		w.start("n2")
		wait(time.Minute)
		if r := w.stored(r.ID); r.Status != bridge.ReplayStopped || r.Replayed != replayStep {
			w.Errorf("%+v after %d steps", r, steps)
		}

		w.halt()
		steps, atSecond = 0, func() bridge.Command { // another node does the second step first
			now, _ := w.store.Replay(w.Context(), r.ID)
			return &bridge.StepReplay{Replay: now, Limit: 50}
		}
		r = w.replay(rs...)
		w.start("n3")
		wait(time.Minute)
		if r := w.stored(r.ID); r.Status != bridge.ReplayDone || r.Replayed != int64(len(rs)) {
			w.Errorf("%+v after %d steps", r, steps)
		}
		for id, n := range w.times("a") {
			if n > 3 {
				w.Errorf("%s came %d times", id, n)
			}
		}
	})
}

// The store cannot write for a while: the chores go on afterwards.
func TestChoresTryOn(t *testing.T) {
	inWorld(t, func(w *world) {
		rs := w.end(10, "x", w.endpoint("a", nil))
		synctest.Wait()
		failures := 0
		w.refuse = func(cmd bridge.Command) error {
			if _, ok := cmd.(*bridge.StepReplay); ok && failures < 3 {
				failures++
				return bridge.Errorf(bridge.Unavailable, "store_unavailable", "The disk is full.")
			}
			return nil
		}
		r := w.replay(rs...)
		wait(3 * lookEvery)
		if r := w.stored(r.ID); r.Status != bridge.ReplayDone || failures != 3 {
			w.Errorf("%+v after %d failures", r, failures)
		}
		if !strings.Contains(w.logged.String(), "a chore failed") || strings.Count(w.logged.String(), "a chore failed") != 1 {
			w.Errorf("logged:\n%s", w.logged.String())
		}
	})
}

func TestSample(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.endpoint("a", status(204))
		try := w.loop.Test(w.Context(), e)
		hits := w.seen("a")
		if try.Status != 204 || try.Error != "" || len(hits) != 1 {
			w.Fatalf("%+v, %v", try, hits)
		}
		if h := hits[0]; !strings.HasPrefix(h.id, "msg_test_") || !strings.HasPrefix(h.body, `{"type":"test","request_id":"`) || !strings.Contains(h.body, `"status":"done","message":`) {
			w.Errorf("sent %+v", h)
		}
		if second := w.loop.Test(w.Context(), e); second.RequestHeaders[HeaderID] == try.RequestHeaders[HeaderID] {
			w.Error("the same webhook-id twice")
		}
	})
}
