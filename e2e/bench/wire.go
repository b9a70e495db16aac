package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// wire is one keep-alive HTTP/1.1 connection, without the goroutines and copies of net/http's client: what the driver saves,
// the servers get. One goroutine at a time uses it.
type wire struct {
	addr   string
	source net.IP // the local address; nil: any
	limit  time.Duration

	conn  net.Conn
	unarm func() bool
	head  *bufio.Reader // the connection
	body  *bufio.Reader // the present answer's body, unframed
	close bool          // the server closes after this answer
	plain io.LimitedReader
	chunk bool
}

// send sends a request, reads the head of the answer and gives its status. The body must be read to its end, with finish, before the next.
func (w *wire) send(ctx context.Context, request []byte) (int, error) {
	if w.conn == nil {
		if err := w.dial(ctx); err != nil {
			return 0, err
		}
	}
	status, err := w.exchange(request)
	if err != nil {
		w.drop()
	}
	return status, err
}

func (w *wire) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: 10 * time.Second}
	if w.source != nil {
		d.LocalAddr = &net.TCPAddr{IP: w.source}
	}
	conn, err := d.DialContext(ctx, "tcp", w.addr)
	if err != nil {
		return err
	}
	w.conn = conn
	w.unarm = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if w.head == nil {
		w.head, w.body = bufio.NewReader(conn), bufio.NewReader(nil)
	} else {
		w.head.Reset(conn)
	}
	return nil
}

// drop closes the connection, if any.
func (w *wire) drop() {
	if w.conn != nil {
		w.unarm()
		_ = w.conn.Close()
		w.conn = nil
	}
}

func (w *wire) exchange(request []byte) (int, error) {
	if err := w.conn.SetDeadline(time.Now().Add(w.limit)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := w.head.ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	length := int64(-1)
	w.chunk, w.close = false, false
	for {
		line, err := w.head.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("reading the answer's head: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, fmt.Errorf("Content-Length %q: %w", value, err)
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			w.chunk = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("connection")):
			w.close = bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case w.chunk:
		w.body.Reset(httputil.NewChunkedReader(w.head))
	case length >= 0 || status == 204:
		w.plain = io.LimitedReader{R: w.head, N: max(0, length)}
		w.body.Reset(&w.plain)
	default: // until the server closes
		w.close = true
		w.body.Reset(w.head)
	}
	return status, nil
}

// finish reads the body to its end and makes the connection ready for the next request.
func (w *wire) finish() error {
	if _, err := w.body.WriteTo(io.Discard); err != nil {
		return err
	}
	if w.chunk {
		for { // the trailer, which the chunked reader leaves
			line, err := w.head.ReadSlice('\n')
			if err != nil {
				return fmt.Errorf("reading the trailer: %w", err)
			}
			if len(bytes.TrimRight(line, "\r\n")) == 0 {
				break
			}
		}
	}
	if w.close {
		w.drop()
	}
	return nil
}

// line reads the next line of the body, without its end. It is valid until the next read.
func (w *wire) line() ([]byte, error) {
	line, err := w.body.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) { // a long answer: copy
		long := append([]byte(nil), line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = w.body.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	return bytes.TrimRight(line, "\r\n"), err
}
