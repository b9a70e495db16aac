package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// key makes a key of an account with these scopes.
func key(s *harness.Server, account harness.Account, scopes ...string) (id int64, secret string) {
	var made struct {
		ID  int64
		Key string
	}
	s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/keys/", account.ID), harness.Fields{"scopes": scopes}).Want(201).JSON(&made)
	return made.ID, made.Key
}

func TestAccess(t *testing.T) {
	cases{
		"keys":            keys,
		"scopes":          scopes,
		"a disabled one":  disabled,
		"CORS":            cors,
		"the Host header": hostHeader,
		"page headers":    pageHeaders,
		"health and docs": healthAndDocs,
		"the admin API":   adminAccess,
	}.run(t)
}

// clientCalls are the calls that want a key.
var clientCalls = [][2]string{
	{"POST", "/api/chat/submit/"}, {"GET", "/api/chat/requests/"}, {"GET", "/api/chat/requests/next-idle/"}, {"POST", "/api/chat/requests/x/cancel/"},
	{"GET", "/api/chat/chats/"}, {"GET", "/api/chat/chats/1/"}, {"GET", "/api/chat/chats/1/requests/"}, {"GET", "/api/sse/"},
}

func keys(t *testing.T, s *harness.Server) {
	r := s.User().Submit("Hello")
	for name, header := range map[string][]string{
		"none": nil, "wrong": {"X-API-Key", "cb_wrong-wrong-wrong-wrong-wrong-wrong-wrong"}, "not Bearer": {"Authorization", "Basic eDp5"},
		"an empty Bearer": {"Authorization", "Bearer "}, "an admin token": {"Authorization", "Bearer " + s.Token()}, "very long": {"X-API-Key", strings.Repeat("x", 10_000)},
	} {
		calls := clientCalls
		if name == "an admin token" || name == "very long" {
			calls = calls[:2] // wrong keys are counted
		}
		for _, call := range calls {
			var body any
			if call[0] == "POST" {
				body = harness.Fields{"message": "a"}
			}
			reply := s.Client("").Call(call[0], call[1], body, header...)
			if reply.Problem(401, ""); !strings.HasPrefix(reply.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %s with %s: WWW-Authenticate %q", call[0], call[1], name, reply.Header.Get("WWW-Authenticate"))
			}
		}
	}
	// A key that is shown counts, also where none is needed.
	wrong := s.Client("cb_wrong-wrong-wrong-wrong-wrong-wrong-wrong")
	wrong.Call("GET", "/api/chat/requests/"+r.ID+"/", nil).Problem(401, "")
	wrong.Call("GET", "/api/sse/"+r.ID+"/", nil).Problem(401, "")
	// An id that was never issued.
	s.Client("").Call("GET", "/api/chat/requests/00000000-0000-4000-8000-000000000000/", nil).Problem(401, "")
}

func scopes(t *testing.T, s *harness.Server) {
	account := s.NewAccount("")
	_, workerKey := key(s, account, "worker")
	_, clientKey := key(s, account, "client")
	_, both := key(s, account)
	r := s.Client(both).Submit("Hello")
	for _, call := range clientCalls {
		var body any
		if call[0] == "POST" {
			body = harness.Fields{"message": "a"}
		}
		s.Client(workerKey).Call(call[0], call[1], body).Problem(403, "")
	}
	s.Client(workerKey).Call("GET", "/api/chat/requests/"+r.ID+"/", nil).Problem(403, "")
	s.Client(workerKey).Call("GET", "/api/sse/"+r.ID+"/", nil).Problem(403, "")
	s.Client(clientKey).Submit("Hello")

	if _, err := s.TryGuide(clientKey, ""); refusal(err) != 403 {
		t.Errorf("a guide worker with a client's key: %v", err)
	}
	w := s.Dial()
	w.Send(harness.Hello(clientKey, "worker", 1))
	want(t, "a worker with a client's key", harness.Expect[protocol.Bye](w).Code, protocol.ByeBadKey)
	w.Closed()
	s.Join(harness.Hello(workerKey, "worker", 1)).Take()
	l := s.Client("").Socket("/ws/stream/", `{"key":"`+workerKey+`"}`)
	l.Refused("forbidden")

	admin := s.Admin()
	path := fmt.Sprintf("/api/admin/accounts/%d/keys/", account.ID)
	admin.Call("POST", path, harness.Fields{"scopes": []string{"root"}}).Problem(400, "")
	admin.Call("POST", path, harness.Fields{"key": "too short"}).Problem(400, "")
	own := strings.Repeat("my-own-key.", 4)
	admin.Call("POST", path, harness.Fields{"key": own}).Want(201)
	admin.Call("POST", path, harness.Fields{"key": own}).Field("key")
	s.Client(own).Submit("Hello")
}

