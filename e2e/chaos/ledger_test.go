package chaos

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness/actors"
)

// TestLedger lets everything fail at once, and counts.
func TestLedger(t *testing.T) {
	if *storeFlag != "" && engines[*storeFlag] == nil {
		t.Fatalf("-store: there is no %q", *storeFlag)
	}
	for _, name := range slices.Sorted(maps.Keys(engines)) {
		if *storeFlag != "" && *storeFlag != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if *requestsFlag < many {
				t.Parallel() // long runs take the machine for themselves
			}
			ledger(t, engines[name](t))
		})
	}
}

func ledger(t *testing.T, e *engine) {
	w := found(t, e, *requestsFlag)
	stop := w.tell()
	w.open()
	w.rage()
	loaded := time.Since(w.begun)
	w.settle()
	stop()
	found := w.gather()
	tally := found.count()
	t.Logf("%s, seed %d: %d requests in %v (%.0f a second), %d deliveries, settled after %v, %d restarts; faults: %v\non the way: %v\nends: %v\n%v",
		e.name, *seedFlag, len(found.requests), loaded.Round(time.Second), float64(len(found.requests))/loaded.Seconds(), len(found.deliveries),
		time.Since(w.begun).Round(time.Second), w.restarts, w.done, w.Book.Counts(), found.outcomes(), tally)
	if broken := tally.broken(); len(broken) > 0 {
		t.Errorf("must be zero: %s", strings.Join(broken, "; "))
	}
	w.enough(found)
}

// outcomes is how many requests ended how.
func (e *evidence) outcomes() map[string]int {
	ends := map[string]int{}
	for _, r := range e.requests {
		ends[strings.TrimSuffix(r.outcome.Status+"/"+r.outcome.Code, "/")]++
	}
	return ends
}

// enough fails a run that tested little.
func (w *town) enough(found *evidence) {
	if n := found.outcomes()["done"]; n <= len(found.requests)/2 {
		w.t.Errorf("only %d of %d requests are done: that tests little", n, len(found.requests))
	}
	for _, f := range append(slices.Clone(faults), w.engine.faults...) {
		if w.done[f.name] == 0 {
			w.t.Errorf("never came: %s", f.name)
		}
	}
	if len(found.requests) < many {
		return // chance decides what a short run meets
	}
	for _, what := range []string{actors.CutBeforeReady, actors.CutBeforeGo, actors.CutAfterGo, actors.CutAfterPress, actors.CutBeforeAck,
		actors.GuideCutAfterPress, actors.GuideCutAfterAnswer, "streams resumed", "cancels", "workers killed"} {
		if w.Book.Times(what) == 0 {
			w.t.Errorf("never came: %s", what)
		}
	}
	for mood := actors.Well; mood <= actors.Redirect; mood++ {
		met := mood == actors.Hiccup // it answers as others do
		for _, e := range w.endpoints {
			met = met || !e.sink.First(mood).IsZero()
		}
		if !met {
			w.t.Errorf("no endpoint ever answered like this: %v", mood)
		}
	}
}
