package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

type overviewJSON struct {
	Now   time.Time
	Queue struct{ Idle, Executing int }
	Hours []struct {
		Hour         time.Time
		Done, Failed int
	}
	WaitMS   *struct{ P50, P95 int } `json:"wait_ms"`
	AnswerMS *struct{ P50, P95 int } `json:"answer_ms"`
	Failures []struct {
		Code  string
		Count int
	}
	Workers    struct{ Connected, Paused, Total int }
	Deliveries struct{ Pending, Failing, Dead int }
	Endpoints  []struct {
		ID      int64
		Account struct {
			ID    int64
			Email string
		}
		URL, Status    string
		FailingSince   *time.Time `json:"failing_since"`
		HoldUntil      *time.Time `json:"hold_until"`
		DisabledReason *string    `json:"disabled_reason"`
	}
	Sampled  *bool
	FirstRun json.RawMessage `json:"first_run"`
}

// TestOverview goes the way of a first run, and looks at each step.
func TestOverview(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var o overviewJSON
	// until waits for what the overview, which is up to two seconds old, is to show.
	until := func(what string, holds func() bool) {
		t.Helper()
		harness.Eventually(t, what, func() bool {
			o = overviewJSON{}
			s.Admin().Call("GET", "/api/admin/overview/", nil).Want(200).JSON(&o)
			return holds()
		})
	}
	steps := func(account, seen, connected, answered, delivered bool) func() bool {
		return func() bool {
			return string(o.FirstRun) == fmt.Sprintf(`{"account":%t,"worker_seen":%t,"worker_connected":%t,"answered":%t,"delivered":%t}`, account, seen, connected, answered, delivered)
		}
	}
	until("nothing is there", steps(false, false, false, false, false))
	if len(o.Hours) != 24 || o.Hours[0].Hour.Add(23*time.Hour) != o.Hours[23].Hour || o.Now.Sub(o.Hours[23].Hour) > time.Hour || o.WaitMS != nil || o.AnswerMS != nil ||
		o.Failures == nil || len(o.Failures) > 0 || o.Endpoints == nil || o.Sampled == nil || *o.Sampled {
		t.Errorf("an empty one: %+v", o)
	}
	hook := harness.NewHook(t)
	a := s.NewAccount("http://127.0.0.1:9/hook") // nobody listens there
	c := s.Client(a.Key)
	first, waits := c.Submit("Hello"), c.Submit("Later")
	c.Call("POST", "/api/chat/requests/"+waits.ID+"/cancel/", nil).Want(200)
	until("an account", steps(true, false, false, false, false))
	until("what waits, and what failed", func() bool {
		return o.Queue.Idle == 1 && o.Queue.Executing == 0 && len(o.Failures) == 1 && o.Failures[0].Code == "cancelled" && o.Failures[0].Count == 1 && o.Hours[22].Failed+o.Hours[23].Failed == 1
	})
	until("an endpoint that is not well", func() bool {
		return o.Deliveries.Failing == 1 && len(o.Endpoints) == 1 && o.Endpoints[0].Account.Email == a.Email && o.Endpoints[0].Status == "failing" && o.Endpoints[0].FailingSince != nil
	})
	w := s.Join(harness.Hello(a.Key, "worker", 1))
	ref := w.Take().Ref
	until("a worker with a request", func() bool { return steps(true, true, true, false, false)() && o.Queue.Executing == 1 })
	w.Send(protocol.Health{LoggedIn: false, PageOK: true})
	until("it pauses", func() bool { return o.Workers.Connected == 1 && o.Workers.Paused == 1 && o.Workers.Total == 1 })
	s.Admin().Call("PATCH", fmt.Sprintf("/api/admin/accounts/%d/", a.ID), harness.Fields{"webhook_url": hook.URL}).Want(200)
	w.Answer(ref, "Hi")
	c.Await(first.ID, "its end", harness.Status("done"))
	hook.Next(a.Secret)
	w.Close()
	until("the end of the way", steps(true, true, false, true, true))
	if o.WaitMS == nil || o.AnswerMS == nil || o.AnswerMS.P95 < o.WaitMS.P50 || o.Hours[22].Done+o.Hours[23].Done != 1 || o.Workers.Total != 1 || o.Workers.Connected != 0 {
		t.Errorf("after the first answer: %+v", o)
	}
	s.Client("").Call("GET", "/api/admin/overview/", nil).Problem(401, "")
}

