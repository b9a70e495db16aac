package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

func TestStreams(t *testing.T) {
	cases{
		"a whole answer":                  wholeAnswer,
		"late readers":                    lateReaders,
		"resume":                          resume,
		"a correction reaches all":        corrections,
		"a worker away":                   workerAway,
		"put back":                        putBack,
		"why it waits":                    whyItWaits,
		"WebSocket":                       socketStream,
		"the account's feed":              accountFeed,
		"the account's feed by WebSocket": accountSocket,
		"a feed resumes":                  feedResumes,
		"keepalive":                       keepalive,
	}.run(t)
}

var idShape = regexp.MustCompile(`^\d+\.[0-9a-f]+$`)

// submitted is a request that a worker has taken, with go.
func submitted(s *harness.Server, c *harness.Client, message string) (harness.Request, *harness.Worker, protocol.Ref) {
	r := c.Submit(message)
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	return r, w, w.Take().Ref
}

func ssePath(r harness.Request) string { return "/api/sse/" + r.ID + "/" }

func wholeAnswer(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	first := l.Next()
	want(t, "the first event", first.Data, `{"type": "connected", "request_id": "`+r.ID+`"}`)
	want(t, "its id", first.ID, "")
	if first.Retry < 1000 || first.Retry > 5000 {
		t.Errorf("retry is %d ms", first.Retry)
	}
	waits := l.Next()
	if waits.Status != "idle" || waits.Waiting == nil || waits.Waiting.Reason != "no_worker" || waits.Waiting.Until == nil || !idShape.MatchString(waits.ID) {
		t.Fatalf("while it waits: %+v", waits)
	}

	w := s.Join(harness.Hello(c.Key, "worker", 1))
	got := harness.Expect[protocol.NewRequest](w)
	want(t, "the hand-over", got, protocol.NewRequest{Ref: protocol.Ref{RequestID: r.ID, Attempt: 1}, Message: "Hello", ResponseType: "auto", ThinkingTime: "standard", ChatDBID: r.Chat.ID})
	phase := func(want string) {
		t.Helper()
		l.Until("phase "+want, func(n harness.News) bool {
			return n.Type == "status" && n.Status == "executing" && n.Phase == want && n.Attempt == 1 && !n.Away && idShape.MatchString(n.ID)
		})
	}
	phase("opening")
	w.Send(protocol.StatusUpdate{Ref: got.Ref, Status: "executing", Phase: protocol.PhaseTyping})
	phase("typing")
	w.Delta(got.Ref, 0, "before go, and so ignored")
	w.Send(protocol.Ready{Ref: got.Ref})
	harness.Expect[protocol.Go](w)
	phase("submitted")
	if now := c.Get(r.ID); now.MayBeSentAt == nil || text(now.Phase) != "submitted" || *now.Attempt != 1 {
		t.Errorf("after go: %+v", now)
	}
	w.Send(protocol.StatusUpdate{Ref: got.Ref, Status: "executing", Phase: protocol.PhaseAnswering})
	phase("answering")
	w.Delta(got.Ref, 0, "Hi 😀")
	l.UntilText("Hi 😀")
	w.Delta(got.Ref, 4, "! <b>\n\u0000")
	l.UntilText("Hi 😀! <b>\n\uFFFD")
	w.Delta(got.Ref, 99, "beyond")
	want(t, "an offset beyond the text", harness.Expect[protocol.Resync](w).Ref, got.Ref)
	chat, title, mode := "site-1", "Greeting", "GPT"
	w.Send(protocol.Response{Ref: got.Ref, Response: "Hi 😀!\u0000", ChatID: &chat, ChatTitle: &title, ModeUsed: &mode, Evidence: &protocol.Evidence{Source: "both", Complete: true}})
	harness.Expect[protocol.Ack](w)

	end := l.UntilEnd()
	if end.Type != "done" || end.Status != "done" || end.RequestID != r.ID || text(end.Response) != "Hi 😀!\uFFFD" || text(end.ChatID) != chat || text(end.ChatTitle) != title || end.Error != nil {
		t.Errorf("the end: %s", end.Data)
	}
	have := c.Get(r.ID)
	if have.Status != "done" || text(have.Response) != "Hi 😀!\uFFFD" || text(have.ModeUsed) != mode || text(have.Chat.ChatID) != chat || have.Chat.Unfinished != 0 || have.CompletedAt == nil ||
		string(have.Evidence) != `{"source":"both","complete":true}` {
		t.Errorf("the request: %+v", have)
	}
}

