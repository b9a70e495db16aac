package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/client"
)

func TestAnswer(t *testing.T) {
	var a client.Answer
	for _, step := range []struct {
		offset int
		text   string
		want   string
		len    int
	}{
		{0, "Hé", "Hé", 2}, {2, "😀!", "Hé😀!", 4}, {3, "?", "Hé😀?", 4}, {4, "", "Hé😀?", 4}, {2, "", "Hé", 2}, {0, "new", "new", 3},
	} {
		if err := a.Apply(step.offset, step.text); err != nil || a.String() != step.want || a.Len() != step.len {
			t.Errorf("%d %q: %q, %d, %v", step.offset, step.text, a.String(), a.Len(), err)
		}
	}
	for _, offset := range []int{-1, 4} {
		if a.Apply(offset, "x") == nil || a.String() != "new" {
			t.Errorf("a delta at %d was applied", offset)
		}
	}
}

// parts is a bridge that answers each call with the next part, in a bubble.
type parts struct {
	seen  []string // Last-Event-ID of each call
	at    []time.Time
	parts []func() (*http.Response, error)
}

func (p *parts) RoundTrip(r *http.Request) (*http.Response, error) {
	p.seen = append(p.seen, r.Header.Get("Last-Event-ID"))
	p.at = append(p.at, time.Now())
	if len(p.parts) == 0 {
		return nil, errors.New("refused")
	}
	next := p.parts[0]
	p.parts = p.parts[1:]
	resp, err := next()
	if err != nil {
		return nil, err
	}
	if pipe, ok := resp.Body.(*io.PipeReader); ok {
		context.AfterFunc(r.Context(), func() { _ = pipe.CloseWithError(r.Context().Err()) })
	}
	return resp, nil
}

func events(lines ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(strings.Join(lines, "")))}, nil
	}
}

func status(code int, retry string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/problem+json"}, "Retry-After": {retry}}, Body: io.NopCloser(strings.NewReader(`{"code":"c","detail":"d"}`))}, nil
	}
}

func event(id, data string) string {
	if id != "" {
		id = "id: " + id + "\n"
	}
	return id + "data: " + data + "\n\n"
}

const connected = `{"type": "connected", "request_id": "` + id + `"}`

func delta(offset int, text string) string {
	return fmt.Sprintf(`{"type":"delta","offset":%d,"text":%q}`, offset, text)
}

// follow streams through parts and returns what the handler saw.
func follow(t *testing.T, p *parts, handle func(client.Event, *client.Answer) error) ([]string, error) {
	t.Helper()
	c, err := client.New("http://bridge:8000", "the-key", p)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = c.Stream(t.Context(), "/api/sse/"+id+"/?sig=x", func(e client.Event, a *client.Answer) error {
		line := e.Type + " " + a.String()
		if e.Type == client.EventStatus {
			line = e.Type + " " + e.Status + " " + e.Phase
		}
		seen = append(seen, line)
		if handle != nil {
			return handle(e, a)
		}
		return nil
	})
	return seen, err
}

func TestStreamResumesWhereItBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &parts{parts: []func() (*http.Response, error){
			events("retry: 2000\n\n", event("", connected), event("0.a", `{"type":"status","status":"executing","phase":"answering","attempt":1,"away":false}`),
				": keepalive\n\n", event("2.b", delta(0, "Hé")), "data: {\"type\":\"delta\",\ndata: \"offset\":2,\"text\":\"l\"}\nid: 3.c\n\n", "id: 9.z\ndata: {\"type\":\"del"), // cut off
			status(503, ""),
			events(event("", connected), event("", `{"type":"from_the_future"}`), event("5.d", delta(3, "lo")),
				event("end", `{"type":"done","request_id":"x","status":"done","response":"Héllo!","chat_id":"c","chat_title":"t"}`), event("", delta(0, "after"))),
		}}
		var end client.Event
		seen, err := follow(t, p, func(e client.Event, _ *client.Answer) error {
			if e.Ended() {
				end = e
			}
			return nil
		})
		want := "connected |status executing answering|delta Hé|delta Hél|connected Hél|from_the_future Hél|delta Héllo|done Héllo"
		if got := strings.Join(seen, "|"); err != nil || got != want {
			t.Errorf("%v\n%s\n%s", err, got, want)
		}
		if end.Response == nil || *end.Response != "Héllo!" || *end.ChatTitle != "t" {
			t.Errorf("%+v", end)
		}
		if got := strings.Join(p.seen, "|"); got != "|3.c|3.c" {
			t.Errorf("resumed from %s", got)
		}
	})
}

func TestStreamBeginsAnewWhereADeltaDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &parts{parts: []func() (*http.Response, error){
			events(event("2.a", delta(0, "Hi")), event("9.b", delta(9, "?"))),
			events(event("2.a", delta(0, "Hi")), event("end", `{"type":"failed","error_code":"timeout","partial_response":"Hi"}`)),
		}}
		seen, err := follow(t, p, nil)
		if got := strings.Join(seen, "|"); err != nil || got != "delta Hi|delta Hi|failed Hi" || p.seen[1] != "" {
			t.Errorf("%v, %s, from %q", err, got, p.seen)
		}
	})
}

func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if seen, err := follow(t, &parts{parts: []func() (*http.Response, error){status(204, "")}}, nil); err != nil || len(seen) > 0 {
			t.Errorf("204: %v, %v", seen, err)
		}
		for _, code := range []int{401, 404} {
			p := &parts{parts: []func() (*http.Response, error){status(code, "")}}
			var e *client.Error
			if _, err := follow(t, p, nil); !errors.As(err, &e) || e.Status != code || e.Code != "c" || len(p.seen) != 1 {
				t.Errorf("%d: %v after %d calls", code, err, len(p.seen))
			}
		}
		for _, last := range []string{connected, `{"type":"done"}`} {
			stop := errors.New("enough")
			p := &parts{parts: []func() (*http.Response, error){events(event("", last))}}
			if _, err := follow(t, p, func(client.Event, *client.Answer) error { return stop }); !errors.Is(err, stop) || len(p.seen) != 1 {
				t.Errorf("the handler's error: %v", err)
			}
		}
	})
}

func TestStreamWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &parts{parts: []func() (*http.Response, error){
			status(429, "40"), status(503, ""), status(500, ""),
			func() (*http.Response, error) { // falls silent
				r, w := io.Pipe()
				go func() { _, _ = io.WriteString(w, event("", connected)) }() // read at once
				return &http.Response{StatusCode: 200, Body: r}, nil
			},
			events(event("", connected), event("2.a", delta(0, "Hi"))), // works, so the next wait is short
			events(event("end", `{"type":"done"}`)),
		}}
		if _, err := follow(t, p, nil); err != nil {
			t.Fatal(err)
		}
		for i, want := range [][2]time.Duration{{40 * time.Second, 40 * time.Second}, {500 * time.Millisecond, time.Second}, {time.Second, 2 * time.Second}, {62 * time.Second, 64 * time.Second}, {250 * time.Millisecond, 500 * time.Millisecond}} {
			if got := p.at[i+1].Sub(p.at[i]); got < want[0] || got > want[1] {
				t.Errorf("wait %d is %v", i, got)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New("http://bridge:8000", "the-key", &parts{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := c.Stream(ctx, "/api/sse/x/", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := c.Stream(ctx, "http://elsewhere/api/sse/x/", nil); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another host: %v", err)
		}
	})
}
