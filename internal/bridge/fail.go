package bridge

// Trouble is what a worker says of a request that it could not answer.
type Trouble struct {
	Code       FailCode // "" or an unknown one means worker_error
	Message    string   // a sentence of the worker's; "" takes ours
	RetryAfter int      // seconds; 0: not told
	Partial    string
}

// troubles are the codes that a worker may give, with our sentence for each.
// Those that pause also put a request without go back.
var troubles = map[FailCode]struct {
	pauses  bool
	message string
}{
	RateLimited:      {true, "The site limits this account for now. Wait, then send it again."},
	LoggedOut:        {true, "The worker's browser is logged out of the site. Log in there, then send it again."},
	Challenge:        {true, "The site asks the person at the browser to prove that they are human. Do so there, then send it again."},
	PageChanged:      {true, "The site's page no longer matches what the worker knows. Update the extension or its selector pack."},
	ModeUnavailable:  {false, "The site does not offer this mode now. Send it again with response_type auto."},
	TooLong:          {false, "The site does not take a message this long. Shorten it."},
	ChatNotFound:     {false, "The site no longer has this chat. Send the message in a new chat."},
	IncompleteAnswer: {false, "The answer broke off or could not be read whole. Look at the site first."},
	WorkerLost:       {false, "The worker was restarted and cannot tell whether the message was sent. Look at the site first, then send it again if it is not there."},
	WorkerError:      {false, "The worker could not answer. Send it again; if it stays, look at the worker's log."},
}

// Fail stores a worker's error. Codes that pause do so whatever became of the
// attempt; the attempt's request fails after go, and goes back before it (the
// third time it fails with that code).
type Fail struct {
	From      From
	RequestID string
	Attempt   int
	Trouble   Trouble
	Here      Here
}

// Needs implements [Command].
func (m *Fail) Needs() Needs {
	n := m.From.needs(m.RequestID)
	n.Endpoints, n.Bodies = true, true
	if troubles[m.Trouble.Code].pauses && !m.From.Guide {
		n.HeldBy = m.From.WorkerID
	}
	return n
}

// Decide implements [Command].
func (m *Fail) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	at := m.From.locate(f, m.RequestID, m.Attempt)
	if at.verdict == ignored {
		return c, nil
	}
	trouble := m.Trouble
	known, ok := troubles[trouble.Code]
	if !ok || m.From.Guide {
		trouble.Code, known = WorkerError, troubles[WorkerError]
	}
	if trouble.Message == "" {
		trouble.Message = known.message
	}
	if at.verdict == mine {
		c.DropLeases = append(c.DropLeases, at.lease)
		r := at.request
		if trouble.Partial == "" {
			trouble.Partial = m.Here.partial(r)
		}
		if at.lease.GoAt.IsZero() && known.pauses {
			r.PutBacks++
		}
		if at.lease.GoAt.IsZero() && known.pauses && r.PutBacks < MaxPutBacks {
			c.putBack(r, trouble.Code)
		} else {
			c.fail(r, f.Endpoints, failure{code: trouble.Code, message: trouble.Message, retryAfter: trouble.RetryAfter, partial: trouble.Partial})
		}
	}
	if known.pauses {
		w := f.Workers[m.From.WorkerID]
		if trouble.Code == RateLimited {
			pause := DefaultPause
			if trouble.RetryAfter > 0 {
				pause = seconds(trouble.RetryAfter)
			}
			w.PausedUntil = f.Now.Add(pause)
		} else {
			w.BlockedBy = trouble.Code
		}
		c.Workers = append(c.Workers, w)
		c.takeBackUnsent(f, at.lease, trouble.Code)
	}
	if at.verdict == old {
		c.ack(m.From, at, m.RequestID, m.Attempt)
	} else if !m.From.Guide {
		c.Signals = append(c.Signals, m.From.signal(SignalAck, m.RequestID, m.Attempt))
	}
	c.claimFirstTries(m.Here)
	return c, nil
}

// takeBackUnsent puts back what a paused worker holds without go, but for the
// attempt that it spoke of itself. It does not count as a lost hand-over.
func (c *Changes) takeBackUnsent(f *Facts, but *Lease, reason FailCode) {
	for _, h := range f.Held {
		if h.Lease == but || h.Lease.Cancelled || !h.Lease.GoAt.IsZero() {
			continue
		}
		c.takeAway(h.Lease, h.Request)
		c.putBack(h.Request, reason)
	}
}

// Cancel ends a request for a client.
type Cancel struct {
	AccountID int64
	RequestID string
	Here      Here
	By        Actor // of the admin room; the zero Actor is the account itself

	Request *Request // the result
}

// Needs implements [Command].
func (m *Cancel) Needs() Needs {
	return Needs{AccountID: m.AccountID, Endpoints: true, Requests: []string{m.RequestID}, Bodies: true}
}

// Decide implements [Command]. Errors: NotFound, Conflict.
func (m *Cancel) Decide(f *Facts) (*Changes, error) {
	r := f.Requests[m.RequestID]
	if r == nil || r.AccountID != m.AccountID {
		return nil, RequestNotFound(m.RequestID)
	}
	if r.Status.Ended() {
		return nil, Errorf(Conflict, "already_ended", "This request has already ended as %s; there is nothing to cancel.", r.Status)
	}
	c := &Changes{Now: f.Now}
	for _, l := range f.Leases {
		if !l.Cancelled {
			c.takeAway(l, r)
		}
	}
	c.fail(r, f.Endpoints, failure{code: CancelledCode, message: "The request was cancelled. Send it again if you still want an answer.", partial: m.Here.partial(r)})
	c.claimFirstTries(m.Here)
	if m.By != (Actor{}) {
		c.audit(m.By, "request.cancelled", r.AccountID, "request "+r.ID, nil)
	}
	m.Request = r
	return c, nil
}

// RequestNotFound is the error for an id that is not there, or is another
// account's.
func RequestNotFound(id string) *Error {
	return Errorf(NotFound, "not_found", "There is no request %q here. Check the id and the key.", cut(id, 64))
}

// Stopped is a worker's "cancelled": it has stopped and forgotten the attempt.
// For one that was taken away, that frees the slot; for one that it still held,
// it is as if the attempt were missing from a hello.
type Stopped struct {
	From      From
	RequestID string
	Attempt   int
	Here      Here
}

// Needs implements [Command].
func (m *Stopped) Needs() Needs {
	n := m.From.needs(m.RequestID)
	n.Endpoints, n.Bodies = true, true
	return n
}

// Decide implements [Command].
func (m *Stopped) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	at := m.From.locate(f, m.RequestID, m.Attempt)
	if at.lease == nil {
		return c, nil
	}
	c.DropLeases = append(c.DropLeases, at.lease)
	if at.verdict == mine {
		c.lost(at.request, at.lease, f.Endpoints, m.Here.partial(at.request))
	}
	c.claimFirstTries(m.Here)
	return c, nil
}
