package stream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// entry is what is live of one request: there while anyone reads it or its
// attempt runs on this node.
type entry struct {
	hub     *Hub
	id      string
	refs    int                     // guarded by the hub's lock
	account atomic.Pointer[account] // nil until loaded
	changes atomic.Uint64           // raised with each change

	mu       sync.Mutex
	req      *bridge.Request // without its body, never changed in place; nil until loaded
	here     int             // the attempt that runs on this node; 0: none
	watchers int             // readers and feeds
	readers  *Reader         // the first of a list
	wake     chan struct{}   // closed at the next change; nil while nobody waits

	unsure  bool // commits may have gone unheard since req was read
	stale   bool // the store has newer
	loading bool // someone reads the store for it

	phase      phase // as the attempt's worker told it
	away       bool
	reason     string // of the last putting back; "" if not known
	waiting    *wire.Waiting
	waitingRev uint32 // raised with waiting; 0: not computed since it became idle
	hinted     *hint  // what another node told of a newer state

	text     *Text // nil: empty, or not known
	known    bool  // the text is what the attempt's worker has sent
	asked    bool  // the holder was asked for all of the text
	unlisten func()

	ended *bridge.Request // with its body, until end is made of it
	end   []byte          // the end as JSON

	status  *encodedStatus
	encoded *encodedDeltas // of the present text; nil if none
}

// strip is r as an entry keeps it, without what is large or unused here. It is
// a copy: what a commit brought belongs to the store.
func strip(r *bridge.Request) *bridge.Request {
	kept := *r
	kept.Body, kept.IdempotencyKey, kept.Fingerprint, kept.Evidence = nil, "", nil, nil
	if r.Chat != nil {
		chat := *r.Chat
		kept.Chat = &chat
	}
	return &kept
}

func withBody(r *bridge.Request) *bridge.Request {
	kept := strip(r)
	if r.Body != nil { // else it was cleaned up
		kept.Body = new(*r.Body)
	}
	return kept
}

// apply takes in a state of the request, if it is newer than what is there.
func (h *Hub) apply(e *entry, r *bridge.Request, reason string) {
	h.enlist(e, r.AccountID)
	e.mu.Lock()
	left := e.set(r, reason)
	again := e.req.Status == bridge.Idle && e.watchers > 0 && e.waitingRev == 0
	e.mu.Unlock()
	if left {
		h.release(e)
	}
	if again {
		h.WaitingChanged(r.AccountID)
	}
}

// set is apply under the entry's lock. left says that the attempt that ran here
// does no longer: the caller releases the entry.
func (e *entry) set(r *bridge.Request, reason string) (left bool) {
	if e.req != nil && r.Rev <= e.req.Rev {
		return false
	}
	old := e.req
	e.req, e.unsure = strip(r), false
	if n := e.hinted; n != nil && r.Rev >= n.Rev {
		e.stale, e.hinted = false, nil // this is what was hinted at
		if reason == "" && r.Rev == n.Rev {
			reason = n.Reason
		}
	}
	left = e.here != 0 && (r.Status != bridge.Executing && r.Attempt >= e.here || r.Attempt > e.here)
	if left {
		e.here = 0
	}
	switch {
	case r.Status.Ended():
		if e.ended == nil && e.end == nil && r.Body != nil {
			e.ended = withBody(r)
		}
		e.text, e.known, e.encoded = nil, false, nil // the end replaces it
	case r.Status == bridge.Idle:
		if old == nil || old.Status != bridge.Idle || old.Attempt != r.Attempt {
			e.restart()
			e.reason = reason
			e.waiting, e.waitingRev = nil, 0
		}
	case old == nil:
		e.away = e.here != r.Attempt && !e.peers()
		e.known = e.known || r.MaySendAt.IsZero()
	case old.Status != bridge.Executing || old.Attempt != r.Attempt:
		if old.Status == bridge.Executing {
			e.reason = "" // put back in between, unheard
		}
		e.restart()
	}
	if r.Status == bridge.Executing && !r.MaySendAt.IsZero() && e.text == nil && (old == nil || old.MaySendAt.IsZero()) {
		e.known = false // until its worker's first delta
	}
	e.listen()
	e.changed()
	return left
}

// restart is the beginning of a wait or an attempt: no phase, no text.
func (e *entry) restart() {
	e.phase, e.away, e.asked = 0, false, false
	e.status = nil
	e.known = true
	if e.text != nil {
		e.text.Apply(0, "")
		e.encoded = nil
	}
}

// changed wakes whoever reads. The caller holds the lock.
func (e *entry) changed() {
	e.changes.Add(1)
	if e.wake != nil {
		close(e.wake)
		e.wake = nil
	}
	if a := e.account.Load(); a != nil {
		a.stir()
	}
}

func (e *entry) waitChan() <-chan struct{} {
	if e.wake == nil {
		e.wake = make(chan struct{})
	}
	return e.wake
}

// needsLoad reports whether the store must be read before the entry can be
// shown. The caller holds the lock.
func (e *entry) needsLoad() bool {
	return e.req == nil || e.stale || e.req.Status.Ended() && e.ended == nil && e.end == nil
}

// load reads the store for the entry, once for all who need it. The caller
// holds the lock, which load gives up meanwhile. Where another is at it, it
// returns at once with busy set.
func (e *entry) load(ctx context.Context) (busy bool, err error) {
	if e.loading {
		return true, nil
	}
	e.loading, e.stale, e.unsure = true, false, false
	e.mu.Unlock()
	r, err := e.hub.o.Store.Request(ctx, e.id)
	switch {
	case err != nil:
		err = fmt.Errorf("load request %s for its stream: %w", e.id, err)
	case r == nil:
		err = bridge.RequestNotFound(e.id)
	default:
		e.hub.apply(e, r, "")
	}
	e.mu.Lock()
	e.loading = false
	if err != nil {
		e.stale = true
	} else if r.Status.Ended() && e.ended == nil && e.end == nil {
		e.ended = withBody(r) // heard of before, or gone, without its body
	}
	e.changed()
	return false, err
}

// reload loads an entry that nobody reads. An attempt whose request is not there
// does not run.
func (h *Hub) reload(ctx context.Context, e *entry) error {
	e.mu.Lock()
	busy, err := e.load(ctx)
	gone := !busy && e.here != 0 && err != nil && bridge.AsError(err).Kind == bridge.NotFound
	if gone {
		e.here = 0
		e.listen()
	}
	e.mu.Unlock()
	if gone {
		h.release(e)
	}
	if err != nil && bridge.AsError(err).Kind == bridge.NotFound {
		return nil // an id that was never issued: no trouble of the store
	}
	return err
}

// endData is the end as JSON. The caller holds the lock and has loaded it.
func (e *entry) endData() []byte {
	if e.end == nil {
		e.end, e.ended = wire.EndBody(e.ended), nil
	}
	return e.end
}
