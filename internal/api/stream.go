package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"chatbridge/internal/bridge"
	"chatbridge/internal/stream"
)

const (
	keepaliveEvery = 15 * time.Second
	// slowReader is how long a reader may take nothing before it is cut.
	slowReader = 30 * time.Second
	// gatherBytes bounds what is written in one go.
	gatherBytes = 64 << 10
	// keyWithin is how long a WebSocket may take to send its key.
	keyWithin   = 10 * time.Second
	keyMessage  = 4 << 10 // bytes: {"key":…}
	retryLeast  = 1000    // ms; spread, so that not all come back at once
	retryMost   = 5000
	lastEventID = "last_event_id"
	// holdWithin is how soon after a write the next one may follow: what comes
	// sooner goes out together. The end waits for nothing.
	holdWithin = 25 * time.Millisecond
)

// opened is a stream, and by whose right it was opened.
type opened struct {
	stream.Stream
	account int64  // 0: nobody's
	hash    []byte // of the key, nil without
}

func resumeID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get(lastEventID)
}

// openRequest opens the stream of the request that the URL names. key is what
// the client shows, "" for none. Errors: Unauthorized, Forbidden, NotFound,
// TooMany.
func (s *Server) openRequest(ctx context.Context, r *http.Request, key string) (opened, error) {
	id := r.PathValue("id")
	var account int64
	var hash []byte
	if key != "" {
		p, err := s.o.Directory.Who(ctx, sourceOf(r.RemoteAddr), key, bridge.ScopeClient)
		if err != nil {
			return opened{}, err
		}
		account, hash = p.Account.ID, bridge.HashKey(key)
	}
	known, issued := strings.ToLower(id), false
	allow := func(request *bridge.Request) error {
		issued = true
		switch {
		case key != "" && account != request.AccountID:
			return bridge.RequestNotFound(id)
		case key != "":
			return nil
		}
		account = request.AccountID
		if s.signer.verify(known, r.URL.Query().Get(signatureParameter)) && request.ReadableBare(time.Now()) {
			return s.activeAccount(ctx, account)
		}
		return s.bareAccess(ctx, request)
	}
	reader, err := s.o.Hub.Open(ctx, known, stream.Open{LastEventID: resumeID(r), Allow: allow})
	if err == nil {
		return opened{reader, account, hash}, nil
	}
	switch {
	case bridge.AsError(err).Kind != bridge.NotFound || issued:
		return opened{}, err
	case s.o.StreamAuth == StreamAuthRequired && key == "":
		return opened{}, errNeedsKey
	case s.o.StreamAuth == StreamAuthRequired:
		return opened{}, err
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	unknown, err := s.o.Hub.OpenUnknown(id, address)
	return opened{unknown, 0, nil}, err
}

func (s *Server) openAccount(ctx context.Context, r *http.Request, key string) (opened, error) {
	p, err := s.o.Directory.Who(ctx, sourceOf(r.RemoteAddr), key, bridge.ScopeClient)
	if err != nil {
		return opened{}, err
	}
	reader, err := s.o.Hub.OpenAccount(ctx, p.Account.ID, resumeID(r))
	return opened{reader, p.Account.ID, bridge.HashKey(key)}, err
}

// attend has the stream revoked once the key or account that it was opened by
// is no longer valid. The caller calls done in the end.
func (s *Server) attend(o opened) (done func()) {
	if o.account == 0 {
		return o.Close
	}
	release := s.o.Directory.open(&opening{account: o.account, hash: o.hash, close: o.Revoke})
	return func() {
		release()
		o.Close()
	}
}

func (s *Server) sseRequest(w http.ResponseWriter, r *http.Request) {
	if resumeID(r) == stream.EndID {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	o, err := s.openRequest(r.Context(), r, keyOf(r.Header))
	s.sse(w, r, o, err)
}

func (s *Server) sseAccount(w http.ResponseWriter, r *http.Request) {
	o, err := s.openAccount(r.Context(), r, keyOf(r.Header))
	s.sse(w, r, o, err)
}

// sse writes a source as text/event-stream (WHATWG HTML, section 9.2). All
// events are unnamed.
func (s *Server) sse(w http.ResponseWriter, r *http.Request, o opened, err error) {
	if err != nil {
		s.fail(w, err)
		return
	}
	defer s.attend(o)()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	batches := newBatches(o)
	defer batches.stop()
	retry := true
	for {
		batch, end, err := batches.next(r.Context())
		if err != nil {
			return
		}
		var b []byte
		for _, ev := range batch {
			b = appendSSE(b, ev, retry)
			retry = false
		}
		if len(batch) == 0 {
			b = append(b, ": keepalive\n\n"...)
		}
		_ = out.SetWriteDeadline(time.Now().Add(slowReader))
		if _, err := w.Write(b); err != nil || end {
			return // which flushes, with the end of the body in the same write
		}
		if out.Flush() != nil {
			return
		}
	}
}

// batches hands out a stream's events in the groups in which they are written.
type batches struct {
	of        stream.Stream
	keepalive *time.Ticker
	written   time.Time // about when the last batch was
}

func newBatches(of stream.Stream) *batches {
	return &batches{of: of, keepalive: time.NewTicker(keepaliveEvery)}
}

func (b *batches) stop() { b.keepalive.Stop() }

// next waits for what comes and takes what is there with it, and what comes
// within the hold. An empty batch is a keepalive's turn.
func (b *batches) next(ctx context.Context) (batch []stream.Event, end bool, err error) {
	ev, ok, err := b.of.Until(ctx, b.keepalive.C)
	if err != nil || !ok {
		return nil, false, err
	}
	defer func() {
		b.written = time.Now()
		b.keepalive.Reset(keepaliveEvery)
	}()
	batch = append(batch, ev)
	if batch, end, err = b.gather(ctx, batch); end || err != nil {
		return batch, end, err
	}
	hold := holdWithin - time.Since(b.written)
	if hold <= 0 {
		return batch, false, nil
	}
	alarm := time.NewTimer(hold)
	defer alarm.Stop()
	for {
		ev, ok, err := b.of.Until(ctx, alarm.C)
		if !ok { // an error comes again with the next call
			return batch, errors.Is(err, io.EOF), nil
		}
		if batch, end, err = b.gather(ctx, append(batch, ev)); end || err != nil {
			return batch, end, err
		}
	}
}

// gather adds to a batch what is there already.
func (b *batches) gather(ctx context.Context, batch []stream.Event) ([]stream.Event, bool, error) {
	size := 0
	for {
		last := batch[len(batch)-1]
		if size += len(last.Data); last.End || size >= gatherBytes {
			return batch, last.End, nil
		}
		ev, ok, err := b.of.Poll(ctx)
		if !ok { // an error comes again with the next call
			return batch, errors.Is(err, io.EOF), nil
		}
		batch = append(batch, ev)
	}
}

func appendSSE(b []byte, ev stream.Event, retry bool) []byte {
	if ev.ID != "" {
		b = append(append(append(b, "id: "...), ev.ID...), '\n')
	}
	if len(ev.Data) > 0 {
		b = append(append(append(b, "data: "...), ev.Data...), '\n')
	}
	if retry {
		b = append(strconv.AppendInt(append(b, "retry: "...), int64(retryLeast+rand.IntN(retryMost-retryLeast)), 10), '\n')
	}
	return append(b, '\n')
}

func (s *Server) wsRequest(w http.ResponseWriter, r *http.Request) { s.ws(w, r, s.openRequest) }

func (s *Server) wsAccount(w http.ResponseWriter, r *http.Request) { s.ws(w, r, s.openAccount) }

// ws writes a source as WebSocket text messages. A stream that wants a key may
// get it as the first message.
func (s *Server) ws(w http.ResponseWriter, r *http.Request, open func(context.Context, *http.Request, string) (opened, error)) {
	origins := s.o.CORSOrigins
	if origins == nil {
		origins = []string{"*"}
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: origins, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	ctx, gone := context.WithCancel(r.Context())
	defer gone()
	defer context.AfterFunc(s.ctx, gone)()
	conn.SetReadLimit(keyMessage)
	if resumeID(r) == stream.EndID {
		_ = conn.Close(websocket.StatusNormalClosure, "ended")
		return
	}
	o, err := open(ctx, r, keyOf(r.Header))
	if err != nil && bridge.AsError(err).Kind == bridge.Unauthorized && keyOf(r.Header) == "" {
		var key string
		if key, err = firstKey(ctx, conn); err == nil {
			o, err = open(ctx, r, key)
		}
	}
	if err != nil {
		p := problemOf(s.o.Log, err)
		_ = conn.Close(websocket.StatusPolicyViolation, p.Code)
		return
	}
	defer s.attend(o)()
	reading := make(chan struct{})
	go func() { // waited for below: it ends with the connection
		defer close(reading)
		defer gone()
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return
			}
		}
	}()
	defer func() { conn.CloseNow(); <-reading }()
	s.sendWS(ctx, conn, o)
}

func (s *Server) sendWS(ctx context.Context, conn *websocket.Conn, o opened) {
	batches := newBatches(o)
	defer batches.stop()
	for {
		batch, end, err := batches.next(ctx)
		if err != nil {
			return
		}
		write, cancel := context.WithTimeout(ctx, slowReader)
		if len(batch) == 0 {
			err = conn.Ping(write)
		}
		for _, ev := range batch {
			if len(ev.Data) > 0 && err == nil {
				err = conn.Write(write, websocket.MessageText, withID(ev))
			}
		}
		cancel()
		if end && err == nil {
			_ = conn.Close(websocket.StatusNormalClosure, "ended")
		}
		if err != nil || end {
			return
		}
	}
}

// withID puts an event's id into its JSON object.
func withID(ev stream.Event) []byte {
	if ev.ID == "" {
		return ev.Data
	}
	b := make([]byte, 0, len(ev.Data)+len(ev.ID)+8)
	b = append(append(append(b, `{"id":"`...), ev.ID...), `",`...)
	return append(b, ev.Data[1:]...)
}

var errNoKey = bridge.Errorf(bridge.Unauthorized, "unauthorized", `Send {"key": "…"} as the first message, within 10 seconds.`)

func firstKey(ctx context.Context, conn *websocket.Conn) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, keyWithin)
	defer cancel()
	_, data, err := conn.Read(ctx)
	if err != nil {
		return "", errNoKey
	}
	var message struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(data, &message) != nil || message.Key == "" {
		return "", errNoKey
	}
	return message.Key, nil
}
