package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"chatbridge/e2e/harness"
)

// signed is one signed message.
type signed struct {
	Secret    string `json:"secret"`
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // seconds since 1970
	Signature string `json:"signature"`
	Body      string `json:"body"`
}

// library is an official library of Standard Webhooks.
type library interface {
	sign(t *testing.T, m signed) string
	verify(t *testing.T, m signed) error
}

// Deliveries verify with the official libraries, and what those sign verifies at
// our receiver, also while two secrets are valid.
func TestLibraries(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Token()
	for name, open := range map[string]func(*testing.T) library{
		"Go":                    func(*testing.T) library { return goLibrary{} },
		"npm: standardwebhooks": func(t *testing.T) library { return openNode(t, "standardwebhooks") },
		"npm: svix":             func(t *testing.T) library { return openNode(t, "svix") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agrees(t, s.On(t), open(t))
		})
	}
}

func agrees(t *testing.T, s *harness.Server, lib library) {
	hook := harness.NewHook(t)
	account := s.NewAccount(hook.URL)
	client := s.Client(account.Key)
	worker := s.Join(harness.Hello(account.Key, "worker", 1))
	deliver := func(question, answer, secret string) signed {
		t.Helper()
		made := client.Submit(question)
		worker.Answer(worker.Take().Ref, answer)
		came := hook.Next(secret)
		if came.Fields["request_id"] != made.ID {
			t.Fatalf("a delivery of request %v, want %s", came.Fields["request_id"], made.ID)
		}
		at, err := strconv.ParseInt(came.Header.Get("webhook-timestamp"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return signed{Secret: secret, ID: came.Header.Get("webhook-id"), Timestamp: at, Signature: came.Header.Get("webhook-signature"), Body: string(came.Body)}
	}
	verifies := func(what string, m signed, secret string, want bool) {
		t.Helper()
		m.Secret = secret
		if err := lib.verify(t, m); (err == nil) != want {
			t.Errorf("%s: the library says %v", what, err)
		}
	}
	before := deliver("Ünïcödé 😀 <&>\u2028", "\"Ωλ\"\n😀 \\ </script>", account.Secret)
	verifies("a delivery", before, account.Secret, true)
	other := before
	other.Body += " "
	verifies("another body", other, account.Secret, false)
	other = before
	other.ID += "x"
	verifies("another id", other, account.Secret, false)

	var made struct {
		Secret string `json:"webhook_secret"`
	}
	s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/secret/rotate/", account.ID), nil).Want(http.StatusOK).JSON(&made)
	verifies("the new secret on what was signed before it", before, made.Secret, false)
	during := deliver("During a rotation", "Hi", made.Secret)
	verifies("the new secret, during a rotation", during, made.Secret, true)
	verifies("the old secret, during a rotation", during, account.Secret, true)

	id := during.requestID(t)
	for _, tc := range []struct {
		name   string
		change func(*signed)
		after  func(*signed) // signed
		want   int
	}{
		{"the new secret", func(m *signed) { m.Secret = made.Secret }, nil, http.StatusOK},
		{"the old secret", func(m *signed) {}, nil, http.StatusOK},
		{"another secret", func(m *signed) { m.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, nil, http.StatusUnauthorized},
		{"another body", func(m *signed) {}, func(m *signed) { m.Body += " " }, http.StatusUnauthorized},
		{"another id", func(m *signed) {}, func(m *signed) { m.ID += "x" }, http.StatusUnauthorized},
		{"an old message", func(m *signed) { m.Timestamp -= 400 }, nil, http.StatusUnauthorized},
		{"a message from the future", func(m *signed) { m.Timestamp += 400 }, nil, http.StatusUnauthorized},
		{"almost too old", func(m *signed) { m.Timestamp -= 240 }, nil, http.StatusOK},
	} {
		m := signed{Secret: account.Secret, ID: "msg_test", Timestamp: time.Now().Unix(), Body: fmt.Sprintf(`{"request_id":%q,"text":"Ωλ 😀"}`, id)}
		tc.change(&m)
		m.Signature = lib.sign(t, m)
		if tc.after != nil {
			tc.after(&m)
		}
		r := s.Client("").Call("POST", "/api/webhooks/chatgpt/", m.Body, "webhook-id", m.ID, "webhook-timestamp", fmt.Sprint(m.Timestamp), "webhook-signature", m.Signature)
		if r.Status != tc.want {
			t.Errorf("at our receiver, %s: status %d, want %d: %s", tc.name, r.Status, tc.want, r.Body)
		}
	}
}

func (m signed) requestID(t *testing.T) string {
	t.Helper()
	var body struct {
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(m.Body), &body); err != nil || body.RequestID == "" {
		t.Fatalf("a body without request_id (%v): %s", err, m.Body)
	}
	return body.RequestID
}

type goLibrary struct{}

func (goLibrary) sign(t *testing.T, m signed) string {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.Sign(m.ID, time.Unix(m.Timestamp, 0), []byte(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func (goLibrary) verify(t *testing.T, m signed) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", m.ID)
	h.Set("webhook-timestamp", fmt.Sprint(m.Timestamp))
	h.Set("webhook-signature", m.Signature)
	return w.Verify([]byte(m.Body), h)
}

// nodeLibrary is one of npm, in a folder where it is installed.
type nodeLibrary struct{ dir, name string }

// openNode installs the libraries that verify/package-lock.json names.
func openNode(t *testing.T, name string) library {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		_, err := exec.LookPath(tool)
		unless(t, err == nil, tool)
	}
	dir := harness.Folder(t)
	for _, file := range []string{"package.json", "package-lock.json", "verify.mjs"} {
		data, err := os.ReadFile(filepath.Join("verify", file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	out, err := install.CombinedOutput()
	if err != nil {
		t.Logf("%v: %s", err, out)
	}
	unless(t, err == nil, "the npm packages of e2e/delivery/verify")
	return nodeLibrary{dir, name}
}

func (n nodeLibrary) run(t *testing.T, act string, m signed) (string, error) {
	t.Helper()
	in, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command("node", "verify.mjs", n.name, act)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = n.dir, bytes.NewReader(in), &out, &errs
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1 || act != "verify") {
		t.Fatalf("node: %v: %s", err, &errs)
	}
	if err != nil && !bytes.Contains(errs.Bytes(), []byte("WebhookVerificationError")) {
		t.Fatalf("node: %s", &errs)
	}
	return out.String(), err
}

func (n nodeLibrary) sign(t *testing.T, m signed) string {
	t.Helper()
	signature, err := n.run(t, "sign", m)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func (n nodeLibrary) verify(t *testing.T, m signed) error {
	t.Helper()
	_, err := n.run(t, "verify", m)
	return err
}
