package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/internal/stream"
	"chatbridge/protocol"
)

// An id that was never issued opens too and hears what the receiver is sent for
// it; such streams are capped per address.
func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	anyone := s.Client("")
	socket := anyone.Socket("/ws/stream/test-ws/", "")
	socket.Next()
	anyone.Call("POST", "/api/webhooks/chatgpt/", `{"request_id":"test-ws"}`).Want(http.StatusOK)
	want(t, "by WebSocket", socket.Next().RequestID, "test-ws")
	socket.Over()

	var open []*harness.Listener
	for i := range stream.MaxUnknownPerAddress {
		l := anyone.SSE(fmt.Sprintf("/api/sse/test-%d/", i))
		want(t, "connected", l.Next().Data, fmt.Sprintf(`{"type": "connected", "request_id": "test-%d"}`, i))
		open = append(open, l)
	}
	anyone.Call("GET", "/api/sse/one-too-many/", nil).Problem(http.StatusTooManyRequests, "")
	body := `{"request_id": "test-3", "status": "done", "extra": [1, "<b>"]}`
	anyone.Call("POST", "/api/webhooks/chatgpt/", body).Want(http.StatusOK)
	got := open[3].Next()
	want(t, "what was received", got.Data, `{"request_id":"test-3","status":"done","extra":[1,"<b>"]}`)
	open[3].Over()
	l := anyone.SSE("/api/sse/there-is-room-again/")
	l.Next()
	s.Stop() // with all of them open
	if strings.Contains(s.Stderr.String(), "level=WARN") {
		t.Errorf("an id that was never issued is no trouble of the server's: %s", s.Stderr)
	}
}

// A reader that takes nothing is cut after 30 s; others are not held up by it.
func TestReaderThatTakesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 s")
	}
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("the server's side of a connection can be seen on Linux only")
	}
	t.Parallel()
	s := harness.Start(t)
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	conn, err := net.Dial("tcp4", strings.Replace(s.Addr, "localhost", "127.0.0.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", ssePath(r), s.Addr)
	in := bufio.NewReaderSize(conn, 16)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	reads := c.SSE(ssePath(r))
	start := time.Now()
	part := strings.Repeat("x", 1<<20)
	for i := range 7 { // more than the kernel's buffers take
		w.Delta(ref, i<<20, part)
	}
	reads.Until("all of it, for who reads", func(harness.News) bool { return reads.Text.Len() == 7<<20 })
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it was held up for %v", took)
	}
	// The server's side of the connection leaves ESTABLISHED (01) when it cuts.
	for time.Since(start) < 50*time.Second && established(t, conn.RemoteAddr(), conn.LocalAddr()) {
		time.Sleep(100 * time.Millisecond)
	}
	if took := time.Since(start); took < 25*time.Second || took > 45*time.Second {
		t.Errorf("it was cut after %v", took)
	}
	w.Send(protocol.Response{Ref: ref, Response: "Hi"})
	want(t, "the end", text(reads.UntilEnd().Response), "Hi")
}

func established(t *testing.T, local, remote net.Addr) bool {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	hex := func(a net.Addr) string {
		ip := a.(*net.TCPAddr).IP.To4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.(*net.TCPAddr).Port)
	}
	return strings.Contains(string(table), hex(local)+" "+hex(remote)+" 01 ")
}
