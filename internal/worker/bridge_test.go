package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bridge is the other side of a worker in a synctest bubble: its connections
// are channels, its backend and its state folder are in the test's hands.
type bridge struct {
	t       *testing.T
	sockets chan *socket
	refuse  int // dials to fail
	dials   []time.Time
	store   *store
	backend *backend
	log     strings.Builder
	cfg     worker.Config
	stop    context.CancelFunc
	done    chan error
}

func newBridge(t *testing.T) *bridge {
	b := &bridge{t: t, sockets: make(chan *socket, 100), store: &store{}, backend: &backend{calls: make(chan *call, 100)}}
	b.cfg = worker.Config{
		Key: "the-key", WorkerID: "w1", Name: "test", Version: "1", Site: "nowhere", Capacity: 3,
		Store: b.store, Backend: b.backend, Dial: b.dial,
		Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
		Jitter: func() float64 { return 1 },
	}
	return b
}

// start runs a worker, as a new process would.
func (b *bridge) start() {
	w, err := worker.New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	var ctx context.Context
	ctx, b.stop = context.WithCancel(b.t.Context())
	b.done = make(chan error, 1)
	go func() { b.done <- w.Run(ctx) }() // end waits for it
}

// end stops the worker and returns what Run returned.
func (b *bridge) end() error {
	b.stop()
	return <-b.done
}

// crash ends the worker and takes back what it kept since.
func (b *bridge) crash() {
	b.store.freeze(true)
	if err := b.end(); err != nil {
		b.t.Fatal(err)
	}
	b.store.freeze(false)
}

func (b *bridge) dial(context.Context) (worker.Conn, error) {
	b.dials = append(b.dials, time.Now())
	if b.refuse > 0 {
		b.refuse--
		return nil, errors.New("refused")
	}
	s := &socket{t: b.t, in: make(chan []byte, 1000), out: make(chan []byte, 1000), closed: make(chan struct{})}
	b.sockets <- s
	return s, nil
}

// accept waits for a connection and its hello.
func (b *bridge) accept() (*socket, protocol.Hello) {
	b.t.Helper()
	select {
	case s := <-b.sockets:
		return s, expect[protocol.Hello](s)
	case <-time.After(time.Hour):
		b.t.Fatal("no connection came")
	}
	panic("unreachable")
}

// welcome accepts a connection and keeps all that it holds.
func (b *bridge) welcome() (*socket, protocol.Hello) {
	b.t.Helper()
	s, hello := b.accept()
	m := protocol.Welcome{WorkerID: hello.WorkerID, Account: "a@example.com", LeaseSeconds: 60, PingSeconds: 20}
	for _, h := range hello.Holding {
		m.Keep = append(m.Keep, h.Ref)
	}
	s.send(m)
	return s, hello
}

// running brings an attempt as far as the backend's call.
func (b *bridge) running(s *socket, ref protocol.Ref) *call {
	b.t.Helper()
	s.send(request(ref))
	expect[protocol.Ready](s)
	s.send(protocol.Go{Ref: ref})
	return b.call()
}

func (b *bridge) call() *call {
	b.t.Helper()
	select {
	case c := <-b.backend.calls:
		return c
	case <-time.After(time.Hour):
		b.t.Fatal("the backend was not called")
	}
	panic("unreachable")
}

// notCalled checks that no call waits.
func (b *bridge) notCalled(when string) {
	b.t.Helper()
	synctest.Wait()
	if len(b.backend.calls) > 0 {
		b.t.Fatalf("the backend was called %s", when)
	}
}

func request(ref protocol.Ref) protocol.NewRequest {
	return protocol.NewRequest{Ref: ref, Message: "Hello", ResponseType: "auto", ThinkingTime: "standard", ChatDBID: 1}
}

func attemptRef(n int) protocol.Ref {
	return protocol.Ref{RequestID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Attempt: n}
}

// socket is a connection, seen by the bridge.
type socket struct {
	t      *testing.T
	in     chan []byte // to the worker
	out    chan []byte // from the worker
	once   sync.Once
	closed chan struct{}
	reason string
}

