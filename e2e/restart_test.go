package e2e

import (
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// TestRestart stops a server in the middle of two answers, by SIGTERM and by
// SIGKILL, and starts it again on the same data: workers that come back go on,
// readers resume, and nothing is handed out twice.
func TestRestart(t *testing.T) {
	for name, drains := range map[string]bool{"SIGTERM": true, "SIGKILL": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restart(t, drains)
		})
	}
}

func restart(t *testing.T, drains bool) {
	hook := harness.NewHook(t)
	s := harness.Start(t)
	account := s.NewAccount(hook.URL)
	c := s.Client(account.Key)
	var sent harness.Request
	c.Call("POST", "/api/chat/submit/", harness.Fields{"message": "Sent", "metadata": harness.Fields{"n": 1}}, "Idempotency-Key", "once").Want(201).JSON(&sent)
	held, waits := c.Submit("Only typed"), c.Submit("Waits")
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 2
	w := s.Join(hello)
	refs := []protocol.Ref{harness.Expect[protocol.NewRequest](w).Ref, harness.Expect[protocol.NewRequest](w).Ref}
	want(t, "the first hand-over", refs[0].RequestID, sent.ID)
	w.Send(protocol.Ready{Ref: refs[0]})
	harness.Expect[protocol.Go](w)
	w.Delta(refs[0], 0, "The beginning")
	l, feed := c.SSE(ssePath(sent)), c.Socket("/ws/stream/", `{"key":"`+c.Key+`"}`)
	l.UntilText("The beginning")
	feed.Until("the text", func(n harness.News) bool { return n.Type == "delta" })

	if drains {
		s.Terminate()
		want(t, "bye", harness.Expect[protocol.Bye](w).Code, protocol.ByeDraining)
		w.Closed()
		l.Over() // between two events, and without an end
		s.Ended()
	} else {
		s.Kill()
	}
	feedAt := feed.LastID
	s.Restart()
	var repeated harness.Request
	c.Call("POST", "/api/chat/submit/", harness.Fields{"message": "Sent", "metadata": harness.Fields{"n": 1}}, "Idempotency-Key", "once").Want(201).JSON(&repeated)
	want(t, "an Idempotency-Key still holds", repeated.ID, sent.ID)

	again := c.SSE(ssePath(sent), "Last-Event-ID", l.LastID)
	_ = again.Text.Apply(0, "The beginning")
	want(t, "the reader is back", again.Next().Type, "connected")
	// A server that shares its store leaves it open: the worker may be at another.
	if away := again.Next(); away.Status != "executing" || away.Away == harness.OnPostgres(t) {
		t.Errorf("its worker is not: %s", away.Data)
	}
	for id, status := range map[string]string{sent.ID: "executing", held.ID: "executing", waits.ID: "idle"} {
		want(t, "after the restart", c.Get(id).Status, status)
	}

	hello.N = 2
	hello.Holding = []protocol.Holding{{Ref: refs[0], Phase: protocol.PhaseAnswering}, {Ref: refs[1], Phase: protocol.PhaseTyping}}
	w = s.Join(hello)
	want(t, "kept", len(w.Welcome.Keep), 2)
	want(t, "dropped", len(w.Welcome.Drop), 0)
	w.Send(protocol.Ready{Ref: refs[1]}) // typed, but not submitted: asks again
	want(t, "go for what was kept", harness.Expect[protocol.Go](w).Ref, refs[1])
	w.Delta(refs[0], 0, "The beginning, the middle")
	d := again.Until("what is new", func(n harness.News) bool { return n.Type == "delta" })
	if d.Offset != len("The beginning") || d.Text != ", the middle" {
		t.Errorf("the text was known by its hash, but %s", d.Data)
	}
	w.Answer(refs[0], "All of it")
	want(t, "the end", text(again.UntilEnd().Response), "All of it")
	next := w.Take()
	want(t, "then the one that waited", next.RequestID, waits.ID)
	w.Answer(refs[1], "Two")
	w.Answer(next.Ref, "Three")

	resumed := c.SSE("/api/sse/", "Last-Event-ID", feedAt)
	var ends []string
	for len(ends) < 3 {
		n := resumed.Until("an end", func(n harness.News) bool { return n.Type == "done" || n.Type == "failed" })
		ends = append(ends, text(n.Response))
	}
	want(t, "the feed hears all ends", strings.Join(ends, ", "), "All of it, Two, Three")
	heard := map[any]bool{}
	for range 3 {
		heard[hook.Next(account.Secret).Fields["response"]] = true
	}
	if !heard["All of it"] || !heard["Two"] || !heard["Three"] {
		t.Errorf("webhooks: %v", heard)
	}
	w.Silent()
	for _, r := range []harness.Request{sent, held, waits} {
		now := c.Get(r.ID)
		if now.Status != "done" || *now.Attempt != 1 {
			t.Errorf("%+v", now)
		}
	}
}

// A guide worker asks nobody and keeps nothing: what it was given stays given,
// and its answer is taken from any guide socket of the account.
func TestRestartGuideWorker(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := s.User()
	r := c.Submit("Hello")
	w := s.Guide(c.Key)
	want(t, "the hand-over", harness.Expect[protocol.GuideNewRequest](w).RequestID, r.ID)
	s.Kill()
	w.Closed()
	s.Restart()
	want(t, "it stays", c.Get(r.ID).Status, "executing")
	w = s.Guide(c.Key)
	w.GuideAnswer(r.ID, "Hi")
	l := c.SSE(ssePath(r))
	want(t, "the answer", text(l.UntilEnd().Response), "Hi")
	w.Silent()
}

// What a worker that comes back leaves out is lost: idle again where nothing was
// sent, failed where it may have been.
func TestForgottenAttempts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := s.User()
	sent, typed := c.Submit("Sent"), c.Submit("Typed")
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 2
	w := s.Join(hello)
	first := harness.Expect[protocol.NewRequest](w).Ref
	harness.Expect[protocol.NewRequest](w)
	w.Send(protocol.Ready{Ref: first})
	harness.Expect[protocol.Go](w)
	w.Delta(first, 0, "Some")
	s.Kill()
	s.Restart()
	hello.N = 2
	hello.Holding = []protocol.Holding{{Ref: protocol.Ref{RequestID: sent.ID, Attempt: 7}, Phase: protocol.PhaseTyping}}
	w = s.Join(hello)
	want(t, "an attempt that was never made is dropped", len(w.Welcome.Drop), 1)
	lost := c.Get(sent.ID)
	if lost.Status != "failed" || text(lost.ErrorCode) != "worker_lost" {
		t.Errorf("what may have been sent: %+v", lost)
	}
	again := w.Take()
	want(t, "what was not sent is handed out again", again.Ref, protocol.Ref{RequestID: typed.ID, Attempt: 2})
	w.Answer(again.Ref, "Hi")
}