func adminRequests(t *testing.T, s *harness.Server) {
	admin := s.Admin()
	a, b := s.NewAccount(""), s.NewAccount("")
	c := s.Client(a.Key)
	begin := time.Now()
	one, two, three := c.Submit("One"), c.Submit("Two"), c.Submit("Three")
	s.Client(b.Key).Submit("Strange")
	var got struct {
		Request struct {
			Status    string
			ErrorCode string `json:"error_code"`
			Account   struct{ Email string }
		}
		Events []struct{ Type string }
	}
	admin.Call("POST", "/api/admin/requests/"+strings.ToUpper(two.ID)+"/cancel/", nil).Want(200).JSON(&got)
	if got.Request.Status != "failed" || got.Request.ErrorCode != "cancelled" || got.Request.Account.Email != a.Email || len(got.Events) != 2 || got.Events[1].Type != "end" {
		t.Errorf("cancelled: %+v", got)
	}
	admin.Call("POST", "/api/admin/requests/"+two.ID+"/cancel/", nil).Problem(409, "already_ended")
	admin.Call("POST", "/api/admin/requests/00000000-0000-4000-8000-000000000000/cancel/", nil).Problem(404, "")
	var audit []struct{ Actor, Target string }
	admin.Call("GET", fmt.Sprintf("/api/admin/audit/?action=request.cancelled&account=%d", a.ID), nil).Want(200).JSON(&audit)
	if len(audit) != 1 || audit[0].Target != "request "+two.ID || audit[0].Actor != "token tests" {
		t.Errorf("the audit log: %+v", audit)
	}
	w := s.Join(harness.Hello(a.Key, "worker", 1))
	w.Answer(w.Take().Ref, "The answer")
	c.Await(one.ID, "its end", harness.Status("done"))
	at := func(t time.Time) string { return url.QueryEscape(t.Format(time.RFC3339Nano)) }
	for query, wants := range map[string]string{
		"":                                    "Three Two One",
		"code=cancelled":                      "Two",
		"code=timeout":                        "",
		"code=cancelled&status=failed":        "Two",
		"code=cancelled&status=done":          "",
		"status=done":                         "One",
		"q=ANSWER":                            "One",
		"q=nowhere":                           "",
		fmt.Sprint("chat=", three.Chat.ID):    "Three",
		"chat=999999":                         "",
		"from=" + at(begin.Add(-time.Second)): "Three Two One",
		"from=" + at(begin.Add(time.Hour)):    "",
		"to=" + at(begin.Add(-time.Second)):   "",
		"to=" + at(begin.Add(time.Hour)) + "&from=" + at(begin.Add(-time.Hour)) + "&limit=2": "Three Two|One",
	} {
		var got []string
		for _, page := range pages[harness.Request](t, admin, fmt.Sprintf("/api/admin/requests/?account=%d&%s", a.ID, query)) {
			got = append(got, messages(page))
		}
		want(t, query, strings.Join(got, "|"), wants)
	}
	for _, query := range []string{"texts=some", "from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "chat=x"} {
		admin.Call("GET", "/api/admin/requests/?"+query, nil).Problem(400, "")
	}
}

