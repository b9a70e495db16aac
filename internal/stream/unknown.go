package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/wire"
)

// Streams of ids that were never issued: the guide opens one to see that
// streams work. They hear what the receiver is sent for that id.
const (
	// UnknownLasts is how long such a stream is open at most.
	UnknownLasts = 120 * time.Second
	// MaxUnknownPerAddress is enough to try things out, and too few to harm.
	MaxUnknownPerAddress = 16
	// MaxUnknown bounds those of all addresses together.
	MaxUnknown = 1024
	// MaxUnknownID is the most characters of such an id.
	MaxUnknownID = 200
)

type unknowns struct {
	mu      sync.Mutex
	byID    map[string]map[*UnknownReader]struct{}
	address map[string]int
	total   int
}

func (u *unknowns) init() {
	u.byID, u.address = map[string]map[*UnknownReader]struct{}{}, map[string]int{}
}

// UnknownReader is a stream of an id that was never issued. Its methods are for
// one goroutine. It must be closed.
type UnknownReader struct {
	hub       *Hub
	id        string
	address   string
	ends      time.Time
	connected bool
	over      bool
	closed    bool

	told chan struct{} // closed when one of the following is set
	body []byte        // guarded by unknowns.mu until told
	err  error
}

// OpenUnknown opens a stream of an id that was never issued, for a client at
// this address. Errors: invalid, too_many_streams, ErrDraining.
func (h *Hub) OpenUnknown(id, address string) (*UnknownReader, error) {
	if utf8.RuneCountInString(id) > MaxUnknownID {
		return nil, bridge.Errorf(bridge.Invalid, "invalid", "An id has at most %d characters.", MaxUnknownID)
	}
	if err := h.admit(); err != nil {
		return nil, err
	}
	r := &UnknownReader{hub: h, id: id, address: address, ends: time.Now().Add(UnknownLasts), told: make(chan struct{})}
	if !h.unknown.add(r) {
		h.streams.Add(-1)
		return nil, &bridge.Error{Kind: bridge.TooMany, Code: "too_many_streams", RetryAfter: UnknownLasts / 4,
			Detail: "Too many streams of ids that were never issued are open. Close some, or submit a request and open its stream."}
	}
	if h.drains() {
		r.Close()
		return nil, ErrDraining
	}
	return r, nil
}

func (u *unknowns) add(r *UnknownReader) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.total >= MaxUnknown || u.address[r.address] >= MaxUnknownPerAddress {
		return false
	}
	u.total++
	u.address[r.address]++
	if u.byID[r.id] == nil {
		u.byID[r.id] = map[*UnknownReader]struct{}{}
	}
	u.byID[r.id][r] = struct{}{}
	return true
}

// Close ends the stream here. It may be called more than once.
func (r *UnknownReader) Close() {
	if r.closed {
		return
	}
	r.closed = true
	u := &r.hub.unknown
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total--
	if u.address[r.address]--; u.address[r.address] == 0 {
		delete(u.address, r.address)
	}
	if delete(u.byID[r.id], r); len(u.byID[r.id]) == 0 {
		delete(u.byID, r.id)
	}
	r.hub.streams.Add(-1)
}

// Next waits for the next event: connected, then what was received, as the end;
// then, or after UnknownLasts, io.EOF.
func (r *UnknownReader) Next(ctx context.Context) (Event, error) {
	ev, _, err := next(ctx, nil, r.poll)
	return ev, err
}

// Until is Next, but no longer than until alarm: then ok is false.
func (r *UnknownReader) Until(ctx context.Context, alarm <-chan time.Time) (ev Event, ok bool, err error) {
	return next(ctx, alarm, r.poll)
}

// Poll is Next without waiting; ok is false when there is nothing new.
func (r *UnknownReader) Poll(ctx context.Context) (ev Event, ok bool, err error) {
	ev, wake, _, err := r.poll(ctx)
	return ev, err == nil && wake == nil, err
}

func (r *UnknownReader) poll(context.Context) (ev Event, wake <-chan struct{}, again time.Duration, err error) {
	if !r.connected {
		r.connected = true
		return Event{Data: wire.Connected(r.id)}, nil, 0, nil
	}
	if r.over {
		return ev, nil, 0, io.EOF
	}
	select {
	case <-r.told:
		if r.err != nil {
			return ev, nil, 0, r.err
		}
		r.over = true
		return Event{ID: EndID, Data: r.body, End: true}, nil, 0, nil
	default:
	}
	left := time.Until(r.ends)
	if left <= 0 {
		return ev, nil, 0, io.EOF
	}
	return ev, r.told, left, nil
}

type receipt struct {
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

// Received passes what the receiver was sent for an id that was never issued,
// a JSON object, to its streams, on every node; to other nodes only what the
// bus takes.
func (h *Hub) Received(id string, body []byte) {
	var line bytes.Buffer
	if json.Compact(&line, body) != nil {
		return // not JSON: the receiver has said so
	}
	h.unknown.deliver(id, line.Bytes())
	if h.o.Bus == nil || line.Len() > bus.MaxMessage || !h.o.Bus.Peers() {
		return
	}
	if data, err := json.Marshal(receipt{id, line.Bytes()}); err == nil {
		h.o.Bus.Publish(subjectReceived, data)
	}
}

func (h *Hub) receivedFromBus(data []byte) {
	var got receipt
	if json.Unmarshal(data, &got) == nil && len(got.Body) > 0 {
		h.unknown.deliver(got.ID, got.Body)
	}
}

func (u *unknowns) deliver(id string, body []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for r := range u.byID[id] {
		r.tell(body, nil)
	}
}

func (u *unknowns) drain() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, readers := range u.byID {
		for r := range readers {
			r.tell(nil, ErrDraining)
		}
	}
}

// tell is said once. The caller holds the lock.
func (r *UnknownReader) tell(body []byte, err error) {
	select {
	case <-r.told:
	default:
		r.body, r.err = body, err
		close(r.told)
	}
}
