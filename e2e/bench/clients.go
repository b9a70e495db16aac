package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// opLimit bounds one step of a client: a submit, or a whole stream in the closed loops.
const opLimit = 60 * time.Second

// client sends messages over one connection, one at a time.
type client struct {
	wire    wire
	host    string
	key     string
	message func(seq int) string
	// responseType is what the submit asks for; empty: the server's default.
	responseType string
	seq          int
	buf          []byte
}

// newClient makes a client whose messages are "c<index> <seq> " and padding: by the index a worker knows whose they are.
func newClient(srv *server, index, messageBytes int) *client {
	return &client{
		wire: wire{addr: srv.addr, limit: opLimit}, host: srv.addr, key: srv.account.Key,
		message: func(seq int) string {
			s := fmt.Sprintf("c%d %d ", index, seq)
			return s + strings.Repeat("x", max(0, messageBytes-len(s)))
		},
	}
}

// clientIndex reads the index back; -1 where there is none.
func clientIndex(message string) int {
	var i int
	if _, err := fmt.Sscanf(message, "c%d ", &i); err != nil {
		return -1
	}
	return i
}

// submitted is what a client needs of the answer to a submit.
type submitted struct {
	RequestID string `json:"request_id"`
	StreamURL string `json:"stream_url"`
}

// submit sends the next message.
func (c *client) submit(ctx context.Context) (submitted, error) {
	c.seq++
	body := struct {
		Message      string `json:"message"`
		ResponseType string `json:"response_type,omitempty"`
	}{c.message(c.seq), c.responseType}
	data, err := json.Marshal(body)
	if err != nil {
		return submitted{}, err
	}
	c.buf = fmt.Appendf(c.buf[:0], "POST /api/chat/submit/ HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		c.host, c.key, len(data))
	c.buf = append(c.buf, data...)
	status, err := c.wire.send(ctx, c.buf)
	if err != nil {
		return submitted{}, fmt.Errorf("submitting: %w", err)
	}
	answer, err := io.ReadAll(c.wire.body)
	if err == nil {
		err = c.wire.finish()
	}
	if err != nil {
		return submitted{}, fmt.Errorf("submitting: reading the answer: %w", err)
	}
	if status != 201 {
		return submitted{}, fmt.Errorf("submitting: status %d: %s", status, answer)
	}
	var s submitted
	if err := json.Unmarshal(answer, &s); err != nil {
		return submitted{}, fmt.Errorf("submitting: reading %q: %w", answer, err)
	}
	if s.StreamURL == "" {
		s.StreamURL = "/api/sse/" + s.RequestID + "/"
	}
	return s, nil
}

// event is every event of a stream, as far as the driver looks.
type event struct {
	Type     string `json:"type"`
	Status   string `json:"status"`
	Offset   int    `json:"offset"`
	Text     string `json:"text"`
	Response string `json:"response"`
	Error    string `json:"error"`
}

var errStreamCut = errors.New("the stream ended without its end event")

// openStream opens the stream at path.
func (w *wire) openStream(ctx context.Context, path string) error {
	status, err := w.send(ctx, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path, w.addr))
	if err != nil {
		return fmt.Errorf("opening a stream: %w", err)
	}
	if status != 200 {
		body, _ := io.ReadAll(io.LimitReader(w.body, 1000))
		return fmt.Errorf("opening a stream: status %d: %s", status, body)
	}
	return nil
}

// readEvents gives each event to got and returns the end, once the stream has ended after it.
func (w *wire) readEvents(got func(event)) (event, error) {
	for {
		line, err := w.line()
		if errors.Is(err, io.EOF) {
			return event{}, errStreamCut
		}
		if err != nil {
			return event{}, fmt.Errorf("reading a stream: %w", err)
		}
		data, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal(data, &e); err != nil {
			return event{}, fmt.Errorf("reading the event %q: %w", data, err)
		}
		if got != nil {
			got(e)
		}
		if e.Type == "done" || e.Type == "failed" {
			if err := w.finish(); err != nil {
				return event{}, fmt.Errorf("reading a stream past its end event: %w", err)
			}
			return e, nil
		}
	}
}

// checkEnd says what is wrong with an end that should bring the answer.
func checkEnd(e event, answer string) error {
	if e.Type != "done" || e.Status != "done" {
		return fmt.Errorf("a request ended as %q with status %q: %s", e.Type, e.Status, e.Error)
	}
	if e.Response != answer {
		return fmt.Errorf("an answer of %d bytes arrived as one of %d, or changed", len(answer), len(e.Response))
	}
	return nil
}

// trip is one whole round trip. It gives the request's id.
func (c *client) trip(ctx context.Context, answer string) (string, error) {
	s, err := c.submit(ctx)
	if err != nil {
		return "", err
	}
	if err := c.wire.openStream(ctx, s.StreamURL); err != nil {
		return "", err
	}
	end, err := c.wire.readEvents(nil)
	if err != nil {
		return "", fmt.Errorf("request %s: %w", s.RequestID, err)
	}
	return s.RequestID, checkEnd(end, answer)
}

// sourceIP is one of many loopback addresses, so that ports of one do not run short. On systems that know 127.0.0.1 only it
// is nil, and the ports of one have to do.
func sourceIP(i int) net.IP {
	ip := net.IPv4(127, 0, 0, byte(2+i%100))
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip})
	if err != nil {
		return nil
	}
	_ = ln.Close()
	return ip
}
