package e2e

import (
	"net/http"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

func accountFeed(t *testing.T, s *harness.Server) {
	c := s.User()
	before := c.Submit("Before")
	l := c.SSE("/api/sse/")
	present := l.Next()
	if present.RequestID != before.ID || present.Status != "idle" || present.ID == "" {
		t.Fatalf("the present state first: %+v", present)
	}
	checkFeed(t, s, c, l)
}

// checkFeed follows two requests to their ends on a feed.
func checkFeed(t *testing.T, s *harness.Server, c *harness.Client, l *harness.Listener) {
	t.Helper()
	r := c.Submit("Hello", harness.Fields{"metadata": harness.Fields{"a": 1}})
	made := l.Until("made", func(n harness.News) bool { return n.Type == "made" })
	if made.RequestID != r.ID || made.ID == "" || !strings.Contains(made.Data, `"request":{"id":"`+r.ID+`"`) || !strings.Contains(made.Data, `"stream_url":"`+r.StreamURL) {
		t.Errorf("made: %s", made.Data)
	}
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 2
	w := s.Join(hello)
	refs := []protocol.Ref{harness.Expect[protocol.NewRequest](w).Ref, harness.Expect[protocol.NewRequest](w).Ref}
	for _, ref := range refs {
		w.Send(protocol.Ready{Ref: ref})
		want(t, "go", harness.Expect[protocol.Go](w).Ref, ref)
		l.Until("go, as the stored event that it is", func(n harness.News) bool { return n.RequestID == ref.RequestID && n.Phase == "submitted" && n.ID != "" })
		w.Delta(ref, 0, "Hi")
		d := l.Until("the delta", func(n harness.News) bool { return n.Type == "delta" })
		if d.RequestID != ref.RequestID || d.Text != "Hi" || d.Offset != 0 || d.ID != "" {
			t.Errorf("a delta: %+v", d)
		}
		w.Answer(ref, "Hi!")
		end := l.Until("the end", func(n harness.News) bool { return n.Type == "done" })
		if end.RequestID != ref.RequestID || end.ID == "" || text(end.Response) != "Hi!" {
			t.Errorf("an end: %+v", end)
		}
	}
}

func accountSocket(t *testing.T, s *harness.Server) {
	c := s.User()
	before := c.Submit("Before")
	l := s.Client("").Socket("/ws/stream/", `{"key":"`+c.Key+`"}`)
	want(t, "the present state first", l.Next().RequestID, before.ID)
	checkFeed(t, s, c, l)
}

func feedResumes(t *testing.T, s *harness.Server) {
	c := s.User()
	l := c.SSE("/api/sse/")
	one := c.Submit("One")
	l.Until("made", func(n harness.News) bool { return n.Type == "made" })
	at := l.LastID
	l.Close()
	two := c.Submit("Two")
	c.Call("POST", "/api/chat/requests/"+one.ID+"/cancel/", nil).Want(http.StatusOK)

	for name, l := range map[string]*harness.Listener{
		"SSE":       c.SSE("/api/sse/", "Last-Event-ID", at),
		"WebSocket": s.Client("").Socket("/ws/stream/?last_event_id="+at, `{"key":"`+c.Key+`"}`),
	} {
		made := l.Until("what was missed", func(n harness.News) bool { return n.ID != "" })
		if made.Type != "made" || made.RequestID != two.ID {
			t.Errorf("%s: %s", name, made.Data)
		}
		end := l.Until("the end that was missed", func(n harness.News) bool { return n.ID != "" })
		if end.Type != "failed" || end.RequestID != one.ID || text(end.ErrorCode) != "cancelled" {
			t.Errorf("%s: %s", name, end.Data)
		}
	}
	for _, id := range []string{"999999", "nonsense", "-5", "1.2"} {
		l := c.SSE("/api/sse/", "Last-Event-ID", id)
		want(t, "an id that is not kept: "+id, l.Next().Data, `{"type":"reset"}`)
		present := l.Next()
		if present.RequestID != two.ID || present.Type != "status" {
			t.Errorf("then the present state: %s", present.Data)
		}
		l.Close()
	}
}
