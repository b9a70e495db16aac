package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"chatbridge/e2e/harness"
	"chatbridge/internal/bridge"
)

// wrongKey is the nth of keys that nobody has.
func wrongKey(n int) string { return fmt.Sprintf("cb_a-guess-of-a-key-that-nobody-has-%05d", n) }

// flood guesses until nobody looks any more, and returns how many guesses were
// looked at. Guesses come back with time, so it is to be called just before what
// is to be held up.
func flood(t *testing.T, guess func(n int) *harness.Reply) int {
	t.Helper()
	for n := range 500 {
		reply := guess(n)
		if reply.Status == 429 {
			reply.Problem(429, "too_many_attempts")
			return n
		}
		reply.Problem(401, "")
	}
	t.Fatal("500 guesses were looked at")
	return 0
}

func floodKeys(t *testing.T, s *harness.Server) int {
	t.Helper()
	return flood(t, func(n int) *harness.Reply {
		return s.Client(wrongKey(n)).Call("GET", "/api/chat/requests/", nil)
	})
}

// TestWrongKeys: an address that sends wrong keys is held up, by whatever door it
// comes; a good key from the same address is not.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.NewAccount("")
	own, used := strings.Repeat("a-key-of-mine.", 4), strings.Repeat("one-in-use.", 4)
	keys := fmt.Sprintf("/api/admin/accounts/%d/keys/", a.ID)
	for _, key := range []string{own, used} {
		s.Admin().Call("POST", keys, harness.Fields{"key": key}).Want(201)
	}
	r := s.Client(used).Submit("Hello")
	if n := floodKeys(t, s); n < 30 {
		t.Errorf("held up after %d", n)
	}
	wrong := wrongKey(1000)
	for _, call := range []func() *harness.Reply{
		func() *harness.Reply { return s.Client(wrong).Call("GET", "/api/sse/", nil) },
		func() *harness.Reply { return s.Client(wrong).Call("GET", ssePath(r), nil) },
		func() *harness.Reply {
			return s.Client("").Call("GET", "/api/chat/requests/", nil, "Authorization", "Bearer "+wrong, "X-Forwarded-For", "198.51.100.7")
		},
	} {
		floodKeys(t, s)
		call().Problem(429, "too_many_attempts")
	}
	floodKeys(t, s)
	s.Client("").Socket("/ws/stream/", `{"key":"`+wrong+`"}`).Refused("too_many_attempts")
	floodKeys(t, s)
	_, err := s.TryGuide(wrong, "")
	want(t, "a guide worker", refusal(err), 429)
	floodKeys(t, s)
	w := s.Dial()
	w.Send(harness.Hello(wrong, "worker", 1))
	want(t, "a worker is not told that its key is bad, because nobody looked", w.Closed(), websocket.StatusTryAgainLater)

	// Nobody is told to wait who shows no key.
	floodKeys(t, s)
	s.Client("").Call("GET", "/api/chat/requests/", nil).Problem(401, "")
	want(t, "by its id alone", s.Client("").Get(r.ID).ID, r.ID)
	// A key that we made is never held up, nor is one of a person's that was good
	// before; another one of a person's could be a guess.
	s.Client(a.Key).Submit("Hello")
	s.Client(used).Submit("Hello")
	fresh := s.NewAccount("")
	floodKeys(t, s)
	s.Join(harness.Hello(fresh.Key, "worker", 1))
	floodKeys(t, s)
	s.Client(own).Call("GET", "/api/chat/requests/", nil).Problem(429, "")

	s.Stop()
	s.Restart()
	floodKeys(t, s)
	s.Client(a.Key).Submit("Hello")
	floodKeys(t, s)
	s.Client(used).Call("GET", "/api/chat/requests/", nil).Problem(429, "")
}

