package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/internal/bridge"
)

// submitCases are bodies for POST /api/chat/submit/ that are not taken, and the
// field that the answer names ("" for none).
var submitCases = map[string]struct {
	body   string
	status int
	code   string
	field  string
}{
	"not JSON":                   {`{"message": "Hello"`, 400, "", ""},
	"no JSON at all":             {`message=Hello`, 400, "", ""},
	"two values":                 {`{"message":"a"} {"message":"b"}`, 400, "", ""},
	"empty":                      {``, 400, "", ""},
	"null":                       {`null`, 400, "", ""},
	"a list":                     {`[]`, 400, "", ""},
	"a string":                   {`"Hello"`, 400, "", ""},
	"no message":                 {`{}`, 400, "", "message"},
	"message null":               {`{"message":null}`, 400, "", "message"},
	"message a number":           {`{"message":5}`, 400, "", ""},
	"message an object":          {`{"message":{}}`, 400, "", ""},
	"message empty":              {`{"message":""}`, 400, "", "message"},
	"message blank":              {`{"message":" \t\n\u00a0\u3000"}`, 400, "", "message"},
	"message with U+0000":        {`{"message":"a\u0000b"}`, 400, "", "message"},
	"a lone high surrogate":      {`{"message":"a\ud800b"}`, 400, "", ""},
	"a lone low surrogate":       {`{"message":"a\udc00b"}`, 400, "", ""},
	"surrogates the wrong way":   {`{"message":"\udc00\ud800"}`, 400, "", ""},
	"two high surrogates":        {`{"message":"\ud800\ud800"}`, 400, "", ""},
	"invalid UTF-8":              {"{\"message\":\"a\xff\"}", 400, "", ""},
	"a surrogate as UTF-8":       {"{\"message\":\"a\xed\xa0\x80\"}", 400, "", ""},
	"an overlong NUL":            {"{\"message\":\"a\xc0\x80\"}", 400, "", ""},
	"message too large":          {`{"message":"` + strings.Repeat("x", bridge.MaxMessageBytes+1) + `"}`, 413, "message_too_large", ""},
	"message too large in UTF-8": {`{"message":"` + strings.Repeat("é", bridge.MaxMessageBytes/2+1) + `"}`, 413, "message_too_large", ""},
	"body too large":             {`{"message":"` + strings.Repeat("x", 8<<20) + `"}`, 413, "", ""},
	"metadata too large":         {`{"message":"a","metadata":"` + strings.Repeat("x", bridge.MaxMetadataBytes) + `"}`, 413, "metadata_too_large", ""},
	"unknown response_type":      {`{"message":"a","response_type":"loud"}`, 400, "", "response_type"},
	"response_type a number":     {`{"message":"a","response_type":1}`, 400, "", ""},
	"unknown thinking_time":      {`{"message":"a","thinking_time":"long"}`, 400, "", "thinking_time"},
	"timeout 0":                  {`{"message":"a","timeout_seconds":0}`, 400, "", "timeout_seconds"},
	"timeout negative":           {`{"message":"a","timeout_seconds":-1}`, 400, "", "timeout_seconds"},
	"timeout too long":           {`{"message":"a","timeout_seconds":86401}`, 400, "", "timeout_seconds"},
	"timeout a fraction":         {`{"message":"a","timeout_seconds":1.5}`, 400, "", ""},
	"timeout a string":           {`{"message":"a","timeout_seconds":"60"}`, 400, "", ""},
	"temporary a string":         {`{"message":"a","temporary":"yes"}`, 400, "", ""},
	"temporary with a chat":      {`{"message":"a","temporary":true,"chat_id":1}`, 400, "", "temporary"},
	"attachments":                {`{"message":"a","attachments":[]}`, 400, "not_supported", "attachments"},
	"chat_id a boolean":          {`{"message":"a","chat_id":true}`, 400, "", ""},
	"chat_id a fraction":         {`{"message":"a","chat_id":1.5}`, 400, "", ""},
	"an unknown chat":            {`{"message":"a","chat_id":"nowhere"}`, 404, "chat_not_found", ""},
	"an unknown chat of ours":    {`{"message":"a","chat_id":999999}`, 404, "chat_not_found", ""},
	"a chat out of range":        {`{"message":"a","chat_id":99999999999999999999}`, 400, "", ""},
}

func TestInput(t *testing.T) {
	cases{
		"what submit refuses": submitRefuses,
		"what submit takes":   submitTakes,
		"idempotency":         idempotency,
		"ids":                 ids,
		"methods and types":   methods,
		"lists":               lists,
		"chats":               chats,
		"next idle":           nextIdle,
		"cancel":              cancelling,
		"the receiver":        receiver,
	}.run(t)
}

