package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"chatbridge/protocol"
)

const (
	// deltaEvery keeps each attempt at protocol.MaxDeltasPerSecond.
	deltaEvery = time.Second / protocol.MaxDeltasPerSecond
	// maxDelta is the most text of one delta, in bytes: six times as long when
	// all of it must be escaped, and still within protocol.MaxMessageBytes.
	maxDelta = 1 << 20
	// saveEvery is how often the text so far is kept, for partial_response
	// after a restart. The text may be long and a write waits for the disk.
	saveEvery = 2 * time.Second
)

// record is what is kept of an attempt over the worker's death.
type record struct {
	Request protocol.NewRequest `json:"request"`
	Phase   protocol.Phase      `json:"phase"`
	// Partial is the beginning of the answer, as far as it was kept.
	Partial string `json:"partial,omitempty"`
	// Result is the response or error as it is sent, until it is acked.
	Result json.RawMessage `json:"result,omitempty"`
}

// attempt is one hand-over that is not forgotten. The loop owns it, but for text.
type attempt struct {
	record
	name    string    // in the Store
	readyAt time.Time // of the ready that waits for go; zero where none does
	stop    context.CancelFunc
	dropped bool // to be forgotten as soon as the backend has stopped
	text    *text
	sent    position // of the text, on this connection
	deltaAt time.Time
	saved   int // bytes of the text that are kept
	saveAt  time.Time
}

// position is a place between two code points of a text.
type position struct{ bytes, runes int }

const attemptPrefix = "attempt-"

// attemptName is a name in the Store; what a server sends never makes a path.
func attemptName(ref protocol.Ref) string {
	return fmt.Sprintf("%s%x-%d", attemptPrefix, sha256.Sum256([]byte(ref.RequestID)), ref.Attempt)
}

func (r *record) submitted() bool {
	return r.Phase == protocol.PhaseSubmitted || r.Phase == protocol.PhaseAnswering
}

// phase is what holding says.
func (a *attempt) phase() protocol.Phase {
	if a.Result != nil {
		return protocol.PhaseEnded
	}
	return a.Phase
}

// keep stores the record; it is on the disk when keep returns nil.
func (w *Worker) keep(a *attempt) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // Result must come back as it was measured
	if err := enc.Encode(a.record); err != nil {
		return fmt.Errorf("keep request %s: %w", a.Request.RequestID, err)
	}
	if err := w.cfg.Store.Put(a.name, b.Bytes()); err != nil {
		return fmt.Errorf("keep request %s: %w", a.Request.RequestID, err)
	}
	return nil
}

// newRequest takes a request and asks whether it may be sent. There is nothing
// to open or to type, so it is ready at once.
func (w *Worker) newRequest(m protocol.NewRequest) {
	if w.attempts[m.Ref] != nil || len(w.attempts) >= protocol.MaxHolding {
		return // one that is not in holding later is lost without being sent
	}
	a := &attempt{record: record{Request: m, Phase: protocol.PhaseTyping}, name: attemptName(m.Ref), text: &text{}}
	w.attempts[m.Ref] = a
	if err := w.keep(a); err != nil {
		w.storageFailed(a, err)
		return
	}
	w.ready(a)
}

func (w *Worker) ready(a *attempt) {
	a.readyAt = time.Now()
	w.send(protocol.Ready{Ref: a.Request.Ref})
}

// press is the answer to go: from here on the request may have been sent.
func (w *Worker) press(ref protocol.Ref) {
	a := w.attempts[ref]
	if a == nil || a.readyAt.IsZero() || a.Result != nil || a.submitted() {
		return // a go that nothing waits for
	}
	if elapsed(a.readyAt) > protocol.PressWithin {
		w.hangUp("go came too late") // and ready is said again after keep
		return
	}
	a.Phase = protocol.PhaseSubmitted
	if err := w.keep(a); err != nil {
		w.storageFailed(a, err)
		return
	}
	if elapsed(a.readyAt) > protocol.PressWithin {
		w.storageFailed(a, errors.New("it took more than 30 seconds"))
		return
	}
	a.readyAt = time.Time{}
	w.send(protocol.StatusUpdate{Ref: ref, Status: protocol.StatusExecuting, Phase: a.Phase})

	ctx, stop := context.WithCancel(w.ctx)
	a.stop, a.saveAt = stop, time.Now().Add(saveEvery)
	request := a.Request
	emit := func(piece string) {
		if !a.text.add(piece) {
			stop() // too long; the text remembers
		}
		select {
		case w.wake <- struct{}{}:
		default: // the loop is awake already
		}
	}
	w.all.Go(func() { // Run waits; cancel, drop, ack or the end of Run ends it
		answer, err := w.cfg.Backend.Answer(ctx, request, emit)
		stop()
		a.text.end(answer, err)
		w.post(func() { w.ended(a) })
	})
}

