package bridge

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Outcome is what became of one request, as the figures of a day need it.
type Outcome struct {
	Status      Status
	Code        FailCode // of a failed one
	QueuedAt    time.Time
	StartedAt   time.Time // zero while idle
	CompletedAt time.Time // zero until it has ended
}

// The range of a day's figures.
const (
	dayHours = 24
	// OutcomesReach is how long ago a request may have been queued that ended in the
	// last 24 hours: it waited for go until it expired, or was answered for as long as
	// a timeout can be.
	OutcomesReach = dayHours*time.Hour + ExpiresAfter + MaxTimeoutSeconds*time.Second
)

// Day is what happened in the 24 hours up to a time.
type Day struct {
	Hours    [dayHours]Hour // oldest first; the last one is the hour that is under way
	Wait     *Quantiles     // from being queued to being started, of those that were started; nil: of none
	Answer   *Quantiles     // from being queued to the answer
	Failures []Failures     // most first, then by code
}

// Hour counts the requests that ended in one hour.
type Hour struct {
	Begins time.Time
	Done   int
	Failed int
}

// Quantiles are the median and the 95th percentile, each of which is one of the
// values.
type Quantiles struct{ P50, P95 time.Duration }

// Failures counts the requests that failed with a code.
type Failures struct {
	Code  FailCode
	Count int
}

// DayOf sums up outcomes. Those that did not end, or start, in the day's hours
// count nowhere.
func DayOf(outcomes []Outcome, now time.Time) Day {
	var d Day
	first := now.UTC().Truncate(time.Hour).Add(-(dayHours - 1) * time.Hour)
	for i := range d.Hours {
		d.Hours[i].Begins = first.Add(time.Duration(i) * time.Hour)
	}
	var waits, answers []time.Duration
	failed := map[FailCode]int{}
	for _, o := range outcomes {
		if !o.StartedAt.Before(first) {
			waits = append(waits, o.StartedAt.Sub(o.QueuedAt))
		}
		hour := int(o.CompletedAt.Sub(first) / time.Hour)
		switch {
		case o.CompletedAt.Before(first) || hour >= dayHours:
		case o.Status == Done:
			d.Hours[hour].Done++
			answers = append(answers, o.CompletedAt.Sub(o.QueuedAt))
		case o.Status == Failed:
			d.Hours[hour].Failed++
			failed[o.Code]++
		}
	}
	d.Wait, d.Answer = quantiles(waits), quantiles(answers)
	for _, code := range slices.Sorted(maps.Keys(failed)) {
		d.Failures = append(d.Failures, Failures{code, failed[code]})
	}
	slices.SortStableFunc(d.Failures, func(a, b Failures) int { return cmp.Compare(b.Count, a.Count) })
	return d
}

func quantiles(values []time.Duration) *Quantiles {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	at := func(percent int) time.Duration { return values[(len(values)*percent+99)/100-1] }
	return &Quantiles{at(50), at(95)}
}
