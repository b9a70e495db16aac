package worker

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"chatbridge/protocol"

	"github.com/coder/websocket"
)

// Conn is one connection to a bridge. Read is called by one goroutine, Write by
// another, Close once by a third; after Close the others return errors.
type Conn interface {
	// Read returns the next text message, of at most protocol.MaxMessageBytes.
	Read(ctx context.Context) ([]byte, error)
	// Write sends one text message.
	Write(ctx context.Context, data []byte) error
	// Close says why, where it can, and returns within a few seconds.
	Close(reason string) error
}

// WebSocket returns a Dial for the bridge at a URL: its address as http, https,
// ws or wss, to which the worker's path is added unless it is there.
func WebSocket(bridge string) (func(context.Context) (Conn, error), error) {
	u, err := url.Parse(bridge)
	if err != nil {
		return nil, fmt.Errorf("read the bridge's URL: %w", err)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return nil, fmt.Errorf("read the bridge's URL: %q does not begin with http:// or https://", u.Redacted())
	}
	if u.Host == "" {
		return nil, fmt.Errorf("read the bridge's URL: %q names no host", u.Redacted())
	}
	if !strings.HasSuffix(u.Path, protocol.Path) {
		u.Path = strings.TrimSuffix(u.Path, "/") + protocol.Path
	}
	target := u.String()
	return func(ctx context.Context) (Conn, error) {
		// No compression: the messages are short, and its windows cost memory.
		c, resp, err := websocket.Dial(ctx, target, &websocket.DialOptions{Subprotocols: []string{protocol.Subprotocol}})
		if err != nil {
			return nil, fmt.Errorf("connect to the bridge: %w", err)
		}
		if resp.Header.Get("Sec-WebSocket-Protocol") != protocol.Subprotocol {
			_ = c.CloseNow()
			return nil, fmt.Errorf("connect to the bridge: what answers does not speak %s; look at the URL", protocol.Subprotocol)
		}
		c.SetReadLimit(protocol.MaxMessageBytes)
		return webSocket{c}, nil
	}, nil
}

type webSocket struct{ c *websocket.Conn }

func (s webSocket) Read(ctx context.Context) ([]byte, error) {
	for {
		kind, data, err := s.c.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read from the bridge: %w", err)
		}
		if kind == websocket.MessageText {
			return data, nil
		}
	}
}

func (s webSocket) Write(ctx context.Context, data []byte) error {
	if err := s.c.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("write to the bridge: %w", err)
	}
	return nil
}

const (
	// closeTimeout is how long a closing handshake may take; the library itself
	// would wait longer, and a worker that is told to stop should.
	closeTimeout = time.Second
	// maxCloseReason is what a close frame can carry (RFC 6455, 5.5).
	maxCloseReason = 123
)

func (s webSocket) Close(reason string) error {
	cut := time.AfterFunc(closeTimeout, func() { _ = s.c.CloseNow() })
	defer cut.Stop()
	if err := s.c.Close(websocket.StatusNormalClosure, head(reason, maxCloseReason)); err != nil {
		return fmt.Errorf("close the connection: %w", err)
	}
	return nil
}
