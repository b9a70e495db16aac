package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"chatbridge/internal/client"
)

// News is one event of a stream.
type News struct {
	client.Event
	ID      string // the event's own; "" for none
	Data    string // as it came; "" for a block of only an id, or a comment
	Comment string // a comment, such as keepalive; then all else is empty
	Retry   int    // ms, with the first event
}

// Listener is an open stream. Its methods are for one goroutine.
type Listener struct {
	t      testing.TB
	news   chan News
	err    error // why it ended; read after news is closed
	cancel context.CancelFunc
	gone   chan struct{}

	// Header is what an SSE stream was answered with.
	Header http.Header
	// Text is the answer as the deltas so far make it, of a stream of one request.
	Text client.Answer
	// LastID is the last event's id.
	LastID string
}

// errEnd is why a stream ended well: its server ended it.
var errEnd = errors.New("the server ended the stream")

// heardAtOnce is more than any test's stream has: the reader never blocks.
const heardAtOnce = 100_000

func listen(t testing.TB, read func(context.Context, chan<- News) error) *Listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{t: t, news: make(chan News, heardAtOnce), cancel: cancel, gone: make(chan struct{})}
	go func() { // Close waits for it
		defer close(l.gone)
		defer close(l.news)
		l.err = read(ctx, l.news)
	}()
	t.Cleanup(l.Close)
	return l
}

// Close ends the stream from this side.
func (l *Listener) Close() {
	l.cancel()
	<-l.gone
}

// SSE opens a stream, which must be answered as an event stream. header is as
// for Call.
func (c *Client) SSE(path string, header ...string) *Listener {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", c.s.URL(path), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.Key != "" {
		req.Header.Set("X-API-Key", c.Key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	streams := &http.Client{Transport: web.Transport} // without a timeout
	resp, err := streams.Do(req)
	if err != nil {
		cancel()
		c.t.Fatal(err)
	}
	if h := resp.Header; resp.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/event-stream" ||
		h.Get("Cache-Control") != "no-cache, no-transform" || h.Get("X-Accel-Buffering") != "no" {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		cancel()
		c.t.Fatalf("GET %s: status %d, header %v: %s", path, resp.StatusCode, h, body)
	}
	l := listen(c.t, func(stop context.Context, out chan<- News) error {
		defer cancel()
		defer context.AfterFunc(stop, cancel)()
		defer resp.Body.Close()
		return readSSE(bufio.NewReader(resp.Body), out)
	})
	l.Header = resp.Header
	return l
}

// readSSE reads a stream strictly: the fields are id, data and retry, each once
// in a block at most, each with one space; comments stand alone.
func readSSE(r *bufio.Reader, out chan<- News) error {
	var n News
	lines := 0
	for {
		line, err := r.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF) && line == "" && lines == 0:
			return errEnd
		case err != nil:
			return fmt.Errorf("the stream broke off in a block at %q: %w", line, err)
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			if lines == 0 {
				return errors.New("an empty block")
			}
			out <- n
			n, lines = News{}, 0
			continue
		}
		lines++
		name, value, ok := strings.Cut(line, ": ")
		switch {
		case ok && name == "" && lines == 1:
			n.Comment = value
		case ok && name == "id" && n.ID == "" && n.Comment == "" && value != "":
			n.ID = value
		case ok && name == "data" && n.Data == "" && n.Comment == "":
			if n, err = n.read(value); err != nil {
				return err
			}
		case ok && name == "retry" && n.Retry == 0 && n.Comment == "":
			if n.Retry, err = strconv.Atoi(value); err != nil {
				return fmt.Errorf("retry: %w", err)
			}
		default:
			return fmt.Errorf("a line that no event has: %q", line)
		}
	}
}

func (n News) read(data string) (News, error) {
	n.Data = data
	if err := json.Unmarshal([]byte(data), &n.Event); err != nil {
		return n, fmt.Errorf("event %q: %w", data, err)
	}
	return n, nil
}

// Socket opens a stream as a WebSocket; first, if not "", is sent as the first
// message.
func (c *Client) Socket(path, first string) *Listener {
	c.t.Helper()
	conn, err := dial(c.s.WS(path), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	if first != "" {
		if err := conn.Write(context.Background(), websocket.MessageText, []byte(first)); err != nil {
			c.t.Fatal(err)
		}
	}
	return listen(c.t, func(ctx context.Context, out chan<- News) error {
		defer conn.CloseNow()
		for {
			kind, data, err := conn.Read(ctx)
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				return errEnd
			}
			if err != nil {
				return err
			}
			var id struct{ ID string }
			if kind != websocket.MessageText || json.Unmarshal(data, &id) != nil {
				return fmt.Errorf("a message that is no JSON object: %q", data)
			}
			n, err := News{ID: id.ID}.read(string(data))
			if err != nil {
				return err
			}
			out <- n
		}
	})
}

