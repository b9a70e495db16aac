package bridge

import "time"

// renew gives the lease its full time from now.
func (l *Lease) renew(now time.Time) {
	switch {
	case l.Cancelled:
	case l.Guide:
		l.ExpiresAt = now.Add(GuideLostAfter)
	case l.GoAt.IsZero():
		l.ExpiresAt = now.Add(LeaseBeforeGo)
	default:
		l.ExpiresAt = now.Add(LeaseAfterGo)
	}
}

// takeAway takes a request from the worker that holds it, for any reason but
// the worker's own word or its silence. The slot stays taken until the worker
// has said that it stopped; after go the chat too. A guide worker can't be
// told: what it was given stays taken until its timeout.
func (c *Changes) takeAway(l *Lease, r *Request) {
	l.Cancelled = true
	if l.Guide {
		l.ExpiresAt = l.GoAt.Add(seconds(r.TimeoutSeconds))
	} else {
		c.Signals = append(c.Signals, Signal{Kind: SignalCancel, AccountID: l.AccountID, WorkerID: l.WorkerID, RequestID: l.RequestID, Attempt: l.Attempt})
	}
	if l.GoAt.IsZero() {
		l.ChatID = 0
	}
	c.Leases = append(c.Leases, l)
}

// putBack makes an executing request without go idle again.
func (c *Changes) putBack(r *Request, reason FailCode) {
	r.Status = Idle
	r.StartedAt = time.Time{}
	c.step(r, EventPutBack).Reason = reason
}

// lost ends an attempt whose worker is gone. Before go the request is idle
// again, the third time failed; after go it may have been sent, so it fails.
func (c *Changes) lost(r *Request, l *Lease, endpoints []*Endpoint, partial string) {
	if !l.GoAt.IsZero() {
		c.fail(r, endpoints, failure{code: WorkerLost, partial: partial,
			message: "The worker was lost after the message may have been sent, so it was not sent again. Look at the site first, then send it again if it is not there."})
		return
	}
	r.Lost++
	if r.Lost < MaxHandOvers {
		c.putBack(r, WorkerLost)
		return
	}
	c.fail(r, endpoints, failure{code: WorkerLost,
		message: "Three workers in a row were lost before the message was sent. Nothing was sent. Check the worker, then send it again."})
}

// Renew gives the leases of a worker, held by this socket, their full time.
// With Guide it renews all guide leases of the account: any guide socket may
// answer them.
type Renew struct{ From From }

// Needs implements [Command].
func (r *Renew) Needs() Needs {
	if r.From.Guide {
		return Needs{AccountID: r.From.AccountID, GuideHeld: true}
	}
	return Needs{AccountID: r.From.AccountID, Workers: []string{r.From.WorkerID}, HeldBy: r.From.WorkerID}
}

// Decide implements [Command].
func (r *Renew) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if !r.From.Guide && !r.From.counts(f) {
		return c, nil
	}
	for _, h := range f.Held {
		if !h.Lease.Cancelled {
			h.Lease.renew(f.Now)
			c.Leases = append(c.Leases, h.Lease)
		}
	}
	return c, nil
}

// Expire ends what a clock has run out for: a lease, the wait for ready or go,
// the wait for the answer. It changes nothing that is not due.
type Expire struct {
	AccountID int64
	RequestID string
	Here      Here
}

// Needs implements [Command].
func (e *Expire) Needs() Needs {
	return Needs{AccountID: e.AccountID, Endpoints: true, Requests: []string{e.RequestID}, Bodies: true}
}

// Decide implements [Command].
func (e *Expire) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	r := f.Requests[e.RequestID]
	if r == nil {
		return c, nil
	}
	var live *Lease
	for _, l := range f.Leases {
		switch {
		case !l.Cancelled:
			live = l
		case !f.Now.Before(l.ExpiresAt):
			c.DropLeases = append(c.DropLeases, l)
		}
	}
	due := func(t time.Time) bool { return !t.IsZero() && !f.Now.Before(t) }
	switch {
	case r.Status.Ended():
	case due(r.DueAt()):
		if live != nil && live.Guide {
			c.DropLeases = append(c.DropLeases, live)
		} else if live != nil {
			c.takeAway(live, r)
		}
		c.fail(r, f.Endpoints, overdue(r, e.Here.partial(r)))
	case live == nil:
	case due(live.ExpiresAt):
		c.DropLeases = append(c.DropLeases, live)
		c.lost(r, live, f.Endpoints, e.Here.partial(r))
		c.Signals = append(c.Signals, Signal{Kind: SignalSilence, AccountID: live.AccountID, WorkerID: live.WorkerID})
	case due(live.DueAt()):
		c.takeAway(live, r)
		c.lost(r, live, f.Endpoints, "")
	}
	c.claimFirstTries(e.Here)
	return c, nil
}

func overdue(r *Request, partial string) failure {
	if r.MaySendAt.IsZero() {
		return failure{code: Expired, message: "No worker took the message within 24 hours. Nothing was sent. Connect a worker, then send it again."}
	}
	return failure{code: Timeout, partial: partial,
		message: "No answer came within the request's timeout. The message may have been sent: look at the site first, or send it again with a longer timeout_seconds."}
}

// Start is a node's first command: it gives every lease its full time, forgets
// the sockets and the delivery claims that an earlier life of the node had.
type Start struct{ Node string }

// Needs implements [Command].
func (s *Start) Needs() Needs {
	return Needs{AllHeld: true, NodeWorkers: s.Node, ClaimedBy: s.Node}
}

// Decide implements [Command].
func (s *Start) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	for _, h := range f.Held {
		if !h.Lease.Cancelled {
			h.Lease.renew(f.Now)
			c.Leases = append(c.Leases, h.Lease)
		}
	}
	for _, w := range f.OnNode {
		c.disconnect(w)
	}
	for _, d := range f.Deliveries {
		d.ClaimedBy, d.ClaimedUntil = "", time.Time{}
		c.Deliveries = append(c.Deliveries, d)
	}
	return c, nil
}
