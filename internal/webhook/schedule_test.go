package webhook

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSchedule(t *testing.T) {
	waits := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	for step, want := range waits {
		for _, r := range []struct{ random, factor float64 }{{0, 0.8}, {0.5, 1}, {0.999999999, 1.2}} {
			got, more := Next(step, r.random, 0)
			if diff := got - time.Duration(float64(want)*r.factor); !more || diff.Abs() > time.Millisecond {
				t.Errorf("Next(%d, %v) = %v, %v, want %v of %v", step, r.random, got, more, r.factor, want)
			}
		}
	}
	for _, step := range []int{len(waits), len(waits) + 1, 1000, -1} {
		if wait, more := Next(step, 0.5, time.Hour); more || wait != 0 {
			t.Errorf("Next(%d) = %v, %v after the last", step, wait, more)
		}
	}
}

func TestNextIsTheLaterOfScheduleAndRetryAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step, random := rapid.IntRange(0, len(schedule)-2).Draw(t, "step"), rapid.Float64Range(0, 0.999999).Draw(t, "random")
		asked := time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "asked"))
		plain, _ := Next(step, random, 0)
		got, more := Next(step, random, asked)
		if !more || got < plain || got < min(asked, 24*time.Hour) || got != plain && got != min(asked, 24*time.Hour) {
			t.Fatalf("Next(%d, %v, %v) = %v, %v; without asking %v", step, random, asked, got, more, plain)
		}
		base := schedule[step+1]
		if plain < base*8/10-1 || plain > base*12/10+1 {
			t.Fatalf("Next(%d, %v) = %v is not within a fifth of %v", step, random, plain, base)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		status int
		value  string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute},
		{503, "120", 2 * time.Minute},
		{503, " 7 ", 7 * time.Second},
		{503, "000000000060", time.Minute},
		{503, "0", 0},
		{503, "", 0},
		{500, "120", 0},
		{200, "120", 0},
		{301, "120", 0},
		{429, "86400", 24 * time.Hour},
		{429, "86401", 24 * time.Hour},
		{429, "99999", 24 * time.Hour},
		{429, "100000", 24 * time.Hour},
		{429, "99999999999999999999999999", 24 * time.Hour},
		{429, "-5", 0},
		{429, "1.5", 0},
		{429, "soon", 0},
		{429, "١٢", 0},
		{429, "Sat, 01 Aug 2026 12:10:00 GMT", 10 * time.Minute},
		{429, "Saturday, 01-Aug-26 12:10:00 GMT", 10 * time.Minute},
		{429, "Sat Aug  1 12:10:00 2026", 10 * time.Minute},
		{429, "Sat, 01 Aug 2026 11:00:00 GMT", 0},
		{429, "Sat, 01 Aug 2099 11:00:00 GMT", 24 * time.Hour},
	}
	for _, tt := range tests {
		if got := retryAfter(tt.status, http.Header{"Retry-After": {tt.value}}, now); got != tt.want {
			t.Errorf("retryAfter(%d, %q) = %v, want %v", tt.status, tt.value, got, tt.want)
		}
	}
}