func refusal(err error) int {
	if r, ok := errors.AsType[*harness.Refused](err); ok {
		return r.Status
	}
	return 0
}

func disabled(t *testing.T, s *harness.Server) {
	account := s.NewAccount("")
	c := s.Client(account.Key)
	r := c.Submit("Hello")
	bare, feed := s.Client("").SSE(ssePath(r)), c.SSE("/api/sse/")
	signed := s.Client("").Socket(strings.Replace(r.StreamURL, "/api/sse/", "/ws/stream/", 1), "")
	w := s.Join(harness.Hello(account.Key, "worker", 1))
	guide := s.Guide(account.Key)
	w.Take()
	for _, l := range []*harness.Listener{bare, feed, signed} {
		l.Until("submitted", func(n harness.News) bool { return n.Phase == "submitted" })
	}
	path := fmt.Sprintf("/api/admin/accounts/%d/", account.ID)
	s.Admin().Call("PATCH", path, harness.Fields{"active": false}).Want(200)
	for name, l := range map[string]*harness.Listener{"a bare stream": bare, "the feed": feed, "a signed socket": signed} {
		if err := l.Closed(); err == nil { // the worker's end may be heard before
			t.Errorf("%s goes on", name)
		}
	}
	want(t, "the worker", harness.Expect[protocol.Bye](w).Code, protocol.ByeBadKey)
	w.Closed()
	guide.Closed()
	c.Call("GET", "/api/chat/requests/", nil).Problem(401, "")
	c.Call("POST", "/api/chat/submit/", harness.Fields{"message": "a"}).Problem(401, "")
	s.Client("").Call("GET", ssePath(r), nil).Problem(401, "")
	s.Client("").Call("GET", r.StreamURL, nil).Problem(401, "")
	s.Client("").Call("GET", "/api/chat/requests/"+r.ID+"/", nil).Problem(401, "")
	s.Admin().Call("PATCH", path, harness.Fields{"active": true}).Want(200)
	want(t, "on again", c.Get(r.ID).ID, r.ID)
}

func cors(t *testing.T, s *harness.Server) {
	c := s.User()
	const origin = "https://page.example"
	for _, path := range []string{"/api/chat/requests/", "/api/chat/requests/nonsense/", "/api/sse/x/?last_event_id=end"} {
		h := c.Call("GET", path, nil, "Origin", origin).Header
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", path, h)
		}
		for _, name := range []string{"Link", "Retry-After"} {
			if !strings.Contains(h.Get("Access-Control-Expose-Headers"), name) {
				t.Errorf("%s does not expose %s", path, name)
			}
		}
	}
	// Errors too, or a page would not see them.
	if h := s.Client("").Call("POST", "/api/chat/submit/", "nonsense", "Origin", origin, "Content-Type", "text/plain").Header; h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an error: %v", h)
	}
	for _, path := range []string{"/api/chat/submit/", "/api/chat/submit", "/api/chat/requests/x/cancel/", "/api/sse/x/"} {
		h := s.Client("").Call("OPTIONS", path, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-api-key,content-type,idempotency-key,authorization,last-event-id").Want(204).Header
		for _, name := range []string{"x-api-key", "content-type", "idempotency-key", "authorization", "last-event-id"} {
			if !strings.Contains(strings.ToLower(h.Get("Access-Control-Allow-Headers")), name) {
				t.Errorf("a preflight of %s does not allow %s", path, name)
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("a preflight of %s: %v", path, h)
		}
	}
	for _, path := range []string{"/api/admin/session/", "/api/admin/accounts/", "/api/webhooks/chatgpt/", "/"} {
		if h := s.Admin().Call("GET", path, nil, "Origin", origin).Header; h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other origins in", path)
		}
	}
}

