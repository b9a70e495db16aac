package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const subprotocol = "chatbridge.v1"

// crew is what the workers of one run have in common.
type crew struct {
	workers, capacity int
	v1                bool
	responseTypes     []string // nil: all
	deltas            []string // the answer, in its pieces
	answer            string
	encoded           []byte // the answer as JSON
	// paced, where set, sends the deltas in its own time: it calls send for each and returns before the response goes.
	paced func(send func(i int) error) error
	// answering, where set, is called with the message's client just before the response goes.
	answering func(client int)
}

// newCrew makes a crew whose answer comes in pieces of n bytes in all (some code points have two bytes, some four, so that
// offsets in bytes or UTF-16 would show).
func newCrew(s settings, n int) *crew {
	c := &crew{workers: s.workers, capacity: s.capacity, v1: s.dialect == "v1"}
	per := max(1, n/s.deltas)
	for i := range s.deltas {
		piece := fmt.Sprintf("%d é 😀 ", i)
		c.deltas = append(c.deltas, piece+strings.Repeat("a", max(0, per-len(piece))))
	}
	c.answer = strings.Join(c.deltas, "")
	c.encoded, _ = json.Marshal(c.answer) // a string always encodes
	return c
}

// during connects the workers, calls do while they work, and disconnects them. A worker that fails ends do's context and is
// the error.
func (c *crew) during(ctx context.Context, srv *server, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n, capacity := c.workers, c.capacity
	if !c.v1 {
		n, capacity = c.workers*c.capacity, 1
	}
	var wg sync.WaitGroup // waited for below
	for i := range n {
		w, err := c.connect(ctx, srv, fmt.Sprintf("bench-%d", i), capacity)
		if err != nil {
			cancel(err)
			break
		}
		wg.Go(func() {
			if err := w.work(); ctx.Err() == nil { // it ends with the socket only
				cancel(fmt.Errorf("worker %s: %w", w.id, err))
			}
		})
	}
	err := ctx.Err()
	if err == nil {
		err = do(ctx)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	wg.Wait()
	return err
}

// worker is one socket.
type worker struct {
	*crew
	id   string
	conn *websocket.Conn
	// clients is whose message each request in hand is.
	clients map[string]int
}

// incoming is every message that a server sends.
type incoming struct {
	Type      string `json:"type"`
	RequestID string `json:"request_id"`
	Attempt   int    `json:"attempt"`
	Message   string `json:"message"`
	Code      string `json:"code"`
	Reason    string `json:"reason"`
}

// helloNumber is the n of the next hello: raised before each connect, as a worker must, and higher than any earlier run's.
var helloNumber atomic.Int64

func init() { helloNumber.Store(time.Now().UnixMilli()) }

// connect dials and, in chatbridge.v1, says hello and waits for the welcome. The socket closes with ctx.
func (c *crew) connect(ctx context.Context, srv *server, id string, capacity int) (*worker, error) {
	target := url.URL{Scheme: "ws", Host: srv.addr, Path: "/ws/extension/"}
	opts := &websocket.DialOptions{}
	if c.v1 {
		opts.Subprotocols = []string{subprotocol}
	} else {
		target.RawQuery = url.Values{"api_key": {srv.account.Key}}.Encode()
	}
	dialCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, res, err := websocket.Dial(dialCtx, target.String(), opts)
	if err != nil {
		status := ""
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			status = " (status " + res.Status + ")"
		}
		return nil, fmt.Errorf("connecting worker %s%s: %w", id, status, err)
	}
	conn.SetReadLimit(8 << 20)
	context.AfterFunc(ctx, func() { _ = conn.CloseNow() })
	w := &worker{crew: c, id: id, conn: conn, clients: map[string]int{}}
	if !c.v1 {
		return w, nil
	}
	hello := map[string]any{
		"type": "hello", "key": srv.account.Key, "worker_id": id, "n": helloNumber.Add(1), "name": id, "version": "0",
		"site": "bench", "capacity": capacity, "holding": []string{},
	}
	if c.responseTypes != nil {
		hello["response_types"] = c.responseTypes
	}
	err = w.write(hello)
	if err != nil {
		return nil, fmt.Errorf("worker %s: saying hello: %w", id, err)
	}
	for {
		msg, err := w.read()
		if err != nil {
			return nil, fmt.Errorf("worker %s: waiting for the welcome: %w", id, err)
		}
		if msg.Type == "welcome" {
			return w, nil
		}
	}
}

// work answers what comes until the socket closes.
func (w *worker) work() error {
	for {
		msg, err := w.read()
		if err != nil {
			return err
		}
		switch msg.Type {
		case "new_request":
			if w.answering != nil {
				w.clients[msg.RequestID] = clientIndex(msg.Message)
			}
			if w.v1 {
				err = w.writeRaw(fmt.Appendf(nil, `{"type":"ready","request_id":%q,"attempt":%d}`, msg.RequestID, msg.Attempt))
			} else {
				err = w.respond(msg)
			}
		case "go":
			err = w.respond(msg)
		case "ping":
			err = w.writeRaw([]byte(`{"type":"pong"}`))
		}
		if err != nil {
			return err
		}
	}
}

// respond sends the answer: its deltas (the guide dialect has none), then the response.
func (w *worker) respond(msg incoming) error {
	if w.v1 {
		if err := w.sendDeltas(msg); err != nil {
			return err
		}
	}
	if w.answering != nil {
		client := w.clients[msg.RequestID]
		delete(w.clients, msg.RequestID)
		w.answering(client)
	}
	out := make([]byte, 0, len(w.encoded)+400)
	out = fmt.Appendf(out, `{"type":"response","request_id":%q,"chat_id":"site-%[1]s","chat_title":"A chat of the bench","response":%s`, msg.RequestID, w.encoded)
	if w.v1 {
		out = fmt.Appendf(out, `,"attempt":%d,"mode_used":"instant","evidence":{"source":"stream","complete":true}`, msg.Attempt)
	}
	return w.writeRaw(append(out, '}'))
}

func (w *worker) sendDeltas(msg incoming) error {
	offset := 0
	send := func(i int) error {
		text := w.encoded
		if len(w.deltas) > 1 {
			var err error
			if text, err = json.Marshal(w.deltas[i]); err != nil {
				return err
			}
		}
		err := w.writeRaw(fmt.Appendf(nil, `{"type":"delta","request_id":%q,"attempt":%d,"offset":%d,"text":%s}`, msg.RequestID, msg.Attempt, offset, text))
		offset += len([]rune(w.deltas[i]))
		return err
	}
	if w.paced != nil {
		return w.paced(send)
	}
	for i := range w.deltas {
		if err := send(i); err != nil {
			return err
		}
	}
	return nil
}

// read reads a message. Its context has no end, since one that has costs each read a goroutine: the socket's close ends it.
func (w *worker) read() (incoming, error) {
	var msg incoming
	_, data, err := w.conn.Read(context.Background())
	if err != nil {
		return msg, err
	}
	if err := json.Unmarshal(data, &msg); err != nil {
		return msg, fmt.Errorf("reading %q: %w", data, err)
	}
	if msg.Type == "bye" {
		return msg, fmt.Errorf("the server said bye: %s: %s", msg.Code, msg.Reason)
	}
	return msg, nil
}

func (w *worker) write(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.writeRaw(data)
}

func (w *worker) writeRaw(data []byte) error {
	return w.conn.Write(context.Background(), websocket.MessageText, data)
}
