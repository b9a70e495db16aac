package harness

import (
	"net/http"

	"github.com/coder/websocket"
)

// DialWebSocket opens a WebSocket, within Patience. The error of a handshake that
// the server answered otherwise is a *Refused.
func DialWebSocket(url string, header http.Header, protocols ...string) (*websocket.Conn, error) {
	return dial(url, header, protocols...)
}
