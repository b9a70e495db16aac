package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatbridge/protocol"
)

const (
	// connectTimeout bounds dialling and the wait for welcome together.
	connectTimeout = 30 * time.Second
	// writeTimeout bounds one message: 8 MiB over a slow line.
	writeTimeout = time.Minute
	// silentPings is after how many missing pings a socket counts as dead.
	silentPings = 3
	// minPing and maxPing bound what a server may say its ping interval is.
	minPing, maxPing = 5 * time.Second, 5 * time.Minute
	// minBackoff and maxBackoff bound the wait before a reconnect; it doubles
	// with each failure in a row, and the half of it is random.
	minBackoff, maxBackoff = 500 * time.Millisecond, 30 * time.Second
	// lasting is how long a connection must have been welcome for the next wait
	// to be short again: a server that welcomes and breaks is not hurried.
	lasting = 10 * time.Second
)

// link is one connection, from the dial on.
type link struct {
	ctx      context.Context
	cancel   context.CancelFunc
	conn     Conn // nil while dialling
	began    time.Time
	welcomed time.Time // zero until welcome
	heard    time.Time
	ping     time.Duration
}

// ByeError is a bye after which the worker does not come back by itself.
type ByeError struct {
	Code   protocol.ByeCode
	Reason string // the server's sentence
}

// Error says what happened and what to do.
func (e *ByeError) Error() string {
	reason := strings.TrimRight(e.Reason, ".") // it stands within a sentence
	if e.Code == protocol.ByeBadKey {
		return fmt.Sprintf("the bridge refused the key (%s); make a new key for the account in the admin panel and start the worker with it", reason)
	}
	return fmt.Sprintf("another worker with the same worker_id has connected (%s); stop one of them, or give each its own state folder", reason)
}

// tendLink connects when it is time, and gives up on a silent connection.
func (w *Worker) tendLink(now time.Time) time.Time {
	l := w.link
	switch {
	case l == nil && now.Before(w.dialAt):
		return w.dialAt
	case l == nil:
		return w.connect(now)
	}
	deadline, why := l.began.Add(connectTimeout), "no welcome came"
	if !l.welcomed.IsZero() {
		deadline, why = l.heard.Add(silentPings*l.ping), "the bridge fell silent"
	}
	if now.Before(deadline) {
		return deadline
	}
	w.log.Warn("worker: connection given up", "why", why)
	w.hangUp(why)
	return w.dialAt
}

func (w *Worker) connect(now time.Time) time.Time {
	if err := w.raise(); err != nil {
		w.final = err
		return now
	}
	l := &link{began: now}
	// Not from w.ctx: a socket is closed politely before its reading is broken
	// off. Run's last act is to hang up, so that each link is ended.
	l.ctx, l.cancel = context.WithCancel(context.Background())
	w.link = l
	w.all.Go(func() { w.serve(l) }) // Run waits; hangUp or the end of Run ends it
	return now.Add(connectTimeout)
}

// serve dials and reads, and hands what it gets to the loop.
func (w *Worker) serve(l *link) {
	ctx, cancel := context.WithTimeout(l.ctx, connectTimeout)
	conn, err := w.cfg.Dial(ctx)
	cancel()
	if err != nil {
		w.post(func() { w.lost(l, err) })
		return
	}
	if !w.post(func() { w.opened(l, conn) }) {
		_ = conn.Close("the worker stops") // no loop is left to tell
		return
	}
	for {
		data, err := conn.Read(l.ctx)
		if err != nil {
			w.post(func() { w.lost(l, err) })
			return
		}
		if !w.post(func() { w.received(l, data) }) {
			return
		}
	}
}

// opened says hello on a new connection.
func (w *Worker) opened(l *link, conn Conn) {
	l.conn = conn
	if w.link != l { // given up while it was dialled
		w.closeLink(l, "too late")
		return
	}
	hello := protocol.Hello{
		Key: w.cfg.Key, WorkerID: w.id, N: w.n,
		Name: w.cfg.Name, Version: w.cfg.Version, Site: w.cfg.Site,
		Capacity: w.cfg.Capacity, ResponseTypes: w.cfg.ResponseTypes,
	}
	for ref, a := range w.attempts {
		hello.Holding = append(hello.Holding, protocol.Holding{Ref: ref, Phase: a.phase()})
	}
	w.write(l, hello)
}

// lost is told once by each connection that ends by itself.
func (w *Worker) lost(l *link, err error) {
	if w.link != l {
		return
	}
	w.log.Info("worker: connection lost", "error", err)
	w.hangUp("lost")
}

