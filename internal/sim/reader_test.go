package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/stream"
)

// reader reads a request's stream, breaks off and resumes, by any node. While
// it reads, its goroutine owns it; in between, the world does.
type reader struct {
	s       *sim
	r       *record
	name    string
	dice    dice
	reading bool
	over    bool // it has the end, or has left for good

	lastID string
	text   []rune
	now    streamStatus // the last that it was told
	end    *streamEvent
}

// streamStatus is where a reader has seen the request.
type streamStatus struct {
	status  bridge.Status
	attempt int
	sent    bool // a phase after go was told for this attempt
}

// streamEvent is any event of a stream.
type streamEvent struct {
	Type      string          `json:"type"`
	RequestID string          `json:"request_id"`
	Status    bridge.Status   `json:"status"`
	Phase     *string         `json:"phase"`
	Attempt   int             `json:"attempt"`
	Reason    json.RawMessage `json:"reason"`
	Waiting   json.RawMessage `json:"waiting"`
	Offset    int             `json:"offset"`
	Text      string          `json:"text"`
	Response  *string         `json:"response"`
	ErrorCode bridge.FailCode `json:"error_code"`
}

// openReader opens a stream of the i-th request that there is by now.
func (s *sim) openReader(i int) {
	if len(s.ledger.order) == 0 {
		return
	}
	r := &reader{s: s, name: fmt.Sprintf("reader%d", i+1)}
	r.dice = s.rand(r.name)
	r.r = pick(r.dice, s.ledger.order)
	s.readers = append(s.readers, r)
	r.open()
}

// open begins to read at some node, where it left off or from the start.
func (r *reader) open() {
	l := r.s.someLife(r.dice)
	if l == nil {
		r.s.after(r.dice.between(100*time.Millisecond, 3*time.Second), r.open)
		return
	}
	if r.dice.chance(0.2) {
		r.lastID = ""
	}
	if r.lastID == "" {
		r.text = nil
	}
	r.reading = true
	stay := r.dice.seldom(0.5, time.Hour, 100*time.Hour, 100*time.Millisecond, time.Minute)
	if r.s.calm {
		stay = 100 * time.Hour
	}
	ctx, cancel := context.WithTimeout(l.ctx, stay)
	go func() { // ends with the node at the latest; the bubble waits for it
		defer cancel()
		err := r.read(ctx, l)
		r.s.post(r.name, func() { r.left(err) })
	}()
}

// left decides what becomes of a reader whose stream has ended.
func (r *reader) left(err error) {
	r.reading = false
	switch {
	case errors.Is(err, io.EOF):
		r.over = true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, stream.ErrDraining):
		r.s.after(r.dice.seldom(0.2, 10*time.Millisecond, time.Second, time.Second, time.Minute), r.open)
	default:
		r.s.failf("streams", r.r.label, "%s: %v", r.name, err)
	}
}

// read reads until the end, or until it has had enough.
func (r *reader) read(ctx context.Context, l *life) error {
	in, err := l.node.Hub.Open(ctx, r.r.id, stream.Open{LastEventID: r.lastID})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	defer in.Close()
	slow := r.dice.chance(0.3)
	first := true
	for {
		ev, err := in.Next(ctx)
		for ok := true; ok && err == nil; ev, ok, err = in.Poll(ctx) {
			r.hear(ev, first)
			first = false
		}
		if err != nil {
			if errors.Is(err, io.EOF) && r.end == nil {
				return errors.New("the stream ended without the end")
			}
			return err
		}
		if slow {
			select {
			case <-time.After(r.dice.between(0, 20*time.Second)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// hear checks one event against those before it.
func (r *reader) hear(ev stream.Event, first bool) {
	var e streamEvent
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		r.fail("%s is not JSON: %v", ev.Data, err)
		return
	}
	if ev.ID != "" {
		r.lastID = ev.ID
	}
	switch {
	case first != (e.Type == "connected"):
		r.fail("connected comes first, and only then: %s", ev.Data)
	case r.end != nil && !first:
		r.fail("%s after the end", ev.Data)
	}
	switch e.Type {
	case "connected":
		if e.RequestID != r.r.id {
			r.fail("connected to %s", e.RequestID)
		}
		r.now.status = "" // what it was before is not shown again
	case "status":
		r.moves(&e, ev.Data)
	case "delta":
		r.delta(&e)
	case "done", "failed":
		if r.now.status == bridge.Idle && e.Status == bridge.Done || e.Type != string(e.Status) || !ev.End || ev.ID != stream.EndID {
			r.fail("the end after %q: %s", r.now.status, ev.Data)
		}
		r.end = &e
	default:
		r.fail("an unknown event: %s", ev.Data)
	}
}

// moves checks a status: idle ⇄ executing, each attempt through its own.
func (r *reader) moves(e *streamEvent, data []byte) {
	was := r.now
	switch e.Status {
	case bridge.Idle:
		if was.status == bridge.Executing && e.Reason == nil {
			r.fail("put back without a reason: %s", data)
		}
		r.now.status = bridge.Idle
	case bridge.Executing:
		switch {
		case e.Phase == nil:
			r.fail("executing without a phase: %s", data)
			return
		case e.Attempt < was.attempt:
			r.fail("attempt %d after attempt %d", e.Attempt, was.attempt)
		case was.status == bridge.Executing && e.Attempt != was.attempt:
			r.fail("attempt %d right after attempt %d", e.Attempt, was.attempt)
		}
		sent := *e.Phase == bridge.PhaseSubmitted || *e.Phase == bridge.PhaseAnswering
		if e.Attempt == was.attempt && was.sent && !sent {
			r.fail("attempt %d is %s again after go", e.Attempt, *e.Phase)
		}
		r.now = streamStatus{bridge.Executing, e.Attempt, sent}
	default:
		r.fail("an unknown status: %s", data)
	}
}

// delta applies a piece: the sum must be a text that the worker has shown.
func (r *reader) delta(e *streamEvent) {
	if e.Offset > len(r.text) {
		r.fail("a delta at %d of a text of %d", e.Offset, len(r.text))
		return
	}
	r.text = append(r.text[:e.Offset:e.Offset], []rune(e.Text)...)
	if !r.s.site.allowed(r.r.id, string(r.text)) {
		r.fail("its pieces add up to %q, which no worker has said", string(r.text))
	}
}

func (r *reader) fail(format string, args ...any) {
	r.s.failf("what readers see", r.r.label, r.name+": "+format, args...)
}

// check compares the end that it was told with what is stored.
func (r *reader) check() {
	switch {
	case r.end == nil:
		r.fail("it never got the end")
	case r.end.Status != r.r.status || r.end.ErrorCode != r.r.code:
		r.fail("it was told %s %s, stored is %s %s", r.end.Status, r.end.ErrorCode, r.r.status, r.r.code)
	case r.end.Status == bridge.Done && given(r.end.Response) != r.r.response:
		r.fail("it was told %q, stored is %q", given(r.end.Response), r.r.response)
	}
}