func lateReaders(t *testing.T, s *harness.Server) {
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	w.Delta(ref, 0, "What came before. ")
	first := c.SSE(ssePath(r))
	first.UntilText("What came before. ")
	late := c.SSE(ssePath(r))
	want(t, "first", late.Next().Type, "connected")
	want(t, "then the status", late.Next().Status, "executing")
	whole := late.Next()
	if whole.Offset != 0 || whole.Text != "What came before. " {
		t.Errorf("then the text so far: %s", whole.Data)
	}
	w.Answer(ref, "All.")
	want(t, "the end", text(first.UntilEnd().Response), "All.")
	want(t, "the end for the late one", text(late.UntilEnd().Response), "All.")

	after := s.Client("").SSE("/api/sse/" + strings.ToUpper(r.ID)) // ids are compared in lower case
	after.Next()
	want(t, "after the end", text(after.UntilEnd().Response), "All.")
}

func resume(t *testing.T, s *harness.Server) {
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	w.Delta(ref, 0, "0123456789")
	l := c.SSE(ssePath(r))
	l.UntilText("0123456789")
	at10 := l.LastID
	w.Delta(ref, 10, "abc")
	l.UntilText("0123456789abc")
	wrong := at10[:len(at10)-1] + map[bool]string{true: "0", false: "1"}[at10[len(at10)-1] != '0']
	for name, tc := range map[string]struct {
		id     string
		offset int
		text   string
	}{
		"right":                     {at10, 10, "abc"},
		"wrong hash":                {wrong, 0, "0123456789abc"},
		"longer than our text":      {"99." + strings.Split(at10, ".")[1], 0, "0123456789abc"},
		"garbage":                   {"nonsense", 0, "0123456789abc"},
		"the beginning":             {"0.0", 0, "0123456789abc"},
		"an integer too large":      {"99999999999999999999.1", 0, "0123456789abc"},
		"negative":                  {"-1." + strings.Split(at10, ".")[1], 0, "0123456789abc"},
		"a number of another world": {"42", 0, "0123456789abc"},
	} {
		for _, open := range []func() *harness.Listener{
			func() *harness.Listener { return c.SSE(ssePath(r), "Last-Event-ID", tc.id) },
			func() *harness.Listener { return c.SSE(ssePath(r) + "?last_event_id=" + tc.id) },
			func() *harness.Listener { return c.Socket("/ws/stream/"+r.ID+"/?last_event_id="+tc.id, "") },
		} {
			l := open()
			_ = l.Text.Apply(0, "0123456789") // what such a reader has
			want(t, name+": first", l.Next().Type, "connected")
			want(t, name+": then", l.Next().Status, "executing")
			if d := l.Next(); d.Type != "delta" || d.Offset != tc.offset || d.Text != tc.text {
				t.Errorf("%s: then %s", name, d.Data)
			}
			l.Close()
		}
	}

	w.Answer(ref, "0123456789abc")
	want(t, "the end", l.UntilEnd().ID, "end")
	c.Call("GET", ssePath(r), nil, "Last-Event-ID", "end").Want(http.StatusNoContent)
	c.Call("GET", ssePath(r)+"?last_event_id=end", nil).Want(http.StatusNoContent)
	c.Call("GET", "/api/sse/never-issued/?last_event_id=end", nil).Want(http.StatusNoContent)
	c.Socket("/ws/stream/"+r.ID+"/?last_event_id=end", "").Over()
	again := c.SSE(ssePath(r), "Last-Event-ID", at10)
	want(t, "after the end", again.Next().Type, "connected")
	want(t, "after the end", text(again.UntilEnd().Response), "0123456789abc")
}

