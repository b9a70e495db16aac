package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"chatbridge/protocol"
)

// Worker is a worker's socket, played by hand. Its methods are for one
// goroutine.
type Worker struct {
	t    testing.TB
	conn *websocket.Conn
	in   chan protocol.Message
	err  error // why the socket ended; read after in is closed
	gone chan struct{}
	stop context.CancelFunc

	// Welcome is what a chatbridge.v1 worker's hello was answered with.
	Welcome protocol.Welcome
}

// open reads a socket until it ends. Pings are answered.
func open(t testing.TB, conn *websocket.Conn, decode func([]byte) (protocol.Message, error)) *Worker {
	ctx, stop := context.WithCancel(context.Background())
	w := &Worker{t: t, conn: conn, in: make(chan protocol.Message, heardAtOnce), gone: make(chan struct{}), stop: stop}
	conn.SetReadLimit(protocol.MaxMessageBytes)
	go func() { // Close waits for it
		defer close(w.gone)
		defer close(w.in)
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				w.err = err
				return
			}
			m, err := decode(data)
			if err != nil {
				w.err = fmt.Errorf("%q: %w", data, err)
				return
			}
			if _, ping := m.(protocol.Ping); ping {
				pong, _ := protocol.Encode(protocol.Pong{})
				_ = conn.Write(ctx, websocket.MessageText, pong)
				continue
			}
			w.in <- m
		}
	}()
	t.Cleanup(w.Close)
	return w
}

// Close cuts the socket, as a lost connection does: without a closing handshake.
func (w *Worker) Close() {
	w.stop()
	_ = w.conn.CloseNow()
	<-w.gone
}

// Hello is a hello with what every worker says.
func Hello(key, worker string, n int64) protocol.Hello {
	Secret("an API key", key)
	return protocol.Hello{Key: key, WorkerID: worker, N: n, Name: worker, Version: "1", Site: "test", Capacity: 1}
}

// Join connects a chatbridge.v1 worker and waits for its welcome.
func (s *Server) Join(hello protocol.Hello) *Worker {
	s.t.Helper()
	w := s.Dial()
	w.Send(hello)
	w.Welcome = Expect[protocol.Welcome](w)
	return w
}

// Dial opens a chatbridge.v1 socket and says nothing.
func (s *Server) Dial() *Worker {
	s.t.Helper()
	conn, err := dial(s.WS(protocol.Path), nil, protocol.Subprotocol)
	if err != nil {
		s.t.Fatal(err)
	}
	if conn.Subprotocol() != protocol.Subprotocol {
		s.t.Fatalf("the subprotocol is %q", conn.Subprotocol())
	}
	return open(s.t, conn, protocol.DecodeServer)
}

// Guide opens a socket of the guide's dialect: the key in the query, no
// subprotocol.
func (s *Server) Guide(key string) *Worker {
	s.t.Helper()
	conn, err := s.TryGuide(key, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return open(s.t, conn, decodeGuideServer)
}

// TryGuide is the handshake alone, from an Origin if that is not "". The error
// of one that the server answered otherwise is a *Refused.
func (s *Server) TryGuide(key, origin string) (*websocket.Conn, error) {
	Secret("an API key", key)
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	return dial(s.WS(protocol.Path+"?"+protocol.KeyParameter+"="+key), h)
}

// decodeGuideServer takes new_request in exactly the guide's shape, and nothing
// else.
func decodeGuideServer(data []byte) (protocol.Message, error) {
	var m struct {
		Type string `json:"type"`
		protocol.GuideNewRequest
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	if m.Type != protocol.TypeNewRequest {
		return nil, fmt.Errorf("the type is %q", m.Type)
	}
	return m.GuideNewRequest, nil
}

// Send sends a message.
func (w *Worker) Send(m protocol.Message) {
	w.t.Helper()
	data, err := protocol.Encode(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Say(string(data))
}

// Say sends a text message as it is.
func (w *Worker) Say(text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := w.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// Expect waits for the next message, which must be of this type.
func Expect[M protocol.Message](w *Worker) M {
	w.t.Helper()
	select {
	case got, ok := <-w.in:
		m, is := got.(M)
		switch {
		case !ok:
			w.t.Fatalf("the socket has ended (%v) where %T was to come", w.err, m)
		case !is:
			w.t.Fatalf("%#v came where %T was to come", got, m)
		}
		return m
	case <-time.After(Patience):
		w.t.Fatalf("no %T came", *new(M))
	}
	panic("unreachable")
}

// Silent fails the test if a message has come that was not expected.
func (w *Worker) Silent() {
	w.t.Helper()
	select {
	case m, ok := <-w.in:
		w.t.Fatalf("%#v came (open: %v, %v)", m, ok, w.err)
	default:
	}
}

// Closed waits for the socket's end and returns its close code, -1 without one.
func (w *Worker) Closed() websocket.StatusCode {
	w.t.Helper()
	select {
	case m, ok := <-w.in:
		if ok {
			w.t.Fatalf("%#v came where the socket was to end", m)
		}
		return websocket.CloseStatus(w.err)
	case <-time.After(Patience):
		w.t.Fatal("the socket did not end")
	}
	panic("unreachable")
}

// Take waits for a hand-over, says ready and waits for go.
func (w *Worker) Take() protocol.NewRequest {
	w.t.Helper()
	r := Expect[protocol.NewRequest](w)
	w.Send(protocol.Ready{Ref: r.Ref})
	if g := Expect[protocol.Go](w); g.Ref != r.Ref {
		w.t.Fatalf("go for %v, want %v", g.Ref, r.Ref)
	}
	return r
}

// Answer sends an answer and waits for its ack.
func (w *Worker) Answer(ref protocol.Ref, text string) {
	w.t.Helper()
	w.Send(protocol.Response{Ref: ref, Response: text})
	if a := Expect[protocol.Ack](w); a.Ref != ref {
		w.t.Fatalf("ack for %v, want %v", a.Ref, ref)
	}
}

// Delta sends a piece of the answer.
func (w *Worker) Delta(ref protocol.Ref, offset int, text string) {
	w.t.Helper()
	w.Send(protocol.Delta{Ref: ref, Offset: offset, Text: text})
}

// GuideAnswer sends an answer as the guide's extension does.
func (w *Worker) GuideAnswer(id, text string) {
	w.t.Helper()
	quoted, _ := json.Marshal(text)
	w.Say(`{"type":"status_update","request_id":"` + id + `","status":"executing"}`)
	w.Say(`{"type":"response","request_id":"` + id + `","response":` + string(quoted) + `,"chat_id":"site-` + id + `","chat_title":"A title"}`)
}
