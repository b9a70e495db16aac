package actors

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"
)

// Headless runs the program's own worker on the site until the test ends, with
// a store that outlives it. It is stopped now and then, and killed more often.
func (w *World) Headless(a Account, id string) {
	dice := w.Dice()
	kept := &worker.Memory{}
	said := &answers{w: w, waiting: map[protocol.Ref]string{}}
	w.wg.Go(func() { // the cleanup waits for it
		for w.Ctx.Err() == nil {
			l := &lifetime{said: said, Store: kept}
			ctx, stop := context.WithCancel(w.Ctx)
			end := time.AfterFunc(Between(dice, time.Second, 4*time.Second), func() {
				if dice.IntN(3) > 0 {
					l.dead.Store(true)
				}
				stop()
			})
			one, err := worker.New(worker.Config{Dial: w.dialFor(l), Key: a.Key, Backend: backend{w}, Store: l, WorkerID: id, Name: id,
				Capacity: w.Capacity, Logger: quiet, Jitter: func() float64 { return 0 }})
			if err != nil {
				panic(err) // the settings are ours
			}
			err = one.Run(ctx)
			if err != nil && !l.dead.Load() {
				w.Book.Fault("the worker ends with %v", err)
			}
			end.Stop()
			stop()
			w.Book.Tick("workers killed")
			Sleep(w.Ctx, 50*time.Millisecond)
		}
	})
}

// lifetime is one life of a headless worker: once it is dead, nothing that it does
// reaches its store or the server.
type lifetime struct {
	worker.Store
	said *answers
	dead atomic.Bool
}

var errDead = errors.New("the worker is dead")

// Put implements worker.Store.
func (l *lifetime) Put(name string, data []byte) error {
	if l.dead.Load() {
		return errDead
	}
	return l.Store.Put(name, data)
}

// Delete implements worker.Store.
func (l *lifetime) Delete(name string) error {
	if l.dead.Load() {
		return errDead
	}
	return l.Store.Delete(name)
}

// dialFor connects a life, as soon as there is a server.
func (w *World) dialFor(l *lifetime) func(context.Context) (worker.Conn, error) {
	return func(ctx context.Context) (worker.Conn, error) {
		for {
			dial, err := worker.WebSocket(w.base())
			if err != nil {
				return nil, err
			}
			conn, err := dial(ctx)
			if err == nil {
				return wire{conn, l}, nil
			}
			if !Sleep(ctx, retryAfter) {
				return nil, err
			}
		}
	}
}

// wire is a life's connection. It notes which answers are acked.
type wire struct {
	worker.Conn
	l *lifetime
}

// Write implements worker.Conn.
func (c wire) Write(ctx context.Context, data []byte) error {
	if c.l.dead.Load() {
		return errDead
	}
	if m, err := protocol.DecodeWorker(data); err == nil {
		if r, ok := m.(protocol.Response); ok {
			c.l.said.sent(r)
		}
	}
	return c.Conn.Write(ctx, data)
}

// Read implements worker.Conn.
func (c wire) Read(ctx context.Context) ([]byte, error) {
	data, err := c.Conn.Read(ctx)
	if err == nil {
		if m, err := protocol.DecodeServer(data); err == nil {
			switch m := m.(type) {
			case protocol.NewRequest:
				c.l.said.w.Book.Handed(m.Ref)
			case protocol.Go:
				c.l.said.w.Book.Went(m.Ref)
			case protocol.Ack:
				c.l.said.acked(m.Ref)
			}
		}
	}
	return data, err
}

// answers are what a worker has sent and not heard an ack for, over its lives.
type answers struct {
	w       *World
	mu      sync.Mutex
	waiting map[protocol.Ref]string
}

func (a *answers) sent(r protocol.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting[r.Ref] = r.Response
}

func (a *answers) acked(ref protocol.Ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if text, ok := a.waiting[ref]; ok {
		a.w.Book.Ack(ref, text)
		delete(a.waiting, ref)
	}
}

// backend has the site answer.
type backend struct{ w *World }

// Answer implements worker.Backend.
func (b backend) Answer(ctx context.Context, r protocol.NewRequest, emit func(string)) (worker.Answer, error) {
	b.w.Site.press(r.RequestID, r.Message)
	for sent := 0; Sleep(ctx, look); {
		p := b.w.Site.look(r.RequestID)
		emit(p.text[sent:])
		sent = len(p.text)
		switch {
		case p.torn:
			return worker.Answer{}, &worker.Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The answer broke off. Send the message again."}
		case p.whole:
			return worker.Answer{Text: p.text, ChatID: chatOf(r)}, nil
		}
	}
	return worker.Answer{}, ctx.Err()
}
