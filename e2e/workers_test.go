package e2e

import (
	"strings"
	"testing"

	"github.com/coder/websocket"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// TestWorkers is what chatbridge.v1 workers may do wrong, and what is made of it.
func TestWorkers(t *testing.T) {
	cases{
		"a bad hello":                       badHello,
		"messages that are not taken":       badMessages,
		"an oversized message":              oversized,
		"what it does not hold":             notHeld,
		"a response without go":             withoutGo,
		"an answer after the end":           lateAnswer,
		"an answer that was not acked":      unacked,
		"one worker_id twice":               oneName,
		"three hand-overs lost":             threeLost,
		"three errors before go":            threeErrors,
		"errors after go":                   afterGo,
		"pauses and health":                 pauses,
		"capacity":                          capacity,
		"kinds of requests":                 kinds,
		"a temporary chat":                  temporary,
		"two workers":                       twoWorkers,
		"an answer that names a chat":       namesChat,
		"a timeout":                         timeout,
		"resync and code points":            codePoints,
		"the worker's own program, echo":    echoWorker,
		"cancelled while it was only typed": cancelledBeforeGo,
	}.run(t)
}

func badHello(t *testing.T, s *harness.Server) {
	c := s.User()
	hello := `{"type":"hello","key":"` + c.Key + `","worker_id":"w","n":1}`
	for say, code := range map[string]protocol.ByeCode{
		`nonsense`: protocol.ByeBadMessage, `[]`: protocol.ByeBadMessage, `"hello"`: protocol.ByeBadMessage, `null`: protocol.ByeBadMessage,
		`{}`: protocol.ByeBadHello, `{"type":"pong"}`: protocol.ByeBadHello, `{"type":"hello"}`: protocol.ByeBadHello,
		strings.Replace(hello, `"w"`, `""`, 1):                     protocol.ByeBadHello,
		strings.Replace(hello, `"n":1`, `"n":"1"`, 1):              protocol.ByeBadHello,
		strings.Replace(hello, `"n":1`, `"capacity":-1,"n":1`, 1):  protocol.ByeBadHello,
		strings.Replace(hello, c.Key, "cb_wrong", 1):               protocol.ByeBadKey,
		strings.Replace(hello, `"key":"`+c.Key+`"`, `"key":""`, 1): protocol.ByeBadKey,
	} {
		w := s.Dial()
		w.Say(say)
		bye := harness.Expect[protocol.Bye](w)
		if bye.Code != code || bye.Reason == "" || strings.Contains(bye.Reason, c.Key) {
			t.Errorf("%s: %+v, want %s", say, bye, code)
		}
		w.Closed()
	}
	w := s.Dial()
	w.Say(strings.Replace(hello, `"n":1`, `"n":1,"from_the_future":{}`, 1))
	got := harness.Expect[protocol.Welcome](w)
	if got.WorkerID != "w" || got.Account == "" || got.LeaseSeconds != 60 || got.PingSeconds != 20 {
		t.Errorf("welcome: %+v", got)
	}
	if strings.Contains(s.Stderr.String(), c.Key) {
		t.Error("the key has reached the log")
	}
}

func badMessages(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := harness.Expect[protocol.NewRequest](w).Ref
	for _, say := range []string{
		`{}`, `{"type":5}`, `{"type":"later"}`, `{"type":"later","request_id":"` + r.ID + `","attempt":1}`, `{"type":"ping"}`, `{"type":"ready"}`, `{"type":"ready","request_id":"` + r.ID + `"}`,
		`{"type":"ready","request_id":"` + r.ID + `","attempt":"1"}`, `{"type":"ready","request_id":7,"attempt":1}`, `{"type":"response","request_id":"` + r.ID + `","attempt":1}`,
		`{"type":"response","request_id":"` + r.ID + `","attempt":1,"response":null}`, `{"type":"delta","request_id":"` + r.ID + `","attempt":1,"offset":-1,"text":"x"}`,
		`{"type":"status_update","request_id":"` + r.ID + `","attempt":1,"status":"executing","phase":"dancing"}`, `{"type":"health","logged_in":false}`,
		`{"type":"hello","key":"` + c.Key + `","worker_id":"again","n":9}`,
	} {
		w.Say(say)
	}
	w.Send(protocol.Ready{Ref: ref})
	want(t, "go, and nothing before it", harness.Expect[protocol.Go](w).Ref, ref)
	w.Answer(ref, "Hi")
	for _, say := range []string{`nonsense`, `[]`} {
		w := s.Join(harness.Hello(c.Key, "other"+say, 1))
		w.Say(say)
		want(t, say, harness.Expect[protocol.Bye](w).Code, protocol.ByeBadMessage)
		w.Closed()
	}
}

func oversized(t *testing.T, s *harness.Server) {
	c := s.User()
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	c.Submit("Hello")
	ref := w.Take().Ref
	w.Say(`{"type":"later","x":"` + strings.Repeat("x", protocol.MaxMessageBytes) + `"}`)
	want(t, "close code", w.Closed(), websocket.StatusMessageTooBig)
	guide := s.Guide(c.Key)
	guide.Say(strings.Repeat("x", protocol.MaxMessageBytes+1))
	want(t, "close code", guide.Closed(), websocket.StatusMessageTooBig)

	hello := harness.Hello(c.Key, "worker", 2)
	hello.Holding = []protocol.Holding{{Ref: ref, Phase: protocol.PhaseAnswering}}
	w = s.Join(hello)
	longest := strings.Repeat("é", protocol.MaxAnswerBytes/2)
	w.Answer(ref, longest)
	if got := c.Get(ref.RequestID); text(got.Response) != longest {
		t.Errorf("the longest answer came as %d bytes, %s", len(text(got.Response)), got.Status)
	}
}

func notHeld(t *testing.T, s *harness.Server) {
	c, other := s.User(), s.User()
	foreign, mine := other.Submit("Another account's"), c.Submit("Mine")
	holder := s.Join(harness.Hello(c.Key, "holder", 1))
	ref := holder.Take().Ref
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	for _, at := range []protocol.Ref{ref, {RequestID: ref.RequestID, Attempt: 2}, {RequestID: foreign.ID, Attempt: 1}, {RequestID: "00000000-0000-4000-8000-000000000000", Attempt: 1}} {
		w.Send(protocol.Ready{Ref: at})
		w.Delta(at, 0, "not mine")
		w.Send(protocol.Response{Ref: at, Response: "not mine"})
		w.Send(protocol.Error{Ref: at, Code: protocol.CodeWorkerError})
		w.Send(protocol.Cancelled{Ref: at})
	}
	c.Submit("Next")
	next := w.Take() // all that was said before it is ignored
	w.Answer(next.Ref, "ok")
	want(t, "the holder's", c.Get(mine.ID).Status, "executing")
	want(t, "another account's", other.Get(foreign.ID).Status, "idle")
	holder.Answer(ref, "Hi")
	want(t, "the answer", text(c.Get(mine.ID).Response), "Hi")
}

func withoutGo(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	w.Answer(harness.Expect[protocol.NewRequest](w).Ref, "Hi")
	if now := c.Get(r.ID); now.Status != "done" || now.MayBeSentAt == nil {
		t.Errorf("it is taken as if go had been stored: %+v", now)
	}
}

func lateAnswer(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := w.Take().Ref
	c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	harness.Expect[protocol.Cancel](w)
	for range 2 { // said again after a lost ack
		w.Answer(ref, "Too late")
	}
	w.Send(protocol.Ready{Ref: ref})
	want(t, "ready for what has ended", harness.Expect[protocol.Ack](w).Ref, ref)
	if now := c.Get(r.ID); now.Status != "failed" || now.Response != nil {
		t.Errorf("it changes nothing: %+v", now)
	}
	late := 0
	for _, e := range s.Events(r.ID) {
		if e.Type == "late" {
			late++
			if !strings.Contains(string(e.Data), "Too late") {
				t.Errorf("the late answer as an event: %s", e.Data)
			}
		}
	}
	want(t, "kept as an event, once", late, 1)
	c.Submit("Next")
	w.Take() // the slot is free
}

func unacked(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := w.Take().Ref
	w.Send(protocol.Response{Ref: ref, Response: "Hi"})
	c.Await(r.ID, "done", harness.Status("done"))
	w.Close()
	hello := harness.Hello(c.Key, "worker", 2)
	hello.Holding = []protocol.Holding{{Ref: ref, Phase: protocol.PhaseEnded}}
	w = s.Join(hello)
	want(t, "kept, so that it is acked", len(w.Welcome.Keep), 1)
	w.Answer(ref, "Hi")
	want(t, "once", len(s.Events(r.ID)), 4)
}

func oneName(t *testing.T, s *harness.Server) {
	c := s.User()
	older := s.Join(harness.Hello(c.Key, "worker", 5))
	newer := s.Join(harness.Hello(c.Key, "worker", 6))
	want(t, "the older one", harness.Expect[protocol.Bye](older).Code, protocol.ByeReplaced)
	older.Closed()
	late := s.Dial()
	late.Send(harness.Hello(c.Key, "worker", 5))
	want(t, "a lower n, later", harness.Expect[protocol.Bye](late).Code, protocol.ByeReplaced)
	late.Closed()
	same := s.Join(harness.Hello(c.Key, "worker", 6))
	want(t, "of equal ones the later counts", harness.Expect[protocol.Bye](newer).Code, protocol.ByeReplaced)
	c.Submit("Hello")
	same.Answer(same.Take().Ref, "Hi")
	// The name is the account's own.
	s.Join(harness.Hello(s.User().Key, "worker", 1))
	same.Silent()
}

func threeLost(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	for n := range int64(3) {
		w := s.Join(harness.Hello(c.Key, "worker", n)) // names nothing that it holds: lost at once
		want(t, "the attempt", harness.Expect[protocol.NewRequest](w).Attempt, int(n)+1)
		w.Close()
	}
	s.Join(harness.Hello(c.Key, "worker", 3))
	end := l.UntilEnd()
	if text(end.ErrorCode) != "worker_lost" || !strings.Contains(text(end.Error), "Nothing was sent") || c.Get(r.ID).MayBeSentAt != nil {
		t.Errorf("the end: %s", end.Data)
	}
}

func threeErrors(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	for n := range 3 {
		ref := harness.Expect[protocol.NewRequest](w).Ref
		want(t, "the attempt", ref.Attempt, n+1)
		w.Send(protocol.Error{Ref: ref, Code: protocol.CodePageChanged, Error: "No composer."})
		harness.Expect[protocol.Ack](w)
		w.Send(protocol.Health{LoggedIn: true, PageOK: true})
	}
	got := c.Await(r.ID, "failed", harness.Status("failed"))
	want(t, "the code", text(got.ErrorCode), "page_changed")
	want(t, "the sentence", text(got.ErrorMessage), "No composer.")
}

func afterGo(t *testing.T, s *harness.Server) {
	c := s.User()
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	for code, stored := range map[protocol.ErrorCode]string{
		protocol.CodeTooLong: "too_long", protocol.CodeModeUnavailable: "mode_unavailable", protocol.CodeChatNotFound: "chat_not_found", protocol.CodeChallenge: "challenge",
		protocol.CodeWorkerLost: "worker_lost", "made_up": "worker_error", "": "worker_error", protocol.CodeCancelled: "worker_error", protocol.CodeInternal: "worker_error",
	} {
		r := c.Submit("Hello")
		ref := w.Take().Ref
		partial := "Some"
		w.Send(protocol.Error{Ref: ref, Code: code, PartialResponse: &partial})
		harness.Expect[protocol.Ack](w)
		got := c.Get(r.ID)
		if got.Status != "failed" || text(got.ErrorCode) != stored || text(got.ErrorMessage) == "<null>" || text(got.PartialResponse) != "Some" || *got.Attempt != 1 {
			t.Errorf("%q: %+v", code, got)
		}
		w.Send(protocol.Health{LoggedIn: true, PageOK: true})
	}
}

func codePoints(t *testing.T, s *harness.Server) {
	c := s.User()
	r, w, ref := submitted(s, c, "Hello")
	l := c.SSE(ssePath(r))
	w.Delta(ref, 0, "😀é日")
	l.UntilText("😀é日")
	w.Delta(ref, 3, "!")
	l.UntilText("😀é日!")
	w.Delta(ref, 5, "beyond")
	harness.Expect[protocol.Resync](w)
	w.Delta(ref, 0, "😀e")
	l.UntilText("😀e")
	w.Send(protocol.Error{Ref: ref, Code: protocol.CodeIncompleteAnswer})
	harness.Expect[protocol.Ack](w)
	want(t, "what had arrived", text(l.UntilEnd().PartialResponse), "😀e")
}

func echoWorker(t *testing.T, s *harness.Server) {
	c := s.User()
	stop := harness.Background(t, []string{"CHATBRIDGE_KEY=" + c.Key}, "worker", "--url", s.URL(""), "--backend", "echo", "--pace", "1ms", "--state", harness.Folder(t))
	r := harness.Run(t, []string{"CHATBRIDGE_KEY=" + c.Key}, "ask", "Say", "this", "--url", s.URL(""))
	if r.Status != 0 || !strings.Contains(r.Stdout, "Say this") {
		t.Errorf("ask: %s", r)
	}
	stop()
	r = harness.Run(t, nil, "worker", "--url", s.URL(""), "--key", "cb_wrong-wrong-wrong-wrong-wrong-wrong", "--backend", "echo", "--state", harness.Folder(t))
	if r.Status != 1 || !strings.Contains(r.Stderr, "key") {
		t.Errorf("a worker with a wrong key: %s", r)
	}
	r = harness.Run(t, nil, "ask", "x", "--url", s.URL(""), "--key", "cb_wrong-wrong-wrong-wrong-wrong-wrong")
	if r.Status != 1 || !strings.Contains(r.Stderr, "key") {
		t.Errorf("ask with a wrong key: %s", r)
	}
}

func cancelledBeforeGo(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := harness.Expect[protocol.NewRequest](w).Ref
	same := c.Submit("Same chat", harness.Fields{"chat_id": r.Chat.ID})
	c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	want(t, "cancel", harness.Expect[protocol.Cancel](w).Ref, ref)
	other := s.Join(harness.Hello(c.Key, "other", 1))
	want(t, "nothing was sent: the chat is free", other.Take().RequestID, same.ID)
	w.Send(protocol.Ready{Ref: ref}) // they crossed: acked, and never go
	want(t, "ack", harness.Expect[protocol.Ack](w).Ref, ref)
	c.Submit("Next")
	w.Take()
}
