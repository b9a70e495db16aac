package crash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// refuses runs serve on a data folder, which must end with status 1 and one
// sentence that holds these words.
func refuses(t *testing.T, dir string, words ...string) {
	t.Helper()
	r := harness.Run(t, nil, "serve", "--listen", "localhost:0", "--data", dir)
	want(t, "serve's status, "+r.Stderr, r.Status, 1)
	for _, word := range words {
		if !strings.Contains(r.Stderr, word) {
			t.Errorf("stderr does not say %q: %s", word, r.Stderr)
		}
	}
	if strings.Contains(r.Stderr, "goroutine") || strings.Count(strings.TrimSpace(r.Stderr), "\n") > 1 {
		t.Errorf("stderr is not one clear sentence: %s", r.Stderr)
	}
}

// A second server on one data folder is refused, and the first goes on.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	harness.OnlySQLite(t, "any number of servers share a database there, see TestNodes")
	s := harness.Start(t)
	c := s.User()
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	r := c.Submit("Hello")
	ref := w.Take().Ref
	refuses(t, s.Dir, "another chatbridge serve uses", s.Dir)
	w.Answer(ref, "Hi")
	want(t, "the first one's request", c.Get(r.ID).Status, "done")
	s.Kill()
	s.Restart() // the lock ended with the process
	want(t, "after its end", c.Get(r.ID).Status, "done")
}

// A data folder that cannot be written is refused with what to do.
func TestFolderNotWritable(t *testing.T) {
	t.Parallel()
	harness.OnlySQLite(t, "the data are not in the folder there")
	dir := harness.Folder(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("a file stands there", func(t *testing.T) { refuses(t, file, "the data folder "+file, "--data") })
	t.Run("below a file", func(t *testing.T) { refuses(t, filepath.Join(file, "data"), "the data folder "+file, "--data") })
	t.Run("a disk that is read only", func(t *testing.T) {
		disk := mount(t, harness.Folder(t), diskBytes, "ro")
		refuses(t, filepath.Join(disk, "data"), "the data folder "+disk, "read-only", "--data")
		refuses(t, disk, "the data folder "+disk)
	})
	t.Run("another user's", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may write everywhere")
		}
		locked := filepath.Join(dir, "locked")
		if err := os.Mkdir(locked, 0o500); err != nil {
			t.Fatal(err)
		}
		refuses(t, locked, "the data folder "+locked, "may not write")
	})
}

// A database that is damaged is refused, not repaired by guess nor written to.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	harness.OnlySQLite(t, "the database is no file there")
	s := harness.Start(t)
	c := s.User()
	for range 20 {
		c.Submit(strings.Repeat("Hello ", 1000))
	}
	s.Stop()
	path := harness.File(s.Dir)
	database := filepath.Base(path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		data  []byte
		words []string
	}{
		"not a database":     {[]byte(strings.Repeat("This is not a database. ", 1000)), []string{database, "not a database", "backup"}},
		"cut off":            {whole[:len(whole)/2], []string{database, "damaged", "backup"}},
		"its schema is gone": {append(append([]byte{}, whole[:100]...), make([]byte, len(whole)-100)...), []string{database, "damaged", "backup"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := harness.Folder(t)
			path := filepath.Join(dir, database)
			if err := os.WriteFile(path, tc.data, 0o600); err != nil {
				t.Fatal(err)
			}
			refuses(t, dir, tc.words...)
			after, err := os.ReadFile(path)
			if err != nil || string(after) != string(tc.data) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// A server that starts gives each lease its full time: while it was down, nobody
// could renew one. A worker that comes back then keeps what it holds.
func TestLeasesOutliveDowntime(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := s.User()
	typed, sent := c.Submit("Only typed"), c.Submit("Sent")
	hello := harness.Hello(c.Key, "worker", 1)
	hello.Capacity = 2
	w := s.Join(hello)
	refs := []protocol.Ref{harness.Expect[protocol.NewRequest](w).Ref, harness.Expect[protocol.NewRequest](w).Ref}
	want(t, "the first hand-over", refs[0].RequestID, typed.ID)
	w.Send(protocol.Ready{Ref: refs[1]})
	harness.Expect[protocol.Go](w)
	s.Kill()
	age(t, s)
	s.Restart()
	for _, r := range []harness.Request{typed, sent} {
		want(t, "after an hour without a server", c.Get(r.ID).Status, "executing")
	}
	hello.N, hello.Holding = 2, []protocol.Holding{{Ref: refs[0], Phase: protocol.PhaseTyping}, {Ref: refs[1], Phase: protocol.PhaseAnswering}}
	w = s.Join(hello)
	want(t, "kept", len(w.Welcome.Keep), 2)
	w.Answer(refs[1], "Sent")
	w.Send(protocol.Ready{Ref: refs[0]})
	want(t, "go", harness.Expect[protocol.Go](w).Ref, refs[0])
	w.Answer(refs[0], "Typed")
	for _, r := range []harness.Request{typed, sent} {
		if now := c.Get(r.ID); now.Status != "done" || *now.Attempt != 1 {
			t.Errorf("at the end: %+v", now)
		}
	}
}

// age makes both leases of a server that is down run out an hour earlier. When
// they were taken stays: ten minutes without ready end one, whoever was down.
func age(t *testing.T, s *harness.Server) {
	t.Helper()
	const hour = 3600 * 1_000_000
	want(t, "leases", s.Exec("UPDATE leases SET expires_at = expires_at - $1, due_at = due_at - $1", hour), 2)
}
