package stream

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

const (
	connected     = `{"type": "connected", "request_id": "a"}`
	noWorker      = `{"type":"status","status":"idle","waiting":{"reason":"no_worker","until":null}}`
	toldOpening   = `{"type":"status","status":"executing","phase":"opening","attempt":1,"away":false}`
	toldSubmitted = `{"type":"status","status":"executing","phase":"submitted","attempt":1,"away":false}`
)

func endOf(j *job) string { return EndID + " " + string(wire.EndBody(j.r)) }

func TestAWholeLife(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	r := open(t, h, "a", "")
	expect(t, r, connected, noWorker)
	j.claim()
	expect(t, r, idOf("")+" "+toldOpening)
	h.Phase("a", 1, bridge.PhaseTyping)
	expect(t, r, strings.Replace(toldOpening, "opening", "typing", 1))
	j.mayBeSent()
	expect(t, r, toldSubmitted)
	h.Phase("a", 1, bridge.PhaseAnswering)
	if !j.delta(0, "Hello") {
		t.Fatal("resync")
	}
	toldAnswering := strings.Replace(toldSubmitted, "submitted", "answering", 1)
	expect(t, r, idOf("")+" "+toldAnswering, idOf("Hello")+` {"type":"delta","offset":0,"text":"Hello"}`)
	h.Away("a", 1, true)
	j.delta(5, ", w")
	j.delta(8, "orld \"<")
	expect(t, r, idOf("Hello")+" "+strings.Replace(toldAnswering, "false", "true", 1), `{"type":"delta","offset":5,"text":", world \"<"}`)
	j.delta(4, "")
	expect(t, r, idOf("Hell")+` {"type":"delta","offset":4,"text":""}`)
	if h.Partial("a") != "Hell" {
		t.Errorf("partial %q", h.Partial("a"))
	}
	j.delta(4, "o!")
	j.done("Hello!")
	expect(t, r, endOf(j))
	if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	expect(t, open(t, h, "a", ""), connected, endOf(j))
}

func TestPutBack(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	r := open(t, h, "a", "")
	slow := open(t, h, "a", "")
	expect(t, r, connected, noWorker)
	expect(t, slow, connected, noWorker)
	j.claim()
	h.Phase("a", 1, bridge.PhaseTyping)
	expect(t, r, strings.Replace(toldOpening, "opening", "typing", 1))
	expect(t, slow, strings.Replace(toldOpening, "opening", "typing", 1))
	j.putBack(bridge.RateLimited)
	const back = `{"type":"status","status":"idle","phase":null,"reason":"rate_limited"}`
	expect(t, r, back)
	h.reconsider(h.find("a"))
	expect(t, r, noWorker)
	j.claim()
	second := strings.Replace(toldOpening, `"attempt":1`, `"attempt":2`, 1)
	expect(t, r, second)
	expect(t, slow, back, second)
	j.putBack("")
	expect(t, r, `{"type":"status","status":"idle","phase":null,"reason":null}`)
}

