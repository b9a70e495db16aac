package stream

import (
	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// shown is a state of a request as a reader was told it. It is small: each
// reader has one.
type shown struct {
	status  standing
	phase   phase
	away    bool
	back    bool   // idle: told as put back
	attempt int32  // the last that is known of
	waiting uint32 // idle: the entry's waitingRev that was told; 0 none
}

type standing byte

const (
	nothing standing = iota // nothing told yet
	idle
	executing
	ended
)

// phase is how far an attempt has come; the zero phase is not told yet.
type phase byte

const (
	opening phase = 1 + iota
	typing
	submitted
	answering
)

var phases = [...]string{opening: bridge.PhaseOpening, typing: bridge.PhaseTyping, submitted: bridge.PhaseSubmitted, answering: bridge.PhaseAnswering}

func (p phase) String() string { return phases[p] }

// parsePhase is 0 for what is no phase of an attempt that runs.
func parsePhase(s string) phase {
	for p, name := range phases {
		if s == name {
			return phase(p)
		}
	}
	return 0
}

// phaseOf is the phase of an executing request as its worker told it, and no
// less than what is stored.
func phaseOf(r *bridge.Request, told phase) phase {
	if r.MaySendAt.IsZero() {
		return max(told, opening)
	}
	return max(told, submitted)
}

// present is the state of a loaded entry. The caller holds the lock.
func (e *entry) present() shown {
	s := shown{attempt: int32(e.req.Attempt)}
	switch e.req.Status {
	case bridge.Idle:
		s.status, s.waiting = idle, e.waitingRev
	case bridge.Executing:
		s.status, s.phase, s.away = executing, phaseOf(e.req, e.phase), e.away
	default:
		s.status = ended
	}
	return s
}

// step is what is told next on the way from told to the present: as a reader
// that is slow may have missed states, those between are told too, so that it
// only sees idle ⇄ executing → done or failed, and idle → failed.
func (e *entry) step(told shown) (next shown, news bool) {
	now := e.present()
	switch {
	case told.status == nothing:
		return now, true
	case now.status == ended:
		if told.status == idle && e.req.Status == bridge.Done {
			return shown{status: executing, phase: submitted, attempt: now.attempt}, true
		}
		return now, told.status != ended
	case told.status == executing && (now.status == idle || now.attempt != told.attempt):
		return shown{status: idle, back: true, attempt: now.attempt}, true
	case now.status == idle && told.status == idle:
		if told.attempt != now.attempt {
			return shown{status: idle, back: true, attempt: now.attempt}, true
		}
		return now, now.waiting != told.waiting && now.waiting != 0
	default:
		return now, now != told
	}
}

// encodedStatus is the last status that was encoded.
type encodedStatus struct {
	of   shown
	data []byte
}

// statusData is a state, other than the end, as JSON; readers that are told the
// same share it. The caller holds the lock.
func (e *entry) statusData(s shown) []byte {
	if e.watchers == 1 {
		return e.encodeStatus("", s) // nobody to share it with: most idle streams are alone
	}
	if e.status == nil || e.status.of != s {
		e.status = &encodedStatus{s, e.encodeStatus("", s)}
	}
	return e.status.data
}

func (e *entry) encodeStatus(requestID string, s shown) []byte {
	switch {
	case s.status == executing:
		return wire.Executing(requestID, s.phase.String(), int(s.attempt), s.away)
	case s.back:
		return wire.PutBack(requestID, e.reason)
	default:
		return wire.Idle(requestID, e.waiting)
	}
}
