package actors

import (
	"math/rand/v2"
	"time"

	"chatbridge/protocol"
)

// extension is a chatbridge.v1 worker with a page: revived, it looks at the page
// that it left, and never presses again. n and held are its storage and outlive
// it; the rest of a task does not.
type extension struct {
	w    *World
	key  string
	id   string
	dice *rand.Rand
	// mortal: it is killed again and again, also right at the steps after which a
	// promise must hold.
	mortal bool

	n    int64
	held map[protocol.Ref]*task
}

// fatal is how rarely a mortal worker dies at a step: once in so many.
const fatal = 100

// Where workers die.
const (
	CutBeforeReady = "sockets cut before ready"
	CutBeforeGo    = "sockets cut between ready and go"
	CutAfterGo     = "sockets cut after go"
	CutAfterPress  = "sockets cut after the press"
	CutBeforeAck   = "sockets cut between answer and ack"
)

type task struct {
	request protocol.NewRequest
	phase   protocol.Phase
	result  protocol.Message // Response or Error, until it is acked; nil before

	readyAt time.Time // of the ready that waits for go
	sent    int       // code points, on this connection
	said    bool      // the result, on this connection
}

// Extension runs a chatbridge.v1 worker with a page until the test ends; a mortal
// one is killed again and again.
func (w *World) Extension(a Account, id string, mortal bool) {
	x := &extension{w: w, key: a.Key, id: id, dice: w.Dice(), mortal: mortal, held: map[protocol.Ref]*task{}}
	w.wg.Go(func() { // the cleanup waits for it
		for w.Ctx.Err() == nil {
			x.connect()
			pause := Between(x.dice, time.Millisecond, 50*time.Millisecond)
			if x.mortal && x.dice.IntN(4) == 0 {
				pause = Between(x.dice, 50*time.Millisecond, 500*time.Millisecond)
			}
			Sleep(w.Ctx, pause)
		}
	})
}

// connect is one connection, to its end.
func (x *extension) connect() {
	x.n++
	s, err := x.w.dial("", protocol.DecodeServer, protocol.Subprotocol)
	if err != nil {
		return
	}
	defer s.cut()
	hello := protocol.Hello{Key: x.key, WorkerID: x.id, N: x.n, Name: x.id, Version: "1", Site: "test", Capacity: x.w.Capacity}
	for ref, t := range x.held {
		t.readyAt, t.sent, t.said = time.Time{}, 0, false
		phase := t.phase
		if t.result != nil {
			phase = protocol.PhaseEnded
		}
		hello.Holding = append(hello.Holding, protocol.Holding{Ref: ref, Phase: phase})
	}
	if !s.say(hello) {
		return
	}
	life := 24 * time.Hour
	if x.mortal {
		life = Between(x.dice, 50*time.Millisecond, 1500*time.Millisecond) // the server may die sooner
	}
	dies := time.After(life)
	looks := time.NewTicker(look)
	defer looks.Stop()
	welcome := false
	for {
		select {
		case <-x.w.Ctx.Done():
			return
		case <-dies:
			x.w.Book.Tick("workers killed")
			x.forget()
			return
		case m, ok := <-s.in:
			if !ok {
				return
			}
			if m, is := m.(protocol.Welcome); is {
				welcome = true
				x.welcome(s, m)
				continue
			}
			if !x.hear(s, m) {
				return
			}
		case <-looks.C:
			if welcome && !x.look(s) {
				return
			}
		}
	}
}

// dies reports whether a mortal worker ends here, at a step that has a name.
func (x *extension) dies(step string) bool {
	if !x.mortal || x.dice.IntN(fatal) != 0 {
		return false
	}
	x.w.Book.Tick(step)
	x.forget()
	return true
}

// forget: now and then a worker that dies loses its storage. What it then leaves
// out of its hello counts as lost.
func (x *extension) forget() {
	if x.dice.IntN(4) == 0 {
		clear(x.held)
	}
}

func (x *extension) welcome(s *socket, m protocol.Welcome) {
	kept := map[protocol.Ref]bool{}
	for _, ref := range m.Keep {
		kept[ref] = true
	}
	for _, ref := range m.Drop {
		delete(x.held, ref)
		s.say(protocol.Cancelled{Ref: ref})
	}
	for ref := range x.held {
		if !kept[ref] {
			x.w.Book.Fault("worker %s: %v is neither kept nor dropped", x.id, ref)
			delete(x.held, ref)
		}
	}
}

