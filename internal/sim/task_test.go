package sim

import (
	"time"
	"unicode/utf8"

	"chatbridge/protocol"
)

// task is one attempt at a worker.
type task struct {
	k     *worker
	r     *record
	ref   protocol.Ref
	order int

	// Stored.
	chat   string
	phase  protocol.Phase
	sure   bool             // submitted is written: it may have been pressed
	result protocol.Message // the response or error, until its ack

	// In memory.
	page     *page
	composed bool
	stopping bool // taken away: nothing more is pressed or told
	asking   bool // ready is said and go awaited
	readyAt  time.Time
	told     string // the text that the server was told on this connection
	begun    bool   // …after the first delta, which has offset 0
	named    bool   // the chat's id was told
	waits    int
}

// later is the worker's later, as long as the task is not forgotten.
func (t *task) later(d time.Duration, do func()) {
	t.k.later(d, func() {
		if t.k.held[t.ref] == t && !t.stopping {
			do()
		}
	})
}

func (t *task) say(m protocol.Message) {
	if k := t.k; k.conn != nil && k.welcomed {
		k.conn.say(m)
	}
}

func (t *task) to(phase protocol.Phase) {
	t.phase = phase
	m := protocol.StatusUpdate{Ref: t.ref, Status: protocol.StatusExecuting, Phase: phase}
	if t.page != nil && !t.named {
		t.named = true
		m.ChatID = &t.page.chat
	}
	t.say(m)
}

// open brings the page up and types the prompt.
func (t *task) open() {
	k, d := t.k, t.k.dice
	if k.s.holding {
		return // a probe: it only takes the slot, until released
	}
	t.later(d.seldom(0.1, 100*time.Millisecond, 2*time.Second, 2*time.Second, 40*time.Second), func() {
		if t.result != nil || t.sure {
			return
		}
		t.to(protocol.PhaseTyping)
		if k.s.faults(rude) && d.chance(0.3) && t.r.goAt.IsZero() {
			t.say(protocol.Delta{Ref: t.ref, Text: "a delta before go is ignored"})
		}
		if k.s.faults(pauses) && d.chance(0.15) {
			t.refused()
			return
		}
		if k.s.faults(stuck) && d.chance(0.1) {
			return // never ready
		}
		t.later(d.seldom(0.1, 100*time.Millisecond, 2*time.Second, 2*time.Second, 40*time.Second), func() {
			t.composed = true
			t.ready()
		})
	})
}

// refused is trouble before the press.
func (t *task) refused() {
	d := t.k.dice
	e := protocol.Error{Ref: t.ref, Error: "trouble before the press", Code: pick(d, []protocol.ErrorCode{protocol.CodeRateLimited, protocol.CodeLoggedOut, protocol.CodeChallenge, protocol.CodePageChanged, protocol.CodeModeUnavailable})}
	if e.Code == protocol.CodeRateLimited && d.chance(0.8) {
		seconds := 1 + d.IntN(120)
		e.RetryAfter = &seconds
	}
	t.end(e)
}

// ready asks for go, once the chat is quiet.
func (t *task) ready() {
	k := t.k
	if !t.composed || t.sure || t.result != nil || k.conn == nil || !k.welcomed {
		return
	}
	if k.s.site.busy(t.chat) {
		t.waits++
		waits := t.waits
		t.later(k.dice.between(time.Second, 3*time.Second), func() {
			if t.waits == waits {
				t.ready()
			}
		})
		return
	}
	at := time.Now()
	t.asking, t.readyAt = true, at
	t.say(protocol.Ready{Ref: t.ref})
	t.later(protocol.PressWithin, func() {
		if t.asking && t.readyAt.Equal(at) {
			t.asking = false
			k.reconnect(k.dice.between(0, time.Second))
		}
	})
	if k.dice.chance(0.05) {
		t.later(k.dice.between(0, time.Second), func() {
			if t.asking && t.readyAt.Equal(at) {
				t.say(protocol.Ready{Ref: t.ref}) // twice
			}
		})
	}
}

func (t *task) inTime() bool { return time.Since(t.readyAt) < protocol.PressWithin }

// goes hears go: submitted is written, and waited for, before the press.
func (t *task) goes() {
	if !t.asking || t.sure || t.stopping || !t.inTime() {
		return
	}
	t.asking = false
	d, at := t.k.dice, t.readyAt
	slow := 0.03
	if t.k.s.calm {
		slow = 0 // a write that takes nearly all the time for the press is a fault, too
	}
	t.later(d.seldom(slow, time.Millisecond, 50*time.Millisecond, time.Second, 40*time.Second), func() {
		if t.sure || !t.readyAt.Equal(at) {
			return // another go was faster
		}
		if !t.inTime() {
			t.k.reconnect(d.between(0, time.Second))
			return
		}
		t.sure = true
		t.to(protocol.PhaseSubmitted)
		t.later(d.between(0, 20*time.Millisecond), t.press)
	})
}

