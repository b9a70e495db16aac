package e2e

import (
	"net/http"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
)

// TestStreamAuth walks who may read a request's stream, and the request itself,
// in both modes of --stream-auth.
func TestStreamAuth(t *testing.T) {
	for _, mode := range []string{"open", "required"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "--stream-auth", mode)
			c, other := s.User(), s.User()
			r, another := c.Submit("Hello"), c.Submit("Another")
			bare := map[string]int{"open": 200, "required": 401}[mode]
			path, query, _ := strings.Cut(r.StreamURL, "?")
			_, foreign, _ := strings.Cut(another.StreamURL, "?")
			tampered := query[:len(query)-1] + map[bool]string{true: "A", false: "B"}[query[len(query)-1] != 'A']
			for name, tc := range map[string]struct {
				key, query string
				status     int
			}{
				"no key":                   {"", "", bare},
				"the key":                  {c.Key, "", 200},
				"stream_url":               {"", query, 200},
				"stream_url with the key":  {c.Key, query, 200},
				"a tampered signature":     {"", tampered, bare},
				"an empty signature":       {"", "sig=", bare},
				"another request's":        {"", foreign, bare},
				"a foreign key":            {other.Key, "", 404},
				"a foreign key, signed":    {other.Key, query, 404},
				"a wrong key":              {"cb_wrong-wrong-wrong-wrong-wrong-wrong", "", 401},
				"a wrong key, signed":      {"cb_wrong-wrong-wrong-wrong-wrong-wrong", query, 401},
				"the key in the query":     {"", "api_key=" + c.Key, bare},
				"a signature in the wrong": {"", strings.ToUpper(query), bare},
			} {
				as := s.Client(tc.key)
				if tc.status == 200 {
					l := as.SSE(path + "?" + tc.query)
					want(t, name, l.Next().RequestID, r.ID)
					l.Close()
				} else {
					as.Call("GET", path+"?"+tc.query, nil).Problem(tc.status, "")
				}
			}
			get := s.Client("").Call("GET", "/api/chat/requests/"+r.ID+"/", nil)
			want(t, "the request by its bare id", get.Status, bare)
			c.Call("GET", "/api/chat/requests/"+r.ID+"/", nil).Want(200)

			// The same for WebSockets, where a key may come as first message.
			ws := strings.Replace(path, "/api/sse/", "/ws/stream/", 1)
			anyone := s.Client("")
			for name, l := range map[string]*harness.Listener{
				"signed": anyone.Socket(ws+"?"+query, ""), "the key first": anyone.Socket(ws, `{"key":"`+c.Key+`"}`),
			} {
				want(t, name, l.Next().RequestID, r.ID)
				l.Close()
			}
			if mode == "required" {
				anyone.Socket(ws, `{"key":"`+other.Key+`"}`).Refused("not_found")
				anyone.Socket(ws, `{"key":"nonsense"}`).Refused("unauthorized")
				anyone.Socket(ws, `nonsense`).Refused("unauthorized")
				anyone.Socket(ws+"?"+tampered, `{}`).Refused("unauthorized")
				anyone.Call("GET", "/api/sse/test-123/", nil).Problem(401, "")
			}
			for _, first := range []string{`{"key":"nonsense"}`, `nonsense`, `{}`, `{"key":5}`} {
				anyone.Socket("/ws/stream/", first).Refused("unauthorized")
			}

			// Revoked: what its key opened closes at once; a signed stream stays.
			id, second := key(s, harness.Account{ID: accountOf(t, s, c)})
			by, signed := s.Client(second).SSE(path), anyone.SSE(r.StreamURL)
			feed, socket := s.Client(second).SSE("/api/sse/"), anyone.Socket("/ws/stream/", `{"key":"`+second+`"}`)
			for _, l := range []*harness.Listener{by, signed, feed, socket} {
				l.Until("its status", func(n harness.News) bool { return n.RequestID == another.ID || n.RequestID == "" })
			}
			s.Admin().Call("DELETE", keyPath(accountOf(t, s, c), id), nil).Want(http.StatusNoContent)
			for name, l := range map[string]*harness.Listener{"a stream": by, "the feed": feed, "the feed's socket": socket} {
				if l.Closed() == nil {
					t.Errorf("%s goes on", name)
				}
			}
			c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
			want(t, "signed", signed.UntilEnd().Type, "failed")
		})
	}
}
