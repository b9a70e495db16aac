package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

var nextPage = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// pages reads a list to its end by its Link headers and returns the elements of
// each page.
func pages[T any](t *testing.T, c *harness.Client, path string) (all [][]T) {
	t.Helper()
	for path != "" {
		reply := c.Call("GET", path, nil).Want(200)
		var page []T
		reply.JSON(&page)
		if page == nil {
			t.Fatalf("%s is not an array: %s", path, reply.Body)
		}
		all = append(all, page)
		link := nextPage.FindStringSubmatch(reply.Header.Get("Link"))
		if link == nil {
			return all
		}
		path = link[1]
	}
	return all
}

func messages(page []harness.Request) string {
	var out []string
	for _, r := range page {
		out = append(out, r.Message)
	}
	return strings.Join(out, " ")
}

func lists(t *testing.T, s *harness.Server) {
	c := s.User()
	want(t, "none yet", len(pages[harness.Request](t, c, "/api/chat/requests/")[0]), 0)
	var rs []harness.Request
	for i := range 5 {
		rs = append(rs, c.Submit(fmt.Sprintf("m%d", i)))
	}
	c.Call("POST", "/api/chat/requests/"+rs[1].ID+"/cancel/", nil).Want(200)
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	w.Answer(w.Take().Ref, "Ein ÄRGERES Wort: 50%_\\")
	w.Take()
	for path, wants := range map[string]string{
		"/api/chat/requests/":                                        "m4 m3 m2 m1 m0",
		"/api/chat/requests/?limit=2":                                "m4 m3|m2 m1|m0",
		"/api/chat/requests/?limit=5":                                "m4 m3 m2 m1 m0",
		"/api/chat/requests/?status=idle&limit=1":                    "m4|m3",
		"/api/chat/requests/?status=failed":                          "m1",
		"/api/chat/requests/?status=done":                            "m0",
		"/api/chat/requests/?status=executing":                       "m2",
		"/api/chat/requests/?q=M3":                                   "m3",
		"/api/chat/requests/?q=" + url.QueryEscape("ärgeres"):        "m0",
		"/api/chat/requests/?q=" + url.QueryEscape("%_\\"):           "m0",
		"/api/chat/requests/?q=m&status=idle":                        "m4 m3",
		"/api/chat/requests/?q=nowhere":                              "",
		fmt.Sprintf("/api/chat/requests/?chat=%d", rs[3].Chat.ID):    "m3",
		fmt.Sprintf("/api/chat/chats/%d/requests/", rs[3].Chat.ID):   "m3",
		"/api/chat/requests/?status=&q=&chat=&cursor=&from_future=1": "m4 m3 m2 m1 m0",
	} {
		var got []string
		for _, page := range pages[harness.Request](t, c, path) {
			got = append(got, messages(page))
		}
		want(t, path, strings.Join(got, "|"), wants)
	}
	for _, query := range []string{"status=lost", "limit=0", "limit=501", "limit=-1", "limit=many", "cursor=nonsense!", "cursor=-5"} {
		c.Call("GET", "/api/chat/requests/?"+query, nil).Problem(400, "")
	}
	c.Call("GET", "/api/chat/chats/?cursor=nonsense", nil).Problem(400, "")
	c.Call("GET", "/api/chat/requests/?chat=999999", nil).Problem(404, "")
	want(t, "another account's", len(pages[harness.Request](t, s.User(), "/api/chat/requests/")[0]), 0)
}

type chat struct {
	ID         int64
	ChatID     *string `json:"chat_id"`
	Title      *string
	Unfinished int
}

func chats(t *testing.T, s *harness.Server) {
	c := s.User()
	one, two, three := c.Submit("One"), c.Submit("Two"), c.Submit("Three")
	more := c.Submit("More of one", harness.Fields{"chat_id": one.Chat.ID})
	want(t, "the same chat", more.Chat.ID, one.Chat.ID)
	var order []int64
	for _, page := range pages[chat](t, c, "/api/chat/chats/?limit=2") {
		for _, x := range page {
			order = append(order, x.ID)
		}
	}
	want(t, "newest activity first", fmt.Sprint(order), fmt.Sprint([]int64{one.Chat.ID, three.Chat.ID, two.Chat.ID}))
	get := func(id any) (x chat) {
		c.Call("GET", fmt.Sprintf("/api/chat/chats/%v/", id), nil).Want(200).JSON(&x)
		return x
	}
	want(t, "unfinished", get(one.Chat.ID).Unfinished, 2)

	// A chat is answered in order, one message at a time; its site's id works too.
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	first := w.Take()
	want(t, "first", first.RequestID, one.ID)
	w.Send(protocol.StatusUpdate{Ref: first.Ref, Status: "executing", Phase: protocol.PhaseAnswering, ChatID: ptr("site/one")})
	harness.Eventually(t, "the chat has its site's id", func() bool { return text(get(one.Chat.ID).ChatID) == "site/one" })
	byName := c.Submit("By the site's id", harness.Fields{"chat_id": "site/one"})
	want(t, "the same chat", byName.Chat.ID, one.Chat.ID)
	title := "A title"
	w.Send(protocol.Response{Ref: first.Ref, Response: "1", ChatTitle: &title})
	harness.Expect[protocol.Ack](w)
	got := get("site%2Fone")
	if got.ID != one.Chat.ID || text(got.Title) != title || got.Unfinished != 2 {
		t.Errorf("by the site's id: %+v", got)
	}
	var requests []harness.Request
	c.Call("GET", "/api/chat/chats/site%2Fone/requests/", nil).Want(200).JSON(&requests)
	want(t, "its messages in order", messages(requests), "One More of one By the site's id")
	for _, next := range []harness.Request{two, three, more, byName} {
		took := w.Take()
		want(t, "in order of submission", took.Message, next.Message)
		w.Answer(took.Ref, "ok")
	}
	w.Silent()
}

