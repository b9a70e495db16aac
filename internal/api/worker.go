package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

const (
	// socketWrite is how long one message may take to leave.
	socketWrite = 30 * time.Second
	// outQueue bounds what waits for one worker: its slots' hand-overs and
	// the short messages around them. A worker that reads nothing is cut.
	outQueue = 4096
	// guideSlots: a guide socket takes one request at a time.
	guideSlots = 1
	// keptBuffer bounds the buffer that a socket keeps between messages, bytes.
	keptBuffer = 64 << 10
)

// workerSocket is a worker's connection, of either dialect.
type workerSocket struct {
	conn    *websocket.Conn
	log     *slog.Logger
	account *bridge.Account
	worker  string
	guide   bool
	entered func(*workerSocket) json.RawMessage // with its welcome; returns the newest pack

	out    chan outgoing
	cancel context.CancelFunc
}

// outgoing is a signal of the domain or a message of the edge's own.
type outgoing struct {
	signal  *bridge.Signal
	message protocol.Message
}

func (s *Server) workers(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get(protocol.KeyParameter)
	v1 := offers(r, protocol.Subprotocol)
	var guide *bridge.Principal
	if !v1 {
		var err error
		if guide, err = s.o.Directory.Who(r.Context(), sourceOf(r.RemoteAddr), key, bridge.ScopeWorker); err != nil {
			s.fail(w, err)
			return
		}
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{protocol.Subprotocol},
		OriginPatterns:  s.workerOrigins(),
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(protocol.MaxMessageBytes)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	defer context.AfterFunc(ctx, func() { conn.CloseNow() })()
	sock := &workerSocket{conn: conn, log: s.o.Log, out: make(chan outgoing, outQueue), cancel: cancel, guide: !v1, entered: s.extensions.enter}
	defer conn.CloseNow()
	if v1 {
		s.serveV1(ctx, sock, sourceOf(r.RemoteAddr))
	} else {
		s.serveGuide(ctx, sock, guide, bridge.HashKey(key))
	}
}

// workerOrigins lists who may open a worker's socket from a browser: an
// extension, the chat site, a listed origin; our own is always allowed.
func (s *Server) workerOrigins() []string {
	return append([]string{"chrome-extension://*", "moz-extension://*", "safari-web-extension://*", "https://chatgpt.com"}, s.o.CORSOrigins...)
}

// Deliver implements dispatch.Socket.
func (k *workerSocket) Deliver(sig bridge.Signal) { k.push(outgoing{signal: &sig}) }

func (k *workerSocket) push(o outgoing) {
	select {
	case k.out <- o:
	default:
		k.log.Warn("a worker reads nothing; its socket is cut", "worker", k.worker)
		k.cancel()
	}
}

// Ping implements dispatch.Socket.
func (k *workerSocket) Ping(ctx context.Context) error { return k.conn.Ping(ctx) }

// Close implements dispatch.Socket.
func (k *workerSocket) Close(bye string) {
	if bye == "" || k.guide {
		k.cancel()
		return
	}
	k.push(outgoing{message: protocol.Bye{Code: protocol.ByeCode(bye), Reason: byeReasons[protocol.ByeCode(bye)]}})
}

var byeReasons = map[protocol.ByeCode]string{
	protocol.ByeBadKey:     "This key is not known, was revoked, or lacks the scope worker. Copy the account's key from the admin panel.",
	protocol.ByeReplaced:   "A newer connection of this worker took over.",
	protocol.ByeDraining:   "The server is stopping. Come back in a moment.",
	protocol.ByeBadHello:   "The first message must be a hello with key, worker_id and n, within 10 seconds.",
	protocol.ByeBadMessage: "Every message must be a JSON object.",
}

// bye says why, and closes.
func (k *workerSocket) bye(ctx context.Context, code protocol.ByeCode) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	data, _ := protocol.Encode(protocol.Bye{Code: code, Reason: byeReasons[code]})
	_ = k.conn.Write(ctx, websocket.MessageText, data)
	_ = k.conn.Close(websocket.StatusPolicyViolation, string(code))
}

