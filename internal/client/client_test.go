package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chatbridge/internal/client"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "550e8400-e29b-41d4-a716-446655440000"

// serve runs a bridge that answers as handle says, and a client of it.
func serve(t *testing.T, handle http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(server.URL, "the-key", transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCalls(t *testing.T) {
	var got []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Idempotency-Key")+" "+string(body))
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(w, `{"id":"`+id+`","request_id":"`+id+`","status":"idle","phase":null,"response":null,
			"waiting":{"reason":"no_worker","until":"2026-01-02T03:04:05Z"},"chat":{"id":7,"chat_id":null,"title":null,"unfinished":1},
			"metadata":{"a":1},"queued_at":"2026-01-01T03:04:05.123Z","stream_url":"/api/sse/`+id+`/?sig=x","from_the_future":1}`)
	})
	r, err := c.Submit(t.Context(), client.Submission{Message: "Hello", ChatID: "7", Metadata: json.RawMessage(`{"a":1}`)}, "once")
	if err != nil || r.ID != id || r.Chat.ID != 7 || r.Waiting.Reason != "no_worker" || string(r.Metadata) != `{"a":1}` || !strings.HasPrefix(r.StreamURL, "/api/sse/") {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = c.Get(t.Context(), id); err != nil || r.Status != "idle" || r.Response != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if err := c.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
	want := []string{
		`POST /api/chat/submit/ Bearer the-key once {"message":"Hello","chat_id":"7","metadata":{"a":1}}`,
		"GET /api/chat/requests/" + id + "/ Bearer the-key  ",
		"POST /api/chat/requests/" + id + "/cancel/ Bearer the-key  ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("called\n%s", strings.Join(got, "\n"))
	}
}

func TestErrors(t *testing.T) {
	cases := map[string]struct {
		status     int
		kind, body string
		want       client.Error
		text       string
	}{
		"a problem":     {409, "application/problem+json", `{"status":409,"code":"ended","detail":"It has ended."}`, client.Error{Status: 409, Code: "ended", Detail: "It has ended."}, "cancel request: It has ended."},
		"fields":        {400, "application/problem+json", `{"code":"invalid","errors":{"message":["Too short."]}}`, client.Error{Status: 400, Code: "invalid"}, "cancel request: the bridge answered with status 400"},
		"a proxy's":     {502, "text/html", "<h1>Bad\xff Gateway</h1>", client.Error{Status: 502, Detail: "<h1>Bad Gateway</h1>"}, "cancel request: <h1>Bad Gateway</h1>"},
		"broken JSON":   {500, "application/json", `{"`, client.Error{Status: 500, Detail: `{"`}, `cancel request: {"`},
		"come back":     {503, "application/problem+json", `{"code":"draining"}`, client.Error{Status: 503, Code: "draining", RetryAfter: 9 * time.Second}, "cancel request: the bridge answered with status 503"},
		"long nonsense": {500, "text/plain", strings.Repeat("x", 1000), client.Error{Status: 500, Detail: strings.Repeat("x", 300)}, "cancel request: " + strings.Repeat("x", 300)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				if tc.status == 503 {
					w.Header().Set("Retry-After", "9")
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			err := c.Cancel(t.Context(), id)
			var e *client.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if e.Status != tc.want.Status || e.Code != tc.want.Code || e.Detail != tc.want.Detail || e.RetryAfter != tc.want.RetryAfter || err.Error() != tc.text {
				t.Errorf("%+v: %v", *e, err)
			}
			if name == "fields" && e.Fields["message"][0] != "Too short." {
				t.Errorf("fields %v", e.Fields)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(nil)
	c, err := client.New(server.URL, "the-key", nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := c.Get(t.Context(), id); err == nil || !strings.Contains(err.Error(), "reach the bridge at http://127.0.0.1") || strings.Contains(err.Error(), id) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "localhost:8000", "ws://x", "http://"} {
		if _, err := client.New(bad, "", nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
