package bridge

import "time"

// SweepKind is what a sweep cleans up.
type SweepKind int

// The kinds of sweep.
const (
	SweepBodies   SweepKind = iota // texts of requests
	SweepTries                     // tries of deliveries
	SweepRequests                  // whole requests
	SweepAudit                     // audit entries
)

// Sweep names the next rows of a clean-up: up to Limit of them, oldest first,
// behind After.
type Sweep struct {
	Kind  SweepKind
	After int64 // a Swept.At; 0 at the beginning
	Limit int
}

// Swept is a row that a clean-up looks at.
type Swept struct {
	// At is the row's place: the request's Seq (SweepBodies: only requests that
	// have texts; SweepRequests: all), the delivery's id (SweepTries: only
	// deliveries that have tries), the entry's id (SweepAudit).
	At      int64
	Request *Request // of SweepBodies and SweepRequests; with chat, without body
	Leased  bool     // with Request: an attempt of it, also a cancelled one, has a lease
	Owed    bool     // with Request: a delivery of it has a next try; of SweepTries: this one has
	// Since never goes back from row to row, or hardly: when the request was submitted,
	// the delivery was owed, the entry was made.
	Since time.Time
}

// Retention is how long what has ended is kept. Zero: for ever.
type Retention struct {
	Bodies   time.Duration // texts, counted from the request's end
	Requests time.Duration // requests with all that belongs to them, from the end
	Tries    time.Duration // tries, from when they were owed
	Audit    time.Duration
}

// of is how long a kind is kept.
func (r Retention) of(kind SweepKind) time.Duration {
	return [...]time.Duration{r.Bodies, r.Tries, r.Requests, r.Audit}[kind]
}

// CleanUp takes one step of a clean-up. Nothing goes while a delivery of the
// request is owed, or a worker still has it.
type CleanUp struct {
	Kind      SweepKind
	After     int64
	Limit     int
	Retention Retention

	Next    int64 // the result: After of the next step; 0: there is nothing left to clean up
	Removed int   // rows that this step removed
}

// Needs implements [Command].
func (m *CleanUp) Needs() Needs {
	return Needs{Sweep: &Sweep{Kind: m.Kind, After: m.After, Limit: m.Limit}}
}

// Decide implements [Command].
func (m *CleanUp) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	m.Next, m.Removed = 0, 0
	keep := m.Retention.of(m.Kind)
	if keep <= 0 {
		return c, nil
	}
	before := f.Now.Add(-keep)
	for _, s := range f.Swept {
		if !s.Since.Before(before) { // and so is whatever comes behind it
			m.Next = 0
			return c, nil
		}
		m.Next = s.At
		if s.Owed || s.Leased || s.Request != nil && (!s.Request.Status.Ended() || !s.Request.CompletedAt.Before(before)) {
			continue
		}
		m.Removed++
		switch m.Kind {
		case SweepBodies:
			s.Request.TextsGone, s.Request.HasPartial = true, false
			c.touch(s.Request)
			c.DropBodies = append(c.DropBodies, s.Request)
		case SweepTries:
			c.DropTries = append(c.DropTries, s.At)
		case SweepRequests:
			c.DropRequests = append(c.DropRequests, s.Request)
		case SweepAudit:
			c.DropAudit = s.At
		}
	}
	if len(f.Swept) < m.Limit {
		m.Next = 0
	}
	return c, nil
}

// DropExpired drops a session or one-time link whose time is over. It tells the audit
// log nothing: nobody did it.
type DropExpired struct{ Credential *Credential }

// Needs implements [Command].
func (m *DropExpired) Needs() Needs { return Needs{Credential: m.Credential} }

// Decide implements [Command].
func (m *DropExpired) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if is := f.Credential; is != nil && !is.ExpiresAt.IsZero() && !f.Now.Before(is.ExpiresAt) {
		c.DropCredential = append(c.DropCredential, is)
	}
	return c, nil
}
