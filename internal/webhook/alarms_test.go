package webhook

import (
	"testing"
	"time"
)

func TestAlarms(t *testing.T) {
	var a alarms
	begun := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return begun.Add(time.Duration(ms) * time.Millisecond) }
	for i, tt := range []struct {
		ms    int
		first bool
	}{{500, true}, {900, false}, {100, true}, {90, false}, {85, false}, {700, false}} {
		if first := a.set(at(tt.ms)); first != tt.first {
			t.Errorf("%d: the time at %d ms is the first: %v", i, tt.ms, first)
		}
	}
	for _, tt := range []struct{ now, wait int }{{0, 100}, {99, 1}, {100, 400}, {499, 1}, {650, 50}, {701, 199}, {900, 1000}, {5000, 1000}} {
		if wait := a.next(at(tt.now), time.Second); wait != time.Duration(tt.wait)*time.Millisecond {
			t.Errorf("at %d ms the next is in %v, want %d ms", tt.now, wait, tt.wait)
		}
	}
	for i := range 3 * maxAlarms { // the early ones stay
		a.set(at(1000 * (3*maxAlarms - i)))
	}
	if len(a.times) != maxAlarms || a.next(begun, time.Hour) != time.Second {
		t.Errorf("%d times, the first in %v", len(a.times), a.next(begun, time.Hour))
	}
	if a.set(at(10_000_000_000)) {
		t.Error("a late one is the first")
	}
}