func TestListedOrigins(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--cors-origins", "https://one.example,https://two.example")
	c := s.User()
	for origin, allowed := range map[string]bool{"https://one.example": true, "https://two.example": true, "https://three.example": false, "null": false} {
		h := c.Call("GET", "/api/chat/requests/", nil, "Origin", origin).Want(200).Header
		if wants := map[bool]string{true: origin, false: ""}[allowed]; h.Get("Access-Control-Allow-Origin") != wants || allowed && !strings.Contains(h.Get("Vary"), "Origin") {
			t.Errorf("%s: %v", origin, h)
		}
		_, err := s.TryGuide(c.Key, origin)
		want(t, "a worker's socket from "+origin, refusal(err), map[bool]int{true: 0, false: 403}[allowed])
	}
}

func hostHeader(t *testing.T, s *harness.Server) {
	port := s.Addr[strings.LastIndex(s.Addr, ":"):]
	for host, status := range map[string]int{
		"localhost" + port: 200, "127.0.0.1" + port: 200, "[::1]" + port: 200, "localhost": 200, "sub.localhost" + port: 200, "LOCALHOST." + port: 200,
		"evil.example": 403, "evil.example" + port: 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "0.0.0.0" + port: 403, "10.0.0.1": 403,
	} {
		reply := s.Client("").Call("GET", "/api/health/", nil, "Host", host)
		if reply.Status != status {
			t.Errorf("Host %s: %d", host, reply.Status)
		} else if status == 403 {
			reply.Problem(403, "")
		}
	}
}