func ptr[T any](v T) *T { return &v }

func nextIdle(t *testing.T, s *harness.Server) {
	c := s.User()
	path := "/api/chat/requests/next-idle/"
	c.Call("GET", path, nil).Want(204)
	one, two, three := c.Submit("One"), c.Submit("Two"), c.Submit("Three")
	var order []string
	for range 4 {
		var r harness.Request
		c.Call("GET", path, nil).Want(200).JSON(&r)
		if r.LastRetrievedAt == nil || r.Status != "idle" {
			t.Errorf("%+v", r)
		}
		order = append(order, r.Message)
	}
	four := c.Submit("Four")
	var r harness.Request
	c.Call("GET", path, nil).Want(200).JSON(&r)
	order = append(order, r.Message)
	want(t, "never given out first, then the longest ago", strings.Join(order, " "), "One Two Three One Four")
	s.User().Call("GET", path, nil).Want(204)
	for _, r := range []harness.Request{one, two, three, four} {
		c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	}
	c.Call("GET", path, nil).Want(204)
}

func cancelling(t *testing.T, s *harness.Server) {
	hook := harness.NewHook(t)
	account := s.NewAccount(hook.URL)
	c := s.Client(account.Key)
	idle, sent := c.Submit("Idle"), c.Submit("Sent")
	cancel := func(r harness.Request) *harness.Reply {
		return c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil)
	}
	var got harness.Request
	cancel(idle).Want(200).JSON(&got)
	if got.Status != "failed" || text(got.ErrorCode) != "cancelled" || text(got.ErrorMessage) == "<null>" || got.PartialResponse != nil {
		t.Errorf("%+v", got)
	}
	cancel(idle).Problem(409, "")
	d := hook.Next(account.Secret)
	want(t, "its webhook", fmt.Sprint(d.Fields["request_id"], d.Fields["error_code"]), idle.ID+"cancelled")

	w := s.Join(harness.Hello(c.Key, "worker", 1))
	ref := w.Take().Ref
	w.Delta(ref, 0, "What had arrived")
	l := c.SSE(ssePath(sent))
	l.UntilText("What had arrived")
	cancel(sent).Want(200).JSON(&got)
	want(t, "what had arrived", text(got.PartialResponse), "What had arrived")
	want(t, "the worker is told", harness.Expect[protocol.Cancel](w).Ref, ref)
	if end := l.UntilEnd(); end.Type != "failed" || text(end.ErrorCode) != "cancelled" || end.MayBeSentAt() == "" {
		t.Errorf("the end: %s", end.Data)
	}
	next, same := c.Submit("Next"), c.Submit("Same chat", harness.Fields{"chat_id": sent.Chat.ID})
	want(t, "the slot stays taken", reason(next), "busy")
	want(t, "the chat too", reason(same), "chat_busy")
	w.Send(protocol.Cancelled{Ref: ref})
	want(t, "until it has stopped", w.Take().RequestID, next.ID)
}

func receiver(t *testing.T, s *harness.Server) {
	anyone := s.Client("")
	for name, body := range map[string]string{
		"not JSON": `{`, "a list": `[]`, "a string": `"x"`, "null": `null`, "no id": `{}`, "an empty id": `{"request_id":""}`, "a number": `{"request_id":5}`,
		"too long": `{"request_id":"` + strings.Repeat("x", 201) + `"}`, "invalid UTF-8": "{\"request_id\":\"\xff\"}", "empty": ``,
	} {
		reply := anyone.Call("POST", "/api/webhooks/chatgpt/", body).Want(400)
		var e struct{ Error string }
		if json.Unmarshal(reply.Body, &e) != nil || e.Error == "" {
			t.Errorf("%s: %s", name, reply.Body)
		}
	}
	anyone.Call("POST", "/api/webhooks/chatgpt/", `{"request_id":"`+strings.Repeat("é", 200)+`"}`).Want(200)
	anyone.Call("POST", "/api/webhooks/chatgpt/", `{"request_id":"x","response":"`+strings.Repeat("x", 17<<20)+`"}`).Want(413)

	// For an id that was issued here the signature must verify; nothing changes.
	c := s.User()
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	l.Next()
	l.Next()
	forged := `{"request_id":"` + r.ID + `","status":"done","response":"forged"}`
	anyone.Call("POST", "/api/webhooks/chatgpt/", forged).Want(401)
	anyone.Call("POST", "/api/webhooks/chatgpt/", strings.Replace(forged, r.ID, strings.ToUpper(r.ID), 1)).Want(401)
	anyone.Call("POST", "/api/webhooks/chatgpt/", forged, "webhook-id", "msg_1", "webhook-timestamp", "1", "webhook-signature", "v1,AAAA").Want(401)
	want(t, "nothing changed", c.Get(r.ID).Status, "idle")
	c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	want(t, "its stream heard the core only", l.UntilEnd().Type, "failed")
}
