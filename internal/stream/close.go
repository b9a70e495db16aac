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

// CloseAccount ends, with ErrRevoked, all streams of an account and of its
// requests: it was shut off.
func (h *Hub) CloseAccount(accountID int64) {
	h.mu.Lock()
	a := h.accounts[accountID]
	h.mu.Unlock()
	if a == nil {
		return
	}
	for _, e := range h.entriesOf(a) {
		e.closeReaders(ErrRevoked, func(*Reader) bool { return true })
	}
	h.closeFeeds(a, ErrRevoked, func(*AccountReader) bool { return true })
}

// CloseKey ends, with ErrRevoked, all streams that this key opened.
func (h *Hub) CloseKey(keyID int64) {
	h.closeAll(ErrRevoked, func(k int64) bool { return k == keyID && k != 0 })
}

// Drain ends all streams with ErrDraining and takes no new ones.
func (h *Hub) Drain() {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	h.closeAll(ErrDraining, func(int64) bool { return true })
	h.unknown.drain()
}

func (h *Hub) closeAll(why error, which func(keyID int64) bool) {
	h.mu.Lock()
	entries := slices.Collect(maps.Values(h.entries))
	accounts := slices.Collect(maps.Values(h.accounts))
	h.mu.Unlock()
	for _, e := range entries {
		e.closeReaders(why, func(r *Reader) bool { return which(r.keyID) })
	}
	for _, a := range accounts {
		h.closeFeeds(a, why, func(r *AccountReader) bool { return which(r.keyID) })
	}
}

func (e *entry) closeReaders(why error, which func(*Reader) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := e.readers; r != nil; r = r.next {
		if r.closed == nil && which(r) {
			r.closed = why
		}
	}
	e.changed()
}

func (h *Hub) closeFeeds(a *account, why error, which func(*AccountReader) bool) {
	h.mu.Lock()
	for r := range a.feeds {
		if which(r) {
			r.closed.CompareAndSwap(nil, &why)
		}
	}
	h.mu.Unlock()
	a.stir()
}
