package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"

	"github.com/google/go-cmp/cmp"
)

// endpoint is an OpenAI-compatible endpoint that answers as told.
type endpoint struct {
	*httptest.Server
	calls  atomic.Int32
	header http.Header
	body   map[string]any
	answer func(w http.ResponseWriter, r *http.Request)
}

func newEndpoint(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *endpoint {
	e := &endpoint{answer: answer}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls.Add(1)
		e.header, e.body = r.Header, map[string]any{"path": r.Method + " " + r.URL.Path}
		data, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(data, &e.body)
		e.answer(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) backend(t *testing.T, store worker.Store, change func(*worker.OpenAI)) *worker.OpenAI {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := worker.OpenAI{BaseURL: e.URL + "/v1/", Model: "m", APIKey: "sk-secret", Transport: transport}
	if change != nil {
		change(&settings)
	}
	o, err := worker.NewOpenAI(settings, store)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// streams writes server-sent events, each a delta's content but for raw lines.
func streams(lines ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, line := range lines {
			_, _ = fmt.Fprintf(w, "%s\n\n", line)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func piece(text string) string {
	data, _ := json.Marshal(text)
	return `data: {"model":"m-1","choices":[{"delta":{"content":` + string(data) + `},"finish_reason":null}]}`
}

const (
	stop   = `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}`
	doneEv = `data: [DONE]`
)

func ask(o *worker.OpenAI, r protocol.NewRequest) (worker.Answer, string, error) {
	var got strings.Builder
	a, err := o.Answer(context.Background(), r, func(p string) { got.WriteString(p) })
	return a, got.String(), err
}

func TestOpenAIAnswersAndKeepsTheChat(t *testing.T) {
	e := newEndpoint(t, streams(": comment", `data: {"choices":[{"delta":{"role":"assistant","content":null}}]}`, piece("Hé"), piece("llo 😀"), stop, `data: {"choices":[],"usage":{}}`, doneEv))
	store := &worker.Memory{}
	o := e.backend(t, store, nil)
	a, streamed, err := ask(o, protocol.NewRequest{Message: "first"})
	if err != nil || a.Text != "Héllo 😀" || streamed != a.Text || a.ModeUsed != "m-1" || a.ChatTitle != "first" || a.ChatID == "" || !a.Evidence.Complete {
		t.Fatalf("%+v, streamed %q, %v", a, streamed, err)
	}
	if e.body["path"] != "POST /v1/chat/completions" || e.body["model"] != "m" || e.body["stream"] != true || e.header.Get("Authorization") != "Bearer sk-secret" {
		t.Errorf("called with %v", e.body)
	}

	o = e.backend(t, store, nil) // a restart
	b, _, err := ask(o, protocol.NewRequest{Message: "second", ChatID: &a.ChatID})
	if err != nil || b.ChatID != a.ChatID || b.ChatTitle != "" {
		t.Fatalf("%+v, %v", b, err)
	}
	want := []any{
		map[string]any{"role": "user", "content": "first"},
		map[string]any{"role": "assistant", "content": "Héllo 😀"},
		map[string]any{"role": "user", "content": "second"},
	}
	if d := cmp.Diff(want, e.body["messages"]); d != "" {
		t.Error(d)
	}

	unknown := "another"
	before := e.calls.Load()
	_, _, err = ask(o, protocol.NewRequest{Message: "third", ChatID: &unknown})
	if code(err) != protocol.CodeChatNotFound || e.calls.Load() != before {
		t.Errorf("an unknown chat: %v", err)
	}
	names, _ := store.List("chat-")
	if _, _, err := ask(o, protocol.NewRequest{Message: "secret", Temporary: true}); err != nil {
		t.Fatal(err)
	}
	if after, _ := store.List("chat-"); len(after) != len(names) {
		t.Error("a temporary chat is kept")
	}
}

func code(err error) protocol.ErrorCode {
	var f *worker.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestOpenAIFailures(t *testing.T) {
	status := func(status int, header, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.Header().Set("Location", "/v1/chat/completions")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	broken := func(w http.ResponseWriter, r *http.Request) {
		streams(piece("Half"))(w, r)
		panic(http.ErrAbortHandler)
	}
	silent := func(w http.ResponseWriter, r *http.Request) {
		streams(piece("Half"))(w, r)
		<-r.Context().Done()
	}
	cases := map[string]struct {
		answer   func(http.ResponseWriter, *http.Request)
		code     protocol.ErrorCode
		words    string
		streamed string
		retry    time.Duration
	}{
		"rate limited":        {status(429, "7", `{"error":{"message":"Slow down."}}`), protocol.CodeRateLimited, "(Slow down). Wait", "", 7 * time.Second},
		"rate limited, mute":  {status(429, "", ``), protocol.CodeRateLimited, "for now. Wait", "", 0},
		"rate limited long":   {status(429, "99999999999", ``), protocol.CodeRateLimited, "", "", 24 * time.Hour},
		"wrong key":           {status(401, "", `{"error":{"message":"Bad key sk-secret"}}`), protocol.CodeLoggedOut, "(Bad key …)", "", 0},
		"forbidden":           {status(403, "", `{"error":"no"}`), protocol.CodeWorkerError, "allow", "", 0},
		"unknown model":       {status(404, "", `<html>`), protocol.CodeWorkerError, "--model", "", 0},
		"too large":           {status(413, "", ``), protocol.CodeTooLong, "Shorten", "", 0},
		"context by code":     {status(400, "", `{"error":{"code":"context_length_exceeded"}}`), protocol.CodeTooLong, "", "", 0},
		"context by words":    {status(400, "", `{"error":{"message":"exceeds the Context Window","code":400}}`), protocol.CodeTooLong, "", "", 0},
		"server error":        {status(500, "", ``), protocol.CodeWorkerError, "status 500", "", 0},
		"a redirect":          {status(307, "", ``), protocol.CodeWorkerError, "status 307", "", 0},
		"cut at its limit":    {streams(piece("Half"), `data: {"choices":[{"delta":{},"finish_reason":"length"}]}`, doneEv), protocol.CodeIncompleteAnswer, "limit", "Half", 0},
		"filtered":            {streams(piece("Half"), `data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}`), protocol.CodeIncompleteAnswer, "filter", "Half", 0},
		"a tool call":         {streams(`data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`), protocol.CodeIncompleteAnswer, "tool_calls", "", 0},
		"ends without an end": {streams(piece("Half")), protocol.CodeIncompleteAnswer, "broke", "Half", 0},
		"done without reason": {streams(piece("Half"), doneEv), protocol.CodeIncompleteAnswer, "broke", "Half", 0},
		"breaks off":          {broken, protocol.CodeIncompleteAnswer, "broke", "Half", 0},
		"error in the stream": {streams(piece("Half"), `data: {"error":{"message":"oops"}}`, doneEv), protocol.CodeIncompleteAnswer, "", "Half", 0},
		"not JSON":            {streams(`data: {`), protocol.CodeIncompleteAnswer, "", "", 0},
		"falls silent":        {silent, protocol.CodeIncompleteAnswer, "silent", "Half", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, c.answer)
			o := e.backend(t, &worker.Memory{}, func(o *worker.OpenAI) { o.Silence = 100 * time.Millisecond })
			_, streamed, err := ask(o, protocol.NewRequest{Message: "Hello"})
			var f *worker.Failure
			if !errors.As(err, &f) {
				t.Fatalf("%v", err)
			}
			if f.Code != c.code || !strings.Contains(f.Sentence, c.words) || streamed != c.streamed || f.RetryAfter != c.retry {
				t.Errorf("%+v, streamed %q", f, streamed)
			}
			if strings.Contains(f.Sentence, "sk-secret") {
				t.Errorf("the key shows: %s", f.Sentence)
			}
			if n := e.calls.Load(); n != 1 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		e := newEndpoint(t, nil)
		o := e.backend(t, &worker.Memory{}, nil)
		e.Close()
		if _, _, err := ask(o, protocol.NewRequest{Message: "Hello"}); code(err) != protocol.CodeWorkerError || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("%v", err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		e := newEndpoint(t, silent)
		o := e.backend(t, &worker.Memory{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := o.Answer(ctx, protocol.NewRequest{}, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// roundTrip is a transport made of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOpenAIMayBeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o, err := worker.NewOpenAI(worker.OpenAI{BaseURL: "http://model/v1", Model: "m", Silence: 10 * time.Minute, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			context.AfterFunc(req.Context(), func() { _ = w.CloseWithError(context.Cause(req.Context())) })
			return &http.Response{StatusCode: http.StatusOK, Body: r}, nil
		})}, &worker.Memory{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with what it writes, all of which is read
			for _, line := range []string{piece("one "), piece("two "), ": thinking", piece("three"), stop, doneEv} {
				time.Sleep(9 * time.Minute)
				_, _ = io.WriteString(w, line+"\n\n")
			}
		}()
		if a, _, err := ask(o, protocol.NewRequest{Message: "Hello"}); err != nil || a.Text != "one two three" {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestOpenAIThatDoesNotStream(t *testing.T) {
	e := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"model":"m-2","choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`)
	})
	o := e.backend(t, &worker.Memory{}, func(o *worker.OpenAI) { o.APIKey = "" })
	a, streamed, err := ask(o, protocol.NewRequest{Message: "Hello"})
	if err != nil || a.Text != "Hi" || streamed != "Hi" || e.header.Get("Authorization") != "" {
		t.Errorf("%+v, %q, %v", a, streamed, err)
	}
}

func TestOpenAICheck(t *testing.T) {
	status := http.StatusOK
	e := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	o := e.backend(t, &worker.Memory{}, nil)
	for status = range map[int]bool{200: true, 401: true, 404: true, 500: true} {
		err := o.Check(t.Context())
		if (status == http.StatusUnauthorized) != (code(err) == protocol.CodeLoggedOut) {
			t.Errorf("%d: %v", status, err)
		}
		if e.body["path"] != "GET /v1/models" {
			t.Errorf("asked %v", e.body["path"])
		}
	}
}

func TestOpenAISettings(t *testing.T) {
	for _, s := range []worker.OpenAI{{Model: "m"}, {BaseURL: "localhost:11434", Model: "m"}, {BaseURL: "http://x/v1"}} {
		if _, err := worker.NewOpenAI(s, &worker.Memory{}); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
