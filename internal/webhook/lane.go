package webhook

import (
	"time"

	"golang.org/x/time/rate"

	"chatbridge/internal/bridge"
)

// burstPart of a minute's tries may leave at once where an endpoint has a rate
// limit: few enough that no receiver minds.
const burstPart = 10

// lane is what this node knows and holds of one endpoint.
type lane struct {
	endpoint *bridge.Endpoint // as last heard of
	hold     time.Time        // the endpoint's HoldUntil, by this machine's clock
	waiting  []waiting        // in the order in which they came
	running  int
	pending  int           // tries begun and not recorded yet
	allowed  int           // tries at once, after how the last one went
	limit    *rate.Limiter // nil where the endpoint has none
	timer    *time.Timer   // looks at the lane again at wakeAt; nil at first
	wakeAt   time.Time     // zero while the timer does not run
}

type waiting struct {
	delivery *bridge.Delivery
	text     *text     // nil: to be read when its turn comes
	until    time.Time // too late to begin
}

// hears is told of the endpoint as it is at now, which is the store's clock.
func (la *lane) hears(e *bridge.Endpoint, now time.Time) {
	la.endpoint, la.hold = e, time.Now().Add(e.HoldUntil.Sub(now))
	if e.RateLimit == 0 {
		la.limit = nil
		return
	}
	perSecond, burst := rate.Limit(float64(e.RateLimit)/60), max(1, e.RateLimit/burstPart)
	switch {
	case la.limit == nil:
		la.limit = rate.NewLimiter(perSecond, burst)
	case la.limit.Limit() != perSecond:
		la.limit.SetLimit(perSecond)
		la.limit.SetBurst(burst)
	}
}

// places is how many tries may run at once: one where the endpoint's circuit is
// half open.
func (la *lane) places(now time.Time) int {
	switch e := la.endpoint; {
	case !e.Enabled:
		return 0
	case !e.Open():
		return la.allowed
	case now.Before(la.hold):
		return 0
	default:
		return min(la.allowed, 1)
	}
}

// ready reports whether the next try may begin, if there is a place in the pool
// for it.
func (la *lane) ready(now time.Time) bool {
	return len(la.waiting) > 0 && la.running < la.places(now) && (la.limit == nil || la.limit.TokensAt(now) >= 1)
}

// use takes note that a try begins.
func (la *lane) use(now time.Time) {
	if la.limit != nil {
		la.limit.AllowN(now, 1)
	}
}

// pop takes out what has waited longest.
func (la *lane) pop() waiting {
	first := la.waiting[0]
	la.waiting[0] = waiting{}
	la.waiting = la.waiting[1:]
	return first
}

// full reports whether it is of no use to claim more for this lane.
func (la *lane) full(now time.Time) bool {
	switch places := la.places(now); {
	case la.limit != nil && len(la.waiting) >= int(la.limit.TokensAt(now)):
		return true
	case places <= 1: // an endpoint in trouble: nothing is claimed to wait behind its one try
		return la.running+len(la.waiting) >= places
	default:
		return len(la.waiting) >= claimPerEndpoint
	}
}

// short reports whether the store should be asked for more before the lane has
// run dry.
func (la *lane) short(now time.Time) bool {
	return !la.full(now) && len(la.waiting) <= la.allowed
}

// useful is how many may wait in the lane: about as many as may begin before
// their claims are too old.
func (la *lane) useful(now time.Time) int {
	switch places := la.places(now); {
	case places == 0:
		return 0
	case la.limit != nil:
		return min(maxHeld, 1+int(la.limit.TokensAt(now)+float64(la.limit.Limit())*startWithin.Seconds()))
	case places == 1:
		return claimPerEndpoint
	default:
		return maxHeld
	}
}

// idle reports whether the lane holds nothing that a new one would not know.
func (la *lane) idle(now time.Time) bool {
	return la.pending == 0 && len(la.waiting) == 0 && (la.limit == nil || la.limit.TokensAt(now) >= float64(la.limit.Burst()))
}

// next is how long it is until the lane must be looked at although nothing
// happens, if there is such a time: its next token has come, what has waited
// longest is to be given back, or its rate limit need not be remembered.
func (la *lane) next(now time.Time) (wait time.Duration, ok bool) {
	if len(la.waiting) > 0 {
		wait, ok = la.waiting[0].until.Sub(now)+1, true
	}
	if la.limit == nil {
		return wait, ok
	}
	missing := 1 - la.limit.TokensAt(now)
	if missing <= 0 {
		if ok || la.running > 0 {
			return wait, ok
		}
		missing += float64(la.limit.Burst()) - 1
	}
	token := time.Duration(missing/float64(la.limit.Limit())*float64(time.Second)) + time.Millisecond // what floats round off
	if ok {
		token = min(token, wait)
	}
	return token, true
}
