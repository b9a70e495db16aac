package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatbridge/internal/client"
)

// Request is a request as the server shows it.
type Request = client.Request

// web keeps few connections, closed when the tests end.
var web = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       2 * Patience,
}

// Client calls a server with a key.
type Client struct {
	t testing.TB
	s *Server
	// Key is sent as X-API-Key; "" sends none.
	Key string
	// Bearer is sent as Authorization: Bearer; "" sends none.
	Bearer string
}

// Client returns a client that shows this key; "" for none.
func (s *Server) Client(key string) *Client {
	Secret("an API key", key)
	return &Client{t: s.t, s: s, Key: key}
}

// Admin returns a client of the admin API.
func (s *Server) Admin() *Client { return &Client{t: s.t, s: s, Bearer: s.Token()} }

// Reply is an answer, read whole.
type Reply struct {
	t      testing.TB
	call   string
	Status int
	Header http.Header
	Body   []byte
}

// Call makes one call. A body that is a string or []byte is sent as it is, any
// other but nil as JSON; header holds names and values by turns, of which an
// empty value takes a header away.
func (c *Client) Call(method, path string, body any, header ...string) *Reply {
	c.t.Helper()
	r, err := c.try(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *Client) try(method, path string, body any, header ...string) (*Reply, error) {
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	case []byte:
		data = b
	default:
		var encoded bytes.Buffer
		enc := json.NewEncoder(&encoded)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(b); err != nil {
			return nil, err
		}
		data = encoded.Bytes()
	}
	req, err := http.NewRequest(method, c.s.URL(path), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Key != "" {
		req.Header.Set("X-API-Key", c.Key)
	}
	if c.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.Bearer)
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch name, value := header[i], header[i+1]; {
		case name == "Host":
			req.Host = value
		case value == "":
			req.Header.Del(name)
		default:
			req.Header.Set(name, value)
		}
	}
	before := noted()
	resp, err := web.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	reply := &Reply{c.t, method + " " + path, resp.StatusCode, resp.Header, got}
	checkReply(path, reply, before)
	if strings.HasPrefix(path, "/api/admin/") {
		note(data)
		note(got)
		noteSession(resp.Header)
	}
	return reply, nil
}

// Want fails the test unless the reply has this status.
func (r *Reply) Want(status int) *Reply {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.call, r.Status, status, cut(r.Body))
	}
	return r
}

// JSON reads the body.
func (r *Reply) JSON(v any) {
	r.t.Helper()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" && kind != "application/openapi+json" {
		r.t.Fatalf("%s: Content-Type %q", r.call, r.Header.Get("Content-Type"))
	}
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("%s: %v: %s", r.call, err, cut(r.Body))
	}
}

// sentence is what a person can read: more than one word.
var sentence = regexp.MustCompile(`^\S+ .+`)

// Problem is an error answer (RFC 9457).
type Problem struct {
	Status int
	Code   string
	Detail string
	Errors map[string][]string
}

// Problem fails the test unless the reply is a problem of this status and code
// ("" for any) in the full shape: the type, the status again, a code for
// programs and a sentence for people; and Retry-After where one may try again.
func (r *Reply) Problem(status int, code string) Problem {
	r.t.Helper()
	r.Want(status)
	if kind := r.Header.Get("Content-Type"); kind != "application/problem+json" {
		r.t.Fatalf("%s: Content-Type %q: %s", r.call, kind, cut(r.Body))
	}
	var p Problem
	if err := json.Unmarshal(r.Body, &p); err != nil {
		r.t.Fatalf("%s: %v: %s", r.call, err, cut(r.Body))
	}
	again := r.Header.Get("Retry-After") != ""
	if p.Status != status || p.Code == "" || code != "" && p.Code != code || !sentence.MatchString(p.Detail) ||
		again != (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		r.t.Fatalf("%s: problem %s (Retry-After %v), want code %q", r.call, cut(r.Body), again, code)
	}
	return p
}

// Field fails the test unless the problem has a sentence for this field.
func (r *Reply) Field(name string) {
	r.t.Helper()
	if p := r.Problem(http.StatusBadRequest, ""); len(p.Errors[name]) == 0 || !sentence.MatchString(p.Errors[name][0]) {
		r.t.Fatalf("%s: no sentence for %q: %s", r.call, name, cut(r.Body))
	}
}

func cut(b []byte) string {
	if len(b) > 2000 {
		return string(b[:2000]) + "…"
	}
	return string(b)
}

// Fields are the fields of a JSON object.
type Fields map[string]any

// Submit submits a message, with more fields if need be.
func (c *Client) Submit(message string, more ...Fields) Request {
	c.t.Helper()
	body := Fields{"message": message}
	for _, fields := range more {
		for name, value := range fields {
			body[name] = value
		}
	}
	var r Request
	c.Call("POST", "/api/chat/submit/", body).Want(http.StatusCreated).JSON(&r)
	return r
}

// Get returns a request as it is now.
func (c *Client) Get(id string) Request {
	c.t.Helper()
	var r Request
	c.Call("GET", "/api/chat/requests/"+id+"/", nil).Want(http.StatusOK).JSON(&r)
	return r
}

// Await polls a request until the condition holds.
func (c *Client) Await(id, what string, holds func(Request) bool) Request {
	c.t.Helper()
	var r Request
	Eventually(c.t, what, func() bool {
		r = c.Get(id)
		return holds(r)
	})
	return r
}

// Status returns whether a request has this status.
func Status(status string) func(Request) bool {
	return func(r Request) bool { return r.Status == status }
}

// Account is an account with its first key.
type Account struct {
	ID     int64
	Email  string
	Key    string
	Secret string // of its webhook, "" without one
}

var accounts atomic.Int64

// NewAccount makes an account of its own name by the admin API; webhookURL may
// be "".
func (s *Server) NewAccount(webhookURL string) Account {
	s.t.Helper()
	email := fmt.Sprintf("user%d@example.com", accounts.Add(1))
	body := Fields{"email": email}
	if webhookURL != "" {
		body["webhook_url"] = webhookURL
	}
	var made struct {
		Account struct{ ID int64 }
		Key     string
		Secret  string `json:"webhook_secret"`
	}
	s.Admin().Call("POST", "/api/admin/accounts/", body).Want(http.StatusCreated).JSON(&made)
	return Account{made.Account.ID, email, made.Key, made.Secret}
}

// User makes an account without a webhook and returns a client of it.
func (s *Server) User() *Client {
	s.t.Helper()
	return s.Client(s.NewAccount("").Key)
}

// Event is one stored event of a request.
type Event struct {
	ID       int64
	Type     string
	Attempt  int
	WorkerID *string `json:"worker_id"`
	Data     json.RawMessage
	At       time.Time
}

// Events returns the stored events of a request.
func (s *Server) Events(id string) []Event {
	s.t.Helper()
	var detail struct{ Events []Event }
	s.Admin().Call("GET", "/api/admin/requests/"+url.PathEscape(id)+"/", nil).Want(http.StatusOK).JSON(&detail)
	return detail.Events
}

// String is the call that the reply answers.
func (r *Reply) String() string { return r.call }
