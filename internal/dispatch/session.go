package dispatch

import (
	"context"
	"errors"
	"time"

	"chatbridge/internal/bridge"
)

// Session is one worker's socket on this node. Its methods are called by the
// socket's reader, one after another, in the order in which the messages came;
// each posts a command and returns, so that many may be on their way.
type Session struct {
	d      *Dispatch
	a      *account
	from   bridge.From
	socket Socket

	// Guarded by d.mu.
	attempts map[bridge.AttemptID]*attempt // live ones, as far as this node knows
	renewed  time.Time
	pinging  bool
	closing  bool // told to close: nothing more is handed to it
}

type attempt struct {
	mayBeSent bool
	named     string // the chat id that was reported
}

// ErrClosing is Join's answer while the node drains.
var ErrClosing = errors.New("the node is draining")

// Join connects a worker. Its welcome, or bye replaced, comes as a signal. The
// caller calls Leave when the socket is gone, also if Join failed after it had
// returned a session.
func (d *Dispatch) Join(ctx context.Context, hello *bridge.Hello, socket Socket) (*Session, error) {
	if err := d.survey(ctx, hello.Worker.AccountID); err != nil {
		return nil, err
	}
	w := hello.Worker
	s := &Session{d: d, socket: socket, attempts: map[bridge.AttemptID]*attempt{}, renewed: time.Now(),
		from: bridge.From{AccountID: w.AccountID, WorkerID: w.ID, Conn: w.Conn, Guide: w.Guide}}
	hello.Here = d.o.Here
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		return nil, ErrClosing
	}
	s.a = d.of(w.AccountID)
	s.a.sockets[w.Conn] = s
	if !s.a.atDesk {
		s.a.atDesk = true
		a := s.a
		d.desks.Go(func() { d.desk(a) })
	}
	d.mu.Unlock()
	if err := bridge.Do(ctx, d.o.Post, hello); err != nil {
		s.Leave()
		return nil, err
	}
	if w.Guide {
		s.guideJoined()
	}
	d.mu.Lock()
	s.a.nudge()
	d.mu.Unlock()
	return s, nil
}

// guideJoined: any guide socket may answer what any was given.
func (s *Session) guideJoined() {
	s.d.mu.Lock()
	s.a.counts[s.from.WorkerID] = s
	var held []bridge.AttemptID
	if s.a.board != nil {
		for id, l := range s.a.board.leases {
			if l.Guide && !l.Cancelled {
				held = append(held, id)
			}
		}
	}
	s.d.mu.Unlock()
	for _, id := range held {
		s.d.o.Live.Begin(id.RequestID, id.Attempt)
		s.d.o.Live.Away(id.RequestID, id.Attempt, false)
	}
	s.renewGuide()
}

// Leave notes that the socket is gone. It ends nothing: leases do that.
func (s *Session) Leave() {
	d := s.d
	d.mu.Lock()
	if s.a.sockets[s.from.Conn] != s {
		d.mu.Unlock()
		return
	}
	delete(s.a.sockets, s.from.Conn)
	counted := s.a.counts[s.from.WorkerID] == s
	if counted {
		delete(s.a.counts, s.from.WorkerID)
	}
	var away []bridge.AttemptID
	if counted {
		for id := range s.attempts {
			away = append(away, id)
		}
	}
	s.a.nudge()
	d.mu.Unlock()
	for _, id := range away {
		d.o.Live.Away(id.RequestID, id.Attempt, true)
	}
	if s.from.Guide {
		s.renewGuide()
	}
	d.o.Post(&bridge.Disconnect{From: s.from}, func(_ *bridge.Changes, err error) {
		if err != nil {
			d.o.Log.Warn("note a worker's disconnect", "worker", s.from.WorkerID, "err", err)
		}
	})
}

// hear passes a signal on to the socket, and learns from it. The caller holds
// the lock.
func (s *Session) hear(sig bridge.Signal) {
	id := bridge.AttemptID{RequestID: sig.RequestID, Attempt: sig.Attempt}
	switch sig.Kind {
	case bridge.SignalWelcome:
		s.a.counts[s.from.WorkerID] = s
		s.attempts = map[bridge.AttemptID]*attempt{}
		for _, k := range sig.Keep {
			s.attempts[k.AttemptID] = &attempt{mayBeSent: k.Go}
			s.d.o.Live.Begin(k.RequestID, k.Attempt)
			s.d.o.Live.Away(k.RequestID, k.Attempt, false)
		}
	case bridge.SignalHandOver:
		s.attempts[id] = &attempt{mayBeSent: s.from.Guide}
		s.d.o.Live.Begin(sig.RequestID, sig.Attempt)
	case bridge.SignalGo:
		if a := s.attempts[id]; a != nil {
			a.mayBeSent = true
		}
	case bridge.SignalCancel, bridge.SignalAck:
		delete(s.attempts, id)
	case bridge.SignalSilence, bridge.SignalReplaced:
		s.closing = true
	}
	s.socket.Deliver(sig)
}

// missed finds, on a fresh board, what was taken from this worker without its
// being told. The caller holds the lock.
func (s *Session) missed(b *board) {
	if s.closing {
		return
	}
	if w := b.workers[s.from.WorkerID]; w != nil && w.Conn != s.from.Conn {
		s.hear(bridge.Signal{Kind: bridge.SignalReplaced, AccountID: s.from.AccountID, WorkerID: s.from.WorkerID})
		return
	}
	for id := range s.attempts {
		l := b.leases[id]
		switch {
		case l == nil:
			delete(s.attempts, id)
			if !s.from.Guide {
				s.hear(bridge.Signal{Kind: bridge.SignalSilence, AccountID: s.from.AccountID, WorkerID: s.from.WorkerID})
			}
		case l.Cancelled && !l.Guide:
			s.hear(bridge.Signal{Kind: bridge.SignalCancel, AccountID: s.from.AccountID, WorkerID: s.from.WorkerID, RequestID: id.RequestID, Attempt: id.Attempt})
		}
	}
}

