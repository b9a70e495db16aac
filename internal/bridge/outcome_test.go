package bridge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chatbridge/internal/bridge"
)

func TestDayOf(t *testing.T) {
	now := time.Date(2026, 3, 4, 15, 20, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const minute, hour = time.Minute, time.Hour
	day := bridge.DayOf([]bridge.Outcome{
		{Status: bridge.Idle, QueuedAt: ago(minute)},
		{Status: bridge.Executing, QueuedAt: ago(5 * minute), StartedAt: ago(3 * minute)},
		{Status: bridge.Done, QueuedAt: ago(10 * minute), StartedAt: ago(9 * minute), CompletedAt: ago(2 * minute)},
		{Status: bridge.Done, QueuedAt: ago(30 * minute), StartedAt: ago(30 * minute), CompletedAt: ago(21 * minute)},
		{Status: bridge.Failed, Code: bridge.Timeout, QueuedAt: ago(2 * hour), StartedAt: ago(2 * hour), CompletedAt: ago(hour)},
		{Status: bridge.Failed, Code: bridge.Expired, QueuedAt: ago(47 * hour), CompletedAt: ago(23 * hour)},
		{Status: bridge.Failed, Code: bridge.Expired, QueuedAt: ago(40 * hour), CompletedAt: ago(16 * hour)},
		{Status: bridge.Failed, Code: bridge.CancelledCode, QueuedAt: ago(hour), CompletedAt: ago(hour)},
		{Status: bridge.Done, QueuedAt: ago(30 * hour), StartedAt: ago(30 * hour), CompletedAt: ago(24 * hour)}, // before the first hour
		{Status: bridge.Done, QueuedAt: ago(minute), StartedAt: ago(minute), CompletedAt: ago(-hour)},           // by another clock
	}, now)
	first := time.Date(2026, 3, 3, 16, 0, 0, 0, time.UTC)
	want := bridge.Day{
		Wait:     &bridge.Quantiles{P50: 0, P95: 2 * minute},
		Answer:   &bridge.Quantiles{P50: 8 * minute, P95: 9 * minute},
		Failures: []bridge.Failures{{Code: bridge.Expired, Count: 2}, {Code: bridge.CancelledCode, Count: 1}, {Code: bridge.Timeout, Count: 1}},
	}
	for i := range want.Hours {
		want.Hours[i].Begins = first.Add(time.Duration(i) * time.Hour)
	}
	want.Hours[23].Done, want.Hours[22].Done, want.Hours[22].Failed, want.Hours[0].Failed, want.Hours[7].Failed = 1, 1, 2, 1, 1
	if diff := cmp.Diff(want, day); diff != "" {
		t.Error(diff)
	}
	if empty := bridge.DayOf(nil, now); empty.Wait != nil || empty.Answer != nil || empty.Failures != nil || empty.Hours[23].Begins != now.Truncate(time.Hour) {
		t.Errorf("%+v", empty)
	}
}
