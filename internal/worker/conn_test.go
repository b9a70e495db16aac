package worker_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"

	"github.com/coder/websocket"
)

// TestOverAWebSocket takes one request over a real socket, from a real folder.
func TestOverAWebSocket(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sockets := make(chan *websocket.Conn)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != protocol.Path || r.URL.RawQuery != "" {
			t.Errorf("it came to %s", r.URL)
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol.Subprotocol}})
		if err != nil {
			t.Error(err)
			return
		}
		c.SetReadLimit(protocol.MaxMessageBytes)
		sockets <- c
		<-ctx.Done() // the handler lives as long as the test
	}))
	defer server.Close()
	defer cancel()

	folder, err := worker.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dial, err := worker.WebSocket(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w, err := worker.New(worker.Config{Key: "k", Dial: dial, Store: folder, Backend: worker.Echo{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(run) }() // read below

	c := <-sockets
	defer func() { _ = c.CloseNow() }()
	say := func(m protocol.Message) {
		data, err := protocol.Encode(m)
		if err == nil {
			err = c.Write(ctx, websocket.MessageText, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	hear := func(kind string) protocol.Message {
		for {
			_, data, err := c.Read(ctx)
			if err != nil {
				t.Fatalf("waiting for %s: %v", kind, err)
			}
			m, err := protocol.DecodeWorker(data)
			if err != nil {
				t.Fatal(err)
			}
			if m.Type() == kind {
				return m
			}
		}
	}
	hear(protocol.TypeHello)
	say(protocol.Welcome{PingSeconds: 20})
	ref := attemptRef(1)
	long := request(ref)
	long.Message = strings.Repeat("word ", 1<<20/5)
	say(long)
	hear(protocol.TypeReady)
	say(protocol.Go{Ref: ref})
	if r := hear(protocol.TypeResponse).(protocol.Response); r.Response != "You said: "+long.Message {
		t.Errorf("%d bytes came back", len(r.Response))
	}
	stop()
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("it closed with %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWebSocketURLs(t *testing.T) {
	for _, bad := range []string{"", "localhost:8000", "ftp://x", "http://", "http://%zz"} {
		if _, err := worker.WebSocket(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, nil); err == nil { // speaks another dialect
			_, _, _ = c.Read(context.Background())
		}
	}))
	defer server.Close()
	for _, path := range []string{"", "/", protocol.Path} {
		dial, err := worker.WebSocket(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t.Context()); err == nil || !strings.Contains(err.Error(), protocol.Subprotocol) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
