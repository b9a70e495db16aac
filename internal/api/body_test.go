package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dialed begins a connection to a server with this handler.
func dialed(t *testing.T, handler http.HandlerFunc) net.Conn {
	listener, server := make(pipes, 1), &http.Server{Handler: handler}
	ours, theirs := net.Pipe()
	listener <- theirs
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		ours.Close()
		close(listener)
		<-done
		server.Close()
	})
	return ours
}

func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan error, 1)
		conn := dialed(t, func(w http.ResponseWriter, r *http.Request) {
			limitBody(w, r)
			_, err := io.ReadAll(r.Body)
			read <- err
		})
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != bodyWithin {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// An answer may take as long as it likes, once the body is there.
func TestLongAnswer(t *testing.T) {
	for name, body := range map[string]string{
		"with a length": "Content-Length: 2\r\n\r\n{}", "in chunks": "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "no body": "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := dialed(t, func(w http.ResponseWriter, r *http.Request) {
					limitBody(w, r)
					_, _ = io.Copy(io.Discard, r.Body)
					select {
					case <-time.After(time.Hour):
						_, _ = io.WriteString(w, "well")
					case <-r.Context().Done():
						_, _ = io.WriteString(w, context.Cause(r.Context()).Error())
					}
				})
				if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+body); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "well") {
					t.Errorf("%q, %v", text, err)
				}
			})
		})
	}
}

// A client that writes more than is taken hears why, and is not cut off in
// mid-sentence.
func TestRefusedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := dialed(t, func(w http.ResponseWriter, r *http.Request) {
			limitBody(w, r)
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			drainBody(r)
		})
		body := strings.Repeat("x", 4<<20)
		if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatalf("write the body: %v", err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Fatalf("the answer: %v, %v", answer, err)
		}
	})
}
