package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// TestCommandLine runs commands that end by themselves: their exit status, and
// one clear sentence where they are used wrongly.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	env := append(harness.Store(t), "CHATBRIDGE_DATA="+harness.Folder(t))
	harness.Run(t, env, "account", "list") // makes the database
	for _, tc := range []struct {
		args   string
		status int
		out    string // somewhere on stdout
		errs   string // somewhere on stderr, which is one line then
	}{
		{"", 0, "serve --demo", ""},
		{"--help", 0, "serve", ""},
		{"serve --help", 0, "chatbridge serve --demo", ""},
		{"account create --help", 0, "--webhook-url", ""},
		{"account --help", 0, "chatbridge account create you@example.com", ""},
		{"admin --help", 0, "chatbridge admin link", ""},
		{"worker --help", 0, "--backend echo", ""},
		{"ask --help", 0, "Ctrl-C", ""},
		{"version", 0, "chatbridge ", ""},
		{"nonsense", 2, "", "nonsense"},
		{"serve --nonsense", 2, "", "--nonsense"},
		{"serve --listen nonsense", 2, "", "--listen"},
		{"serve --listen localhost:99999", 1, "", "99999"},
		{"serve --stream-auth maybe", 2, "", "--stream-auth"},
		{"serve --log-format xml", 2, "", "--log-format"},
		{"serve --webhook-allow nonsense", 2, "", "nonsense"},
		{"serve --store postgres://user:secret@127.0.0.1:1/db", 1, "", "--store"},
		{"serve --store mysql://user:secret@host/db", 2, "", "mysql"},
		{"serve --bus nats://host", 2, "", "nats"},
		{"account", 2, "", "account"},
		{"account create", 2, "", "email"},
		{"account create nobody", 1, "", "email"},
		{"account create a@example.com --webhook-url ftp://example.com/", 2, "", "--webhook-url"},
		{"account create a@example.com --webhook-url http://user:pass@example.com/", 2, "", "--webhook-url"},
		{"account key add nobody@example.com", 1, "", "nobody@example.com"},
		{"account key revoke nobody@example.com cb_12345", 1, "", "nobody@example.com"},
		{"account disable nobody@example.com", 1, "", "nobody@example.com"},
		{"account list", 0, "No accounts yet", ""},
		{"account list --json", 0, "[]", ""},
		{"admin token create", 2, "", "name"},
		{"admin token revoke nobody", 1, "", "nobody"},
		{"admin token create " + strings.Repeat("x", 101), 2, "", "name"},
		{"admin token --help", 0, "revoke", ""},
		{"backup", 2, "", "file"},
		{"backup --help", 0, "chatbridge backup /backups/chatbridge.db", ""},
		{"backup copy.db --data nowhere", 1, "", "--data"},
		{"backup nowhere/copy.db", 1, "", "no copy was made"},
		{"backup . ", 1, "", "already"},
		{"backup copy.db --store mysql://user:secret@host/db", 2, "", "mysql"},
		{"backup copy.db --store postgres://user:secret@host:5432/db?sslmode=require&password=secret", 2, "", "copy.db 'postgres://user@host:5432/db?sslmode=require'"},
		{"admin link", 0, "http://localhost:8000/admin/setup/?token=", ""},
		{"worker --backend echo", 2, "", "--key"},
		{"worker --key k --backend nonsense", 2, "", "--backend"},
		{"worker --key k --backend openai", 2, "", "--model"},
		{"worker --key k --backend echo --url nonsense", 2, "", "--url"},
		{"ask --key k", 2, "", "question"},
		{"ask Hello", 2, "", "--key"},
		{"ask Hello --key k --url nonsense", 2, "", "--url"},
		{"ask Hello --key k --url http://127.0.0.1:1", 1, "", "127.0.0.1:1"},
		{"ask Hello --key k --thinking loudly", 2, "", "--thinking"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(tc.args, "backup ") && tc.status == 1 {
				harness.OnlySQLite(t, "backup copies SQLite's file")
			}
			r := harness.Run(t, append(slices.Clone(env), "CHATBRIDGE_STATE="+harness.Folder(t)), strings.Fields(tc.args)...)
			if r.Status != tc.status || !strings.Contains(r.Stdout, tc.out) || !strings.Contains(strings.ToLower(r.Stderr), strings.ToLower(tc.errs)) {
				t.Errorf("%s", r)
			}
			if tc.status != 0 && (strings.Count(r.Stderr, "\n") != 1 || !strings.HasPrefix(r.Stderr, "chatbridge: ") || r.Stdout != "" || strings.Contains(r.Stderr, "secret")) {
				t.Errorf("not one clear sentence: %s", r)
			}
		})
	}
}