func (t *task) press() {
	if !t.inTime() {
		t.end(protocol.Error{Ref: t.ref, Code: protocol.CodeWorkerLost, Error: "too late to press"})
		return
	}
	t.k.s.ledger.checkPress(t)
	t.page = t.k.s.site.press(t.r, t.chat)
	t.to(protocol.PhaseSubmitted)
	t.follow()
}

// follow watches the page and tells what it shows.
func (t *task) follow() {
	t.later(t.k.dice.seldom(0.1, 300*time.Millisecond, 3*time.Second, 3*time.Second, 20*time.Second), func() {
		if t.result != nil {
			return
		}
		t.show()
		switch p := t.page; {
		case p.running():
			t.follow()
		case p.stopped:
			t.end(protocol.Error{Ref: t.ref, Code: protocol.CodeIncompleteAnswer, Error: "the answer was stopped"})
		case p.code == "":
			title := "about " + t.r.label
			t.end(protocol.Response{Ref: t.ref, Response: p.visible(), ChatID: &p.chat, ChatTitle: &title})
		default:
			e := protocol.Error{Ref: t.ref, Code: p.code, Error: "the site refused"}
			if p.retry > 0 && p.code == protocol.CodeRateLimited {
				e.RetryAfter = &p.retry
			}
			t.end(e)
		}
	})
}

// show tells the text on the page as a delta to what was told.
func (t *task) show() {
	k := t.k
	text := t.page.visible()
	if k.conn == nil || !k.welcomed || t.begun && text == t.told || text == "" && !t.begun {
		return
	}
	if t.phase != protocol.PhaseAnswering {
		t.to(protocol.PhaseAnswering)
	}
	if !t.begun && k.s.faults(lazy) && k.dice.chance(0.3) {
		t.say(protocol.Delta{Ref: t.ref, Offset: utf8.RuneCountInString(text) + 200, Text: "an offset beyond the text is not taken"})
		return // resync will come
	}
	offset, rest := 0, text
	if t.begun {
		offset, rest = common(t.told, text)
	}
	k.s.site.allow(t.ref.RequestID, text)
	t.told, t.begun = text, true
	t.say(protocol.Delta{Ref: t.ref, Offset: offset, Text: rest})
}

// common splits b after what it has in common with a, in code points.
func common(a, b string) (points int, rest string) {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			break
		}
		a, b = a[n:], b[m:]
		points++
	}
	return points, b
}

// resync sends the text from its start.
func (t *task) resync() {
	if t.page == nil || t.stopping {
		return
	}
	text := t.page.visible()
	t.told, t.begun = text, true
	t.k.s.site.allow(t.ref.RequestID, text)
	t.say(protocol.Delta{Ref: t.ref, Text: text})
}

// end stores the result, then says it until it is acked.
func (t *task) end(m protocol.Message) {
	t.later(t.k.dice.between(0, 20*time.Millisecond), func() {
		if t.result != nil {
			return
		}
		t.result, t.phase, t.asking = m, protocol.PhaseEnded, false
		if e, ok := m.(protocol.Error); ok && e.Code.Pauses() && e.Code != protocol.CodeRateLimited {
			t.k.unwell, t.k.wasIll = true, true
		}
		t.sayResult()
	})
}

func (t *task) sayResult() {
	t.say(t.result)
	if e, ok := t.result.(protocol.Error); ok && e.Code.Pauses() && e.Code != protocol.CodeRateLimited {
		if t.k.unwell {
			t.k.healSoon(t.k.dice.between(5*time.Second, 2*time.Minute))
		} else {
			t.k.sayHealth() // said before; the pause begins anew with the error
		}
	}
}

// cancel is the server taking it away: stop at once, forget, say cancelled.
func (t *task) cancel() {
	if t.stopping {
		return
	}
	t.stopping = true
	t.page.stop()
	k := t.k
	k.later(k.dice.seldom(0.1, 0, 300*time.Millisecond, time.Second, 30*time.Second), func() {
		if k.held[t.ref] == t {
			t.forget()
			t.say(protocol.Cancelled{Ref: t.ref})
		}
	})
}

func (t *task) forget() { delete(t.k.held, t.ref) }

// resume goes on with an attempt that the welcome keeps.
func (t *task) resume() {
	t.begun, t.told, t.named = false, "", false
	switch {
	case t.result != nil:
		t.sayResult()
	case t.sure:
		if t.page != nil {
			t.to(t.phase)
			t.show()
		}
	default:
		t.asking = false
		t.to(t.phase)
		t.ready()
	}
}

// revive goes on with what was stored. With submitted stored it never presses:
// it looks at the page.
func (t *task) revive() {
	t.composed, t.asking, t.stopping, t.begun, t.named, t.told = false, false, false, false, false, ""
	t.page = nil
	switch {
	case t.result != nil:
	case !t.sure:
		t.phase = protocol.PhaseOpening
		t.open()
	default:
		t.page = t.k.s.site.pages[t.ref.RequestID]
		if t.page == nil {
			t.end(protocol.Error{Ref: t.ref, Code: protocol.CodeWorkerLost, Error: "it is not known whether it was sent"})
			return
		}
		t.follow()
	}
}