func submitRefuses(t *testing.T, s *harness.Server) {
	c := s.User()
	for name, tc := range submitCases {
		t.Run(name, func(t *testing.T) {
			r := s.On(t).Client(c.Key).Call("POST", "/api/chat/submit/", tc.body)
			r.Problem(tc.status, tc.code)
			if tc.field != "" {
				r.Field(tc.field)
			}
		})
	}
	var none []harness.Request
	c.Call("GET", "/api/chat/requests/", nil).Want(200).JSON(&none)
	want(t, "requests made by what was refused", len(none), 0)
}

func submitTakes(t *testing.T, s *harness.Server) {
	c := s.User()
	for name, tc := range map[string]struct{ body, message string }{
		"unknown fields":       {`{"message":"a","from_the_future":{"b":[1]}}`, "a"},
		"nulls for the rest":   {`{"message":"a","response_type":null,"thinking_time":null,"chat_id":null,"temporary":null,"metadata":null,"timeout_seconds":null,"attachments":null}`, "a"},
		"an empty chat_id":     {`{"message":"a","chat_id":""}`, "a"},
		"exactly as given":     {`{"message":"  \n a\t\r\n <b>\u2028&\u00e9 \ud83d\ude00 \ufffd\ufeff\u0001  "}`, "  \n a\t\r\n <b>\u2028&é 😀 \ufffd\ufeff\u0001  "},
		"escaped backslashes":  {`{"message":"\\ud800 and \\\\udc00"}`, `\ud800 and \\udc00`},
		"the longest":          {`{"message":"` + strings.Repeat("x", bridge.MaxMessageBytes) + `"}`, strings.Repeat("x", bridge.MaxMessageBytes)},
		"the longest, escaped": {`{"message":"` + strings.Repeat(`\u0001`, bridge.MaxMessageBytes) + `"}`, strings.Repeat("\u0001", bridge.MaxMessageBytes)},
	} {
		var r harness.Request
		c.Call("POST", "/api/chat/submit/", tc.body).Want(201).JSON(&r)
		if r.Message != tc.message || c.Get(r.ID).Message != tc.message {
			t.Errorf("%s: the message was changed", name)
		}
	}
	full := c.Submit("a", harness.Fields{"response_type": "thinking", "thinking_time": "extended", "metadata": []any{1, "<b>", nil}, "timeout_seconds": 86400})
	if full.ResponseType != "thinking" || full.ThinkingTime != "extended" || string(full.Metadata) != `[1,"<b>",null]` {
		t.Errorf("%+v", full)
	}
	var raw map[string]any
	c.Call("POST", "/api/chat/submit", `{"message":"a"}`).Want(201).JSON(&raw)
	for _, name := range strings.Fields(`id request_id message response_type thinking_time status phase waiting response partial_response error_message error_code retry_after
		chat metadata attempt mode_used evidence queued_at started_at may_be_sent_at completed_at last_retrieved_at stream_url`) {
		if _, ok := raw[name]; !ok {
			t.Errorf("the request lacks %s", name)
		}
	}
	if at := raw["queued_at"].(string); !strings.HasSuffix(at, "Z") || !strings.HasPrefix(raw["stream_url"].(string), "/api/sse/"+raw["id"].(string)+"/?") {
		t.Errorf("%v", raw)
	}
}

func idempotency(t *testing.T, s *harness.Server) {
	c, other := s.User(), s.User()
	submit := func(c *harness.Client, key, body string) *harness.Reply {
		return c.Call("POST", "/api/chat/submit/", body, "Idempotency-Key", key)
	}
	var first, again harness.Request
	submit(c, "one", `{"message":"Hello","metadata":{"a": 1}}`).Want(201).JSON(&first)
	submit(c, "one", `{ "metadata":{"a":1}, "thinking_time":"standard", "message":"H\u0065llo", "unknown":1 }`).Want(201).JSON(&again)
	want(t, "the same decoded fields", again.ID, first.ID)
	submit(c, "one", `{"message":"Hello!","metadata":{"a":1}}`).Problem(409, "")
	submit(c, "one", `{"message":"Hello"}`).Problem(409, "")
	submit(other, "one", `{"message":"Hello","metadata":{"a":1}}`).Want(201).JSON(&again)
	if again.ID == first.ID {
		t.Error("a key is the account's own")
	}
	submit(c, strings.Repeat("k", 256), `{"message":"Hello"}`).Problem(400, "")
	c.Call("POST", "/api/chat/requests/"+first.ID+"/cancel/", nil).Want(200)
	submit(c, "one", `{"message":"Hello","metadata":{"a":1}}`).Want(201).JSON(&again)
	want(t, "also after its end", again.ID+again.Status, first.ID+"failed")

	made := make([]string, 50)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			var r harness.Request
			reply := submit(c, "many", `{"message":"At once"}`)
			if reply.Status == 201 {
				reply.JSON(&r)
			}
			made[i] = r.ID
		})
	}
	all.Wait()
	for _, id := range made {
		if id == "" || id != made[0] {
			t.Fatalf("50 at once made %q and %q", made[0], id)
		}
	}
	var list []harness.Request
	c.Call("GET", "/api/chat/requests/", nil).Want(200).JSON(&list)
	want(t, "requests", len(list), 2)
}

