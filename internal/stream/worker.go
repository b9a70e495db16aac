package stream

import "chatbridge/internal/bridge"

// The methods of this file are called for a worker's socket. They never block,
// and may be called with the caller's locks held. What they are told of an
// attempt that is not the present one is ignored.

// Begin says that an attempt runs on this node: its text is kept from here to
// the end or the putting back. It may be said again, and of an attempt that is
// over: that is found out soon.
func (h *Hub) Begin(requestID string, attempt int) {
	e := h.acquire(requestID)
	e.mu.Lock()
	kept := e.begin(attempt)
	e.mu.Unlock()
	if !kept {
		h.release(e)
	}
}

// begin reports whether the caller's hold on the entry becomes the attempt's.
func (e *entry) begin(attempt int) bool {
	if attempt <= e.here {
		return false
	}
	if r := e.req; r != nil && (attempt < r.Attempt || attempt == r.Attempt && r.Status != bridge.Executing) {
		return false
	}
	held := e.here != 0
	e.here = attempt
	if e.away {
		e.away = false
		e.changed()
	}
	e.listen()
	e.announce()
	return !held
}

// runs reports whether this is the attempt that runs here, and live in the
// store as far as is known. The caller holds the lock.
func (e *entry) runs(attempt int) bool {
	return e.here == attempt && attempt != 0 && (e.req == nil || e.req.Status == bridge.Executing && e.req.Attempt == attempt)
}

// Phase says how far an attempt has come: opening, typing, submitted or
// answering.
func (h *Hub) Phase(requestID string, attempt int, told string) {
	if p := parsePhase(told); p != 0 {
		h.move(requestID, attempt, func(e *entry) { e.phase = p })
	}
}

// Away says whether an attempt's worker has no socket for now.
func (h *Hub) Away(requestID string, attempt int, away bool) {
	h.move(requestID, attempt, func(e *entry) { e.away = away })
}

func (h *Hub) move(requestID string, attempt int, how func(*entry)) {
	e := h.find(requestID)
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.here != attempt || attempt == 0 {
		return
	}
	phase, away := e.phase, e.away
	how(e)
	if e.phase != phase || e.away != away {
		e.announce()
		e.changed()
	}
}

// Delta makes an attempt's text its first offset code points and text. It
// returns false when the worker must send its text from the start: the offset
// is beyond what is here. What would exceed MaxTextBytes is left out. The
// caller knows that go is stored: what comes before is not for here.
func (h *Hub) Delta(requestID string, attempt, offset int, text string) (ok bool) {
	e := h.find(requestID)
	if e == nil {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.runs(attempt) {
		return true
	}
	if !e.known && offset > 0 {
		return false
	}
	if e.text == nil {
		e.text = new(Text)
	}
	fresh := !e.known
	rev := e.text.rev
	from, r := e.text.Apply(offset, text)
	if r != Applied {
		return r == TooLong
	}
	e.known = true
	if e.text.rev == rev && !fresh {
		return true
	}
	e.encoded = nil
	e.publish(e.text.mark(from))
	e.changed()
	return true
}

// Partial is an attempt's text so far, as far as it is known here.
func (h *Hub) Partial(requestID string) string {
	e := h.find(requestID)
	if e == nil {
		return ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.text == nil || !e.known {
		return ""
	}
	return e.text.String()
}

// PhaseOf is the phase of a request that executes: as its worker told it, where
// that is known here, and no less than what is stored.
func (h *Hub) PhaseOf(r *bridge.Request) string {
	var told phase
	if e := h.find(r.ID); e != nil {
		e.mu.Lock()
		if e.here == r.Attempt || e.req != nil && e.req.Attempt == r.Attempt {
			told = e.phase
		}
		e.mu.Unlock()
	}
	return phaseOf(r, told).String()
}