func (s *socket) Read(ctx context.Context) ([]byte, error) {
	select {
	case data := <-s.in:
		return data, nil
	case <-s.closed:
		return nil, errors.New("closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *socket) Write(ctx context.Context, data []byte) error {
	select {
	case <-s.closed:
		return errors.New("closed")
	case <-ctx.Done():
		return ctx.Err()
	case s.out <- append([]byte(nil), data...):
		return nil
	}
}

func (s *socket) Close(reason string) error {
	s.once.Do(func() { s.reason = reason; close(s.closed) })
	return nil
}

// cut breaks the connection, as a network does.
func (s *socket) cut() { _ = s.Close("cut") }

func (s *socket) send(m protocol.Message) {
	s.t.Helper()
	data, err := protocol.Encode(m)
	if err != nil {
		s.t.Fatal(err)
	}
	s.in <- data
}

// next is the worker's next message, and nil once the socket is closed.
func (s *socket) next() protocol.Message {
	s.t.Helper()
	for {
		select {
		case data := <-s.out:
			return s.decode(data)
		default:
		}
		select {
		case data := <-s.out:
			return s.decode(data)
		case <-s.closed:
			return nil
		case <-time.After(time.Hour):
			s.t.Fatal("the worker said nothing for an hour")
		}
	}
}

func (s *socket) decode(data []byte) protocol.Message {
	s.t.Helper()
	if len(data) > protocol.MaxMessageBytes {
		s.t.Fatalf("the worker sent %d bytes", len(data))
	}
	m, err := protocol.DecodeWorker(data)
	if _, unknown := m.(protocol.Unknown); err != nil || unknown {
		s.t.Fatalf("the worker sent %.200s: %v", data, err)
	}
	return m
}

// expect is the worker's next message, which must be a T; health and status
// updates are passed over unless asked for.
func expect[T protocol.Message](s *socket) T {
	s.t.Helper()
	for {
		switch m := s.next().(type) {
		case T:
			return m
		case protocol.Health, protocol.StatusUpdate:
		default:
			s.t.Fatalf("the worker said %T %v, want %T", m, m, *new(T))
		}
	}
}

// quiet checks that the worker, once it has told how it is, says nothing but
// pongs for a while. The bridge pings, so that it does not count as silent.
func (s *socket) quiet(d time.Duration) {
	s.t.Helper()
	s.send(protocol.Ping{})
	expect[protocol.Pong](s)
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(time.Until(end), protocol.PingInterval))
		s.send(protocol.Ping{})
		if m := s.next(); m != (protocol.Pong{}) {
			s.t.Fatalf("the worker said %T %v", m, m)
		}
	}
}

// waitClosed checks that the worker closes within a time.
func (s *socket) waitClosed(within time.Duration) {
	s.t.Helper()
	select {
	case <-s.closed:
	case <-time.After(within):
		s.t.Fatalf("the socket is still open after %v", within)
	}
}

// store is a Memory that can fail, be slow, or ignore what comes.
type store struct {
	worker.Memory
	mu     sync.Mutex
	frozen bool
	put    func(name string, data []byte) error // before each Put
}

func (s *store) freeze(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = on
}

func (s *store) Put(name string, data []byte) error {
	s.mu.Lock()
	frozen, put := s.frozen, s.put
	s.mu.Unlock()
	if put != nil {
		if err := put(name, data); err != nil {
			return err
		}
	}
	if frozen {
		return nil
	}
	return s.Memory.Put(name, data)
}

func (s *store) Delete(name string) error {
	s.mu.Lock()
	frozen := s.frozen
	s.mu.Unlock()
	if frozen {
		return nil
	}
	return s.Memory.Delete(name)
}

// kept is the one attempt in the store, as text; empty where there is none.
func (s *store) kept(t *testing.T) string {
	t.Helper()
	names, err := s.List("attempt-")
	if err != nil || len(names) > 1 {
		t.Fatalf("kept: %v, %v", names, err)
	}
	if len(names) == 0 {
		return ""
	}
	data, err := s.Get(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// backend hands its calls to the test.
type backend struct {
	calls  chan *call
	linger time.Duration // how long a stopped call takes to return
}

type call struct {
	request protocol.NewRequest
	emit    func(string)
	ctx     context.Context
	end     chan outcome
}

type outcome struct {
	answer worker.Answer
	err    error
}

func (b *backend) Answer(ctx context.Context, r protocol.NewRequest, emit func(string)) (worker.Answer, error) {
	c := &call{request: r, emit: emit, ctx: ctx, end: make(chan outcome, 1)}
	b.calls <- c
	select {
	case o := <-c.end:
		return o.answer, o.err
	case <-ctx.Done():
		time.Sleep(b.linger)
		return worker.Answer{}, ctx.Err()
	}
}

func (c *call) answer(text string) {
	c.end <- outcome{answer: worker.Answer{Text: text, ChatID: "c1"}}
}

func (c *call) fail(err error) { c.end <- outcome{err: err} }
