package bridge

import (
	"encoding/json"
	"slices"
	"time"
)

// The times of a lease and its bounds.
const (
	LeaseBeforeGo  = 60 * time.Second // renewed by any message on its socket
	LeaseAfterGo   = 10 * time.Minute // a laptop may sleep
	ReadyWithin    = 10 * time.Minute // from hand-over to ready
	GuideLostAfter = 60 * time.Second // without any guide socket of the account
	RenewEvery     = 20 * time.Second // a renewal is stored at most so often
	DefaultPause   = 15 * time.Minute // rate_limited without a time
	MaxHandOvers   = 3                // lost before go; then worker_lost
	MaxPutBacks    = 3                // errors that put back; the third fails
)

// Worker is whatever answers, as stored: what it said in hello, and its pauses.
type Worker struct {
	AccountID     int64
	ID            string
	N             int64  // the highest n wins
	Conn          string // names the socket that counts
	Node          string // the node that holds the socket
	Connected     bool
	Guide         bool // speaks the guide's dialect; its id is the server's, one per socket
	Name          string
	Version       string
	Site          string
	Capacity      int
	ResponseTypes []string // empty: all
	HelloAt       time.Time

	BlockedBy   FailCode  // logged_out, challenge, page_changed; "" if not
	PausedUntil time.Time // rate_limited by an error
	Health      *Health   // the last that was stored
}

// Health is what a worker says of its page.
type Health struct {
	LoggedIn     bool            `json:"logged_in"`
	PageOK       bool            `json:"page_ok"`
	LimitedUntil *time.Time      `json:"limited_until"`
	Matched      json.RawMessage `json:"matched,omitempty"`
}

// Pause tells whether the worker is paused at now, why, and until when (zero:
// until its health is good again).
func (w *Worker) Pause(now time.Time) (reason FailCode, until time.Time) {
	if w.BlockedBy != "" {
		return w.BlockedBy, time.Time{}
	}
	until = w.PausedUntil
	if h := w.Health; h != nil && h.LimitedUntil != nil && h.LimitedUntil.After(until) {
		until = *h.LimitedUntil
	}
	if now.Before(until) {
		return RateLimited, until
	}
	return "", time.Time{}
}

// Serves reports whether the worker takes requests of this response type.
func (w *Worker) Serves(responseType string) bool {
	return len(w.ResponseTypes) == 0 || slices.Contains(w.ResponseTypes, responseType)
}

// Lease is the hand-over of a request to one worker: who may answer, once.
type Lease struct {
	RequestSeq int64
	RequestID  string
	Attempt    int
	AccountID  int64
	ChatID     int64 // the chat it holds; 0 when it holds none (cancelled before go)
	WorkerID   string
	Guide      bool
	TakenAt    time.Time
	GoAt       time.Time // zero before go
	ExpiresAt  time.Time
	Cancelled  bool // taken away; the slot stays taken until the worker answers or it expires
}

// DueAt is when a clock ends the lease: its silence, or the time for ready.
func (l *Lease) DueAt() time.Time {
	if ready := l.TakenAt.Add(ReadyWithin); l.GoAt.IsZero() && !l.Cancelled && ready.Before(l.ExpiresAt) {
		return ready
	}
	return l.ExpiresAt
}

// Held is a lease with the request it is for.
type Held struct {
	Lease   *Lease
	Request *Request
}