// hangUp closes the connection at hand and sets when to connect again.
func (w *Worker) hangUp(reason string) {
	l := w.link
	w.link = nil
	w.closeLink(l, reason)
	now := time.Now()
	if !l.welcomed.IsZero() && now.Sub(l.welcomed) >= lasting {
		w.failures = 0
	}
	wait := maxBackoff
	if w.failures < 10 { // 2^10 half seconds are past the limit already
		wait = min(maxBackoff, minBackoff<<w.failures)
		w.failures++
	}
	w.dialAt = now.Add(wait/2 + time.Duration(w.cfg.Jitter()*float64(wait/2)))
}

// closeLink closes politely without holding up the loop.
func (w *Worker) closeLink(l *link, reason string) {
	if l.conn == nil {
		l.cancel()
		return
	}
	w.all.Go(func() { // Run waits; Conn.Close is quick
		_ = l.conn.Close(reason) // a broken connection may say so: it is given up anyway
		l.cancel()
	})
}

// received acts on one message of the bridge.
func (w *Worker) received(l *link, data []byte) {
	if w.link != l {
		return
	}
	l.heard = time.Now()
	m, err := protocol.DecodeServer(data)
	if err != nil {
		w.log.Warn("worker: the bridge sent what cannot be read", "error", err)
		w.hangUp("what came is not a message of chatbridge.v1")
		return
	}
	switch m := m.(type) {
	case protocol.Welcome:
		w.welcome(l, m)
		return
	case protocol.Bye:
		w.bye(m)
		return
	case protocol.Ping:
		w.send(protocol.Pong{})
		return
	}
	if l.welcomed.IsZero() {
		return // nothing counts before welcome
	}
	switch m := m.(type) {
	case protocol.NewRequest:
		w.newRequest(m)
	case protocol.Go:
		w.press(m.Ref)
	case protocol.Cancel:
		w.cancel(m.Ref)
	case protocol.Ack:
		w.forget(m.Ref)
	case protocol.Resync:
		if a := w.attempts[m.Ref]; a != nil {
			a.sent = position{}
		}
	case protocol.Doctor:
		w.send(protocol.DoctorReport{ID: m.ID, Hooks: []protocol.Hook{}}) // it has no page
	case protocol.Unknown:
		if !w.unknown[m.WireType] && len(w.unknown) < maxUnknown {
			w.unknown[m.WireType] = true
			w.log.Info("worker: message ignored", "type", m.WireType, "reason", m.Reason)
		}
	}
}

func (w *Worker) welcome(l *link, m protocol.Welcome) {
	if !l.welcomed.IsZero() {
		return
	}
	l.welcomed = l.heard
	l.ping = min(max(time.Duration(m.PingSeconds)*time.Second, minPing), maxPing)
	w.log.Info("worker: connected", "worker_id", w.id, "account", m.Account, "keep", len(m.Keep), "drop", len(m.Drop))
	keep := map[protocol.Ref]bool{}
	for _, ref := range m.Keep {
		keep[ref] = true
	}
	for _, ref := range m.Drop { // also what was forgotten since hello
		w.cancel(ref)
	}
	for ref, a := range w.attempts {
		if keep[ref] {
			w.resume(a)
		} else {
			w.cancel(ref) // dropped, or not even named
		}
	}
	w.checkHealth(0)
}

func (w *Worker) bye(m protocol.Bye) {
	w.log.Info("worker: the bridge said bye", "code", m.Code, "reason", m.Reason)
	w.hangUp("bye")
	if m.Code == protocol.ByeBadKey || m.Code == protocol.ByeReplaced {
		w.final = &ByeError{m.Code, m.Reason} // there is one socket at a time: it was the newest
	}
}

// send says m to the bridge if it is there; if not, the next welcome mends it.
func (w *Worker) send(m protocol.Message) {
	if w.link != nil && !w.link.welcomed.IsZero() {
		w.write(w.link, m)
	}
}

func (w *Worker) write(l *link, m protocol.Message) {
	data, err := protocol.Encode(m)
	if err != nil { // our own structs always encode
		w.log.Error("worker: message not sent", "error", err)
		return
	}
	w.writeRaw(l, data)
}

func (w *Worker) writeRaw(l *link, data []byte) {
	ctx, cancel := context.WithTimeout(w.ctx, writeTimeout)
	defer cancel()
	if err := l.conn.Write(ctx, data); err != nil && w.link == l {
		if !errors.Is(err, context.Canceled) {
			w.log.Info("worker: connection lost", "error", err)
		}
		w.hangUp("lost")
	}
}
