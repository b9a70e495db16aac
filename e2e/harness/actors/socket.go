package actors

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// socket is a worker's WebSocket. in is closed when it ends.
type socket struct {
	conn   *websocket.Conn
	in     chan protocol.Message
	cancel context.CancelFunc
	reads  sync.WaitGroup
}

// inbox is more than a worker is told between two of its steps.
const inbox = 256

// dial opens a worker's socket; decode reads what comes.
func (w *World) dial(query string, decode func([]byte) (protocol.Message, error), protocols ...string) (*socket, error) {
	conn, err := harness.DialWebSocket(strings.Replace(w.base(), "http://", "ws://", 1)+protocol.Path+query, nil, protocols...)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(protocol.MaxMessageBytes)
	s := &socket{conn: conn, in: make(chan protocol.Message, inbox)}
	ctx, cancel := context.WithCancel(w.Ctx)
	s.cancel = cancel
	s.reads.Go(func() { // cut waits for it
		defer close(s.in)
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			m, err := decode(data)
			if err != nil {
				w.Book.Fault("a worker is sent %q: %v", data, err)
				return
			}
			select {
			case s.in <- m:
			case <-ctx.Done():
				return
			}
		}
	})
	return s, nil
}

// cut ends the socket as a crash does, without a closing handshake.
func (s *socket) cut() {
	s.cancel()
	_ = s.conn.CloseNow()
	s.reads.Wait()
}

// say sends a message; false where the socket is gone.
func (s *socket) say(m protocol.Message) bool {
	data, err := protocol.Encode(m)
	if err != nil {
		panic(err) // our own structs always encode
	}
	return s.write(data)
}

func (s *socket) write(data []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), callWithin)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, data) == nil
}

// look is how often a worker looks at the site's page; it is also within the
// bounds of protocol.MaxDeltasPerSecond.
const look = time.Second / protocol.MaxDeltasPerSecond
