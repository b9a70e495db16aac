package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/client"
)

// tally is what became of everything.
type tally struct {
	submitted, acknowledged, found int
	lost                           int // acknowledged and not found
	extra                          int // found and never submitted, or twice
	open                           int // not ended
	ends                           map[string]int
	answered                       int // answers of workers
	changed                        int // acked answers whose stored response differs
	delivered                      map[string]int
	again                          int
	owed                           int // and not delivered
	names                          int // requests with more than one webhook-id
	bad                            int // signatures
	unfed                          int // ends that an account's feed never told
	twice                          int // handed out after go
	broken                         int // streams whose pieces do not add up
	faults                         int
}

// String is the tally in one line.
func (c tally) String() string {
	show := func(m map[string]int) string {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, fmt.Sprintf("%s %d", name, m[name]))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("submitted %d, acknowledged %d, found %d (lost %d, extra %d), not ended %d, ended: %s; answered by workers %d, acked and changed %d; "+
		"delivered %s (again %d), owed and not delivered %d, with two webhook-ids %d, bad signatures %d; ends not on the feed %d; handed out after go %d; streams that do not add up %d; other faults %d",
		c.submitted, c.acknowledged, c.found, c.lost, c.extra, c.open, show(c.ends), c.answered, c.changed,
		show(c.delivered), c.again, c.owed, c.names, c.bad, c.unfed, c.twice, c.broken, c.faults)
}

// settle waits until the load is over and all that was submitted has ended and
// was delivered, or until it should have been.
func (w *world) settle() {
	done := make(chan struct{})
	w.Go(func() { // the cleanup waits for it
		w.Clients.Wait()
		close(done)
	})
	select {
	case <-done:
	case <-time.After(settleWithin):
		w.t.Errorf("after %v, clients still wait for an end", settleWithin)
	}
	for deadline := time.Now().Add(settleWithin); time.Now().Before(deadline); {
		w.Book.Mu.Lock()
		ended := slices.Collect(maps.Keys(w.Book.Ends))
		unfed := 0
		for _, id := range ended {
			if w.Book.Fed[id] == 0 {
				unfed++
			}
		}
		w.Book.Mu.Unlock()
		if unfed == 0 && w.undelivered(ended) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// count compares what the actors saw with what the servers know. late is what
// is kept of answers to a request that came after its end.
func (w *world) count(late func(id string) []actors.Digest) tally {
	known := map[string]client.Request{}
	for _, a := range w.Accounts {
		if err := w.List(a, func(r client.Request) { known[r.ID] = r }); err != nil {
			w.t.Fatal(err)
		}
	}
	b := w.Book
	c := tally{ends: map[string]int{}, delivered: map[string]int{}, found: len(known), twice: len(w.Site.Twice()) + len(b.HandedAgain()), broken: b.Times(actors.TornStreams)}
	var ended []string
	for id, r := range known {
		end := r.Status
		if r.ErrorCode != nil {
			end += "/" + *r.ErrorCode
		}
		c.ends[end]++
		if r.Status != client.EventDone && r.Status != client.EventFailed {
			c.open++
			w.t.Logf("not ended: %+v", r)
			continue
		}
		ended = append(ended, id)
		b.Ended(id, "the list", actors.OutcomeOf(r))
		if r.Status == client.EventDone && *r.Response != actors.AnswerTo(r.Message) {
			b.Fault("request %s was asked %q and answered %q", id, r.Message, *r.Response)
		}
	}
	c.owed = w.undelivered(ended)
	for _, e := range w.Sink.Endpoints() {
		c.delivered[e.Name] = e.Taken()
		seen := e.Seen()
		c.again, c.bad = c.again+seen.Again, c.bad+seen.Bad
		for _, got := range seen.Came {
			if len(got.Others) > 0 {
				c.names++
			}
		}
	}
	b.Mu.Lock()
	c.submitted, c.acknowledged, c.answered = b.Submitted, len(b.Made), b.Said+len(b.Acked)
	for _, id := range ended {
		if b.Fed[id] == 0 {
			c.unfed++
		}
	}
	for id := range known {
		if _, ours := b.Message[id]; !ours {
			c.extra++
		}
	}
	for _, id := range b.Made {
		if r, ok := known[id]; !ok || actors.DigestOf(r.Message) != b.Message[id] {
			c.lost++
		}
	}
	acked := maps.Clone(b.Acked)
	b.Mu.Unlock()
	for ref, text := range acked {
		r := known[ref.RequestID]
		if r.Status == client.EventDone && actors.DigestOf(given(r.Response)) == text {
			continue
		}
		// An answer that came too late is acked, and kept beside the end.
		if r.Status != client.EventFailed || !slices.Contains(late(ref.RequestID), text) {
			c.changed++
			w.t.Logf("acked %v, and it is now %s %s", ref, r.Status, given(r.ErrorCode))
		}
	}
	var shown []string
	c.faults, shown = b.Faults()
	slices.Sort(shown)
	shown = shown[:min(len(shown), 20)]
	if len(shown) > 0 {
		w.t.Log(strings.Join(shown, "\n"))
	}
	return c
}

// check fails the test where a promise was broken, or too little was tried.
func (c tally) check(t testing.TB) {
	t.Helper()
	for what, n := range map[string]int{
		"acknowledged and not found": c.lost, "never submitted, or made twice": c.extra, "not ended": c.open, "acked answers that changed": c.changed,
		"owed and not delivered": c.owed, "delivered under two webhook-ids": c.names, "bad signatures": c.bad, "ends that the feed left out": c.unfed,
		"handed out after go": c.twice, "streams that do not add up": c.broken, "other faults": c.faults,
	} {
		if n != 0 {
			t.Errorf("%s: %d, want 0", what, n)
		}
	}
	if c.ends["done"] <= c.found/2 {
		t.Errorf("only %d of %d are done: that tests little", c.ends["done"], c.found)
	}
}
