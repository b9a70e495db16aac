package bridge

// Offer is a worker that a node has connected, with room as the node knows it.
type Offer struct {
	WorkerID string
	Conn     string
	Types    []string // response types it takes; nil: all
}

// Claim hands idle requests of one account to workers that wait: a lease each,
// and new_request after the commit. What a worker may take is decided from the
// store: its capacity, pauses and leases.
type Claim struct {
	AccountID int64
	Offers    []Offer
	Limit     int // hand-overs at most; > 0

	// Claimed counts the hand-overs made; More says that candidates may be
	// left that an offered worker had room for.
	Claimed int
	More    bool
}

// Yields implements [Yielding]: a claim takes what the same commit submits, and
// the room that it makes.
func (c *Claim) Yields() {}

// Needs implements [Command].
func (c *Claim) Needs() Needs {
	ids := make([]string, len(c.Offers))
	var types []string
	every := false
	for i, o := range c.Offers {
		ids[i] = o.WorkerID
		types = append(types, o.Types...)
		every = every || len(o.Types) == 0
	}
	if every {
		types = nil
	}
	return Needs{AccountID: c.AccountID, Workers: ids, Taken: true, Candidates: c.Limit, CandidateTypes: types, Bodies: true}
}

// Decide implements [Command].
func (c *Claim) Decide(f *Facts) (*Changes, error) {
	c.Claimed, c.More = 0, false
	out := &Changes{Now: f.Now}
	if f.Account == nil || !f.Account.Active {
		return out, nil
	}
	free := map[*Worker]int{}
	for _, o := range c.Offers {
		w := f.Workers[o.WorkerID]
		if w == nil || w.Conn != o.Conn {
			continue
		}
		if reason, _ := w.Pause(f.Now); reason == "" {
			free[w] = w.Capacity - f.Taken[w.ID]
		}
	}
	for _, r := range f.Candidates {
		w := roomiest(free, r.ResponseType)
		if w == nil {
			continue
		}
		free[w]--
		c.Claimed++
		out.handOver(r, w)
	}
	c.More = len(f.Candidates) == c.Limit
	return out, nil
}

// roomiest picks the worker with the most free slots that serves the response
// type; of equal ones the one with the smaller id, so that a run repeats.
func roomiest(free map[*Worker]int, responseType string) *Worker {
	var best *Worker
	for w, n := range free {
		if n <= 0 || !w.Serves(responseType) {
			continue
		}
		if best == nil || n > free[best] || n == free[best] && w.ID < best.ID {
			best = w
		}
	}
	return best
}

// handOver makes r's next attempt, at w. A guide worker asks nobody before it
// presses send, so for it the hand-over is go as well, and never taken back.
func (c *Changes) handOver(r *Request, w *Worker) {
	r.Attempt++
	r.Status = Executing
	r.StartedAt = c.Now
	l := &Lease{
		RequestSeq: r.Seq, RequestID: r.ID, Attempt: r.Attempt, AccountID: r.AccountID, ChatID: r.Chat.ID,
		WorkerID: w.ID, Guide: w.Guide, TakenAt: c.Now, ExpiresAt: c.Now.Add(LeaseBeforeGo),
	}
	c.step(r, EventExecuting).WorkerID = w.ID
	if w.Guide {
		c.maySend(r, l)
	}
	c.Leases = append(c.Leases, l)
	c.Signals = append(c.Signals, Signal{Kind: SignalHandOver, AccountID: r.AccountID, WorkerID: w.ID, Conn: w.Conn, RequestID: r.ID, Attempt: r.Attempt, Request: r})
}

// maySend stores go: from here on the request is never handed over again.
func (c *Changes) maySend(r *Request, l *Lease) {
	r.MaySendAt = c.Now
	l.GoAt = c.Now
	l.renew(c.Now)
	c.step(r, EventGo).WorkerID = l.WorkerID
}

// MaySend answers a worker's ready: "may be sent" is stored, then go leaves. A
// repeated ready gets go again.
type MaySend struct {
	From      From
	RequestID string
	Attempt   int
}

// Needs implements [Command].
func (m *MaySend) Needs() Needs { return m.From.needs(m.RequestID) }

// Decide implements [Command].
func (m *MaySend) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	at := m.From.locate(f, m.RequestID, m.Attempt)
	switch at.verdict {
	case old:
		c.ack(m.From, at, m.RequestID, m.Attempt)
	case mine:
		if at.lease.GoAt.IsZero() {
			c.maySend(at.request, at.lease)
		} else {
			at.lease.renew(f.Now)
		}
		c.Leases = append(c.Leases, at.lease)
		c.Signals = append(c.Signals, m.From.signal(SignalGo, m.RequestID, m.Attempt))
	}
	return c, nil
}

// From names the socket a worker's message came by.
type From struct {
	AccountID int64
	WorkerID  string
	Conn      string
	Guide     bool
}

func (w From) needs(requestID string) Needs {
	return Needs{AccountID: w.AccountID, Workers: []string{w.WorkerID}, Requests: []string{requestID}}
}

func (w From) signal(kind SignalKind, requestID string, attempt int) Signal {
	return Signal{Kind: kind, AccountID: w.AccountID, WorkerID: w.WorkerID, Conn: w.Conn, RequestID: requestID, Attempt: attempt}
}

// counts reports whether the socket is the one that counts for its worker.
func (w From) counts(f *Facts) bool {
	have := f.Workers[w.WorkerID]
	return have != nil && have.Conn == w.Conn
}

type verdict int

const (
	ignored verdict = iota // another's attempt, never issued, or by a socket that no longer counts
	old                    // put back, or its request has ended: acked, changes no request
	mine                   // this worker's live attempt
)

// place is where a worker's message about an attempt lands.
type place struct {
	verdict verdict
	request *Request
	lease   *Lease // the attempt's own, if it is this worker's; also when cancelled
}

// locate finds what a message about an attempt is about. In the guide dialect
// (attempt 0) it is the request's present guide attempt, whichever guide socket
// of the account speaks.
func (w From) locate(f *Facts, requestID string, attempt int) place {
	r := f.Requests[requestID]
	if r == nil || r.AccountID != w.AccountID || !w.counts(f) || !w.Guide && attempt < 1 {
		return place{}
	}
	var lease *Lease
	for _, l := range f.Leases {
		if l.RequestID != requestID {
			continue
		}
		if w.Guide && l.Guide || !w.Guide && l.Attempt == attempt {
			lease = l
		}
	}
	switch {
	case w.Guide && lease == nil:
		if r.Status.Ended() && !r.MaySendAt.IsZero() {
			return place{verdict: old, request: r}
		}
		return place{}
	case lease != nil && !w.Guide && (lease.Guide || lease.WorkerID != w.WorkerID):
		return place{}
	case lease != nil && !lease.Cancelled:
		return place{verdict: mine, request: r, lease: lease}
	case attempt > r.Attempt:
		return place{}
	default:
		return place{verdict: old, request: r, lease: lease}
	}
}

// ack tells a chatbridge.v1 worker to forget the attempt; that also frees the
// slot of one that was taken away.
func (c *Changes) ack(w From, at place, requestID string, attempt int) {
	if at.lease != nil && at.lease.Cancelled {
		c.DropLeases = append(c.DropLeases, at.lease)
	}
	if !w.Guide {
		c.Signals = append(c.Signals, w.signal(SignalAck, requestID, attempt))
	}
}