// dial opens a WebSocket with header names and values by turns.
func dial(url string, header http.Header, protocols ...string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: web.Transport}, HTTPHeader: header, Subprotocols: protocols})
	if err != nil && resp != nil {
		return nil, &Refused{resp.StatusCode, err}
	}
	return conn, err
}

// Refused is a WebSocket handshake that was answered otherwise.
type Refused struct {
	Status int
	err    error
}

// Error implements error.
func (r *Refused) Error() string { return fmt.Sprintf("status %d: %v", r.Status, r.err) }

// Next waits for the next event, comments and blocks of only an id left out,
// and takes in its delta.
func (l *Listener) Next() News {
	l.t.Helper()
	deadline := time.After(Patience)
	for {
		select {
		case n, ok := <-l.news:
			if !ok {
				l.t.Fatalf("the stream has ended (%v) where an event was to come", l.err)
			}
			if n.ID != "" {
				l.LastID = n.ID
			}
			if n.Data == "" {
				continue
			}
			if n.Type == client.EventDelta && n.RequestID == "" {
				if err := l.Text.Apply(n.Offset, n.Text); err != nil {
					l.t.Fatalf("%s: %v", n.Data, err)
				}
			}
			return n
		case <-deadline:
			l.t.Fatal("no event came")
		}
	}
}

// Raw waits for what comes next, comments and blocks of only an id too.
func (l *Listener) Raw(within time.Duration) News {
	l.t.Helper()
	select {
	case n, ok := <-l.news:
		if !ok {
			l.t.Fatalf("the stream has ended: %v", l.err)
		}
		return n
	case <-time.After(within):
		l.t.Fatalf("nothing came within %v", within)
	}
	panic("unreachable")
}

// Until reads events until one that matches, and returns it.
func (l *Listener) Until(what string, matches func(News) bool) News {
	l.t.Helper()
	var seen []string
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); {
		n := l.Next()
		if matches(n) {
			return n
		}
		seen = append(seen, n.Data)
	}
	l.t.Fatalf("%s did not come, but:\n%s", what, strings.Join(seen, "\n"))
	panic("unreachable")
}

// UntilText reads until the answer is this.
func (l *Listener) UntilText(text string) {
	l.t.Helper()
	if l.Text.String() != text {
		l.Until("the text "+strconv.Quote(text), func(News) bool { return l.Text.String() == text })
	}
}

// UntilEnd reads until the end, which must be the last event, and returns it.
func (l *Listener) UntilEnd() News {
	l.t.Helper()
	end := l.Until("the end", func(n News) bool { return n.Type == client.EventDone || n.Type == client.EventFailed })
	if end.ID != "end" {
		l.t.Fatalf("the end's id is %q", end.ID)
	}
	l.Over()
	return end
}

// Over waits until the server has ended the stream, with nothing left to hear.
func (l *Listener) Over() {
	l.t.Helper()
	if err := l.Broken(); !errors.Is(err, errEnd) {
		l.t.Fatalf("the stream did not end well: %v", err)
	}
}

// Broken waits until the stream is over, however, with nothing left to hear.
func (l *Listener) Broken() error {
	l.t.Helper()
	select {
	case n, ok := <-l.news:
		if ok {
			l.t.Fatalf("another event came: %+v", n)
		}
		return l.err
	case <-time.After(Patience):
		l.t.Fatal("the stream did not end")
	}
	panic("unreachable")
}

// MayBeSentAt is the end's may_be_sent_at as it came, "" for null.
func (n News) MayBeSentAt() string {
	var end struct {
		At string `json:"may_be_sent_at"`
	}
	_ = json.Unmarshal([]byte(n.Data), &end)
	return end.At
}

// Refused waits until the server has closed a WebSocket with the status for a
// broken policy, for this reason.
func (l *Listener) Refused(reason string) {
	l.t.Helper()
	closed, ok := errors.AsType[websocket.CloseError](l.Broken())
	if !ok || closed.Code != websocket.StatusPolicyViolation || closed.Reason != reason {
		l.t.Fatalf("the socket was closed by %v, want reason %q", l.err, reason)
	}
}

// Closed waits until the stream is over, whatever still comes, and returns why.
func (l *Listener) Closed() error {
	l.t.Helper()
	deadline := time.After(Patience)
	for {
		select {
		case _, open := <-l.news:
			if !open {
				return l.err
			}
		case <-deadline:
			l.t.Fatal("the stream did not end")
		}
	}
}
