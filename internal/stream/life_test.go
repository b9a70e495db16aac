package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chatbridge/internal/bridge"
)

// client does what a client does with a request's events, and knows what may
// follow what.
type client struct {
	s      *Reader
	last   string // event id
	status string
	has    []rune
	ended  bool
}

func (c *client) take(t *rapid.T, ev Event, final string) {
	var m message
	if err := json.Unmarshal(ev.Data, &m); err != nil {
		t.Fatalf("%s: %v", ev.Data, err)
	}
	if ev.ID != "" {
		c.last = ev.ID
	}
	switch m.Type {
	case "connected":
		if ev.ID != "" {
			t.Fatal("connected has an id")
		}
		return
	case "delta":
		if m.Offset > len(c.has) {
			t.Fatalf("a delta at %d for a client that has %d", m.Offset, len(c.has))
		}
		c.has = append(c.has[:m.Offset:m.Offset], []rune(m.Text)...)
	case "status", "done", "failed":
		allowed := map[string]string{
			"": "idle executing done failed", "idle": "idle executing failed", "executing": "executing idle done failed", "done": "", "failed": "",
		}
		if !strings.Contains(allowed[c.status], m.Status) {
			t.Fatalf("from %s to %s", c.status, m.Status)
		}
		c.status = m.Status
	default:
		t.Fatalf("%s", ev.Data)
	}
	c.ended = ev.End
	if ev.End != (m.Type == "done" || m.Type == "failed") || ev.End && (ev.ID != EndID || m.Status != final) {
		t.Fatalf("end %v, id %s: %s", ev.End, ev.ID, ev.Data)
	}
	if !ev.End && ev.ID != idOf(string(c.has)) {
		t.Fatalf("id %s for a client that has %q", ev.ID, string(c.has))
	}
}

// Any life of a request, with readers that read at any pace, leave and resume:
// the pieces add up to the text, no step is seen that is not one, and the end
// comes last.
func TestAnyLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		h := newHub(w)
		j := w.submit("a", h)
		j.bare = rapid.Bool().Draw(t, "bare")
		var text []rune
		known := true
		clients := make([]client, 3)
		open := func(c *client) {
			if c.last == EndID {
				return // 204
			}
			s, err := h.Open(t.Context(), "a", Open{LastEventID: c.last})
			if err != nil {
				t.Fatal(err)
			}
			c.s, c.status = s, ""
		}
		read := func(t *rapid.T, c *client, n int) {
			for range n {
				if c.s == nil {
					open(c)
				}
				if c.s == nil {
					return
				}
				ev, ok, err := c.s.Poll(t.Context())
				if errors.Is(err, io.EOF) && c.ended {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					if live := j.r.Status == bridge.Executing; live && known && string(c.has) != string(text) {
						t.Fatalf("a client has all of %q, but %q", string(text), string(c.has))
					}
					if string(j.r.Status) != c.status {
						t.Fatalf("a client knows %s, it is %s", c.status, j.r.Status)
					}
					return
				}
				c.take(t, ev, string(j.r.Status))
			}
		}
		some := func(t *rapid.T) *client { return &clients[rapid.IntRange(0, len(clients)-1).Draw(t, "client")] }
		executing := func() bool { return j.r.Status == bridge.Executing }
		sent := func() bool { return executing() && !j.r.MaySendAt.IsZero() }
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(*rapid.T) {
				if j.r.Status == bridge.Idle {
					j.claim()
				}
			},
			"go": func(*rapid.T) {
				if executing() && !sent() {
					j.mayBeSent()
					known = true
				}
			},
			"put back": func(*rapid.T) {
				if executing() && !sent() {
					j.putBack(bridge.RateLimited)
				}
			},
			"phase": func(t *rapid.T) {
				h.Phase("a", j.r.Attempt, rapid.SampledFrom(phases[1:]).Draw(t, "phase"))
			},
			"away": func(t *rapid.T) { h.Away("a", j.r.Attempt, rapid.Bool().Draw(t, "away")) },
			"delta": func(t *rapid.T) {
				if !sent() {
					return
				}
				at := rapid.IntRange(max(0, len(text)-3), len(text)).Draw(t, "at")
				s := rapid.StringOfN(rapid.RuneFrom([]rune("aé日")), 0, 5, -1).Draw(t, "text")
				if !known {
					if at > 0 && j.delta(at, s) {
						t.Fatal("a delta to an unknown text is taken")
					}
					at = 0
				}
				if !j.delta(at, s) {
					t.Fatal("resync")
				}
				text, known = append(text[:at:at], []rune(s)...), true
			},
			"end": func(t *rapid.T) {
				if sent() && rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					j.done(string(text))
				} else if rapid.IntRange(0, 9).Draw(t, "failed") == 0 && !j.r.Status.Ended() {
					j.fail(bridge.CancelledCode)
				}
			},
			"restart": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
					return
				}
				for i := range clients {
					if c := &clients[i]; c.s != nil {
						c.s.Close()
						c.s = nil
					}
				}
				h = newHub(w)
				j.nodes = []*Hub{h}
				if known = !sent(); executing() {
					h.Begin("a", j.r.Attempt)
				}
			},
			"leave": func(t *rapid.T) {
				if c := some(t); c.s != nil {
					c.s.Close()
					c.s = nil
				}
			},
			"read": func(t *rapid.T) { read(t, some(t), rapid.IntRange(1, 8).Draw(t, "events")) },
		})
		if !j.r.Status.Ended() {
			j.fail(bridge.Timeout)
		}
		for i := range clients {
			c := &clients[i]
			read(t, c, 1000)
			if c.last != EndID {
				t.Fatalf("client %d has heard of no end", i)
			}
			if c.s != nil {
				c.s.Close()
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.entries)+len(h.accounts) > 0 || h.Streams() > 0 {
			t.Fatalf("%d entries are kept, %d streams", len(h.entries), h.Streams())
		}
	})
}