// hear acts on a message; false ends the connection.
func (x *extension) hear(s *socket, m protocol.Message) bool {
	switch m := m.(type) {
	case protocol.Ping:
		return s.say(protocol.Pong{})
	case protocol.Bye:
		if m.Code != protocol.ByeDraining {
			x.w.Book.Fault("worker %s: bye %s", x.id, m.Code)
		}
		x.w.Book.Tick("byes")
		return false
	case protocol.NewRequest:
		x.w.Book.Handed(m.Ref)
		if x.held[m.Ref] != nil {
			x.w.Book.Fault("worker %s: %v is handed over again", x.id, m.Ref)
		}
		if n := x.busy(); n >= x.w.Capacity {
			x.w.Book.Fault("worker %s: it works on %d and is given %v", x.id, n, m.Ref)
		}
		x.held[m.Ref] = &task{request: m, phase: protocol.PhaseTyping}
		if x.dies(CutBeforeReady) {
			return false
		}
		return s.say(protocol.StatusUpdate{Ref: m.Ref, Status: protocol.StatusExecuting, Phase: protocol.PhaseTyping})
	case protocol.Go:
		x.w.Book.Went(m.Ref)
		t := x.held[m.Ref]
		if t == nil || t.readyAt.IsZero() || t.phase != protocol.PhaseTyping || time.Since(t.readyAt) > protocol.PressWithin {
			return true
		}
		t.readyAt, t.phase = time.Time{}, protocol.PhaseSubmitted
		if x.dies(CutAfterGo) { // between the storage and the press
			return false
		}
		x.w.Site.press(m.RequestID, t.request.Message)
		return !x.dies(CutAfterPress)
	case protocol.Ack:
		if t := x.held[m.Ref]; t != nil {
			if r, ok := t.result.(protocol.Response); ok {
				x.w.Book.Ack(m.Ref, r.Response)
			}
			delete(x.held, m.Ref)
		}
	case protocol.Cancel:
		x.w.Book.Tick("cancels that reached a worker")
		delete(x.held, m.Ref)
		return s.say(protocol.Cancelled(m))
	case protocol.Resync:
		if t := x.held[m.Ref]; t != nil {
			t.sent = 0
		}
	}
	return true
}

// busy is how many attempts take a slot: one that only waits for its ack may
// have been stored already, and its slot given away.
func (x *extension) busy() (n int) {
	for _, t := range x.held {
		if t.result == nil {
			n++
		}
	}
	return n
}

// look goes on with everything that is held; false ends the connection.
func (x *extension) look(s *socket) bool {
	ok := true
	for ref, t := range x.held {
		switch {
		case t.result != nil && !t.said:
			t.said = true
			ok = s.say(t.result) && ok && !x.dies(CutBeforeAck)
		case t.result != nil:
		case t.phase == protocol.PhaseTyping && !t.readyAt.IsZero():
			ok = time.Since(t.readyAt) < protocol.PressWithin && ok
		case t.phase == protocol.PhaseTyping && limited(ref, t.request.Message):
			second := 1
			t.result = protocol.Error{Ref: ref, Code: protocol.CodeRateLimited, RetryAfter: &second, Error: "The site has had enough. Wait a second."}
		case t.phase == protocol.PhaseTyping:
			t.readyAt = time.Now()
			ok = s.say(protocol.Ready{Ref: ref}) && ok && !x.dies(CutBeforeGo)
		default:
			ok = x.watch(s, ref, t) && ok
		}
	}
	return ok
}

// watch tells what the page shows of a message that was sent.
func (x *extension) watch(s *socket, ref protocol.Ref, t *task) bool {
	p := x.w.Site.look(ref.RequestID)
	switch {
	case !p.sent:
		t.result = protocol.Error{Ref: ref, Code: protocol.CodeIncompleteAnswer, Error: "The page shows no sign of the message. Send it again."}
		return true
	case p.torn:
		t.result = protocol.Error{Ref: ref, Code: protocol.CodeIncompleteAnswer, Error: "The answer broke off. Send the message again.", PartialResponse: &p.text}
		return true
	case p.whole:
		title := "About " + x.id
		chat := chatOf(t.request)
		t.result = protocol.Response{Ref: ref, Response: p.text, ChatID: &chat, ChatTitle: &title}
		return true
	}
	if t.phase == protocol.PhaseSubmitted {
		t.phase = protocol.PhaseAnswering
		chat := chatOf(t.request)
		if !s.say(protocol.StatusUpdate{Ref: ref, Status: protocol.StatusExecuting, Phase: t.phase, ChatID: &chat}) {
			return false
		}
	}
	runes := []rune(p.text)
	if len(runes) == t.sent {
		return true
	}
	piece := protocol.Delta{Ref: ref, Offset: t.sent, Text: string(runes[t.sent:])}
	t.sent = len(runes)
	return s.say(piece)
}

// chatOf is the site's chat of a request: the one that it goes on with, or a new
// one.
func chatOf(r protocol.NewRequest) string {
	if r.ChatID != nil {
		return *r.ChatID
	}
	return "site-" + r.RequestID
}
