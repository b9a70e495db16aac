package webhook

import (
	"net/http"
	"strings"
	"time"
)

// schedule holds the waits before each try of a delivery, counted from the end
// of the try before; ±jitter each, so that what failed together does not come
// back together.
var schedule = [...]time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	jitter        = 0.2
	maxRetryAfter = 24 * time.Hour // a receiver cannot put us off for longer
)

// Next returns how long to wait after the failed try at this step of the
// schedule (the first is 0), and whether there is a next try at all. random is
// drawn from [0,1). retryAfter is what the receiver asked for, 0 if nothing:
// the later of the two counts.
func Next(step int, random float64, retryAfter time.Duration) (wait time.Duration, more bool) {
	if step < 0 || step+1 >= len(schedule) {
		return 0, false
	}
	wait = time.Duration(float64(schedule[step+1]) * (1 - jitter + 2*jitter*random))
	return max(wait, min(retryAfter, maxRetryAfter)), true
}

// retryAfter reads the Retry-After header of an answer (RFC 9110, 10.2.3):
// seconds or an HTTP date; 0 where the status gives it no meaning here or it
// cannot be read, at most 24 h.
func retryAfter(status int, h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" || status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	if strings.Trim(v, "0123456789") == "" {
		v = strings.TrimLeft(v, "0")
		if len(v) > 5 { // 100,000 seconds and more
			return maxRetryAfter
		}
		var seconds time.Duration
		for _, digit := range v {
			seconds = seconds*10 + time.Duration(digit-'0')
		}
		return min(seconds*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