// Many at once: readers and feeds that wait, come and go while the worker sends
// and commits are told.
func TestAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h := newHub(w)
		run(t, h)
		j := w.submit("a", h)
		const readers = 20
		var all sync.WaitGroup
		for i := range readers {
			all.Go(func() { // waited for below
				last, text := "", []rune(nil)
				for n := 0; ; n++ {
					r, err := h.Open(t.Context(), "a", Open{LastEventID: last})
					if err != nil {
						t.Error(err)
						return
					}
					for range 3 + i { // connected and status come at once: it waits at least once
						var ev Event
						if ev, err = r.Next(t.Context()); err != nil || ev.End {
							break
						}
						var m message
						json.Unmarshal(ev.Data, &m)
						if m.Type == "delta" {
							text = append(text[:m.Offset], []rune(m.Text)...)
						}
						if ev.ID != "" {
							last = ev.ID
						}
						if ev.ID != "" && ev.ID != idOf(string(text)) {
							t.Errorf("id %s with %q", ev.ID, string(text))
						}
					}
					ended := err == nil && r.over
					r.Close()
					if ended {
						return
					}
				}
			})
			all.Go(func() { // waited for below
				f, err := h.OpenAccount(t.Context(), testAccount, "")
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				for {
					ev, err := f.Next(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if strings.HasPrefix(string(ev.Data), `{"type":"done"`) {
						return
					}
				}
			})
		}
		synctest.Wait() // a feed that is opened after the end would not hear of it
		j.claim()
		j.mayBeSent()
		for i := range 500 {
			j.delta(i, "xy")
			h.Away("a", 1, i%3 == 0)
			h.WaitingChanged(testAccount)
			if i%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		j.done("answer")
		all.Wait()
		empty(t, h)
	})
}

// An idle stream costs little here: its entry, its reader, its places in the
// maps.
func TestMemoryOfAnIdleStream(t *testing.T) {
	const n = 10_000
	w := newWorld()
	h := newHub(w)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%036d", i)
		w.submit(ids[i], h)
	}
	readers := make([]*Reader, n)
	per := measure(func() {
		for i := range n {
			r, err := h.Open(t.Context(), ids[i], Open{})
			if err != nil {
				t.Fatal(err)
			}
			readers[i] = r
			for ok := true; ok; {
				_, ok, _ = r.Poll(t.Context())
			}
		}
	}) / n
	t.Logf("%d bytes for each of %d idle streams of their own requests", per, n)
	if per > 1100 { // 1 KiB, and what the test's own store adds
		t.Errorf("%d bytes for an idle stream", per)
	}
	for _, r := range readers {
		r.Close()
	}
	empty(t, h)
}

func BenchmarkThousandReaders(b *testing.B) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	j.claim()
	j.mayBeSent()
	readers := make([]*Reader, 1000)
	for i := range readers {
		readers[i] = open(b, h, "a", "")
		drained(b, readers[i])
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		j.delta(n, "a few words more ")
		if n += 17; n > 1<<20 {
			j.delta(0, "")
			n = 0
		}
		for _, r := range readers {
			if _, ok, err := r.Poll(b.Context()); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}
