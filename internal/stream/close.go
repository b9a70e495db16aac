package stream

import (
	"maps"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

// admit counts a stream in, if the node takes one more.
func (h *Hub) admit() error {
	if h.drains() {
		return ErrDraining
	}
	if h.streams.Add(1) > MaxStreams {
		h.streams.Add(-1)
		return &bridge.Error{Kind: bridge.TooMany, Code: "too_many_streams", RetryAfter: 10 * time.Second,
			Detail: "This server has as many streams open as it takes. Try again in a moment."}
	}
	return nil
}

// drains is asked again once a stream is on the lists that Drain walks.
func (h *Hub) drains() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.draining
}

// Streams is the number of open streams of all kinds.
func (h *Hub) Streams() int { return int(h.streams.Load()) }

// Revoke ends the stream with ErrRevoked: the key or account that it was opened
// by was shut off. It may be called from any goroutine.
func (r *Reader) Revoke() {
	r.entry.mu.Lock()
	defer r.entry.mu.Unlock()
	if r.closed == nil {
		r.closed = ErrRevoked
		r.entry.changed()
	}
}

// Revoke ends the stream with ErrRevoked: its key or account was shut off. It
// may be called from any goroutine.
func (r *AccountReader) Revoke() {
	why := ErrRevoked
	r.closed.CompareAndSwap(nil, &why)
	r.account.stir()
}

// Revoke does nothing: such a stream was opened by nobody's right.
func (r *UnknownReader) Revoke() {}

// Drain ends all streams with ErrDraining and takes no new ones.
func (h *Hub) Drain() {
	h.mu.Lock()
	h.draining = true
	entries := slices.Collect(maps.Values(h.entries))
	accounts := slices.Collect(maps.Values(h.accounts))
	h.mu.Unlock()
	for _, e := range entries {
		e.drain()
	}
	for _, a := range accounts {
		h.drainFeeds(a)
	}
	h.unknown.drain()
}

func (e *entry) drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := e.readers; r != nil; r = r.next {
		if r.closed == nil {
			r.closed = ErrDraining
		}
	}
	e.changed()
}

func (h *Hub) drainFeeds(a *account) {
	why := ErrDraining
	h.mu.Lock()
	for r := range a.feeds {
		r.closed.CompareAndSwap(nil, &why)
	}
	h.mu.Unlock()
	a.stir()
}