// write sends what is queued until ctx ends; it says bye last.
func (k *workerSocket) write(ctx context.Context) {
	defer k.cancel()
	stuck := time.AfterFunc(socketWrite, k.cancel)
	defer stuck.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-k.out:
			message, last := o.message, false
			if o.signal != nil {
				message, last = k.translate(o.signal)
			}
			if bye, ok := message.(protocol.Bye); ok {
				k.bye(ctx, bye.Code)
				return
			}
			stuck.Reset(socketWrite)
			if message != nil && k.send(message) != nil {
				return
			}
			stuck.Stop()
			if last {
				return
			}
		}
	}
}

// send writes one message. It ends when the socket is closed, which the end of
// its context sees to.
func (k *workerSocket) send(m protocol.Message) error {
	data, err := protocol.Encode(m)
	if err != nil {
		return err
	}
	return k.conn.Write(context.Background(), websocket.MessageText, data)
}

// read returns the next message, valid until the next call. It ends when the
// socket is closed.
func (k *workerSocket) read(into *bytes.Buffer) (websocket.MessageType, []byte, error) {
	if into.Cap() > keptBuffer {
		*into = bytes.Buffer{}
	}
	into.Reset()
	kind, r, err := k.conn.Reader(context.Background())
	if err == nil {
		_, err = into.ReadFrom(r)
	}
	return kind, into.Bytes(), err
}

// translate says a signal in the worker's dialect; last: the socket closes
// after it.
func (k *workerSocket) translate(sig *bridge.Signal) (m protocol.Message, last bool) {
	ref := protocol.Ref{RequestID: sig.RequestID, Attempt: sig.Attempt}
	if k.guide {
		if sig.Kind == bridge.SignalHandOver {
			return guideRequest(sig.Request), false
		}
		return nil, sig.Kind == bridge.SignalReplaced
	}
	switch sig.Kind {
	case bridge.SignalWelcome:
		return k.welcome(sig), false
	case bridge.SignalReplaced:
		return protocol.Bye{Code: protocol.ByeReplaced}, true
	case bridge.SignalHandOver:
		g := guideRequest(sig.Request)
		return protocol.NewRequest{Ref: ref, Message: g.Message, ResponseType: g.ResponseType, ThinkingTime: g.ThinkingTime,
			ChatID: g.ChatID, ChatDBID: g.ChatDBID, Temporary: sig.Request.Temporary}, false
	case bridge.SignalGo:
		return protocol.Go{Ref: ref}, false
	case bridge.SignalCancel:
		return protocol.Cancel{Ref: ref}, false
	case bridge.SignalAck:
		return protocol.Ack{Ref: ref}, false
	default: // bridge.SignalSilence
		return nil, true
	}
}

func guideRequest(r *bridge.Request) protocol.GuideNewRequest {
	g := protocol.GuideNewRequest{RequestID: r.ID, Message: r.Body.Message, ResponseType: r.ResponseType, ThinkingTime: r.ThinkingTime, ChatDBID: r.Chat.ID}
	if id := r.Chat.SiteID; id != "" {
		g.ChatID = &id
	}
	return g
}

func (k *workerSocket) welcome(sig *bridge.Signal) protocol.Welcome {
	w := protocol.Welcome{WorkerID: k.worker, Account: k.account.Email, LeaseSeconds: int(bridge.LeaseBeforeGo / time.Second),
		PingSeconds: int(protocol.PingInterval / time.Second), Keep: []protocol.Ref{}, Drop: []protocol.Ref{}, Pack: k.entered(k)}
	for _, id := range sig.Keep {
		w.Keep = append(w.Keep, protocol.Ref{RequestID: id.RequestID, Attempt: id.Attempt})
	}
	for _, id := range sig.Drop {
		w.Drop = append(w.Drop, protocol.Ref{RequestID: id.RequestID, Attempt: id.Attempt})
	}
	return w
}

// offers reports whether a WebSocket handshake offers a subprotocol.
func offers(r *http.Request, name string) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, p := range splitList(line) {
			if p == name {
				return true
			}
		}
	}
	return false
}
