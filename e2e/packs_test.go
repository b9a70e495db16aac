package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/extension/pack"
	"chatbridge/protocol"
)

// ran fails the test where a command failed.
func ran(t *testing.T, r harness.Result) harness.Result {
	t.Helper()
	if r.Status != 0 {
		t.Fatal(r)
	}
	return r
}

// packOf is the extension's own pack with another version.
func packOf(t *testing.T, version int64) []byte {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(pack.Default, &members); err != nil {
		t.Fatal(err)
	}
	members["version"] = version
	data, err := json.MarshalIndent(members, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// versionOf is the version of a pack that came.
func versionOf(t *testing.T, data json.RawMessage) (v int64) {
	t.Helper()
	if data == nil || string(data) == "null" {
		return 0
	}
	p, err := pack.Check(data)
	if err != nil {
		t.Fatal(err)
	}
	return p.Version
}

func TestPackByCommand(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.NewAccount("")
	w := s.Join(harness.Hello(a.Key, "w", 1))
	before := versionOf(t, w.Welcome.Pack)
	file := filepath.Join(t.TempDir(), "pack.json")
	if err := os.WriteFile(file, packOf(t, 2199010101), 0o600); err != nil {
		t.Fatal(err)
	}
	ran(t, s.CLI("pack", "publish", file))
	if got := versionOf(t, harness.Expect[protocol.Pack](w).Pack); got != 2199010101 || got <= before {
		t.Fatalf("the connected worker got version %d, had %d", got, before)
	}
	later := s.Join(harness.Hello(a.Key, "later", 1))
	if got := versionOf(t, later.Welcome.Pack); got != 2199010101 {
		t.Fatalf("a later worker was welcomed with version %d", got)
	}
	if r := s.CLI("pack", "publish", file); r.Status != 1 || !strings.Contains(r.Stderr, "higher version") {
		t.Fatalf("published twice: %v", r)
	}
	w.Silent()
}

func TestPackByAPI(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.NewAccount("")
	w := s.Join(harness.Hello(a.Key, "w", 1))
	admin := s.Admin()
	admin.Call("POST", "/api/admin/pack/", json.RawMessage(packOf(t, 2199020202))).Want(201)
	if got := versionOf(t, harness.Expect[protocol.Pack](w).Pack); got != 2199020202 {
		t.Fatalf("the worker got version %d", got)
	}
	var shown struct {
		Version int64
		Signed  bool
		Pack    json.RawMessage
	}
	admin.Call("GET", "/api/admin/pack/", nil).Want(200).JSON(&shown)
	if shown.Version != 2199020202 || shown.Signed || versionOf(t, shown.Pack) != shown.Version {
		t.Fatalf("%+v", shown)
	}
	admin.Call("POST", "/api/admin/pack/", json.RawMessage(packOf(t, 2199020202))).Problem(409, "pack_not_newer")
	admin.Call("POST", "/api/admin/pack/", harness.Fields{"version": 2199030303}).Problem(400, "bad_pack")
	s.Stop()
	s.Restart()
	if got := versionOf(t, s.Join(harness.Hello(a.Key, "w", 2)).Welcome.Pack); got != 2199020202 {
		t.Fatalf("after a restart version %d", got)
	}
}

func TestPackSigned(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not there")
	}
	dir := t.TempDir()
	file, key := filepath.Join(dir, "pack.json"), filepath.Join(dir, "pack.key")
	if err := os.WriteFile(file, packOf(t, 2199010101), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := ran(t, harness.Run(t, nil, "pack", "check", file)); !strings.Contains(r.Stdout, "not signed") {
		t.Fatalf("%v", r)
	}
	if out, err := exec.Command("openssl", "genpkey", "-algorithm", "ed25519", "-out", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := ran(t, harness.Run(t, nil, "pack", "sign", file, "--key", key))
	if words := strings.Fields(r.Stdout); len(words[len(words)-1]) != 64 {
		t.Fatalf("it prints no public key: %v", r)
	}
	if r := ran(t, harness.Run(t, nil, "pack", "check", file)); strings.Contains(r.Stdout, "not signed") {
		t.Fatalf("%v", r)
	}
	for _, args := range [][]string{{"sign", file, "--key", file}, {"sign", key, "--key", key}, {"check", key}, {"check", filepath.Join(dir, "none")}} {
		if r := harness.Run(t, nil, append([]string{"pack"}, args...)...); r.Status != 1 || r.Stderr == "" {
			t.Errorf("%v: %v", args, r)
		}
	}
}

func TestDoctorOfWorker(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.NewAccount("")
	w := s.Join(harness.Hello(a.Key, "w/1", 1))
	hooks := []protocol.Hook{{Name: "composer", Found: true, Alternative: "id"}, {Name: "send"}}
	go func() { // ends with the socket, or its answer
		asked := harness.Expect[protocol.Doctor](w)
		w.Send(protocol.DoctorReport{ID: "of another", Hooks: nil})
		w.Send(protocol.DoctorReport{ID: asked.ID, Hooks: hooks})
	}()
	var got struct{ Hooks []protocol.Hook }
	path := fmt.Sprintf("/api/admin/accounts/%d/workers/w%%2F1/doctor/", a.ID)
	s.Admin().Call("POST", path, nil).Want(200).JSON(&got)
	if len(got.Hooks) != 2 || got.Hooks[0] != hooks[0] || got.Hooks[1] != hooks[1] {
		t.Fatalf("%+v", got)
	}
	s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/workers/none/doctor/", a.ID), nil).Problem(404, "not_connected")
	other := s.NewAccount("")
	s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/workers/w%%2F1/doctor/", other.ID), nil).Problem(404, "not_connected")

	go func() {
		asked := harness.Expect[protocol.Doctor](w)
		w.Send(protocol.DoctorReport{ID: asked.ID, Hooks: hooks})
	}()
	r := s.CLI("doctor", "--worker", "w/1", "--url", s.URL(""))
	if r.Status != 1 || !strings.Contains(r.Stdout, "composer") || !strings.Contains(r.Stdout, "missing") {
		t.Fatalf("%v", r)
	}
}

func TestDoctorUnanswered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	if testing.Short() {
		t.Skip("it takes 20 s")
	}
	a := s.NewAccount("")
	w := s.Join(harness.Hello(a.Key, "w", 1))
	begun := time.Now()
	s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/workers/w/doctor/", a.ID), nil).Problem(503, "no_answer")
	if time.Since(begun) < 15*time.Second {
		t.Fatal("it did not wait")
	}
	harness.Expect[protocol.Doctor](w)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.NewAccount("")
	r := s.CLI("doctor", "--url", s.URL(""))
	if r.Status != 1 || !strings.Contains(r.Stdout, "no worker is connected") {
		t.Fatalf("without a worker: %v", r)
	}
	s.Join(harness.Hello(a.Key, "w", 1))
	if r := s.CLI("doctor", "--url", s.URL("")); r.Status != 0 {
		t.Fatalf("with a worker: %v", r)
	}
	if r := s.CLI("doctor", "--url", "http://127.0.0.1:1"); r.Status != 1 || !strings.Contains(r.Stdout, "does not answer") {
		t.Fatalf("without a server: %v", r)
	}
}