// refusedToServe runs serve where it must end at once with status 1.
func refusedToServe(t *testing.T, env []string, wants string, args ...string) {
	t.Helper()
	r := harness.Run(t, env, append([]string{"serve"}, args...)...)
	if r.Status != 1 || !strings.Contains(r.Stderr, wants) || strings.Count(r.Stderr, "\n") != 1 {
		t.Errorf("serve %s: %s", strings.Join(args, " "), r)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	t.Run("a port in use", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		refusedToServe(t, harness.Store(t), "--listen", "--listen", fmt.Sprintf("localhost:%d", port), "--data", harness.Folder(t))
	})
	t.Run("a folder in use", func(t *testing.T) {
		t.Parallel()
		harness.OnlySQLite(t, "any number of servers share a database there")
		s := harness.Start(t)
		refusedToServe(t, nil, "another chatbridge serve", "--listen", "localhost:0", "--data", s.Dir)
		s.Client("").Call("GET", "/healthz", nil).Want(200)
		s.Kill() // the lock ends with the process
		s.Restart()
	})
	t.Run("a folder that cannot be written", func(t *testing.T) {
		t.Parallel()
		harness.OnlySQLite(t, "the data are not in the folder there")
		dir := harness.Folder(t)
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		refusedToServe(t, nil, "--data", "--listen", "localhost:0", "--data", filepath.Join(file, "data"))
		if os.Getuid() == 0 {
			t.Skip("root may write anywhere")
		}
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		refusedToServe(t, nil, dir, "--listen", "localhost:0", "--data", dir)
		refusedToServe(t, nil, dir, "--listen", "localhost:0", "--data", filepath.Join(dir, "data"))
	})
	t.Run("a newer schema", func(t *testing.T) {
		t.Parallel()
		s := harness.Start(t)
		s.Stop()
		s.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
		refusedToServe(t, s.Env(), "9999", "--listen", "localhost:0")
		if r := s.CLI("account", "list"); r.Status != 1 || !strings.Contains(r.Stderr, "9999") {
			t.Errorf("account list: %s", r)
		}
	})
	t.Run("what is no database", func(t *testing.T) {
		t.Parallel()
		harness.OnlySQLite(t, "the database is no file there")
		dir := harness.Folder(t)
		if err := os.WriteFile(harness.File(dir), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		refusedToServe(t, nil, dir, "--listen", "localhost:0", "--data", dir)
	})
}

// Each flag is also a variable; $PORT is a port on all interfaces.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := harness.StartEnv(t, []string{"CHATBRIDGE_STREAM_AUTH=required", "CHATBRIDGE_LOG_FORMAT=json", "CHATBRIDGE_ADMIN_PASSWORD=correct horse battery"})
	r := s.User().Submit("Hello")
	s.Client("").Call("GET", ssePath(r), nil).Problem(401, "")
	if strings.Contains(s.Stdout.String(), "setup") {
		t.Errorf("a set-up link although a password is given: %s", s.Stdout)
	}
	harness.Eventually(t, "the password is set", func() bool {
		var session struct {
			SetupNeeded bool `json:"setup_needed"`
		}
		s.Client("").Call("GET", "/api/admin/session/", nil).Want(200).JSON(&session)
		return !session.SetupNeeded
	})
	cookie := s.Client("").Call("POST", "/api/admin/session/", harness.Fields{"password": "correct horse battery"}).Want(204).Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("the session's cookie: %s", cookie)
	}
	session, _, _ := strings.Cut(cookie, ";")
	s.Client("").Call("GET", "/api/admin/accounts/", nil, "Cookie", session).Want(200)
	s.Client("").Call("POST", "/api/admin/session/", harness.Fields{"password": "wrong"}).Problem(401, "")
	s.Client("").Call("DELETE", "/api/admin/session/", nil, "Cookie", session, "Sec-Fetch-Site", "cross-site").Problem(403, "")
	s.Client("").Call("DELETE", "/api/admin/session/", nil, "Cookie", session).Want(204)
	s.Client("").Call("GET", "/api/admin/accounts/", nil, "Cookie", session).Problem(401, "")
	s.Stop()
	for line := range strings.Lines(s.Stderr.String()) {
		if !strings.HasPrefix(line, `{"time":`) {
			t.Errorf("not JSON: %s", line)
		}
	}

	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, harness.Binary(t), "serve", "--data", harness.Folder(t))
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port))
	var out harness.Output
	cmd.Stdout = &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // what Ctrl-C sends
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "it listens", func() bool { return strings.Contains(out.String(), fmt.Sprintf("localhost:%d", port)) })
	cancel()
	_ = cmd.Wait()
	want(t, "the status after Ctrl-C", cmd.ProcessState.ExitCode(), 0)
}

