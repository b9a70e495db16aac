package bridge

import "time"

// The times of the outbox.
const (
	ClaimLasts      = time.Minute // a try takes at most half of it
	EndpointGivesUp = 5 * 24 * time.Hour
	SecretOverlap   = 24 * time.Hour // two secrets are valid after a rotation

	// CircuitAfter failed tries in a row open an endpoint's circuit: for CircuitHold at
	// first, twice as long after each failed probe, at most CircuitHoldMax. A receiver
	// that restarts is not met by it; one that is down costs a try now and then.
	CircuitAfter   = 5
	CircuitHold    = 30 * time.Second
	CircuitHoldMax = 10 * time.Minute

	endpointGone     = "It answered 410 Gone."
	endpointFiveDays = "Every try for five days failed."
)

// ClaimDeliveries takes due deliveries for this node to try: of an endpoint with
// an open circuit one alone, the probe.
type ClaimDeliveries struct {
	Node        string
	Limit       int     // at most so many
	Skip        []int64 // endpoints that have no room
	PerEndpoint int     // at most so many of one endpoint; 0: no bound
	BodyLimit   int     // bytes; larger texts may be left out, so that claims of any number stay small; 0: all are loaded

	Claimed []*Delivery // the result
}

// Needs implements [Command].
func (m *ClaimDeliveries) Needs() Needs {
	return Needs{DueDeliveries: m.Limit, DueSkip: m.Skip, DuePerEnd: m.PerEndpoint, DueBodyLimit: m.BodyLimit, Bodies: true}
}

// Decide implements [Command].
func (m *ClaimDeliveries) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	m.Claimed = nil
	probed := map[int64]bool{}
	for _, d := range f.Deliveries {
		if d.Endpoint.Open() {
			if probed[d.Endpoint.ID] {
				continue
			}
			probed[d.Endpoint.ID] = true
		}
		d.ClaimedBy, d.ClaimedUntil = m.Node, f.Now.Add(ClaimLasts)
		m.Claimed = append(m.Claimed, d)
	}
	c.Deliveries = m.Claimed
	return c, nil
}

// ReleaseDeliveries gives claimed deliveries of which no try was begun back, so
// that they need not wait for their claims to lapse. What another node has
// claimed, or is owed no more, stays as it is.
type ReleaseDeliveries struct {
	Node string
	IDs  []int64
}

// Needs implements [Command].
func (m *ReleaseDeliveries) Needs() Needs { return Needs{DeliveryIDs: m.IDs} }

// Decide implements [Command].
func (m *ReleaseDeliveries) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	for _, d := range f.Deliveries {
		if d.ClaimedBy == m.Node && !d.NextTryAt.IsZero() {
			d.ClaimedBy, d.ClaimedUntil = "", time.Time{}
			c.Deliveries = append(c.Deliveries, d)
		}
	}
	return c, nil
}

// RecordTry stores a try and what follows from it: delivered after a 2xx; after
// a 410 the endpoint is switched off; otherwise another try after Wait, or
// none (dead). An endpoint that has failed for five days is switched off, one
// that fails again and again is held.
type RecordTry struct {
	DeliveryID int64
	Node       string
	Try        Try           // without Number
	Wait       time.Duration // until the next try, if it failed
	More       bool          // whether the schedule has another try

	Delivery *Delivery // the result
}

// Needs implements [Command].
func (m *RecordTry) Needs() Needs { return Needs{DeliveryIDs: []int64{m.DeliveryID}} }