// post sends a command; where the store cannot take it, the socket closes: a
// chatbridge.v1 worker keeps what is not acked and says it again.
func (s *Session) post(cmd bridge.Command) {
	s.d.o.Post(cmd, func(_ *bridge.Changes, err error) {
		if err != nil {
			s.d.o.Log.Warn("a worker's message could not be stored; its socket is closed", "worker", s.from.WorkerID, "err", err)
			s.socket.Close("")
		}
	})
}

// postSurely is post for what a guide worker says once: it is tried again until
// the store takes it or the node ends.
func (s *Session) postSurely(cmd bridge.Command) {
	s.d.o.Post(cmd, func(_ *bridge.Changes, err error) {
		if err == nil {
			return
		}
		s.d.o.Log.Warn("an answer could not be stored; trying again", "worker", s.from.WorkerID, "err", err)
		s.d.mu.Lock()
		defer s.d.mu.Unlock()
		if s.d.closing {
			return
		}
		s.d.desks.Go(func() { // Run waits for it
			select {
			case <-time.After(time.Second):
				s.postSurely(cmd)
			case <-s.d.ctx.Done():
			}
		})
	})
}

// Heard is called for each message on the socket: it renews what the worker
// holds, stored at most every 20 s.
func (s *Session) Heard() {
	if s.from.Guide {
		return
	}
	s.d.mu.Lock()
	due := len(s.attempts) > 0 && time.Since(s.renewed) >= bridge.RenewEvery && s.a.counts[s.from.WorkerID] == s
	if len(s.attempts) == 0 || due {
		s.renewed = time.Now()
	}
	s.d.mu.Unlock()
	if due {
		s.post(&bridge.Renew{From: s.from})
	}
}

// Ponged is called when a guide socket has answered a ping: its account has a
// worker, so the account's guide leases go on.
func (s *Session) Ponged() {
	s.d.mu.Lock()
	due := time.Since(s.a.renewed) >= bridge.RenewEvery && s.a.board != nil && s.a.board.hasGuideLease()
	s.d.mu.Unlock()
	if due {
		s.renewGuide()
	}
}

func (b *board) hasGuideLease() bool {
	for _, l := range b.leases {
		if l.Guide && !l.Cancelled {
			return true
		}
	}
	return false
}

func (s *Session) renewGuide() {
	s.d.mu.Lock()
	s.a.renewed = time.Now()
	s.d.mu.Unlock()
	s.post(&bridge.Renew{From: s.from})
}

// Ready: the text is in the composer; may it be sent?
func (s *Session) Ready(requestID string, n int) {
	s.post(&bridge.MaySend{From: s.from, RequestID: requestID, Attempt: n})
}

// Status reports a phase and, once the site has given it, the chat's id.
func (s *Session) Status(requestID string, n int, phase, chatID string) {
	id := bridge.AttemptID{RequestID: requestID, Attempt: n}
	s.d.mu.Lock()
	a := s.attempts[id]
	named := a != nil && chatID != "" && a.named != chatID
	if named {
		a.named = chatID
	}
	s.d.mu.Unlock()
	if a == nil {
		return
	}
	if phase != "" {
		s.d.o.Live.Phase(requestID, n, phase)
	}
	if named {
		s.post(&bridge.NameChat{From: s.from, RequestID: requestID, Attempt: n, SiteID: chatID})
	}
}

// Delta passes on a piece of the answer. It returns false when the worker must
// send its text from the start.
func (s *Session) Delta(requestID string, n, offset int, text string) (ok bool) {
	s.d.mu.Lock()
	a := s.attempts[bridge.AttemptID{RequestID: requestID, Attempt: n}]
	live := a != nil && a.mayBeSent && s.a.counts[s.from.WorkerID] == s
	s.d.mu.Unlock()
	if !live {
		return true
	}
	return s.d.o.Live.Delta(requestID, n, offset, text)
}

// Answer stores an answer.
func (s *Session) Answer(requestID string, n int, answer bridge.Answer) {
	s.say(&bridge.Complete{From: s.from, RequestID: requestID, Attempt: n, Answer: answer, Here: s.d.o.Here})
}

// Trouble stores an error.
func (s *Session) Trouble(requestID string, n int, trouble bridge.Trouble) {
	s.say(&bridge.Fail{From: s.from, RequestID: requestID, Attempt: n, Trouble: trouble, Here: s.d.o.Here})
}

func (s *Session) say(cmd bridge.Command) {
	if s.from.Guide {
		s.postSurely(cmd)
		return
	}
	s.post(cmd)
}

// Stopped notes a worker's "cancelled".
func (s *Session) Stopped(requestID string, n int) {
	s.d.mu.Lock()
	delete(s.attempts, bridge.AttemptID{RequestID: requestID, Attempt: n})
	s.d.mu.Unlock()
	s.post(&bridge.Stopped{From: s.from, RequestID: requestID, Attempt: n, Here: s.d.o.Here})
}

// Health stores a worker's health.
func (s *Session) Health(h bridge.Health) {
	s.post(&bridge.ReportHealth{From: s.from, Health: h})
}
