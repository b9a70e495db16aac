package bridge

import "time"

// The times of the outbox.
const (
	ClaimLasts       = time.Minute // a try takes at most half of it
	EndpointGivesUp  = 5 * 24 * time.Hour
	SecretOverlap    = 24 * time.Hour // two secrets are valid after a rotation
	endpointGone     = "It answered 410 Gone."
	endpointFiveDays = "Every try for five days failed."
)

// ClaimDeliveries takes due deliveries for this node to try.
type ClaimDeliveries struct {
	Node        string
	Limit       int     // at most so many
	Skip        []int64 // endpoints that have no room
	PerEndpoint int     // at most so many of one endpoint; 0: no bound

	Claimed []*Delivery // the result
}

// Needs implements [Command].
func (m *ClaimDeliveries) Needs() Needs {
	return Needs{DueDeliveries: m.Limit, DueSkip: m.Skip, DuePerEnd: m.PerEndpoint, Bodies: true}
}

// Decide implements [Command].
func (m *ClaimDeliveries) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	for _, d := range f.Deliveries {
		d.ClaimedBy, d.ClaimedUntil = m.Node, f.Now.Add(ClaimLasts)
	}
	c.Deliveries = f.Deliveries
	m.Claimed = f.Deliveries
	return c, nil
}

// RecordTry stores a try and what follows from it: delivered after a 2xx; after
// a 410 the endpoint is switched off; otherwise another try after Wait, or
// none (dead). An endpoint that has failed for five days is switched off.
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
	c.judge(d, m, success)
	return c, nil
}

func (c *Changes) judge(d *Delivery, m *RecordTry, success bool) {
	e := d.Endpoint
	switch {
	case success:
		d.Status, d.NextTryAt, d.EndedAt = DeliveryDelivered, time.Time{}, c.Now
		if !e.FailingSince.IsZero() {
			e.FailingSince = time.Time{}
			c.Endpoints = append(c.Endpoints, e)
		}
		return
	case m.Try.Status == 410:
		c.switchOff(e, endpointGone)
	case e.FailingSince.IsZero():
		e.FailingSince = c.Now
		c.Endpoints = append(c.Endpoints, e)
	case c.Now.Sub(e.FailingSince) >= EndpointGivesUp:
		c.switchOff(e, endpointFiveDays)
	}
	if !m.More || !e.Enabled {
		d.Status, d.NextTryAt, d.EndedAt = DeliveryDead, time.Time{}, c.Now
		return
	}
	d.Status, d.NextTryAt = DeliveryFailing, c.Now.Add(m.Wait)
}

func (c *Changes) switchOff(e *Endpoint, reason string) {
	e.Enabled, e.DisabledReason, e.UpdatedAt = false, reason, c.Now
	c.Endpoints = append(c.Endpoints, e)
}