// Decide implements [Command].
func (m *RecordTry) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if len(f.Deliveries) == 0 {
		return c, nil
	}
	d := f.Deliveries[0]
	m.Delivery = d
	d.Tried++
	try := m.Try
	try.DeliveryID, try.Number = d.ID, d.Tried
	c.Tries = append(c.Tries, &try)
	c.Deliveries = append(c.Deliveries, d)
	success := try.Status >= 200 && try.Status < 300
	if d.Status == DeliveryDelivered || d.ClaimedBy != m.Node && !success {
		return c, nil // a try whose claim had lapsed: what follows is for the node that has it now
	}
	d.Step++
	d.ClaimedBy, d.ClaimedUntil = "", time.Time{}
	if success {
		d.Status, d.Error, d.NextTryAt, d.EndedAt = DeliveryDelivered, "", time.Time{}, c.Now
		c.healed(d.Endpoint)
		return c, nil
	}
	d.Error = try.Error
	c.failedTry(d.Endpoint, try.Status)
	if !m.More || !d.Endpoint.Enabled {
		c.bury(d)
		return c, nil
	}
	d.Status, d.NextTryAt = DeliveryFailing, c.Now.Add(m.Wait)
	return c, nil
}

// healed notes that an endpoint took a webhook.
func (c *Changes) healed(e *Endpoint) {
	if e.FailingSince.IsZero() && !e.Open() {
		return
	}
	e.FailingSince, e.Failures, e.HoldUntil = time.Time{}, 0, time.Time{}
	c.Endpoints = append(c.Endpoints, e)
}

// failedTry notes that an endpoint did not take a webhook. Tries that were under
// way when its circuit opened say nothing new.
func (c *Changes) failedTry(e *Endpoint, status int) {
	if !e.Enabled {
		return
	}
	c.Endpoints = append(c.Endpoints, e)
	if e.FailingSince.IsZero() {
		e.FailingSince = c.Now
	}
	switch {
	case status == 410:
		c.switchOff(e, endpointGone)
	case c.Now.Sub(e.FailingSince) >= EndpointGivesUp:
		c.switchOff(e, endpointFiveDays)
	case !c.Now.Before(e.HoldUntil):
		e.Failures++
		e.HoldUntil = holdAfter(e.Failures, c.Now)
	}
}

// holdAfter is how long an endpoint is held after so many failed tries in a
// row; zero: not at all.
func holdAfter(failures int, now time.Time) time.Time {
	if failures < CircuitAfter {
		return time.Time{}
	}
	hold := CircuitHoldMax
	if n := failures - CircuitAfter; n < 8 {
		hold = min(CircuitHold<<n, CircuitHoldMax)
	}
	return now.Add(hold)
}

// switchOff switches an endpoint off for good. What it is owed dies with it, in
// steps, see [Abandon].
func (c *Changes) switchOff(e *Endpoint, reason string) {
	e.Enabled, e.DisabledReason, e.HoldUntil, e.UpdatedAt = false, reason, time.Time{}, c.Now
	c.audit(itself, "endpoint.switched_off", e.AccountID, e.name(), map[string]string{"reason": reason})
}

// bury gives a delivery up. It may be replayed.
func (c *Changes) bury(d *Delivery) {
	d.Status, d.NextTryAt, d.EndedAt = DeliveryDead, time.Time{}, c.Now
	d.ClaimedBy, d.ClaimedUntil = "", time.Time{}
}

// Abandon gives up what an endpoint that is off for good is owed, one step of
// at most Limit deliveries at a time.
type Abandon struct {
	EndpointID int64
	Limit      int

	More bool // the result: there may be more
}

// Needs implements [Command].
func (m *Abandon) Needs() Needs {
	return Needs{Deliveries: &DeliveryFilter{EndpointID: m.EndpointID, Owed: true, Ascending: true, Limit: m.Limit}}
}

// Decide implements [Command].
func (m *Abandon) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	m.More = false
	for _, d := range f.Deliveries {
		if !d.Endpoint.OffForGood() {
			return c, nil
		}
		d.Error = "Its endpoint was switched off: " + d.Endpoint.DisabledReason
		c.bury(d)
		c.Deliveries = append(c.Deliveries, d)
	}
	m.More = len(f.Deliveries) == m.Limit
	return c, nil
}
