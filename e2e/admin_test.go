package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

func TestAdmin(t *testing.T) {
	cases{
		"endpoints":           endpoints,
		"bad endpoints":       badEndpoints,
		"too many endpoints":  tooManyEndpoints,
		"an endpoint's state": endpointState,
		"deliveries":          deliveries,
		"replay one":          replayOne,
		"replay many":         replayMany,
		"bad replays":         badReplays,
		"workers":             adminWorkers,
		"chats":               adminChats,
		"tokens":              tokens,
		"bad names and keys":  badNames,
		"settings":            settings,
		"requests":            adminRequests,
		"start of texts":      startOfTexts,
		"search chats":        searchChats,
		"old secrets":         endPreviousSecret,
		"the extension":       downloadExtension,
	}.run(t)
}

func adminWorkers(t *testing.T, s *harness.Server) {
	type worker struct {
		ID        string `json:"worker_id"`
		Account   struct{ ID int64 }
		Connected bool
		Dialect   string
		Pause     *string
		Health    *struct {
			LoggedIn bool `json:"logged_in"`
		}
		Leases []struct {
			RequestID   string `json:"request_id"`
			Attempt     int
			MayBeSentAt *time.Time `json:"may_be_sent_at"`
		}
	}
	a := s.NewAccount("")
	r := s.Client(a.Key).Submit("Hello")
	w := s.Join(harness.Hello(a.Key, "worker", 1))
	w.Take()
	w.Send(protocol.Health{LoggedIn: false, PageOK: true})
	var got []worker
	harness.Eventually(t, "it pauses", func() bool {
		s.Admin().Call("GET", fmt.Sprintf("/api/admin/workers/?account=%d", a.ID), nil).Want(200).JSON(&got)
		return len(got) == 1 && text(got[0].Pause) == "logged_out"
	})
	one := got[0]
	if one.ID != "worker" || one.Account.ID != a.ID || !one.Connected || one.Dialect != "chatbridge.v1" || one.Health == nil || one.Health.LoggedIn {
		t.Errorf("%+v", one)
	}
	if len(one.Leases) != 1 || one.Leases[0].RequestID != r.ID || one.Leases[0].Attempt != 1 || one.Leases[0].MayBeSentAt == nil {
		t.Errorf("what it holds: %+v", one.Leases)
	}
	b := s.NewAccount("")
	s.Guide(b.Key)
	harness.Eventually(t, "all are listed, of every account", func() bool {
		s.Admin().Call("GET", "/api/admin/workers/", nil).Want(200).JSON(&got)
		found := 0
		for _, w := range got {
			if w.Account.ID == a.ID && w.ID == "worker" && len(w.Leases) == 1 || w.Account.ID == b.ID && w.Dialect == "guide" && len(w.Leases) == 0 {
				found++
			}
		}
		return found == 2
	})
}

func adminChats(t *testing.T, s *harness.Server) {
	a, b := s.NewAccount(""), s.NewAccount("")
	var ids []int64
	for range 3 {
		ids = append([]int64{s.Client(a.Key).Submit("Hello").Chat.ID}, ids...)
	}
	s.Client(b.Key).Submit("Hello")
	var got []int64
	for _, page := range pages[chat](t, s.Admin(), fmt.Sprintf("/api/admin/accounts/%d/chats/?limit=2", a.ID)) {
		for _, c := range page {
			got = append(got, c.ID)
			want(t, "unfinished", c.Unfinished, 1)
		}
	}
	want(t, "newest activity first", fmt.Sprint(got), fmt.Sprint(ids))
	s.Admin().Call("GET", "/api/admin/accounts/999999/chats/", nil).Problem(404, "")
	s.Admin().Call("GET", fmt.Sprintf("/api/admin/accounts/%d/chats/?cursor=nonsense", a.ID), nil).Problem(400, "")
}

type tokenJSON struct {
	ID, Name, Token string
	CreatedAt       time.Time `json:"created_at"`
}

