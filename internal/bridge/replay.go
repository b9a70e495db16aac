package bridge

import (
	"fmt"
	"time"
)

// ReplayDelivery sends one delivery again, now, whatever became of it; its
// webhook-id stays.
type ReplayDelivery struct {
	DeliveryID int64
	By         Actor

	Delivery *Delivery // the result
}

// Needs implements [Command].
func (m *ReplayDelivery) Needs() Needs { return Needs{DeliveryIDs: []int64{m.DeliveryID}} }

// Decide implements [Command]. Errors: NotFound; Conflict, where the texts are
// gone or the endpoint is off.
func (m *ReplayDelivery) Decide(f *Facts) (*Changes, error) {
	if len(f.Deliveries) == 0 {
		return nil, Errorf(NotFound, "not_found", "There is no such delivery.")
	}
	d := f.Deliveries[0]
	m.Delivery = d
	switch {
	case d.Request.TextsGone:
		return nil, Errorf(Conflict, "body_gone", "The texts of this request were cleaned up, so there is nothing left to send.")
	case !d.Endpoint.RemovedAt.IsZero():
		return nil, Errorf(Conflict, "endpoint_removed", "The endpoint of this delivery was removed, so it cannot be sent again.")
	case !d.Endpoint.Enabled:
		return nil, Errorf(Conflict, "endpoint_off", "The endpoint of this delivery is off. Switch it on, then replay.")
	}
	c := &Changes{Now: f.Now}
	c.replay(d)
	c.audit(m.By, "delivery.replayed", d.AccountID, fmt.Sprintf("delivery %d", d.ID), nil)
	return c, nil
}

// replay has a delivery tried again from the beginning of the schedule, and its
// endpoint probed if it is on hold: somebody says that it works again.
func (c *Changes) replay(d *Delivery) {
	d.Status, d.Step, d.NextTryAt, d.EndedAt, d.Error = DeliveryPending, 0, c.Now, time.Time{}, ""
	c.Deliveries = append(c.Deliveries, d)
	if e := d.Endpoint; c.Now.Before(e.HoldUntil) {
		e.HoldUntil = c.Now
		c.Endpoints = append(c.Endpoints, e)
	}
}

// StartReplay begins a replay of many.
type StartReplay struct {
	Filter   DeliveryFilter // with UpTo; its other bounds are the caller's
	Matching int64          // as counted just now
	By       Actor

	Replay *Replay // the result
}

// Needs implements [Command].
func (m *StartReplay) Needs() Needs { return Needs{} }

// Decide implements [Command].
func (m *StartReplay) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	filter := m.Filter
	filter.Ascending, filter.Before, filter.Limit = true, 0, 0
	m.Replay = &Replay{Filter: filter, Status: ReplayRunning, Matching: m.Matching, CreatedAt: f.Now}
	c.Replays = append(c.Replays, m.Replay)
	c.audit(m.By, "replay.started", filter.AccountID, "", map[string]any{"matching": m.Matching, "endpoint": filter.EndpointID, "status": filter.Status})
	return c, nil
}

// StepReplay takes a replay one step on. Replay is as it was last seen; if it
// has gone on or was stopped since, nothing is done and the result tells where
// it stands.
type StepReplay struct {
	Replay *Replay // also the result
	Limit  int
}

// Needs implements [Command].
func (m *StepReplay) Needs() Needs {
	next := m.Replay.Filter
	next.Limit = m.Limit
	return Needs{Replay: m.Replay.ID, Deliveries: &next}
}

// Decide implements [Command]. Errors: NotFound.
func (m *StepReplay) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	r := f.Replay
	if r == nil {
		return nil, replayNotFound()
	}
	seen := m.Replay.Filter.Before
	m.Replay = r
	if r.Status != ReplayRunning || r.Filter.Before != seen {
		return c, nil
	}
	for _, d := range f.Deliveries {
		r.Filter.Before = d.ID
		if d.Request.TextsGone || !d.Endpoint.Enabled {
			r.Skipped++
			continue
		}
		r.Replayed++
		c.replay(d)
	}
	if len(f.Deliveries) < m.Limit {
		r.Status, r.EndedAt = ReplayDone, f.Now
	}
	c.Replays = append(c.Replays, r)
	return c, nil
}

// StopReplay stops a replay. What it has sent again stays so.
type StopReplay struct {
	ID int64
	By Actor

	Replay *Replay // the result
}

// Needs implements [Command].
func (m *StopReplay) Needs() Needs { return Needs{Replay: m.ID} }

// Decide implements [Command]. Errors: NotFound, Conflict.
func (m *StopReplay) Decide(f *Facts) (*Changes, error) {
	r := f.Replay
	switch {
	case r == nil:
		return nil, replayNotFound()
	case r.Status != ReplayRunning:
		return nil, Errorf(Conflict, "replay_ended", "This replay has ended already.")
	}
	m.Replay = r
	c := &Changes{Now: f.Now, Replays: []*Replay{r}}
	r.Status, r.EndedAt = ReplayStopped, f.Now
	c.audit(m.By, "replay.stopped", r.Filter.AccountID, fmt.Sprintf("replay %d", r.ID), nil)
	return c, nil
}

func replayNotFound() error { return Errorf(NotFound, "not_found", "There is no such replay.") }
