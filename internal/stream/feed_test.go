package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

func feed(t testing.TB, h *Hub, last string) *AccountReader {
	t.Helper()
	r, err := h.OpenAccount(t.Context(), testAccount, last)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

const (
	feedMade      = `{"type":"made","request_id":"a","request":{"id":"a","status":"idle"}}`
	feedWaits     = `{"type":"status","request_id":"a","status":"idle","waiting":{"reason":"no_worker","until":null}}`
	feedOpening   = `{"type":"status","request_id":"a","status":"executing","phase":"opening","attempt":1,"away":false}`
	feedSubmitted = `{"type":"status","request_id":"a","status":"executing","phase":"submitted","attempt":1,"away":false}`
	feedAnswering = `{"type":"status","request_id":"a","status":"executing","phase":"answering","attempt":1,"away":false}`
)

func TestFeed(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	r := feed(t, h, "")
	expect(t, r, "0 ")
	j := w.submit("a", h)
	expect(t, r, "1 "+feedMade, " "+feedWaits)
	j.claim()
	expect(t, r, "2 "+feedOpening)
	j.putBack(bridge.LoggedOut)
	expect(t, r, `3 {"type":"status","request_id":"a","status":"idle","phase":null,"reason":"logged_out"}`)
	j.claim()
	j.mayBeSent()
	second := strings.NewReplacer(`"attempt":1`, `"attempt":2`)
	expect(t, r, "4 "+second.Replace(feedOpening), "5 "+second.Replace(feedSubmitted))
	h.Phase("a", 2, bridge.PhaseAnswering)
	j.delta(0, "Hello")
	expect(t, r, " "+second.Replace(feedAnswering), ` {"type":"delta","request_id":"a","offset":0,"text":"Hello"}`)
	j.delta(2, "y")
	expect(t, r, ` {"type":"delta","request_id":"a","offset":2,"text":"y"}`)
	j.done("Hey")
	expect(t, r, "6 "+string(wire.EndBody(j.r)))
	w.commit(j.r, bridge.EventLate, "", false, h)
	expect(t, r)
	r.Close()
	empty(t, h)
}

// Opened late, a feed begins with the present state of what has not ended, and
// tells nothing else of the past.
func TestFeedPresentState(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	w.submit("gone", h).fail(bridge.Expired)
	j := w.submit("a", h)
	j.claim()
	j.mayBeSent()
	h.Phase("a", 1, bridge.PhaseAnswering)
	j.delta(0, "Hello")
	idle := w.submit("b", h)
	r := feed(t, h, "")
	b := strings.NewReplacer(`"a"`, `"b"`)
	expect(t, r, " "+feedAnswering, "6 "+b.Replace(feedWaits), ` {"type":"delta","request_id":"a","offset":0,"text":"Hello"}`)
	idle.fail(bridge.CancelledCode)
	expect(t, r, "7 "+string(wire.EndBody(idle.r)))
}

func TestFeedResumes(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	j.claim()
	j.mayBeSent()
	j.delta(0, "Hel")
	other := w.submit("b", h)
	other.fail(bridge.Expired)
	ended := "5 " + string(wire.EndBody(other.r))
	text := ` {"type":"delta","request_id":"a","offset":0,"text":"Hel"}`
	made := `{"type":"made","request_id":"b","request":{"id":"b","status":"idle"}}`
	expect(t, feed(t, h, "1"), "2 "+feedOpening, "3 "+feedSubmitted, "4 "+made, ended, text)
	expect(t, feed(t, h, "5"), text)
	for _, last := range []string{"6", "-1", "x", idOf(""), "99999999999999999999"} {
		expect(t, feed(t, h, last), `{"type":"reset"}`, "5 "+feedSubmitted, text)
	}
	w.first = 4
	expect(t, feed(t, h, "3"), "4 "+made, ended, text)
	expect(t, feed(t, h, "2"), `{"type":"reset"}`, "5 "+feedSubmitted, text)
	h.Phase("a", 1, bridge.PhaseAnswering)
	expect(t, feed(t, h, "5"), " "+feedAnswering, text)
}

// A feed so slow that what it has not read is no longer kept begins anew.
func TestFeedFallsBehind(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	r := feed(t, h, "")
	expect(t, r, "0 ")
	j := w.submit("a", h)
	j.claim()
	w.mu.Lock()
	w.first = 2
	w.mu.Unlock()
	expect(t, r, `{"type":"reset"}`, "2 "+feedOpening)
}

func TestFeedOfMany(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	for i := range maxWatched + 5 {
		w.submit(fmt.Sprint(i), h)
	}
	r := feed(t, h, "")
	events, err := drained(t, r)
	if err != nil || len(events) != maxWatched+5 || events[len(events)-1].ID == "" {
		t.Fatalf("%d events, %v", len(events), err)
	}
	late := w.submit("a", h)
	expect(t, r, feedMade)
	late.fail(bridge.Expired)
	expect(t, r, string(wire.EndBody(late.r)))
}

// A stream that is opened on what a feed brought asks the store: the feed may
// be behind.
func TestReaderBesideAFeed(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a")
	r := feed(t, h, "")
	expect(t, r, feedWaits)
	j.claim() // unheard
	expect(t, open(t, h, "a", ""), connected, toldOpening)
}

func TestFeedAndABrokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h := newHub(w)
		w.broken = errStore
		if _, err := h.OpenAccount(t.Context(), testAccount, ""); !errors.Is(err, errStore) {
			t.Errorf("%v", err)
		}
		empty(t, h)
		w.broken = nil
		r := feed(t, h, "")
		expect(t, r, "0 ")
		w.submit("a", h)
		w.broken = errStore
		expect(t, r)
		go func() { // waited for by the bubble
			time.Sleep(5 * time.Second)
			w.mu.Lock()
			w.broken = nil
			w.mu.Unlock()
		}()
		ev, err := r.Next(t.Context())
		if string(ev.Data) != feedMade || err != nil {
			t.Errorf("%s, %v", ev.Data, err)
		}
	})
}