func TestWrongAdmins(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	s := harness.StartEnv(t, []string{"CHATBRIDGE_ADMIN_PASSWORD=" + password})
	session, token, anyone := login(t, s, password), s.Token(), s.Client("")
	guess := func(password string) *harness.Reply {
		return anyone.Call("POST", "/api/admin/session/", harness.Fields{"password": password}, "X-Forwarded-For", "198.51.100.7")
	}
	for range 3 { // right ones are not counted
		guess(password).Want(204)
	}
	n := flood(t, func(n int) *harness.Reply { return guess(fmt.Sprintf("a wrong password %d", n)) })
	guess(password).Problem(429, "")
	if n < 10 {
		t.Errorf("held up after %d", n)
	}

	// Who is in stays in, and the command line always lets one in.
	list := func(header ...string) *harness.Reply {
		return anyone.Call("GET", "/api/admin/accounts/", nil, header...)
	}
	list("Cookie", session).Want(200)
	link := s.CLI("admin", "link").Stdout
	_, secret, _ := strings.Cut(strings.TrimSpace(link), "token=")
	anyone.Call("POST", "/api/admin/setup/", harness.Fields{"token": secret, "password": "another horse battery"}).Want(204)

	n = flood(t, func(n int) *harness.Reply {
		if n%2 == 0 {
			return list("Cookie", fmt.Sprintf("chatbridge_session=a-guess-of-a-session-%d", n))
		}
		return list("Authorization", fmt.Sprintf("Bearer cba_a-guess-of-a-token-%d", n))
	})
	anyone.Call("POST", "/api/admin/setup/", harness.Fields{"token": "a-guess-of-a-link", "password": "another horse battery"}).Problem(429, "")
	list("Authorization", "Bearer "+token).Want(200) // a right one is never
	list().Problem(401, "")
	if n < 30 {
		t.Errorf("held up after %d", n)
	}
	harness.Eventually(t, "a new password has ended the session", func() bool { return list("Cookie", session).Status == 401 })
}

// TestSessions: what a browser holds.
func TestSessions(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	s := harness.StartEnv(t, []string{"CHATBRIDGE_ADMIN_PASSWORD=" + password}, "--public-url", "https://bridge.example.com")
	first := login(t, s, password)
	anyone := s.Client("")
	reply := anyone.Call("POST", "/api/admin/session/", harness.Fields{"password": password}, "Cookie", first).Want(204)
	cookie, err := http.ParseSetCookie(reply.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge <= 0 || cookie.MaxAge > 31*24*3600 || len(cookie.Value) < 43 {
		t.Errorf("%+v", cookie)
	}
	second := cookie.Name + "=" + cookie.Value
	if first == second {
		t.Error("logging in again gives the same session")
	}
	list := func(header ...string) *harness.Reply {
		return anyone.Call("GET", "/api/admin/accounts/", nil, header...)
	}
	list("Cookie", first).Problem(401, "") // a browser has one session
	list("Cookie", second).Want(200)
	list("Authorization", "Bearer "+cookie.Value).Problem(401, "") // a session is no token
	list("Cookie", cookie.Name+"="+s.Token()).Problem(401, "")     // nor the reverse
	s.Client(cookie.Value).Call("GET", "/api/chat/requests/", nil).Problem(401, "")
	reply = anyone.Call("DELETE", "/api/admin/session/", nil, "Cookie", second).Want(204)
	if cookie, err := http.ParseSetCookie(reply.Header.Get("Set-Cookie")); err != nil || cookie.MaxAge >= 0 {
		t.Errorf("logged out: %v, %v", cookie, err)
	}
	list("Cookie", second).Problem(401, "")

	// The server is known by its public name as well as by loopback ones.
	for host, status := range map[string]int{"bridge.example.com": 200, "BRIDGE.example.com": 200, "localhost": 200, "other.example.com": 403, "bridge.example.com.evil.example": 403, "bridge.example.com:8443": 403} {
		want(t, "Host "+host, anyone.Call("GET", "/healthz", nil, "Host", host).Status, status)
	}
	want(t, "browsers stay on https", anyone.Call("GET", "/", nil).Header.Get("Strict-Transport-Security"), "max-age=31536000")
}

func TestEdges(t *testing.T) {
	cases{
		"other sites' pages": otherSites,
		"loopback names":     loopbackNames,
		"headers":            securityHeaders,
		"large bodies":       largeBodies,
		"large headers":      largeHeaders,
		"no CORS for admins": noAdminCORS,
	}.run(t)
}

// otherSites: what a browser says of where a call comes from decides.
func otherSites(t *testing.T, s *harness.Server) {
	body := harness.Fields{"name": "from a page"}
	for _, tc := range []struct {
		name   string
		header []string
		status int
	}{
		{"a script", nil, 201},
		{"our page", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + s.Addr}, 201},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, 201},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"a page beside us", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:1"}, 403},
		{"an old browser", []string{"Origin", "https://evil.example"}, 403},
		{"an old browser, our page", []string{"Origin", "http://" + s.Addr}, 201},
		{"a sandboxed frame", []string{"Origin", "null"}, 403},
	} {
		reply := s.Admin().Call("POST", "/api/admin/tokens/", body, tc.header...)
		if reply.Status != tc.status {
			t.Errorf("%s: %d %s", tc.name, reply.Status, reply.Body)
		}
		if tc.status == 403 {
			reply.Problem(403, "cross_origin")
			s.Admin().Call("DELETE", "/api/admin/tokens/x/", nil, tc.header...).Problem(403, "cross_origin")
			s.Admin().Call("PATCH", "/api/admin/accounts/1/", harness.Fields{}, tc.header...).Problem(403, "cross_origin")
			s.Client("").Call("POST", "/api/admin/session/", harness.Fields{"password": "x"}, tc.header...).Problem(403, "cross_origin")
			s.Admin().Call("POST", "/api/admin/tokens", body, tc.header...).Problem(403, "cross_origin") // without its slash
		}
	}
	// A form cannot send JSON.
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		s.Admin().Call("POST", "/api/admin/tokens/", `{"name":"x"}`, "Content-Type", kind).Problem(415, "")
	}
}