func corrections(t *testing.T, s *harness.Server) {
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	w.Delta(ref, 0, "I thinx")
	one, two := c.SSE(ssePath(r)), c.Socket("/ws/stream/"+r.ID+"/", "")
	one.UntilText("I thinx")
	two.UntilText("I thinx")
	w.Delta(ref, 6, "k so")
	for _, l := range []*harness.Listener{one, two} {
		if d := l.Next(); d.Offset != 6 || d.Text != "k so" {
			t.Errorf("the correction: %s", d.Data)
		}
		want(t, "the text", l.Text.String(), "I think so")
	}
	w.Delta(ref, 1, "")
	for _, l := range []*harness.Listener{one, two} {
		if d := l.Next(); d.Type != "delta" || d.Offset != 1 || d.Text != "" {
			t.Errorf("a correction that adds nothing: %s", d.Data)
		}
	}
	w.Send(protocol.Error{Ref: ref, Code: protocol.CodeIncompleteAnswer, Error: "It broke off."})
	harness.Expect[protocol.Ack](w)
	end := one.UntilEnd()
	if end.Type != "failed" || text(end.ErrorCode) != "incomplete_answer" || text(end.Error) != "It broke off." || text(end.PartialResponse) != "I" || end.Response != nil {
		t.Errorf("the end: %s", end.Data)
	}
	two.UntilEnd()
}

func workerAway(t *testing.T, s *harness.Server) {
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	w.Delta(ref, 0, "One")
	l := c.SSE(ssePath(r))
	l.UntilText("One")
	w.Close()
	away := l.Next()
	if away.Status != "executing" || !away.Away || away.Attempt != 1 {
		t.Fatalf("after the cut: %s", away.Data)
	}
	hello := harness.Hello(c.Key, "worker", 2)
	hello.Holding = []protocol.Holding{{Ref: ref, Phase: protocol.PhaseAnswering}}
	w = s.Join(hello)
	want(t, "kept", len(w.Welcome.Keep), 1)
	want(t, "kept", w.Welcome.Keep[0], ref)
	l.Until("back", func(n harness.News) bool { return n.Status == "executing" && !n.Away })
	w.Delta(ref, 0, "One two")
	l.UntilText("One two")
	w.Answer(ref, "One two three")
	want(t, "the end", text(l.UntilEnd().Response), "One two three")
}

func putBack(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := harness.Expect[protocol.NewRequest](w).Ref
	w.Send(protocol.Error{Ref: ref, Code: protocol.CodeChallenge, Error: "Prove that you are human."})
	want(t, "acked", harness.Expect[protocol.Ack](w).Ref, ref)
	back := l.Until("put back", func(n harness.News) bool { return n.Status == "idle" && n.Reason != "" })
	want(t, "put back", back.Data, `{"type":"status","status":"idle","phase":null,"reason":"challenge"}`)
	paused := l.Next()
	want(t, "and waits", paused.Data, `{"type":"status","status":"idle","waiting":{"reason":"paused","until":null}}`)
	if now := c.Get(r.ID); now.StartedAt != nil || now.Waiting == nil || now.Waiting.Reason != "paused" {
		t.Errorf("put back: %+v", now)
	}
	w.Send(protocol.Health{LoggedIn: true, PageOK: true})
	again := w.Take().Ref
	want(t, "the second attempt", again.Attempt, 2)
	w.Answer(again, "Hi")
	want(t, "the end", l.UntilEnd().Type, "done")
	var types []string
	for _, e := range s.Events(r.ID) {
		types = append(types, e.Type)
	}
	want(t, "the stored events", strings.Join(types, " "), "made executing put_back executing go end")
}

