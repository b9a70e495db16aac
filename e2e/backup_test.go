package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/internal/client"
)

// submitters submit as fast as they can until stop, and keep what was
// acknowledged.
type submitters struct {
	mu   sync.Mutex
	ids  []string
	errs []error
	stop func()
}

func submitting(t *testing.T, s *harness.Server, key string) *submitters {
	t.Helper()
	api, err := client.New(s.URL(""), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &submitters{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup // stop waits for it
	for range 2 {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r, err := api.Submit(context.WithoutCancel(ctx), client.Submission{Message: fmt.Sprintf("Message %d", n)}, "")
				l.mu.Lock()
				if err != nil {
					l.errs = append(l.errs, err)
				} else {
					l.ids = append(l.ids, r.ID)
				}
				l.mu.Unlock()
			}
		})
	}
	l.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(l.stop)
	return l
}

func (l *submitters) acknowledged() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[:len(l.ids):len(l.ids)]
}

// noBackup is why these tests have nothing to do on PostgreSQL.
const noBackup = "backup copies SQLite's file, and names pg_dump there"

// TestBackup copies the database of a server under load, and serves the copy:
// what was acknowledged before the copy began is in it.
func TestBackup(t *testing.T) {
	t.Parallel()
	harness.OnlySQLite(t, noBackup)
	s := harness.Start(t)
	a := s.NewAccount("")
	harness.Background(t, []string{"CHATBRIDGE_KEY=" + a.Key, "CHATBRIDGE_STATE=" + harness.Folder(t)}, "worker", "--backend", "echo", "--pace", "0s", "--capacity", "4", "--url", s.URL(""))
	load := submitting(t, s, a.Key)
	c := s.Client(a.Key)
	done := func() (rs []harness.Request) {
		c.Call("GET", "/api/chat/requests/?status=done&limit=500", nil).Want(200).JSON(&rs)
		return rs
	}
	harness.Eventually(t, "much was submitted, some was answered", func() bool { return len(load.acknowledged()) > 100 && len(done()) > 10 })

	folder := harness.Folder(t)
	file := filepath.Join(folder, "copy.db")
	before, answered := load.acknowledged(), done()
	if r := s.CLI("backup", file); r.Status != 0 || r.Stderr != "" || !strings.Contains(r.Stdout, file) {
		t.Fatalf("backup: %s", r)
	}
	after := len(load.acknowledged())
	if r := s.CLI("backup", file); r.Status != 1 || !strings.Contains(r.Stderr, "already, and is not written over") || strings.Count(r.Stderr, "\n") != 1 {
		t.Errorf("over a file: %s", r)
	}
	load.stop()
	if len(load.errs) > 0 || after == len(before) {
		t.Errorf("the load had to wait: %d more were acknowledged, errors %v", after-len(before), load.errs)
	}
	alone(t, folder, "copy.db")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy's mode: %v, %v", info.Mode(), err)
	}

	restored := harness.Start(t)
	restored.Stop()
	for _, name := range []string{"chatbridge.db", "chatbridge.db-wal", "chatbridge.db-shm"} {
		_ = os.Remove(filepath.Join(restored.Dir, name))
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(restored.Dir, "chatbridge.db"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	restored.Restart()
	there := restored.Client(a.Key)
	kept := map[string]harness.Request{}
	for _, page := range pages[harness.Request](t, there, "/api/chat/requests/?limit=500") {
		for _, r := range page {
			kept[r.ID] = r
		}
	}
	for _, id := range before {
		if kept[id].Message == "" {
			t.Errorf("%s was acknowledged and is not in the copy", id)
		}
	}
	for _, r := range answered {
		if got := kept[r.ID]; got.Status != "done" || text(got.Response) != text(r.Response) {
			t.Errorf("an answer is lost: %+v", got)
		}
	}
	r := restored.User().Submit("It works") // the admin's token is made anew
	want(t, "it goes on", r.Status, "idle")
}

// alone fails the test unless a folder has this file only, or nothing for "".
func alone(t *testing.T, folder, name string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	want(t, "in the folder", strings.Join(names, " "), name)
}

// TestBackupInterrupted: Ctrl-C leaves nothing, or a whole copy.
func TestBackupInterrupted(t *testing.T) {
	t.Parallel()
	harness.OnlySQLite(t, noBackup)
	s := harness.Start(t)
	c := s.User()
	for range 12 { // enough for the copy to take some steps
		c.Submit(strings.Repeat("x", 1<<20))
	}
	folder := harness.Folder(t)
	interrupted := false
	for delay := time.Duration(0); delay < time.Second && !interrupted; delay += 5 * time.Millisecond {
		file := filepath.Join(folder, "copy.db")
		var errs harness.Output
		cmd := exec.Command(harness.Binary(t), "backup", file, "--data", s.Dir)
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ctrlC := time.AfterFunc(delay, func() { _ = cmd.Process.Signal(os.Interrupt) })
		_ = cmd.Wait()
		ctrlC.Stop()
		switch status := cmd.ProcessState.ExitCode(); status {
		case 0:
			alone(t, folder, "copy.db")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		case 1, -1: // -1: before it could listen to signals
			alone(t, folder, "")
			interrupted = status == 1
			if interrupted && !strings.Contains(errs.String(), "interrupted") {
				t.Errorf("status 1: %s", &errs)
			}
		default:
			t.Fatalf("status %d: %s", status, &errs)
		}
	}
	if !interrupted {
		t.Error("no copy was interrupted")
	}
	s.Client("").Call("GET", "/readyz", nil).Want(200)
}