func tokens(t *testing.T, s *harness.Server) {
	admin := s.Admin()
	var made tokenJSON
	admin.Call("POST", "/api/admin/tokens/", harness.Fields{"name": "for this test"}).Want(201).JSON(&made)
	if !strings.HasPrefix(made.Token, "cba_") || made.Name != "for this test" || len(made.ID) != 16 || made.CreatedAt.IsZero() {
		t.Errorf("%+v", made)
	}
	with := func(token string) *harness.Reply {
		return s.Client("").Call("GET", "/api/admin/accounts/", nil, "Authorization", "Bearer "+token)
	}
	with(made.Token).Want(200)
	var list []tokenJSON
	admin.Call("GET", "/api/admin/tokens/", nil).Want(200).JSON(&list)
	found := false
	for _, one := range list {
		found = found || one.ID == made.ID && one.Name == made.Name
		want(t, "a token is not shown again", one.Token, "")
	}
	want(t, "listed", found, true)
	if r := s.CLI("admin", "token", "list"); r.Status != 0 || !strings.Contains(r.Stdout, made.ID) || !strings.Contains(r.Stdout, "for this test") {
		t.Errorf("admin token list: %s", r)
	}
	admin.Call("DELETE", "/api/admin/tokens/0123456789abcdef/", nil).Problem(404, "")
	admin.Call("DELETE", "/api/admin/tokens/"+made.ID+"/", nil).Want(204)
	admin.Call("DELETE", "/api/admin/tokens/"+made.ID+"/", nil).Problem(404, "")
	with(made.Token).Problem(401, "")

	// The same by the command line, beside the server.
	var one tokenJSON
	for range 2 {
		r := s.CLI("admin", "token", "create", "twice", "--json")
		if err := json.Unmarshal([]byte(r.Stdout), &one); err != nil {
			t.Fatal(r)
		}
		harness.Secret("an admin token", one.Token)
	}
	with(one.Token).Want(200)
	if r := s.CLI("admin", "token", "revoke", "twice"); r.Status != 1 || !strings.Contains(r.Stderr, "id") {
		t.Errorf("two of a name: %s", r)
	}
	r := s.CLI("admin", "token", "list", "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &list); err != nil {
		t.Fatal(r)
	}
	for _, one := range list {
		if one.Name == "twice" {
			if r := s.CLI("admin", "token", "revoke", one.ID); r.Status != 0 {
				t.Errorf("by id: %s", r)
			}
			break
		}
	}
	if r := s.CLI("admin", "token", "revoke", "twice"); r.Status != 0 || r.Stderr != "" {
		t.Errorf("the one that is left: %s", r)
	}
	if r := s.CLI("admin", "token", "revoke", "twice"); r.Status != 1 || strings.Count(r.Stderr, "\n") != 1 {
		t.Errorf("none is left: %s", r)
	}
	with(one.Token).Problem(401, "")
}

func badNames(t *testing.T, s *harness.Server) {
	admin := s.Admin()
	for _, name := range []string{"", strings.Repeat("x", 101), "a\nb"} {
		admin.Call("POST", "/api/admin/tokens/", harness.Fields{"name": name}).Field("name")
	}
	path := fmt.Sprintf("/api/admin/accounts/%d/keys/", s.NewAccount("").ID)
	for _, tc := range []struct {
		field string
		body  harness.Fields
	}{
		{"name", harness.Fields{"name": strings.Repeat("x", 101)}},
		{"name", harness.Fields{"name": "a\tb"}},
		{"key", harness.Fields{"key": "short"}},
		{"key", harness.Fields{"key": strings.Repeat("x", 257)}},
		{"key", harness.Fields{"key": strings.Repeat("two words ", 5)}},
		{"key", harness.Fields{"key": strings.Repeat("schlüssel", 5)}},
		{"scopes", harness.Fields{"scopes": []string{"client", "root"}}},
		{"scopes", harness.Fields{"scopes": "client"}},
	} {
		admin.Call("POST", path, tc.body).Field(tc.field)
	}
	var made struct{ Scopes []string }
	admin.Call("POST", path, harness.Fields{"name": "a name", "scopes": []string{"worker", "client", "worker"}}).Want(201).JSON(&made)
	want(t, "scopes", fmt.Sprint(made.Scopes), "[client worker]")
}