// elapsed is the time since t by the faster of two clocks: the monotonic one
// stands still in a computer's sleep, the wall clock may be set back.
func elapsed(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// tendAttempt does what is due for a and returns when it is due again.
func (w *Worker) tendAttempt(a *attempt, now time.Time) (next time.Time) {
	connected := w.link != nil && !w.link.welcomed.IsZero()
	if connected && !a.readyAt.IsZero() {
		if elapsed(a.readyAt) > protocol.PressWithin {
			w.log.Info("worker: no go came; connecting anew", "request_id", a.Request.RequestID)
			w.hangUp("no go came")
			return next
		}
		// A millisecond later, so that it is past the limit when it is looked at.
		return a.readyAt.Add(protocol.PressWithin + time.Millisecond)
	}
	if a.stop == nil || a.dropped {
		return next
	}
	size := a.text.size()
	if connected && size > a.sent.bytes {
		if !now.Before(a.deltaAt) {
			w.delta(a)
			a.deltaAt = now.Add(deltaEvery)
		}
		if size > a.sent.bytes {
			next = a.deltaAt
		}
	}
	if size > a.saved {
		if !now.Before(a.saveAt) {
			w.savePartial(a)
			a.saveAt = now.Add(saveEvery)
		} else if next.IsZero() || a.saveAt.Before(next) {
			next = a.saveAt
		}
	}
	return next
}

// delta sends the next piece of text.
func (w *Worker) delta(a *attempt) {
	if a.Phase == protocol.PhaseSubmitted {
		a.Phase = protocol.PhaseAnswering
		w.send(protocol.StatusUpdate{Ref: a.Request.Ref, Status: protocol.StatusExecuting, Phase: a.Phase})
	}
	piece := a.text.from(a.sent.bytes, maxDelta)
	offset := a.sent.runes
	a.sent.bytes += len(piece)
	a.sent.runes += utf8.RuneCountInString(piece)
	w.send(protocol.Delta{Ref: a.Request.Ref, Offset: offset, Text: piece})
}

func (w *Worker) savePartial(a *attempt) {
	a.Partial = a.text.from(0, protocol.MaxAnswerBytes)
	a.saved = len(a.Partial)
	if err := w.keep(a); err != nil {
		w.log.Warn("worker: text so far not kept", "error", err) // the answer still is
	}
}

// resume goes on with an attempt that the bridge keeps, on a new connection.
func (w *Worker) resume(a *attempt) {
	a.sent = position{} // the first delta after each connect has offset 0
	switch {
	case a.Result != nil:
		w.sendResult(a)
	case a.submitted(): // it runs: with submitted from before a restart there is a Result
		w.send(protocol.StatusUpdate{Ref: a.Request.Ref, Status: protocol.StatusExecuting, Phase: a.Phase})
	default:
		w.ready(a)
	}
}

// cancel stops and forgets an attempt, and says so once it is true.
func (w *Worker) cancel(ref protocol.Ref) {
	if a := w.attempts[ref]; a != nil && a.stop != nil {
		a.dropped = true
		a.stop()
		return // ended says cancelled
	}
	w.forget(ref)
	w.send(protocol.Cancelled{Ref: ref})
}

// forget lets go of an attempt; a backend that still answers is stopped.
func (w *Worker) forget(ref protocol.Ref) {
	a := w.attempts[ref]
	if a == nil {
		return
	}
	delete(w.attempts, ref)
	if a.stop != nil {
		a.stop()
	}
	if err := w.cfg.Store.Delete(a.name); err != nil {
		w.log.Warn("worker: request not forgotten; a restart will name it once more", "request_id", ref.RequestID, "error", err)
	}
}

// ended is run when the backend has returned.
func (w *Worker) ended(a *attempt) {
	a.stop = nil
	ref := a.Request.Ref
	switch {
	case w.attempts[ref] != a: // forgotten
	case a.dropped:
		w.forget(ref)
		w.send(protocol.Cancelled{Ref: ref})
	default:
		w.finish(a)
	}
}

// keepRunning is Run's last act, when all backends have returned: what they had
// is kept. An answer that was stopped is told as worker_lost by the next start.
func (w *Worker) keepRunning() {
	for _, a := range w.attempts {
		switch _, err, ended := a.text.outcome(); {
		case a.Result != nil || a.dropped || !a.submitted():
		case ended && err == nil:
			w.finish(a)
		case a.text.size() > a.saved:
			w.savePartial(a)
		}
	}
}