// TestBesideTheServer changes accounts by the command line while a server runs
// on the same data: it sees each change at once, or, where nobody can knock at it,
// at its next look.
func TestBesideTheServer(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	first, secret := s.Account("you@example.com", s.Receiver())
	if !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the webhook's secret: %q", secret)
	}
	c := s.Client(first)
	r := c.Submit("Hello")
	s.Admin().Call("GET", "/api/admin/accounts/", nil).Want(200)

	if again := s.CLI("account", "create", "YOU@example.com"); again.Status != 1 || strings.Count(again.Stderr, "\n") != 1 {
		t.Errorf("the same email: %s", again)
	}
	added := s.CLI("account", "key", "add", "you@example.com", "--scopes", "client,worker")
	second := strings.Fields(added.Stdout)[0]
	if list := s.CLI("account", "list"); !strings.Contains(list.Stdout, second[:8]) || strings.Contains(list.Stdout, second) {
		t.Errorf("account list: %s", list)
	}
	w := s.Join(harness.Hello(second, "worker", 1))
	guide := s.Guide(second)
	feed, bare := s.Client(second).SSE("/api/sse/"), s.Client("").SSE(ssePath(r))
	feed.Next()
	ref := w.Take().Ref

	soon := time.Second
	if harness.OnPostgres(t) {
		soon += 5 * time.Second // between two looks
	}
	within := func(what string, ends func()) {
		t.Helper()
		start := time.Now()
		ends()
		if took := time.Since(start); took > soon {
			t.Errorf("%s took %v", what, took)
		}
	}
	if revoked := s.CLI("account", "key", "revoke", "you@example.com", second[:8]); revoked.Status != 0 {
		t.Fatal(revoked)
	}
	within("the worker", func() {
		want(t, "bye", harness.Expect[protocol.Bye](w).Code, protocol.ByeBadKey)
		w.Closed()
	})
	within("the guide worker", func() { guide.Closed() })
	within("the feed", func() { _ = feed.Closed() })
	s.Client(second).Call("GET", "/api/chat/requests/", nil).Problem(401, "")
	want(t, "the other key goes on", c.Get(r.ID).Status, "executing")
	hello := harness.Hello(first, "worker", 2)
	hello.Holding = []protocol.Holding{{Ref: ref, Phase: protocol.PhaseSubmitted}}
	w = s.Join(hello)
	want(t, "the attempt too", len(w.Welcome.Keep), 1)

	if off := s.CLI("account", "disable", "you@example.com"); off.Status != 0 {
		t.Fatal(off)
	}
	within("the worker of a disabled account", func() { harness.Expect[protocol.Bye](w); w.Closed() })
	within("its bare streams", func() { _ = bare.Closed() })
	c.Call("GET", "/api/chat/requests/", nil).Problem(401, "")
	if on := s.CLI("account", "disable", "--undo", "you@example.com"); on.Status != 0 {
		t.Fatal(on)
	}
	want(t, "on again", c.Get(r.ID).ID, r.ID)

	link := s.CLI("admin", "link", "--url", s.URL(""))
	token := link.Stdout[strings.Index(link.Stdout, "token=")+len("token="):]
	body := harness.Fields{"token": strings.TrimSpace(token), "password": "correct horse battery"}
	s.Client("").Call("POST", "/api/admin/setup/", harness.Fields{"token": "nonsense", "password": "correct horse battery"}).Problem(410, "")
	s.Client("").Call("POST", "/api/admin/setup/", harness.Fields{"token": body["token"], "password": "short"}).Field("password")
	s.Client("").Call("POST", "/api/admin/setup/", body).Want(204)
	s.Client("").Call("POST", "/api/admin/setup/", body).Problem(410, "")
}

// TestDemo is the quick start.
func TestDemo(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--demo")
	harness.Eventually(t, "three commands to try", func() bool { return strings.Contains(s.Stdout.String(), "chatbridge ask") })
	_, rest, _ := strings.Cut(s.Stdout.String(), "log in with this key:")
	c := s.Client(strings.Fields(rest)[0])
	r := c.Submit("Hello")
	l := c.SSE(ssePath(r))
	want(t, "the end", l.UntilEnd().Type, "done")
	delivered(t, s, r.ID)
	r2 := harness.Run(t, nil, "ask", "What is a lease?", "--url", s.URL(""), "--key", c.Key)
	if r2.Status != 0 || !strings.Contains(r2.Stdout, "lease") {
		t.Errorf("ask: %s", r2)
	}
	s.Stop()
	s.Restart()
	want(t, "the same account after a restart", c.Get(r.ID).Status, "done")
}