func loopbackNames(t *testing.T, s *harness.Server) {
	port := s.Addr[strings.LastIndex(s.Addr, ":"):]
	for host, status := range map[string]int{
		"localhost": 200, "localhost.": 200, "LOCALHOST": 200, "LocalHost.": 200, "app.localhost": 200, "localhost:1": 200,
		"127.0.0.1": 200, "127.1.2.3": 200, "[::1]": 200, "[0:0:0:0:0:0:0:1]": 200, "[::ffff:127.0.0.1]": 200, "[::ffff:7f00:1]": 200,
		"localhost..": 403, "localhost.example": 403, "xlocalhost": 403, "127.0.0.1.": 200, "127.0.0.1.example": 403, "127.1": 403, "2130706433": 403, "0x7f000001": 403, "0177.0.0.1": 403,
		"0.0.0.0": 403, "[::]": 403, "[::ffff:10.0.0.1]": 403, "192.168.0.1": 403, "169.254.169.254": 403, "evil.example": 403, "[fe80::1]": 403,
	} {
		for _, with := range []string{"", port} {
			if strings.HasSuffix(host, ":1") && with != "" {
				continue
			}
			for _, path := range []string{"/healthz", "/api/admin/session/", "/"} {
				if got := s.Client("").Call("GET", path, nil, "Host", host+with).Status; got != status {
					t.Errorf("Host %s%s, %s: %d, want %d", host, with, path, got, status)
				}
			}
		}
	}
	s.Client("").Call("POST", "/api/admin/session/", harness.Fields{"password": "x"}, "Host", "evil.example").Problem(403, "bad_host")
}

func securityHeaders(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	script := regexp.MustCompile(`/assets/[^"]+\.js`).FindString(string(c.Call("GET", "/", nil).Body))
	for _, tc := range []struct {
		call   *harness.Reply
		page   bool
		status int
	}{
		{c.Call("GET", "/", nil), true, 200},
		{c.Call("GET", "/admin/", nil), true, 200},
		{c.Call("GET", "/api/docs/", nil), true, 200},
		{c.Call("GET", script, nil), true, 200},
		{c.Call("GET", "/assets/nothing.js", nil), false, 404},
		{c.Call("GET", "/nothing", nil), false, 404},
		{c.Call("GET", "/api/nothing/", nil), false, 404},
		{c.Call("GET", "/api/chat/requests/", nil), false, 200},
		{c.Call("GET", "/api/chat/requests/", nil, "X-API-Key", "wrong"), false, 401},
		{c.Call("DELETE", "/api/chat/requests/", nil), false, 404},
		{c.Call("POST", "/api/chat/submit/", "x", "Content-Type", "text/plain"), false, 415},
		{c.Call("OPTIONS", "/api/chat/submit/", nil, "Origin", "https://page.example", "Access-Control-Request-Method", "POST"), false, 204},
		{c.Call("GET", "/api/sse/x/?last_event_id=end", nil), false, 204},
		{c.Call("POST", "/api/webhooks/chatgpt/", `{}`), false, 400},
		{c.Call("GET", "/api/openapi.json", nil), false, 200},
		{c.Call("GET", "/healthz", nil), false, 200},
		{c.Call("GET", "/healthz", nil, "Host", "evil.example"), false, 403},
		{s.Admin().Call("GET", "/api/admin/accounts/", nil), false, 200},
		{s.Admin().Call("POST", "/api/admin/tokens/", harness.Fields{"name": "x"}, "Origin", "null"), false, 403},
	} {
		what := fmt.Sprintf("%s %d", tc.call, tc.call.Status)
		if tc.call.Status != tc.status {
			t.Errorf("%s: want %d: %s", what, tc.status, tc.call.Body)
		}
		safe(t, what, tc.call.Header, tc.page)
	}
	want(t, "Cross-Origin-Opener-Policy by a loopback name", c.Call("GET", "/", nil, "Host", "localhost").Header.Get("Cross-Origin-Opener-Policy"), "same-origin")
	want(t, "Cross-Origin-Opener-Policy of plain http by another", c.Call("GET", "/", nil, "Host", "evil.example").Header.Get("Cross-Origin-Opener-Policy"), "")
	stream := c.SSE(ssePath(r))
	safe(t, "a stream", stream.Header, false)
	for _, path := range []string{"/api/admin/accounts/", "/api/chat/requests/"} {
		want(t, path+" is not kept by caches", s.Admin().Call("GET", path, nil).Header.Get("Cache-Control"), "no-store")
	}
}

