package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"chatbridge/internal/bridge"
)

// filled is a database file of some steps of a backup, and its open store.
func filled(t *testing.T) (string, *Store) {
	t.Helper()
	path := file(t)
	s := open(t, path)
	for i := range 12 {
		if _, err := do(s, set(fmt.Sprint("large ", i), strings.Repeat("x", 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
	return path, s
}

// wantFiles checks that the folder holds these files only.
func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		got = append(got, f.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("the folder holds %q, want %q", got, want)
	}
}

// A backup ends though the source is written all the while, and holds one
// moment of it.
func TestBackupWhileWritten(t *testing.T) {
	path, s := filled(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wrote := make(chan struct{}, 1)
	wg.Go(func() {
		defer close(wrote) // whatever ends it
		for i := 1; ctx.Err() == nil; i++ {
			n := strconv.Itoa(i)
			_, err := do(s, command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
				return &bridge.Changes{Settings: map[string]string{"one": n, "other": n, "large " + strconv.Itoa(i%12): strings.Repeat("y", 1<<20)}}, nil
			}})
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case wrote <- struct{}{}:
			default:
			}
		}
	})
	defer wg.Wait()
	defer stop()
	<-wrote

	folder := t.TempDir()
	to := filepath.Join(folder, "copy?#%.db")
	steps, last, all := 0, int64(0), int64(0)
	bounded, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Backup(bounded, path, to, func(done, total int64) {
		if done <= last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		if steps, last, all = steps+1, done, total; steps > 100 {
			cancel() // it begins anew again and again
		}
		<-wrote // somebody writes between any two steps
	})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	wg.Wait()
	wantFiles(t, folder, "copy?#%.db")
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if steps < 3 || last != all || all != info.Size() || info.Mode().Perm() != 0o600 {
		t.Fatalf("%d steps, %d of %d bytes, a file of %d bytes, mode %v", steps, last, all, info.Size(), info.Mode())
	}

	now, err := s.Setting(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	restored := open(t, to)
	one, err1 := restored.Setting(t.Context(), "one")
	other, err2 := restored.Setting(t.Context(), "other")
	if err1 != nil || err2 != nil || one == "" || one != other || one == now {
		t.Fatalf("the copy has %q and %q of one commit (the source went on to %q); %v, %v", one, other, now, err1, err2)
	}
	sound, err := only(restored, t.Context(), "check", (*row).text, "PRAGMA integrity_check")
	if err != nil || sound != "ok" {
		t.Fatalf("integrity_check: %s, %v", sound, err)
	}
}

func TestBackupEndsWithItsContext(t *testing.T) {
	path, s := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	folder := t.TempDir()
	err := Backup(ctx, path, filepath.Join(folder, "copy.db"), func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	wantFiles(t, folder)
	if _, err := do(s, set("a", "1")); err != nil {
		t.Fatalf("the source afterwards: %v", err)
	}
}

func TestBackupRefuses(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	open(t, at("here.db")).Close()
	open(t, at("newer.db")).Close()
	for _, c := range []struct{ name, text string }{
		{"newer.db", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"},
		{"other.db", "CREATE TABLE t (a)"},
	} {
		onFile(t, at(c.name), c.text)
	}
	if err := os.WriteFile(at("taken.db"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("text.db"), []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to, words string
		is              error
	}{
		{"none.db", "copy.db", "none.db", fs.ErrNotExist},
		{"here.db", "taken.db", "taken.db", fs.ErrExist},
		{"here.db", "none/copy.db", "none", fs.ErrNotExist},
		{"newer.db", "copy.db", "version 999", nil},
		{"other.db", "copy.db", "not a database of chatbridge", nil},
		{"text.db", "copy.db", "not a database", nil},
	} {
		err := Backup(t.Context(), at(c.from), at(c.to), nil)
		if err == nil || !strings.Contains(err.Error(), c.words) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s to %s: got %v", c.from, c.to, err)
		}
	}
	after, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the folder held %v, and now %v", before, after)
	}
	if text, err := os.ReadFile(at("taken.db")); err != nil || string(text) != "mine" {
		t.Errorf("the file that was there is %q, %v", text, err)
	}
	if err := Backup(t.Context(), at("here.db"), at("copy.db"), nil); err != nil {
		t.Errorf("and without a hindrance: %v", err)
	}
}
