package harness

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// shortestSecret: what is shorter may stand in harmless text by chance, and is
// none of ours.
const shortestSecret = 12

// secrets is what must not be found in what the program writes: keys, tokens,
// passwords, sessions, webhook secrets, values of custom headers. Whatever goes
// through this package is noted by itself.
var secrets struct {
	sync.Mutex
	known map[string]bool
	all   []secret // only ever appended to
}

type secret struct{ text, what string }

// Secret notes a secret. what it is, "an API key", is for the test's message.
func Secret(what, text string) {
	if len(text) < shortestSecret {
		return
	}
	secrets.Lock()
	defer secrets.Unlock()
	if secrets.known[text] {
		return
	}
	if secrets.known == nil {
		secrets.known = map[string]bool{}
	}
	secrets.known[text] = true
	secrets.all = append(secrets.all, secret{text, what})
}

// noted is all that was noted so far. It is not the caller's to change.
func noted() []secret {
	secrets.Lock()
	defer secrets.Unlock()
	return secrets.all
}

// leaks fails the test for each of these secrets that is found in a text.
func leaks(t testing.TB, of []secret, where, text string) {
	t.Helper()
	for _, s := range of {
		if i := strings.Index(text, s.text); i >= 0 {
			t.Errorf("%s has %s in it: …%s", where, s.what, text[max(0, i-100):min(len(text), i+len(s.text)+20)])
		}
	}
}

// noLeaks looks through what the server wrote. It says on its output what it is
// asked to: the link that sets the password and, with --demo, the demo's key.
func (s *Server) noLeaks() {
	s.t.Helper()
	all := noted()
	leaks(s.t, all, "the server's stderr", s.Stderr.String())
	demo, _ := os.ReadFile(filepath.Join(s.Dir, "demo.key"))
	all = slices.DeleteFunc(slices.Clone(all), func(one secret) bool { return one.text == strings.TrimSpace(string(demo)) })
	var told []string
	for line := range strings.Lines(s.Stdout.String()) {
		if !strings.Contains(line, "/admin/setup/?token=") {
			told = append(told, line)
		}
	}
	leaks(s.t, all, "the server's stdout", strings.Join(told, ""))
}

// secretFields are the fields of JSON that hold one, and what it is.
var secretFields = map[string]string{
	"key": "an API key", "token": "a token", "password": "a password", "webhook_secret": "a webhook secret",
}

// note notes the secrets of a call of the admin API.
func note(data []byte) {
	var v any
	if json.Unmarshal(data, &v) == nil {
		noteIn(v)
	}
}

func noteIn(v any) {
	fields, _ := v.(map[string]any)
	for name, value := range fields {
		text, _ := value.(string)
		if what := secretFields[name]; what != "" {
			Secret(what, text)
		}
		headers, _ := value.(map[string]any)
		for _, header := range headers {
			if text, ok := header.(string); ok && name == "headers" && !strings.Contains(text, "•") {
				Secret("a header's value", text)
			}
		}
	}
}

// noteSession notes a session that a reply begins.
func noteSession(h http.Header) {
	for _, line := range h.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			Secret("a session", c.Value)
		}
	}
}

// checkReply looks through answers that have no secret to show but what is new:
// errors, what the admin API says, and the description of the API.
func checkReply(path string, r *Reply, before []secret) {
	r.t.Helper()
	if r.Status >= 400 || strings.HasPrefix(path, "/api/admin/") || strings.HasPrefix(path, "/api/docs") || strings.HasPrefix(path, "/api/openapi") {
		leaks(r.t, before, "the answer to "+r.call, string(r.Body[:min(len(r.Body), checkedBytes)]))
	}
}

// checkedBytes of an answer are looked through: more than any of ours has that
// is not a text of somebody's.
const checkedBytes = 1 << 20

// noteEnv notes the password among variables of a server's environment.
func noteEnv(env []string) {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "CHATBRIDGE_ADMIN_PASSWORD="); ok {
			Secret("a password", value)
		}
		if value, ok := strings.CutPrefix(v, "CHATBRIDGE_KEY="); ok {
			Secret("an API key", value)
		}
	}
}