func safe(t *testing.T, what string, h http.Header, page bool) {
	t.Helper()
	for name, wants := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if h.Get(name) != wants {
			t.Errorf("%s: %s is %q", what, name, h.Get(name))
		}
	}
	csp := h.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || page != strings.Contains(csp, "script-src 'self'") {
		t.Errorf("%s: Content-Security-Policy is %q", what, csp)
	}
	if !strings.Contains(h.Get("Permissions-Policy"), "camera=()") || h.Get("Strict-Transport-Security") != "" || h.Get("Server") != "" {
		t.Errorf("%s: %v", what, h)
	}
}

// largeBodies: every call that takes a body has a limit.
func largeBodies(t *testing.T, s *harness.Server) {
	var api struct {
		Paths map[string]map[string]struct {
			RequestBody any
		}
	}
	s.Client("").Call("GET", "/api/openapi.json", nil).Want(200).JSON(&api)
	user, tried := s.User(), 0
	for path, methods := range api.Paths {
		for method, op := range methods {
			if op.RequestBody == nil {
				continue
			}
			tried++
			c, limit := user, 6*bridge.MaxMessageBytes+2*bridge.MaxMetadataBytes
			if strings.HasPrefix(path, "/api/admin/") {
				c, limit = s.Admin(), 1<<20
			}
			path = strings.NewReplacer("{id}", "1", "{endpoint_id}", "1").Replace(path)
			c.Call(strings.ToUpper(method), path, `{"message":"`+strings.Repeat("x", limit+5000)+`"}`).Problem(413, "too_large")
		}
	}
	if tried < 10 {
		t.Errorf("only %d calls take a body", tried)
	}
}

func largeHeaders(t *testing.T, s *harness.Server) {
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(harness.Patience))
	go func() { // ends with the connection: the server may close it before all is written
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	}()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	want(t, "the status", answer.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
}

func noAdminCORS(t *testing.T, s *harness.Server) {
	for _, path := range []string{"/api/admin/accounts/", "/api/admin/session/", "/api/admin", "/api/chat/../admin/accounts/", "/api/webhooks/chatgpt/", "/api/docs/", "/"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			h := s.Admin().Call(method, path, nil, "Origin", "https://page.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Private-Network", "true").Header
			for name := range h {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s: %s", method, path, name, h.Get(name))
				}
			}
		}
	}
}

// TestOrigins: --cors-origins as people write them.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--cors-origins", "https://One.example/")
	c := s.User()
	for origin, allowed := range map[string]string{"https://one.example": "https://one.example", "https://two.example": "", "http://one.example": "", "https://one.example.evil.example": "", "": ""} {
		h := c.Call("GET", "/api/chat/requests/", nil, "Origin", origin).Want(200).Header
		if h.Get("Access-Control-Allow-Origin") != allowed || h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(h.Get("Vary"), "Origin") {
			t.Errorf("%q: %v", origin, h)
		}
	}
}
