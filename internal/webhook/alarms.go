package webhook

import (
	"slices"
	"sync"
	"time"
)

const (
	// alarmGrain is how far an alarm may be put off so that many become one look:
	// well below the 100 ms that a retry may be late.
	alarmGrain = 20 * time.Millisecond
	// maxAlarms bounds what is remembered. Where more are to come, the latest are
	// forgotten: the look every 5 s finds them.
	maxAlarms = 4096
)

// alarms are the times at which something of this node's becomes due. The store
// knows them too, but tells only the earliest: something that is due and has to
// wait (its endpoint has no room, or is over its rate) hides all that comes
// after it.
type alarms struct {
	mu    sync.Mutex
	times []time.Time // ascending, each once
}

// set adds a time, and reports whether it is now the first.
func (a *alarms) set(at time.Time) bool {
	at = at.Add(alarmGrain - 1).Truncate(alarmGrain)
	a.mu.Lock()
	defer a.mu.Unlock()
	i, there := slices.BinarySearchFunc(a.times, at, time.Time.Compare)
	if there || i == maxAlarms {
		return false
	}
	if len(a.times) == maxAlarms {
		a.times = a.times[:maxAlarms-1]
	}
	a.times = slices.Insert(a.times, i, at)
	return i == 0
}

// next forgets the times that are over and returns how long it is until the
// first of the others, at most limit.
func (a *alarms) next(now time.Time, limit time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	past, there := slices.BinarySearchFunc(a.times, now, time.Time.Compare)
	if there {
		past++
	}
	a.times = slices.Delete(a.times, 0, past)
	if len(a.times) == 0 {
		return limit
	}
	return min(limit, a.times[0].Sub(now))
}