func pageHeaders(t *testing.T, s *harness.Server) {
	for path, page := range map[string]string{"/": "chat.js", "/client/": "chat.js", "/client": "chat.js", "/client/?chat=1": "chat.js",
		"/admin/": "admin.js", "/admin": "admin.js", "/admin/accounts/": "admin.js", "/admin/anything/of/it?open=1": "admin.js"} {
		plain := s.Client("").Call("GET", path, nil, "Accept-Encoding", "identity").Want(200)
		h := plain.Header
		if !strings.Contains(string(plain.Body), "/assets/"+page) {
			t.Errorf("%s is another page: %s", path, plain.Body)
		}
		packed := s.Client("").Call("GET", path, nil, "Accept-Encoding", "gzip").Want(200)
		if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" || h.Get("Vary") != "Accept-Encoding" || packed.Header.Get("ETag") == h.Get("ETag") || len(packed.Body) >= len(plain.Body) {
			t.Errorf("%s, compressed: %d bytes instead of %d, %v", path, len(packed.Body), len(plain.Body), packed.Header)
		}
		want(t, path+", not changed", s.Client("").Call("GET", path, nil, "Accept-Encoding", "gzip", "If-None-Match", packed.Header.Get("ETag")).Status, 304)
		if head := s.Client("").Call("HEAD", path, nil, "Accept-Encoding", "gzip").Want(200); head.Header.Get("ETag") != packed.Header.Get("ETag") || len(head.Body) != 0 {
			t.Errorf("HEAD %s: %v", path, head.Header)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func healthAndDocs(t *testing.T, s *harness.Server) {
	anyone := s.Client("")
	for _, path := range []string{"/api/health/", "/health/", "/healthz", "/readyz"} {
		anyone.Call("GET", path, nil).Want(200)
	}
	var api struct {
		OpenAPI string
		Paths   map[string]any
	}
	anyone.Call("GET", "/api/openapi.json", nil).Want(200).JSON(&api)
	if !strings.HasPrefix(api.OpenAPI, "3.1") || api.Paths["/api/chat/submit/"] == nil || api.Paths["/api/admin/accounts/"] == nil {
		t.Errorf("OpenAPI %s with %d paths", api.OpenAPI, len(api.Paths))
	}
	anyone.Call("GET", "/api/schema/", nil).Want(200)
	docs := string(anyone.Call("GET", "/api/docs/", nil).Want(200).Body)
	if !strings.Contains(docs, "/api/chat/submit/") || strings.Contains(docs, "https://cdn") || strings.Contains(docs, "unpkg") {
		t.Errorf("the docs page does not come whole from the program: %d bytes", len(docs))
	}
}

// adminCalls are the calls of the admin API, as its description has them, but
// those that are for everybody: to log in.
func adminCalls(t *testing.T, s *harness.Server) (calls [][2]string) {
	t.Helper()
	var api struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	s.Client("").Call("GET", "/api/openapi.json", nil).Want(200).JSON(&api)
	var open []string
	for path, methods := range api.Paths {
		if !strings.HasPrefix(path, "/api/admin/") {
			continue
		}
		for method, op := range methods {
			if len(op.Security) == 0 {
				open = append(open, method+" "+path)
				continue
			}
			calls = append(calls, [2]string{strings.ToUpper(method), regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "1")})
		}
	}
	slices.Sort(open)
	want(t, "open to everybody", strings.Join(open, " "), "get /api/admin/session/ post /api/admin/session/ post /api/admin/setup/")
	if len(calls) < 30 {
		t.Fatalf("only %d calls", len(calls))
	}
	return calls
}

func adminAccess(t *testing.T, s *harness.Server) {
	account := s.NewAccount("")
	for _, call := range adminCalls(t, s) {
		headers := [][]string{nil}
		if call[1] == "/api/admin/accounts/" { // wrong ones are counted
			headers = append(headers, []string{"Authorization", "Bearer " + account.Key}, []string{"X-API-Key", account.Key}, []string{"Cookie", "chatbridge_session=nonsense"},
				[]string{"Cookie", "chatbridge_session=" + s.Token()})
		}
		for _, header := range headers {
			var body any
			if call[0] == "POST" || call[0] == "PATCH" {
				body = harness.Fields{}
			}
			s.Client("").Call(call[0], call[1], body, header...).Problem(http.StatusUnauthorized, "")
		}
	}
	admin := s.Admin()
	for name, body := range map[string]harness.Fields{
		"no email": {}, "not an email": {"email": "nobody"}, "a webhook elsewhere": {"email": "a@example.com", "webhook_url": "ftp://example.com/"},
		"a webhook with credentials": {"email": "a@example.com", "webhook_url": "http://user:pass@example.com/"}, "a short key": {"email": "a@example.com", "key": "short"},
		"cloud metadata": {"email": "a@example.com", "webhook_url": "http://169.254.169.254/"},
	} {
		if reply := admin.Call("POST", "/api/admin/accounts/", body); reply.Status != 400 {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
	admin.Call("POST", "/api/admin/accounts/", harness.Fields{"email": strings.ToUpper(account.Email)}).Problem(409, "")
	admin.Call("GET", "/api/admin/accounts/999999/", nil).Problem(404, "")
	admin.Call("PATCH", "/api/admin/accounts/999999/", harness.Fields{"active": true}).Problem(404, "")
	admin.Call("POST", "/api/admin/accounts/", harness.Fields{"email": "x@example.com"}, "Sec-Fetch-Site", "cross-site").Problem(403, "")
}

func keyPath(account, key int64) string {
	return fmt.Sprintf("/api/admin/accounts/%d/keys/%d/", account, key)
}

// accountOf finds the account that a client's key belongs to.
func accountOf(t *testing.T, s *harness.Server, c *harness.Client) int64 {
	t.Helper()
	var all []struct{ ID int64 }
	s.Admin().Call("GET", "/api/admin/accounts/", nil).Want(200).JSON(&all)
	for _, a := range all {
		var keys []struct{ Prefix string }
		s.Admin().Call("GET", fmt.Sprintf("/api/admin/accounts/%d/keys/", a.ID), nil).Want(200).JSON(&keys)
		for _, k := range keys {
			if strings.HasPrefix(c.Key, k.Prefix) {
				return a.ID
			}
		}
	}
	t.Fatal("no account has this key")
	return 0
}