// startOfTexts: a list for rows has no megabytes.
func startOfTexts(t *testing.T, s *harness.Server) {
	a := s.NewAccount("")
	c := s.Client(a.Key)
	long := strings.Repeat("ж", 150) + strings.Repeat("🙂", 150)
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	r := c.Submit(long, harness.Fields{"metadata": harness.Fields{"a": 1}})
	w.Answer(w.Take().Ref, strings.Repeat("a", 1<<20))
	c.Await(r.ID, "its end", harness.Status("done"))
	for path, from := range map[string]*harness.Client{
		fmt.Sprintf("/api/admin/requests/?account=%d&", a.ID): s.Admin(), "/api/chat/requests/?": c,
		fmt.Sprintf("/api/chat/chats/%d/requests/?", r.Chat.ID): c,
	} {
		for query, shown := range map[string]string{"limit=1": long, "limit=1&texts=whole": long, "limit=1&texts=start": string([]rune(long)[:200]), "limit=1&texts=start&q=AAAA": string([]rune(long)[:200])} {
			if strings.Contains(path, "/chats/") && strings.Contains(query, "q=") {
				continue
			}
			var got []harness.Request
			reply := from.Call("GET", path+query, nil).Want(200)
			reply.JSON(&got)
			cut := shown != long
			if len(got) != 1 || got[0].ID != r.ID || got[0].Message != shown || cut != (got[0].Response == nil) || cut != (string(got[0].Metadata) == "null") || cut && len(reply.Body) > 4096 {
				t.Errorf("%s%s: %d bytes: %.300s", path, query, len(reply.Body), reply.Body)
			}
		}
	}
}

// searchChats: titles are the worker's word.
func searchChats(t *testing.T, s *harness.Server) {
	a := s.NewAccount("")
	c := s.Client(a.Key)
	w := s.Join(harness.Hello(a.Key, "worker", 1))
	for _, title := range []string{"Größe", "Other", "GRÖSSE and größe"} {
		r := c.Submit("Hello")
		ref := w.Take().Ref
		w.Send(protocol.Response{Ref: ref, Response: "x", ChatTitle: ptr(title)})
		harness.Expect[protocol.Ack](w)
		c.Await(r.ID, "its end", harness.Status("done"))
	}
	for _, list := range []string{"/api/chat/chats/?", fmt.Sprintf("/api/admin/accounts/%d/chats/?", a.ID)} {
		client := c
		if strings.HasPrefix(list, "/api/admin") {
			client = s.Admin()
		}
		for query, wants := range map[string]string{
			"q=" + url.QueryEscape("GRÖßE"):              "GRÖSSE and größe|Größe",
			"q=" + url.QueryEscape("größe") + "&limit=1": "GRÖSSE and größe|Größe",
			"q=OTHE":  "Other",
			"q=":      "GRÖSSE and größe|Other|Größe",
			"q=never": "",
		} {
			var got []string
			for _, page := range pages[chat](t, client, list+query) {
				for _, x := range page {
					got = append(got, text(x.Title))
				}
			}
			want(t, list+query, strings.Join(got, "|"), wants)
		}
	}
}