func settings(t *testing.T, s *harness.Server) {
	var list []struct{ Name, Flag, Env, Value, Origin, About string }
	s.Admin().Call("GET", "/api/admin/settings/", nil).Want(200).JSON(&list)
	got := map[string]string{}
	for _, one := range list {
		got[one.Name] = strings.Join([]string{one.Flag, one.Env, one.Value, one.Origin}, "|")
		if one.About == "" {
			t.Errorf("%s says nothing about itself", one.Name)
		}
	}
	for name, wants := range map[string]string{
		"data":        "--data|CHATBRIDGE_DATA|" + s.Dir + "|flag",
		"stream-auth": "--stream-auth|CHATBRIDGE_STREAM_AUTH|open|default",
		"keep-texts":  "--keep-texts|CHATBRIDGE_KEEP_TEXTS|30d|default",
		"keep-audit":  "--keep-audit|CHATBRIDGE_KEEP_AUDIT|365d|default",
	} {
		want(t, name, got[name], wants)
	}
	if _, shown := got["admin-password"]; shown {
		t.Error("the admin's password is shown")
	}
}

// TestAudit does one thing by each way in, and reads who did it.
func TestAudit(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	s := harness.StartEnv(t, []string{"CHATBRIDGE_ADMIN_PASSWORD=" + password})
	session := login(t, s, password)
	anyone := s.Client("")
	anyone.Call("POST", "/api/admin/accounts/", harness.Fields{"email": "panel@example.com"}, "Cookie", session).Want(201)
	a := s.NewAccount("https://example.com/hook") // with the token "tests"
	if r := s.CLI("account", "disable", a.Email); r.Status != 0 {
		t.Fatal(r)
	}
	e := addEndpoint(s, a, harness.Fields{"url": "https://example.com/", "headers": harness.Fields{"X-Token": "a-header-that-is-secret"}}).Endpoint
	s.Admin().Call("POST", endpointPath(a, e.ID)+"secret/rotate/", nil).Want(200)

	type entry struct {
		ID             int64
		Actor, Action  string
		Address        *string
		Account        *int64
		Target, Detail json.RawMessage
		At             time.Time
	}
	list := func(query string) (out []string) {
		for _, page := range pages[entry](t, s.Admin(), "/api/admin/audit/?"+query) {
			for _, e := range page {
				address := "nowhere"
				if e.Address != nil {
					address = *e.Address
				}
				out = append(out, fmt.Sprintf("%s: %s at %s", e.Action, e.Actor, address))
			}
		}
		return out
	}
	here := "127.0.0.1"
	if all := list("action=account.created&limit=1"); len(all) == 2 && strings.HasSuffix(all[0], "::1") {
		here = "::1" // localhost is that here
	}
	for query, wants := range map[string][]string{
		"action=account.created":          {"account.created: token tests at " + here, "account.created: admin at " + here},
		"action=account.created&limit=1":  {"account.created: token tests at " + here, "account.created: admin at " + here},
		"action=account.changed":          {"account.changed: command line at nowhere"},
		"action=session.made":             {"session.made: admin at " + here},
		"action=token.made":               {"token.made: command line at nowhere"},
		fmt.Sprintf("account=%d", a.ID):   {"secret.rotated: token tests at " + here, "endpoint.created: token tests at " + here, "account.changed: command line at nowhere", "account.created: token tests at " + here},
		"action=nothing.of.the.kind":      nil,
		"account=999999":                  nil,
		"account=999999&action=x&limit=1": nil,
		"action=account.changed&from=2020-01-01T00:00:00Z&to=2120-01-01T00:00:00Z": {"account.changed: command line at nowhere"},
		"from=2120-01-01T00:00:00Z": nil,
		"to=2020-01-01T00:00:00Z":   nil,
	} {
		want(t, query, strings.Join(list(query), "\n"), strings.Join(wants, "\n"))
	}
	s.Admin().Call("GET", "/api/admin/audit/?cursor=!", nil).Problem(400, "")
	s.Admin().Call("GET", "/api/admin/audit/?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", nil).Problem(400, "")
	for _, page := range pages[entry](t, s.Admin(), "/api/admin/audit/?action=endpoint.created") {
		for _, e := range page {
			if !strings.Contains(string(e.Detail), "X-Token") || e.Account == nil || *e.Account != a.ID {
				t.Errorf("%+v", e)
			}
		}
	}
}

// login logs in and returns the session as a Cookie header.
func login(t *testing.T, s *harness.Server, password string) string {
	t.Helper()
	var cookie string
	harness.Eventually(t, "the password is set", func() bool {
		reply := s.Client("").Call("POST", "/api/admin/session/", harness.Fields{"password": password})
		cookie, _, _ = strings.Cut(reply.Header.Get("Set-Cookie"), ";")
		return reply.Status == 204
	})
	return cookie
}
