package stream

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/wire"
)

// flaky is a bus that can be made to lose what is published.
type flaky struct {
	bus.Bus
	deaf atomic.Bool
	sent atomic.Int64
	subs atomic.Int64 // in force
}

func (f *flaky) Publish(subject string, data []byte) {
	f.sent.Add(1)
	if !f.deaf.Load() {
		f.Bus.Publish(subject, data)
	}
}

func (f *flaky) Subscribe(subject string, fn func([]byte)) func() {
	f.subs.Add(1)
	cancel := f.Bus.Subscribe(subject, fn)
	return func() { f.subs.Add(-1); cancel() }
}

// twoNodes runs two hubs on one bus: a worker is at the first, readers at the
// second.
func twoNodes(t *testing.T, w *world) (holder, reads *Hub, line *flaky) {
	b := local.New()
	one, two := b.Node(), b.Node()
	t.Cleanup(one.Close)
	t.Cleanup(two.Close)
	line = &flaky{Bus: one}
	other := &flaky{Bus: two}
	t.Cleanup(func() {
		if n, m := line.subs.Load(), other.subs.Load(); n+m > 0 {
			t.Errorf("%d and %d subscriptions are left", n, m)
		}
	})
	holder, reads = newHub(w), newHub(w)
	holder.o.Bus, reads.o.Bus = line, other
	run(t, holder, reads)
	synctest.Wait()
	return holder, reads, line
}

func TestOtherNodesFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		holder, reads, _ := twoNodes(t, w)
		j := w.submit("a", holder)
		r := open(t, reads, "a", "")
		f := feed(t, reads, "")
		say := func(want ...string) {
			t.Helper()
			synctest.Wait()
			expect(t, r, want...)
		}
		say(connected, noWorker)
		expect(t, f, "1 "+feedWaits)
		j.claim()
		say(toldOpening)
		expect(t, f, "2 "+feedOpening)
		j.putBack(bridge.RateLimited)
		say(`{"type":"status","status":"idle","phase":null,"reason":"rate_limited"}`)
		say(noWorker)
		j.claim()
		j.mayBeSent()
		second := strings.NewReplacer(`"attempt":1`, `"attempt":2`)
		say(second.Replace(toldSubmitted))
		holder.Phase("a", 2, bridge.PhaseAnswering)
		j.delta(0, "Hello")
		toldAnswering := strings.Replace(second.Replace(toldSubmitted), "submitted", "answering", 1)
		say(toldAnswering, idOf("Hello")+` {"type":"delta","offset":0,"text":"Hello"}`)
		j.delta(5, " you")
		j.delta(3, "p")
		say(`{"type":"delta","offset":3,"text":"p"}`)
		holder.Away("a", 2, true)
		say(strings.Replace(toldAnswering, "false", "true", 1))
		late := open(t, reads, "a", idOf("Hel"))
		expect(t, late, connected, strings.Replace(toldAnswering, "false", "true", 1), `{"type":"delta","offset":3,"text":"p"}`)
		j.done("Help")
		say(endOf(j))
		late.Close()
		r.Close()
		f.Close()
		empty(t, holder, reads)
	})
}

// What the bus loses, the look finds.
func TestLostOnTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		holder, reads, line := twoNodes(t, w)
		j := w.submit("a", holder)
		r, f := open(t, reads, "a", ""), feed(t, reads, "")
		expect(t, r, connected, noWorker)
		expect(t, f, "1 "+feedWaits)
		line.deaf.Store(true)
		j.claim()
		j.mayBeSent()
		time.Sleep(2 * DefaultLook)
		synctest.Wait()
		expect(t, r, toldSubmitted)
		expect(t, f, "2 "+feedOpening, "3 "+feedSubmitted)
		synctest.Wait() // the text is asked for, and the answer lost
		line.deaf.Store(false)
		j.delta(0, "Hel")
		line.deaf.Store(true)
		j.delta(3, "lo")
		line.deaf.Store(false)
		j.delta(5, "!") // goes on from what is not there: all of it is asked for
		synctest.Wait()
		expect(t, r, `{"type":"delta","offset":0,"text":"Hello!"}`)
		line.deaf.Store(true)
		j.delta(2, "y")
		time.Sleep(2 * DefaultLook)
		line.deaf.Store(false)
		time.Sleep(2 * DefaultLook)
		synctest.Wait()
		expect(t, r, `{"type":"delta","offset":2,"text":"y"}`)
		line.deaf.Store(true)
		j.done("Hey")
		time.Sleep(2 * DefaultLook)
		synctest.Wait()
		expect(t, r, endOf(j))
		r.Close()
		f.Close()
		empty(t, holder, reads)
	})
}

