package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "chat bridge?#%.db") }

// command is a use case of a test.
type command struct {
	needs  bridge.Needs
	decide func(*bridge.Facts) (*bridge.Changes, error)
}

func (c command) Needs() bridge.Needs { return c.needs }

func (c command) Decide(f *bridge.Facts) (*bridge.Changes, error) { return c.decide(f) }

func set(name, value string) command {
	return command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		return &bridge.Changes{Settings: map[string]string{name: value}}, nil
	}}
}

// onWriter runs SQL on the writer's connection, inside a transaction of its.
func onWriter(t *testing.T, s *Store, text string) {
	t.Helper()
	_, err := do(s, command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		_, err := s.w.c.exec(bg, text)
		return nil, err
	}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// onFile runs SQL on a database file, made if it is not there.
func onFile(t *testing.T, path, text string) {
	t.Helper()
	name, err := dsn(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func wantUnavailable(t *testing.T, err error, words string) {
	t.Helper()
	e, ok := errors.AsType[*bridge.Error](err)
	if !ok || e.Kind != bridge.Unavailable || e.Code != "store_unavailable" || e.RetryAfter <= 0 || !strings.Contains(e.Detail, words) {
		t.Fatalf("want Unavailable with %q, got %v", words, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := file(t)
	open(t, path).Close()
	onFile(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	_, err := Open(t.Context(), Options{Path: path})
	if err == nil || !strings.Contains(err.Error(), "version 999") || !strings.Contains(err.Error(), "update chatbridge") {
		t.Fatalf("got %v", err)
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	aFile := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(aFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, folder := range map[string]string{"missing": filepath.Join(t.TempDir(), "none"), "a file": aFile, "read-only": "/proc"} {
		_, err := Open(t.Context(), Options{Path: filepath.Join(folder, "a.db")})
		if err == nil || !strings.Contains(err.Error(), "the folder "+folder) || !strings.Contains(err.Error(), "writable") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestManyOpenOneNewFileAtOnce(t *testing.T) {
	path := file(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), Options{Path: path, Readers: 1})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// What the file holds is for its user's eyes only.
func TestFileMode(t *testing.T) {
	path := file(t)
	s := open(t, path)
	if _, err := do(s, set("a", "1")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// Two handles on one file, as serve and a command beside it: each sees what the
// other has committed, whatever it remembers.
func TestTwoHandles(t *testing.T) {
	path := file(t)
	a, b := open(t, path), open(t, path)
	from := func() bridge.From {
		account := &bridge.CreateAccount{Email: "a@example.com", WebhookURL: "http://localhost/", Key: strings.Repeat("k", 40), Secret: "whsec_x"}
		if _, err := do(a, account); err != nil {
			t.Fatal(err)
		}
		return bridge.From{AccountID: account.Account.ID}
	}()
	submit := &bridge.Submit{AccountID: from.AccountID, Message: "hello"}
	if _, err := do(a, submit); err != nil {
		t.Fatal(err)
	}
	rename := func(s *Store, mark string) {
		t.Helper()
		_, err := do(s, command{bridge.Needs{AccountID: from.AccountID, Endpoints: true, Requests: []string{submit.Request.ID}}, func(f *bridge.Facts) (*bridge.Changes, error) {
			r := f.Requests[submit.Request.ID]
			f.Account.Email, f.Endpoints[0].URL, r.ModeUsed, r.Chat.Title = mark, mark, mark, mark
			r.Attempt++
			return &bridge.Changes{Accounts: []*bridge.Account{f.Account}, Endpoints: f.Endpoints, Requests: []*bridge.Request{r}, Chats: []*bridge.Chat{r.Chat},
				Workers: []*bridge.Worker{{AccountID: from.AccountID, ID: "w", Name: mark}}, DropLeases: f.Leases,
				Leases: []*bridge.Lease{{RequestSeq: r.Seq, RequestID: r.ID, Attempt: r.Attempt, AccountID: r.AccountID, WorkerID: mark}},
				Events: []*bridge.Event{{AccountID: from.AccountID, Request: r, Type: "x", At: f.Now}}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	see := func(s *Store, mark string) {
		t.Helper()
		_, err := do(s, command{bridge.Needs{AccountID: from.AccountID, Endpoints: true, Requests: []string{submit.Request.ID}, Workers: []string{"w"}}, func(f *bridge.Facts) (*bridge.Changes, error) {
			r := f.Requests[submit.Request.ID]
			got := []string{f.Account.Email, f.Endpoints[0].URL, r.ModeUsed, r.Chat.Title, f.Workers["w"].Name, f.Leases[0].WorkerID}
			if want := strings.Repeat(mark+" ", 6); strings.Join(got, " ")+" " != want || len(f.Leases) != 1 {
				t.Errorf("got %q, want %q", got, want)
			}
			return nil, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.Request(t.Context(), submit.Request.ID); err != nil || r.ModeUsed != mark {
			t.Errorf("read %+v, %v", r, err)
		}
	}
	for i := range 3 {
		for j, s := range []*Store{a, b} {
			mark := fmt.Sprint("m", i, j)
			rename(s, mark)
			see(a, mark)
			see(b, mark)
		}
	}
	events, err := b.Events(t.Context(), from.AccountID, 0, 100)
	if err != nil || len(events) != 7 || events[6].Seq != 7 {
		t.Fatalf("%d events, %v", len(events), err)
	}
}

func TestFullDisk(t *testing.T) {
	s := open(t, file(t))
	if _, err := do(s, set("kept", "yes")); err != nil {
		t.Fatal(err)
	}
	onWriter(t, s, "PRAGMA max_page_count = 1") // the present size, as it can't be less
	for range 2 {
		ended := make(chan error, 3)
		for i := range 3 { // one commit or several: each has too much
			s.Post(set(fmt.Sprint(i), strings.Repeat("x", 1<<20)), func(_ *bridge.Changes, err error) { ended <- err })
		}
		for range 3 {
			wantUnavailable(t, <-ended, "full")
		}
	}
	onWriter(t, s, "PRAGMA max_page_count = 1000000")
	if _, err := do(s, set("0", strings.Repeat("x", 1<<20))); err != nil {
		t.Fatalf("after space was made: %v", err)
	}
	if got, err := s.Setting(t.Context(), "kept"); err != nil || got != "yes" {
		t.Fatalf("read %q, %v", got, err)
	}
}

func TestTroubleOfTheWholeDatabase(t *testing.T) {
	t.Run("read-only", func(t *testing.T) {
		s := open(t, file(t))
		onWriter(t, s, "PRAGMA query_only = 1")
		_, err := do(s, set("a", "1"))
		wantUnavailable(t, err, "writable")
		if _, err := do(s, set("a", "1")); err != nil {
			t.Fatalf("a new connection: %v", err)
		}
	})
	t.Run("held by another", func(t *testing.T) {
		path := file(t)
		s, other := open(t, path), open(t, path)
		onWriter(t, s, "PRAGMA busy_timeout = 10")
		_, err := do(other, command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
			_, err := do(s, set("a", "1")) // while the other's transaction is open
			wantUnavailable(t, err, "Another program")
			return nil, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := do(s, set("a", "1")); err != nil {
			t.Fatalf("after the other: %v", err)
		}
	})
	t.Run("commit fails", func(t *testing.T) {
		s := open(t, file(t))
		ended, posted := make(chan error, 2), make(chan struct{})
		s.Post(command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
			<-posted // so that the next two share a batch
			return nil, nil
		}}, func(*bridge.Changes, error) {})
		s.Post(set("a", "1"), func(_ *bridge.Changes, err error) { ended <- err })
		s.Post(command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
			if _, err := s.w.c.exec(bg, "PRAGMA defer_foreign_keys = 1"); err != nil {
				return nil, err
			}
			return &bridge.Changes{Keys: []*bridge.Key{{AccountID: 99, Hash: []byte("h")}}}, nil
		}}, func(_ *bridge.Changes, err error) { ended <- err })
		close(posted)
		wantUnavailable(t, <-ended, "does not answer")
		wantUnavailable(t, <-ended, "does not answer")
		if got, err := s.Setting(t.Context(), "a"); err != nil || got != "" {
			t.Fatalf("read %q, %v", got, err)
		}
		if _, err := do(s, set("a", "1")); err != nil {
			t.Fatalf("afterwards: %v", err)
		}
	})
	t.Run("reader's connection lost", func(t *testing.T) {
		s, err := Open(t.Context(), Options{Path: file(t), Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c := <-s.readers
		if err := c.pooled.Close(); err != nil {
			t.Fatal(err)
		}
		s.readers <- c
		if err := s.Ping(t.Context()); err == nil {
			t.Fatal("a lost connection answered")
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Fatalf("a new connection: %v", err)
		}
	})
	t.Run("connection lost", func(t *testing.T) {
		s := open(t, file(t))
		if err := s.w.c.pooled.Close(); err != nil { // the writer is idle
			t.Fatal(err)
		}
		_, err := do(s, set("a", "1"))
		wantUnavailable(t, err, "")
		if _, err := do(s, set("a", "1")); err != nil {
			t.Fatalf("a new connection: %v", err)
		}
	})
}

func TestClockThatGoesBack(t *testing.T) {
	s := open(t, memory)
	ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	s.w.last = ahead // the writer is idle
	c, err := do(s, set("a", "1"))
	if err != nil || !c.Now.Equal(ahead) {
		t.Fatalf("Now is %v after %v; %v", c.Now, ahead, err)
	}
}

// A reader that gives up in the middle of a search ends soon, and its
// connection goes on to serve others.
func TestCancelledSearch(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: file(t), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	account := &bridge.CreateAccount{Email: "a@example.com", Key: strings.Repeat("k", 40)}
	if _, err := do(s, account); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 1<<16)
	for range 300 {
		if _, err := do(s, &bridge.Submit{AccountID: account.Account.ID, Message: text}); err != nil {
			t.Fatal(err)
		}
	}
	// Each place of each text is compared 500 letters deep: far more than 10 s.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = s.Requests(ctx, bridge.RequestFilter{AccountID: account.Account.ID, Contains: text[:500] + "b", Limit: 1})
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
		t.Fatalf("ended with %v after %v", err, took)
	}
	waiting, stop := context.WithCancel(t.Context())
	busy := <-s.readers
	time.AfterFunc(time.Millisecond, stop)
	if err := s.Ping(waiting); !errors.Is(err, context.Canceled) {
		t.Fatalf("waiting for a connection: %v", err)
	}
	s.readers <- busy
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// In memory the store lives whole in a bubble: its goroutines and waits are the
// bubble's, and its clock too.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Options{Path: memory})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		account := &bridge.CreateAccount{Email: "a@example.com", Key: strings.Repeat("k", 40)}
		if _, err := do(s, account); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				submit := &bridge.Submit{AccountID: account.Account.ID, Message: "hello"}
				if _, err := do(s, submit); err != nil {
					t.Error(err)
				}
				r, err := s.Request(t.Context(), submit.Request.ID)
				if err != nil || r == nil || r.QueuedAt.Sub(account.Account.CreatedAt) != time.Hour {
					t.Errorf("read %+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
	})
}

// modernc.org/sqlite works with the very version of modernc.org/libc that its
// own go.mod names, and with no other.
func TestLibcVersion(t *testing.T) {
	list := func(format, module string) string {
		t.Helper()
		out, err := exec.Command("go", "list", "-m", "-f", format, module).Output()
		if err != nil {
			t.Fatalf("ask go list for %s: %v", module, err)
		}
		return strings.TrimSpace(string(out))
	}
	mod, err := os.ReadFile(list("{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(mod)
	if want == nil {
		t.Fatal("modernc.org/sqlite's go.mod names no modernc.org/libc")
	}
	if have := list("{{.Version}}{{with .Replace}} replaced{{end}}", "modernc.org/libc"); have != string(want[1]) {
		t.Fatalf("modernc.org/libc is %s; modernc.org/sqlite needs exactly %s", have, want[1])
	}
}
