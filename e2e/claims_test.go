package e2e

import (
	"net/http"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

func pauses(t *testing.T, s *harness.Server) {
	c := s.User()
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 2
	w := s.Join(hello)
	one, two := c.Submit("One"), c.Submit("Two")
	first, second := harness.Expect[protocol.NewRequest](w).Ref, harness.Expect[protocol.NewRequest](w).Ref
	w.Send(protocol.Ready{Ref: first})
	harness.Expect[protocol.Go](w)
	w.Send(protocol.Health{LoggedIn: false, PageOK: true})
	want(t, "what had no go is taken back", harness.Expect[protocol.Cancel](w).Ref, second)
	got := c.Await(two.ID, "idle", harness.Status("idle"))
	want(t, "it waits", reason(got), "paused")
	w.Send(protocol.Cancelled{Ref: second})
	w.Answer(first, "What was sent goes on")
	want(t, "done", c.Get(one.ID).Status, "done")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	w.Send(protocol.Health{LoggedIn: true, PageOK: true, LimitedUntil: &until})
	got = c.Await(two.ID, "paused until then", func(r harness.Request) bool { return r.Waiting != nil && r.Waiting.Until != nil })
	if reason(got) != "paused" || !got.Waiting.Until.Equal(until) {
		t.Errorf("%+v", got.Waiting)
	}
	w.Send(protocol.Health{LoggedIn: true, PageOK: true})
	again := w.Take()
	want(t, "a put back does not count as lost", again.Ref, protocol.Ref{RequestID: two.ID, Attempt: 2})
	w.Answer(again.Ref, "2")

	three := c.Submit("Three")
	ref := harness.Expect[protocol.NewRequest](w).Ref
	seconds := 1
	w.Send(protocol.Error{Ref: ref, Code: protocol.CodeRateLimited, RetryAfter: &seconds})
	harness.Expect[protocol.Ack](w)
	start := time.Now()
	w.Answer(w.Take().Ref, "3")
	if took := time.Since(start); took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("after a pause of a second it came after %v", took)
	}
	want(t, "done", c.Get(three.ID).Status, "done")
}

func capacity(t *testing.T, s *harness.Server) {
	c := s.User()
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 3
	for range 5 {
		c.Submit("Hello")
	}
	w := s.Join(hello)
	var refs []protocol.Ref
	for range 3 {
		refs = append(refs, harness.Expect[protocol.NewRequest](w).Ref)
	}
	w.Silent()
	w.Answer(refs[1], "Hi")
	harness.Expect[protocol.NewRequest](w)
	w.Answer(refs[0], "Hi")
	harness.Expect[protocol.NewRequest](w)
}

func kinds(t *testing.T, s *harness.Server) {
	c := s.User()
	// One that asks for what a worker does not give holds up none behind it.
	thinking := c.Submit("Think", harness.Fields{"response_type": "thinking", "thinking_time": "extended"})
	instant := c.Submit("At once", harness.Fields{"response_type": "instant"})
	fast, slow := harness.Hello(c.Key, "fast", 1), harness.Hello(c.Key, "slow", 1)
	fast.ResponseTypes, slow.ResponseTypes = []string{"instant", "auto"}, []string{"thinking"}
	got := harness.Expect[protocol.NewRequest](s.Join(fast))
	want(t, "the fast one", got.RequestID+got.ResponseType, instant.ID+"instant")
	got = harness.Expect[protocol.NewRequest](s.Join(slow))
	want(t, "the slow one", got.RequestID+got.ResponseType+got.ThinkingTime, thinking.ID+"thinkingextended")
}

func temporary(t *testing.T, s *harness.Server) {
	c := s.User()
	c.Submit("Hello", harness.Fields{"temporary": true})
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	r := w.Take()
	want(t, "temporary", r.Temporary, true)
	w.Answer(r.Ref, "Hi")
}

func twoWorkers(t *testing.T, s *harness.Server) {
	c := s.User()
	one, two := s.Join(harness.Hello(c.Key, "one", 1)), s.Join(harness.Hello(c.Key, "two", 1))
	a, b := c.Submit("A"), c.Submit("B")
	first, second := one, two
	got := map[string]*harness.Worker{first.Take().RequestID: one, second.Take().RequestID: two}
	if got[a.ID] == nil || got[b.ID] == nil {
		t.Fatal("each took one")
	}
	// A cut of one is no business of the other.
	got[a.ID].Close()
	got[b.ID].Answer(protocol.Ref{RequestID: b.ID, Attempt: 1}, "B")
	want(t, "A", c.Get(a.ID).Status, "executing")
	got[b.ID].Silent()
}

func namesChat(t *testing.T, s *harness.Server) {
	c := s.User()
	one := c.Submit("One")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	site, title := "site-1", "First"
	ref := w.Take().Ref
	w.Send(protocol.Response{Ref: ref, Response: "1", ChatID: &site, ChatTitle: &title})
	harness.Expect[protocol.Ack](w)
	// A new chat whose answer names that one: the request moves there, and what
	// waits in its chat too.
	two := c.Submit("Two")
	ref = w.Take().Ref
	waits := c.Submit("Waits", harness.Fields{"chat_id": two.Chat.ID})
	w.Send(protocol.Response{Ref: ref, Response: "2", ChatID: &site})
	harness.Expect[protocol.Ack](w)
	want(t, "moved", c.Get(two.ID).Chat.ID, one.Chat.ID)
	next := w.Take()
	want(t, "what waited", next.RequestID, waits.ID)
	want(t, "in that chat", text(next.ChatID), site)
	w.Answer(next.Ref, "3")
	want(t, "moved too", c.Get(waits.ID).Chat.ID, one.Chat.ID)
	// Another account may have the same id at its site.
	other := s.User()
	other.Call("GET", "/api/chat/chats/"+site+"/", nil).Problem(http.StatusNotFound, "")
}

func timeout(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello", harness.Fields{"timeout_seconds": 1})
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := w.Take().Ref
	w.Delta(ref, 0, "Some")
	l := c.SSE(ssePath(r))
	end := l.UntilEnd()
	if text(end.ErrorCode) != "timeout" || text(end.PartialResponse) != "Some" || end.MayBeSentAt() == "" {
		t.Errorf("the end: %s", end.Data)
	}
	want(t, "the worker is told", harness.Expect[protocol.Cancel](w).Ref, ref)
	next := c.Submit("Next")
	want(t, "its slot stays taken", reason(next), "busy")
	w.Answer(ref, "Too late")
	want(t, "until its last word", w.Take().RequestID, next.ID)
}