func endPreviousSecret(t *testing.T, s *harness.Server) {
	admin, hook := s.Admin(), harness.NewHook(t)
	a := s.NewAccount(hook.URL)
	account := fmt.Sprintf("/api/admin/accounts/%d/", a.ID)
	e := addEndpoint(s, a, harness.Fields{"url": hook.URL, "events": []string{"request.done"}}).Endpoint
	for path, previous := range map[string]func() *time.Time{
		account: func() *time.Time {
			var got struct {
				Until *time.Time `json:"webhook_secret_previous_until"`
			}
			admin.Call("GET", account, nil).Want(200).JSON(&got)
			return got.Until
		},
		endpointPath(a, e.ID): func() *time.Time { return getEndpoint(s, a, e.ID).PreviousUntil },
	} {
		var rotated struct {
			Secret string `json:"webhook_secret"`
		}
		admin.Call("POST", path+"secret/rotate/", nil).Want(200).JSON(&rotated)
		if previous() == nil {
			t.Errorf("%s: no overlap", path)
		}
		for range 2 { // the second time there is none
			admin.Call("DELETE", path+"secret/previous/", nil).Want(204)
		}
		if previous() != nil {
			t.Errorf("%s: the overlap goes on", path)
		}
		if path == account {
			a.Secret = rotated.Secret
		}
	}
	failed(s.Client(a.Key))
	signatures := strings.Fields(hook.Next(a.Secret).Header.Get("webhook-signature"))
	want(t, "signatures", len(signatures), 1)
	admin.Call("DELETE", endpointPath(a, 999999)+"secret/previous/", nil).Problem(404, "")
	admin.Call("DELETE", fmt.Sprintf("/api/admin/accounts/%d/secret/previous/", s.NewAccount("").ID), nil).Problem(404, "")
	var entries []struct{ Action string }
	admin.Call("GET", fmt.Sprintf("/api/admin/audit/?account=%d&action=secret.previous_ended", a.ID), nil).Want(200).JSON(&entries)
	want(t, "in the audit log", len(entries), 2)
}

func downloadExtension(t *testing.T, s *harness.Server) {
	for query, browser := range map[string]string{"": "chrome", "?browser=chrome": "chrome", "?browser=firefox": "firefox"} {
		reply := s.Admin().Call("GET", "/api/admin/extension/"+query, nil).Want(200)
		z, err := zip.NewReader(bytes.NewReader(reply.Body), int64(len(reply.Body)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
		}
		if reply.Header.Get("Content-Type") != "application/zip" || reply.Header.Get("Content-Disposition") != `attachment; filename="chatbridge-`+browser+`.zip"` ||
			!slices.Contains(names, "manifest.json") || slices.Contains(names, "pairing.json") {
			t.Errorf("%s: %v with %v", query, reply.Header, names)
		}
	}
	s.Admin().Call("GET", "/api/admin/extension/?browser=lynx", nil).Problem(400, "")
	s.Client("").Call("GET", "/api/admin/extension/", nil).Problem(401, "")
}

// TestChangePassword: whoever knows the password sets another, and stays logged in
// as the only one.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	const old, fresh = "correct horse battery staple", "a password that is quite another"
	s := harness.StartEnv(t, []string{"CHATBRIDGE_ADMIN_PASSWORD=" + old})
	mine, other := login(t, s, old), login(t, s, old)
	anyone := s.Client("")
	change := func(current, password string, header ...string) *harness.Reply {
		return anyone.Call("POST", "/api/admin/password/", harness.Fields{"current": current, "password": password}, header...)
	}
	reach := func(session string, status int) {
		t.Helper()
		anyone.Call("GET", "/api/admin/accounts/", nil, "Cookie", session).Want(status)
	}
	change(old, fresh).Problem(401, "")
	change("not this one, surely", fresh, "Cookie", mine).Field("current")
	change(old, "short", "Cookie", mine).Field("password")
	reach(other, 200)
	reply := change(old, fresh, "Cookie", mine).Want(204)
	session, _, _ := strings.Cut(reply.Header.Get("Set-Cookie"), ";")
	reach(session, 200)
	reach(mine, 401)
	reach(other, 401)
	anyone.Call("POST", "/api/admin/session/", harness.Fields{"password": old}).Problem(401, "wrong_password")
	anyone.Call("POST", "/api/admin/session/", harness.Fields{"password": fresh}).Want(204)

	// A script with a token has no session to go on with; it needs the password too.
	token := "Bearer " + s.Token()
	change("not this one, surely", old, "Authorization", token).Field("current")
	if cookie := change(fresh, old, "Authorization", token).Want(204).Header.Get("Set-Cookie"); cookie != "" {
		t.Errorf("a script was given a session: %s", cookie)
	}
	reach(session, 401)
	s.Admin().Call("GET", "/api/admin/accounts/", nil).Want(200)
}