// A slow reader misses states, but sees no step that is not one.
func TestStepsInBetween(t *testing.T) {
	for _, c := range []struct {
		name string
		move func(*job)
		want []string
	}{
		{"idle to done", func(j *job) { j.claim(); j.mayBeSent(); j.done("x") }, []string{toldSubmitted, "end"}},
		{"idle to failed", func(j *job) { j.fail(bridge.Expired) }, []string{"end"}},
		{"put back and done", func(j *job) { j.claim(); j.putBack("challenge"); j.claim(); j.mayBeSent(); j.done("x") },
			[]string{strings.Replace(toldSubmitted, `"attempt":1`, `"attempt":2`, 1), "end"}},
		{"put back twice", func(j *job) { j.claim(); j.putBack("challenge"); j.claim(); j.putBack("logged_out") },
			[]string{`{"type":"status","status":"idle","phase":null,"reason":"logged_out"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			h := newHub(w)
			j := w.submit("a", h)
			r := open(t, h, "a", "")
			expect(t, r, connected, noWorker)
			c.move(j)
			if n := len(c.want); c.want[n-1] == "end" {
				c.want[n-1] = endOf(j)
			}
			expect(t, r, c.want...)
		})
	}
}

func TestResume(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	j.claim()
	j.mayBeSent()
	j.delta(0, "日本語")
	delta := func(offset, text string) string {
		return `{"type":"delta","offset":` + offset + `,"text":"` + text + `"}`
	}
	for _, c := range []struct {
		last string
		want []string
	}{
		{"", []string{idOf("") + " " + toldSubmitted, delta("0", "日本語")}},
		{idOf("日本"), []string{idOf("日本") + " " + toldSubmitted, delta("2", "語")}},
		{idOf("日本語"), []string{idOf("日本語") + " " + toldSubmitted}},
		{idOf("日x"), []string{idOf("日x") + " " + toldSubmitted, idOf("日本語") + " " + delta("0", "日本語")}},
		{idOf("日本語です"), []string{idOf("日本語です") + " " + toldSubmitted, delta("0", "日本語")}},
		{"garbage", []string{idOf("") + " " + toldSubmitted, delta("0", "日本語")}},
	} {
		expect(t, open(t, h, "a", c.last), append([]string{connected}, c.want...)...)
	}
	j.fail(bridge.WorkerLost)
	expect(t, open(t, h, "a", idOf("日本")), connected, endOf(j))
}

// A text that never was here is taken back where a reader has one.
func TestResumeWithoutText(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	w.submit("a", h)
	expect(t, open(t, h, "a", idOf("xy")), connected, idOf("xy")+" "+noWorker, idOf("")+` {"type":"delta","offset":0,"text":""}`)
}

// After a restart the text is unknown until the worker sends it.
func TestUnknownText(t *testing.T) {
	w := newWorld()
	j := w.submit("a")
	j.claim()
	j.mayBeSent()
	h := newHub(w)
	j.nodes = []*Hub{h}
	same, other, fresh := open(t, h, "a", idOf("He")), open(t, h, "a", idOf("Hx")), open(t, h, "a", "")
	away := strings.Replace(toldSubmitted, `"away":false`, `"away":true`, 1) // its worker is not back yet
	expect(t, same, connected, idOf("He")+" "+away)
	expect(t, other, connected, away)
	expect(t, fresh, connected, away)
	h.Begin("a", 1)
	expect(t, same, toldSubmitted)
	expect(t, other, toldSubmitted)
	expect(t, fresh, toldSubmitted)
	if j.delta(2, "llo") {
		t.Fatal("a delta beyond an unknown text is taken")
	}
	if !j.delta(0, "Hello") {
		t.Fatal("resync")
	}
	expect(t, same, idOf("Hello")+` {"type":"delta","offset":2,"text":"llo"}`)
	expect(t, other, `{"type":"delta","offset":0,"text":"Hello"}`)
	expect(t, fresh, `{"type":"delta","offset":0,"text":"Hello"}`)
	j.delta(0, "Hello")
	expect(t, same)
}

func TestWhatIsIgnored(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	r := open(t, h, "a", "")
	j.claim()
	j.putBack("")
	j.claim()
	j.mayBeSent()
	expect(t, r, connected, strings.Replace(toldSubmitted, `"attempt":1`, `"attempt":2`, 1))
	for _, attempt := range []int{0, 1, 3} {
		h.Phase("a", attempt, bridge.PhaseAnswering)
		h.Away("a", attempt, true)
		if !h.Delta("a", attempt, 5, "x") {
			t.Errorf("resync for attempt %d", attempt)
		}
	}
	h.Phase("a", 2, bridge.PhaseEnded)
	h.Begin("a", 1)
	if !h.Delta("b", 1, 0, "x") || h.Partial("b") != "" {
		t.Error("a request that is not here has a text")
	}
	expect(t, r)
}

// Many readers at one place share one encoding.
func TestSharedEncoding(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	j.claim()
	j.mayBeSent()
	readers := make([]*Reader, 10)
	for i := range readers {
		readers[i] = open(t, h, "a", "")
		drained(t, readers[i])
	}
	j.delta(0, "Hello")
	var first Event
	for i, r := range readers {
		ev, _, err := r.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ev
		}
		if &ev.Data[0] != &first.Data[0] {
			t.Fatalf("reader %d has an encoding of its own", i)
		}
	}
}

// The end's body comes from the store where the commit did not have it, and a
// store that fails for a moment ends no stream.
func TestEndWithoutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h := newHub(w)
		j := w.submit("a", h)
		j.claim()
		r := open(t, h, "a", "")
		expect(t, r, connected, toldOpening)
		j.bare = true
		w.broken = errStore
		j.done("x")
		expect(t, r)
		go func() { // waited for by the bubble
			time.Sleep(5 * time.Second)
			w.mu.Lock()
			w.broken = nil
			w.mu.Unlock()
		}()
		ev, err := r.Next(t.Context())
		if err != nil || !ev.End || string(ev.Data) != string(wire.EndBody(j.r)) {
			t.Fatalf("%s, %v", ev.Data, err)
		}
	})
}

func TestOpenFails(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	if _, err := h.Open(t.Context(), "a", Open{}); bridge.AsError(err).Kind != bridge.NotFound {
		t.Errorf("no request: %v", err)
	}
	w.submit("a") // unheard: to be loaded
	refused := errors.New("no")
	if _, err := h.Open(t.Context(), "a", Open{Allow: func(r *bridge.Request) error {
		if r.ID != "a" || r.AccountID != testAccount {
			t.Errorf("asked for %+v", r)
		}
		return refused
	}}); !errors.Is(err, refused) {
		t.Errorf("refused: %v", err)
	}
	w.broken = errStore
	if _, err := h.Open(t.Context(), "a", Open{}); !errors.Is(err, errStore) {
		t.Errorf("broken store: %v", err)
	}
	empty(t, h)
}

func TestClosing(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	start := func() Stream {
		r, err := h.Open(t.Context(), "a", Open{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		drained(t, r)
		return r
	}
	feed := func() Stream {
		r, err := h.OpenAccount(t.Context(), testAccount, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		drained(t, r)
		return r
	}
	check := func(what string, s Stream, want error) {
		t.Helper()
		if _, err := drained(t, s); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	one, other, oneFeed, otherFeed := start(), start(), feed(), feed()
	one.Revoke()
	oneFeed.Revoke()
	check("revoked", one, ErrRevoked)
	check("revoked feed", oneFeed, ErrRevoked)
	check("another", other, nil)
	check("another feed", otherFeed, nil)

	live, liveFeed := start(), feed()
	unknown, err := h.OpenUnknown("test-123", "::1")
	if err != nil {
		t.Fatal(err)
	}
	h.Drain()
	check("drained", live, ErrDraining)
	check("drained feed", liveFeed, ErrDraining)
	if _, err := drained(t, unknown); !errors.Is(err, ErrDraining) {
		t.Errorf("drained unknown: %v", err)
	}
	if _, err := h.Open(t.Context(), "a", Open{}); !errors.Is(err, ErrDraining) {
		t.Errorf("open: %v", err)
	}
	j.fail(bridge.CancelledCode)
	for _, s := range []Stream{one, other, oneFeed, otherFeed, live, liveFeed, unknown} {
		s.Close()
		s.Close()
	}
	empty(t, h)
}

// A reader that waits is woken by news and by closing, and leaves with its
// context.
func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h := newHub(w)
		j := w.submit("a", h)
		r := open(t, h, "a", "")
		drained(t, r)
		got := make(chan error, 1)
		next := func(ctx context.Context) {
			go func() { _, err := r.Next(ctx); got <- err }() // each is received from below
			synctest.Wait()
		}
		next(t.Context())
		j.claim()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		next(ctx)
		if err := <-got; !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v", err)
		}
		next(t.Context())
		r.Revoke()
		if err := <-got; !errors.Is(err, ErrRevoked) {
			t.Fatalf("%v", err)
		}
	})
}

// Begun, and never heard of again: an attempt that is over is not kept.
func TestBegunAndOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h := newHub(w)
		j := w.submit("a", h)
		j.claim()
		j.done("x")
		empty(t, h)
		h.Begin("a", 1)
		h.Begin("b", 1)
		h.Begin("b", 2)
		run(t, h)
		time.Sleep(2 * DefaultLook)
		synctest.Wait()
		empty(t, h)
	})
}

// run runs hubs for the length of a bubble.
func run(t *testing.T, hubs ...*Hub) {
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	for _, h := range hubs {
		go func() { h.Run(ctx); over <- struct{}{} }() // the cleanup waits
	}
	t.Cleanup(func() {
		stop()
		for range hubs {
			<-over
		}
	})
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		until := time.Date(2030, 1, 2, 3, 4, 5, 678900, time.FixedZone("", 3600))
		var now atomic.Pointer[wire.Waiting]
		var asked atomic.Int64
		now.Store(&wire.Waiting{Reason: wire.WaitBusy})
		h := New(Options{Store: w, Waiting: func(r *bridge.Request) *wire.Waiting { asked.Add(1); return now.Load() }})
		run(t, h)
		h.WaitingChanged(testAccount)
		j := w.submit("a", h)
		r := open(t, h, "a", "")
		expect(t, r, connected, `{"type":"status","status":"idle","waiting":{"reason":"busy","until":null}}`)
		change := func(w *wire.Waiting, want ...string) {
			t.Helper()
			now.Store(w)
			h.WaitingChanged(testAccount)
			synctest.Wait()
			expect(t, r, want...)
		}
		change(&wire.Waiting{Reason: wire.WaitBusy})
		change(&wire.Waiting{Reason: wire.WaitPaused, Until: &until}, `{"type":"status","status":"idle","waiting":{"reason":"paused","until":"2030-01-02T02:04:05.000678Z"}}`)
		change(nil, `{"type":"status","status":"idle","waiting":null}`)
		j.claim()
		expect(t, r, toldOpening)
		before := asked.Load()
		change(&wire.Waiting{Reason: wire.WaitBusy})
		if asked.Load() != before {
			t.Error("asked why a request waits that does not")
		}
		j.putBack(bridge.Challenge)
		synctest.Wait()
		expect(t, r, `{"type":"status","status":"idle","phase":null,"reason":"challenge"}`, `{"type":"status","status":"idle","waiting":{"reason":"busy","until":null}}`)
	})
}