func whyItWaits(t *testing.T, s *harness.Server) {
	c := s.User()
	waits := func(r harness.Request, reason string, until bool) {
		t.Helper()
		l := c.SSE(ssePath(r))
		defer l.Close()
		n := l.Until("waiting: "+reason, func(n harness.News) bool { return n.Waiting != nil && n.Waiting.Reason == reason })
		now := c.Get(r.ID)
		if (n.Waiting.Until != nil) != until || now.Waiting == nil || now.Waiting.Reason != reason || (now.Waiting.Until != nil) != until {
			t.Errorf("%s: on the stream %s, as a request %+v", reason, n.Data, now.Waiting)
		}
	}
	one := c.Submit("One")
	waits(one, "no_worker", true)
	hello := harness.Hello(c.Key, "worker", 1)
	hello.ResponseTypes = []string{"auto"}
	w := s.Join(hello)
	ref := w.Take().Ref
	waits(c.Submit("Two, in its chat", harness.Fields{"chat_id": one.Chat.ID}), "chat_busy", false)
	other := c.Submit("Three, in another")
	waits(other, "busy", false)
	waits(c.Submit("Four, of another kind", harness.Fields{"response_type": "thinking"}), "no_worker", true)
	seconds := 600
	w.Send(protocol.Error{Ref: ref, Code: protocol.CodeRateLimited, RetryAfter: &seconds})
	harness.Expect[protocol.Ack](w)
	waits(other, "paused", true)
	failed := c.Get(one.ID)
	if text(failed.ErrorCode) != "rate_limited" || failed.RetryAfter == nil || *failed.RetryAfter != seconds {
		t.Errorf("after go it is not put back: %+v", failed)
	}
	if until := c.Get(other.ID).Waiting.Until; time.Until(*until) < 9*time.Minute || time.Until(*until) > 10*time.Minute {
		t.Errorf("paused until %v", until)
	}
	w.Close()
	waits(other, "no_worker", true)
}

func socketStream(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	for name, l := range map[string]*harness.Listener{
		"bare":                            s.Client("").Socket("/ws/stream/"+r.ID+"/", ""),
		"no slash":                        s.Client("").Socket("/ws/stream/"+r.ID, ""),
		"stream_url":                      s.Client("").Socket(strings.Replace(r.StreamURL, "/api/sse/", "/ws/stream/", 1), ""),
		"a key sent where none is needed": s.Client("").Socket("/ws/stream/"+r.ID+"/", `{"key":"nonsense"}`),
	} {
		want(t, name, l.Next().Data, `{"type": "connected", "request_id": "`+r.ID+`"}`)
		n := l.Next()
		if n.Status != "idle" || !strings.HasPrefix(n.Data, `{"id":"0.`) {
			t.Errorf("%s: %s", name, n.Data)
		}
	}
	l := c.Socket("/ws/stream/"+r.ID+"/", "")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := w.Take().Ref
	w.Delta(ref, 0, "Hi")
	l.UntilText("Hi")
	w.Answer(ref, "Hi")
	want(t, "the end", text(l.UntilEnd().Response), "Hi")
	after := c.Socket("/ws/stream/"+r.ID+"/", "")
	after.Next()
	want(t, "a late reader", text(after.UntilEnd().Response), "Hi")
}

func keepalive(t *testing.T, s *harness.Server) {
	if testing.Short() {
		t.Skip("takes 15 s")
	}
	c := s.User()
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	feed := c.SSE("/api/sse/")
	l.Next()
	l.Next()
	feed.Next()
	start := time.Now()
	if n := l.Raw(25 * time.Second); n.Comment != "keepalive" || time.Since(start) < 14*time.Second {
		t.Errorf("after %v: %+v", time.Since(start), n)
	}
	if n := feed.Raw(25 * time.Second); n.Comment != "keepalive" {
		t.Errorf("on the feed: %+v", n)
	}
}