// A text that fits no message comes in parts, and is shown when it is whole.
func TestLargeTextBetweenNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		holder, reads, _ := twoNodes(t, w)
		j := w.submit("a", holder)
		j.claim()
		j.mayBeSent()
		text := strings.Repeat("日本語 ", 300_000)
		j.delta(0, text)
		r := open(t, reads, "a", "")
		synctest.Wait()
		expect(t, r, connected, toldSubmitted, string(wire.Delta("", 0, text)))
		j.delta(0, text+"!")
		synctest.Wait()
		expect(t, r, `{"type":"delta","offset":1200000,"text":"!"}`)
		reads.o.Bus.Publish(subjectWant+"a", nil) // as a third node would
		synctest.Wait()
		expect(t, r)
		r.Close()
		j.fail(bridge.Timeout)
	})
}

// A worker that comes back at another node takes its text along; the first node
// reads from then on, and its readers notice nothing.
func TestWorkerMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		first, second, _ := twoNodes(t, w)
		j := w.submit("a", first)
		j.claim()
		j.mayBeSent()
		j.delta(0, "Hel")
		r := open(t, first, "a", "")
		expect(t, r, connected, toldSubmitted, `{"type":"delta","offset":0,"text":"Hel"}`)
		second.Begin("a", 1)
		synctest.Wait()
		if second.Delta("a", 1, 3, "lo") {
			t.Fatal("the second node takes a delta to a text that it does not know")
		}
		if !second.Delta("a", 1, 0, "Hello") {
			t.Fatal("resync")
		}
		synctest.Wait()
		expect(t, r, `{"type":"delta","offset":3,"text":"lo"}`)
		if !first.Delta("a", 1, 0, "old") {
			t.Error("resync for what no longer runs here")
		}
		second.Away("a", 1, true)
		synctest.Wait()
		expect(t, r, strings.Replace(toldSubmitted, "false", "true", 1))
		j.nodes = []*Hub{second}
		j.done("Hello")
		synctest.Wait()
		expect(t, r, endOf(j))
		r.Close()
		empty(t, first, second)
	})
}

// Ended at another node, an attempt leaves the node where it ran.
func TestEndedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, deaf := range []bool{false, true} {
			w := newWorld()
			other, holder, line := twoNodes(t, w)
			j := w.submit("a", holder)
			j.claim()
			j.mayBeSent()
			j.delta(0, "Hel")
			line.deaf.Store(deaf)
			j.nodes = []*Hub{other}
			j.fail(bridge.CancelledCode)
			if deaf {
				time.Sleep(2 * DefaultLook)
			}
			synctest.Wait()
			empty(t, holder, other)
		}
	})
}

func TestAloneNothingIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		node := local.New().Node()
		t.Cleanup(node.Close)
		line := &flaky{Bus: node}
		h := newHub(w)
		h.o.Bus = line
		run(t, h)
		synctest.Wait()
		j := w.submit("a", h)
		r := open(t, h, "a", "")
		j.claim()
		j.mayBeSent()
		j.delta(0, "x")
		h.Received("test-123", []byte(`{}`))
		drained(t, r)
		open(t, h, "a", "").Close()
		time.Sleep(2 * DefaultLook)
		if n := line.sent.Load(); n > 0 {
			t.Errorf("%d messages to nobody", n)
		}
		if w.loads != 0 {
			t.Errorf("%d loads of a request that was committed here", w.loads)
		}
	})
}

func TestUnknownIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		one, two, _ := twoNodes(t, w)
		open := func(h *Hub, id, address string) *UnknownReader {
			t.Helper()
			r, err := h.OpenUnknown(id, address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Close)
			return r
		}
		const hello = `{"type": "connected", "request_id": "test-123"}`
		here, there, other := open(one, "test-123", "::1"), open(two, "test-123", "::1"), open(two, "test-124", "::1")
		expect(t, here, hello)
		expect(t, there, hello)
		drained(t, other)
		one.Received("test-123", []byte("{\n  \"request_id\": \"test-123\",\n  \"status\": \"done\"\n}"))
		synctest.Wait()
		const body = `end {"request_id":"test-123","status":"done"}`
		expect(t, here, body)
		expect(t, there, body)
		expect(t, other)
		start := time.Now()
		if _, err := other.Next(t.Context()); err == nil || time.Since(start) != UnknownLasts {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for range MaxUnknownPerAddress {
			open(one, "x", "::2")
		}
		if _, err := one.OpenUnknown("x", "::2"); bridge.AsError(err).Kind != bridge.TooMany {
			t.Errorf("one too many: %v", err)
		}
		open(one, "x", "::3").Close()
		if _, err := one.OpenUnknown(strings.Repeat("é", MaxUnknownID+1), "::3"); bridge.AsError(err).Kind != bridge.Invalid {
			t.Errorf("too long an id: %v", err)
		}
		open(one, strings.Repeat("é", MaxUnknownID), "::3")
	})
}
