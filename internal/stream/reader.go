package stream

import (
	"context"
	"errors"
	"io"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// Event is one event of a stream.
type Event struct {
	// ID is what the reader then has, for resuming; "" leaves it as it was.
	ID string
	// Data is JSON in one line, shared: it must not be changed. Empty, it
	// carries nothing but the ID (an SSE block of only an id; to be left out
	// of a WebSocket).
	Data []byte
	// End says that this is the last event.
	End bool
}

// Stream is what the three kinds of stream have in common.
type Stream interface {
	// Next waits for the next event. After the last it is io.EOF.
	Next(ctx context.Context) (Event, error)
	// Until is Next, but no longer than until alarm: then ok is false.
	Until(ctx context.Context, alarm <-chan time.Time) (ev Event, ok bool, err error)
	// Poll is Next without waiting; ok is false when there is nothing new.
	Poll(ctx context.Context) (ev Event, ok bool, err error)
	// Revoke ends the stream, from any goroutine, with ErrRevoked.
	Revoke()
	// Close ends the stream here. It may be called more than once.
	Close()
}

var (
	_ Stream = (*Reader)(nil)
	_ Stream = (*AccountReader)(nil)
	_ Stream = (*UnknownReader)(nil)
)

// Open says how a stream is opened.
type Open struct {
	// LastEventID is where to resume; "" or an unknown one is from the start.
	// EndID need not be opened: there is nothing left to hear.
	LastEventID string
	// Allow, if not nil, is asked once, before anything is told, with the
	// request (without its body). Its error is returned by Open.
	Allow func(*bridge.Request) error
}

// Reader is one stream of one request. Its methods are for one goroutine. It
// must be closed.
type Reader struct {
	entry      *entry
	prev, next *Reader // in the entry's list
	cursor     Cursor
	told       shown
	connected  bool
	over       bool
	closed     error // guarded by the entry's lock
}

// Open opens a stream of a request. Errors: not_found, whatever Allow returns,
// ErrDraining, TooMany at MaxStreams, and those of the store.
func (h *Hub) Open(ctx context.Context, requestID string, o Open) (*Reader, error) {
	if err := h.admit(); err != nil {
		return nil, err
	}
	r := &Reader{}
	if n, hash, ok := ParseID(o.LastEventID); ok && n > 0 {
		r.cursor = ResumeCursor(n, hash)
	}
	r.entry = h.acquire(requestID)
	r.enlist()
	if err := h.openLoaded(ctx, r, o.Allow); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// openLoaded loads the entry of r, which hears of commits already.
func (h *Hub) openLoaded(ctx context.Context, r *Reader, allow func(*bridge.Request) error) error {
	e := r.entry
	e.mu.Lock()
	for fresh := false; e.needsLoad() || !fresh && (e.unsure || e.peers()); fresh = true {
		busy, err := e.load(ctx)
		if err != nil {
			e.mu.Unlock()
			return err
		}
		if busy {
			wake := e.waitChan()
			e.mu.Unlock()
			select {
			case <-wake:
			case <-ctx.Done():
				return ctx.Err()
			}
			e.mu.Lock()
		}
	}
	req := e.req
	unwaited := req.Status == bridge.Idle && e.waitingRev == 0
	e.listen()
	e.mu.Unlock()
	if allow != nil {
		if err := allow(req); err != nil {
			return err
		}
	}
	if unwaited {
		h.reconsider(e)
	}
	if h.drains() {
		return ErrDraining
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return r.closed
}

func (r *Reader) enlist() {
	e := r.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.next = e.readers; r.next != nil {
		r.next.prev = r
	}
	e.readers = r
	e.watchers++
}

// Close ends the stream here. It may be called more than once.
func (r *Reader) Close() {
	e := r.entry
	e.mu.Lock()
	if errors.Is(r.closed, ErrClosed) {
		e.mu.Unlock()
		return
	}
	r.closed = ErrClosed
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		e.readers = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	e.watchers--
	e.listen()
	if e.stale && e.readers == nil {
		e.reloadLater()
	}
	e.mu.Unlock()
	e.hub.streams.Add(-1)
	e.hub.release(e)
}

// Next waits for the next event: connected, the present status (or the end),
// then statuses and deltas as they come, and the end, after which it is io.EOF.
// A stream that ends before has ErrDraining, ErrRevoked, the error of ctx, or
// not_found where the request is no more.
func (r *Reader) Next(ctx context.Context) (Event, error) {
	ev, _, err := next(ctx, nil, r.poll)
	return ev, err
}

// Until is Next, but no longer than until alarm: then ok is false.
func (r *Reader) Until(ctx context.Context, alarm <-chan time.Time) (ev Event, ok bool, err error) {
	return next(ctx, alarm, r.poll)
}

// next polls until there is an event, an error or the alarm.
func next(ctx context.Context, alarm <-chan time.Time, poll func(context.Context) (Event, <-chan struct{}, time.Duration, error)) (ev Event, ok bool, err error) {
	for {
		ev, wake, again, err := poll(ctx)
		if err != nil || wake == nil {
			return ev, err == nil, err
		}
		if rang, err := wait(ctx, wake, alarm, again); rang || err != nil {
			return Event{}, false, err
		}
	}
}

// Poll is Next without waiting; ok is false when there is nothing new. With it
// a caller writes all that there is in one go.
func (r *Reader) Poll(ctx context.Context) (ev Event, ok bool, err error) {
	ev, wake, _, err := r.poll(ctx)
	return ev, err == nil && wake == nil, err
}

// wait returns at a wake-up, after again (if above zero), at the alarm, or with
// the error of ctx.
func wait(ctx context.Context, wake <-chan struct{}, alarm <-chan time.Time, again time.Duration) (rang bool, err error) {
	var timeout <-chan time.Time
	if again > 0 {
		t := time.NewTimer(again)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-wake:
	case <-timeout:
	case <-alarm:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return false, nil
}

// poll returns an event, or else a channel that closes when there may be one
// and, if above zero, after what time to try again anyway.
func (r *Reader) poll(ctx context.Context) (ev Event, wake <-chan struct{}, again time.Duration, err error) {
	e := r.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case r.over:
		return ev, nil, 0, io.EOF
	case r.closed != nil:
		return ev, nil, 0, r.closed
	case !r.connected:
		r.connected = true
		return Event{Data: wire.Connected(e.id)}, nil, 0, nil
	}
	for e.needsLoad() {
		busy, err := e.load(ctx)
		switch {
		case busy:
			return ev, e.waitChan(), loadAgain, nil
		case err == nil:
			continue
		case ctx.Err() != nil || bridge.AsError(err).Kind == bridge.NotFound:
			return ev, nil, 0, err
		}
		e.hub.grieve(ctx, err)
		return ev, e.waitChan(), loadAgain, nil
	}
	if next, news := e.step(r.told); news {
		r.told = next
		if next.status == ended {
			r.over = true
			return Event{ID: EndID, Data: e.endData(), End: true}, nil, 0, nil
		}
		return Event{ID: r.cursor.ID(), Data: e.statusData(next)}, nil, 0, nil
	}
	if e.known {
		if ev, ok := e.delta(&r.cursor); ok {
			return ev, nil, 0, nil
		}
	}
	return ev, e.waitChan(), 0, nil
}

// sharedDeltas is how many deltas of a text are kept for other readers at the
// same place: nearly all are at the end, some begin.
const sharedDeltas = 4

type encodedDeltas struct {
	next int
	of   [sharedDeltas]struct {
		offset int
		delta  Event
	}
}

var noText Text // read only

// delta moves a cursor to the end of the text. The caller holds the lock.
func (e *entry) delta(c *Cursor) (Event, bool) {
	t := e.text
	if t == nil {
		t = &noText
	}
	offset, changed := t.next(c)
	if !changed {
		return Event{}, false
	}
	t.reach(c)
	if e.encoded == nil {
		e.encoded = new(encodedDeltas)
	}
	for i := range e.encoded.of {
		have := &e.encoded.of[i]
		if have.delta.Data != nil && have.offset == offset {
			return have.delta, true
		}
	}
	slot := &e.encoded.of[e.encoded.next]
	e.encoded.next = (e.encoded.next + 1) % sharedDeltas
	slot.offset = offset
	slot.delta = Event{ID: c.ID(), Data: wire.Delta("", offset, t.from(offset))}
	return slot.delta, true
}