func ids(t *testing.T, s *harness.Server) {
	c, other := s.User(), s.User()
	r := c.Submit("Hello")
	for _, path := range []string{"/api/chat/requests/%s/", "/api/chat/requests/%s"} {
		var got harness.Request
		c.Call("GET", fmt.Sprintf(path, strings.ToUpper(r.ID)), nil).Want(200).JSON(&got)
		want(t, "ids are compared in lower case", got.ID, r.ID)
		other.Call("GET", fmt.Sprintf(path, r.ID), nil).Problem(404, "")
	}
	for _, id := range []string{"00000000-0000-4000-8000-000000000000", "nonsense", "%00", "%F0%9F%98%80", "%FF", strings.Repeat("long", 1250), "'%20OR%201=1"} {
		c.Call("GET", "/api/chat/requests/"+id+"/", nil).Problem(404, "")
		c.Call("POST", "/api/chat/requests/"+id+"/cancel/", nil).Problem(404, "")
		c.Call("GET", "/api/chat/chats/"+id+"/", nil).Problem(404, "")
		c.Call("GET", "/api/chat/chats/"+id+"/requests/", nil).Problem(404, "")
	}
	other.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Problem(404, "")
	other.Call("GET", fmt.Sprintf("/api/chat/chats/%d/", r.Chat.ID), nil).Problem(404, "")
	other.Call("GET", fmt.Sprintf("/api/chat/chats/%d/requests/", r.Chat.ID), nil).Problem(404, "")
	other.Call("GET", fmt.Sprintf("/api/chat/requests/?chat=%d", r.Chat.ID), nil).Problem(404, "")
	other.Call("POST", "/api/chat/submit/", harness.Fields{"message": "a", "chat_id": r.Chat.ID}).Problem(404, "chat_not_found")
	other.Call("GET", "/api/sse/"+r.ID+"/", nil).Problem(404, "")
	want(t, "it is still there", c.Get(r.ID).Status, "idle")
}

func methods(t *testing.T, s *harness.Server) {
	c := s.User()
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"} {
		c.Call("POST", "/api/chat/submit/", `{"message":"a"}`, "Content-Type", kind).Problem(415, "")
	}
	for _, kind := range []string{"application/json", "APPLICATION/JSON; charset=utf-8", "application/merge-patch+json"} {
		c.Call("POST", "/api/chat/submit/", `{"message":"a"}`, "Content-Type", kind).Want(201)
	}
	r := c.Submit("a")
	// Without the slash all answers the same, POST included, and nothing is redirected.
	for _, call := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"POST", "/api/chat/submit", harness.Fields{"message": "a"}, 201},
		{"GET", "/api/chat/requests", nil, 200}, {"GET", "/api/chat/chats", nil, 200}, {"GET", "/api/chat/requests/next-idle", nil, 200},
		{"GET", "/api/chat/requests/" + r.ID, nil, 200}, {"POST", "/api/chat/requests/" + r.ID + "/cancel", nil, 200},
		{"GET", fmt.Sprintf("/api/chat/chats/%d", r.Chat.ID), nil, 200}, {"GET", fmt.Sprintf("/api/chat/chats/%d/requests", r.Chat.ID), nil, 200},
		{"GET", "/api/sse/x?last_event_id=end", nil, 204}, {"GET", "/api/webhooks/chatgpt", nil, 200},
		{"POST", "/api/webhooks/chatgpt", harness.Fields{"request_id": "x"}, 200}, {"GET", "/api/health", nil, 200}, {"GET", "/health", nil, 200},
		{"GET", "/api/docs", nil, 200}, {"GET", "/api/schema", nil, 200}, {"GET", "/client", nil, 200}, {"GET", "/admin", nil, 200},
	} {
		c.Call(call.method, call.path, call.body).Want(call.status)
	}
	for _, path := range []string{"/api/", "/api/nothing/", "/api/chat/", "/api/chat/requests/x/y/", "/api/sse/x/y/"} {
		c.Call("GET", path, nil).Problem(404, "")
	}
	for _, call := range [][2]string{{"DELETE", "/api/chat/submit/"}, {"GET", "/api/chat/submit/"}, {"PUT", "/api/chat/requests/"}, {"POST", "/api/sse/x/"}} {
		if reply := c.Call(call[0], call[1], nil); reply.Status != 404 && reply.Status != 405 {
			t.Errorf("%v: %d", call, reply.Status)
		} else {
			reply.Problem(reply.Status, "")
		}
	}
	if reply := c.Call("GET", "/nothing-here", nil); reply.Status != http.StatusNotFound {
		t.Errorf("a path of no face: %d", reply.Status)
	}
}
