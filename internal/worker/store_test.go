package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"chatbridge/internal/worker"
)

func TestStores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "deep")
	folder, err := worker.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]worker.Store{"memory": &worker.Memory{}, "folder": folder} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Get("worker"); !errors.Is(err, worker.ErrNotKept) {
				t.Errorf("what is not there: %v", err)
			}
			data := []byte(`{"n":1}`)
			for _, doc := range []string{"attempt-2", "worker", "attempt-1", "attempt-1"} {
				if err := s.Put(doc, data); err != nil {
					t.Fatal(err)
				}
			}
			data[2] = 'x' // is the caller's again
			if got, err := s.Get("attempt-1"); err != nil || string(got) != `{"n":1}` {
				t.Errorf("%s, %v", got, err)
			}
			if got, _ := s.Get("worker"); len(got) > 0 {
				got[0] = 'x' // so is this
			}
			if got, err := s.Get("worker"); err != nil || string(got) != `{"n":1}` {
				t.Errorf("%s, %v", got, err)
			}
			if err := s.Put("attempt-1", []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get("attempt-1"); err != nil || string(got) != `{}` {
				t.Errorf("put again: %s, %v", got, err)
			}
			for range 2 {
				if err := s.Delete("attempt-2"); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
			if got, err := s.List("attempt-"); err != nil || !slices.Equal(got, []string{"attempt-1"}) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestFolderAfterACrash(t *testing.T) {
	dir := t.TempDir()
	folder, err := worker.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Put("worker", []byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "worker-123.tmp"), []byte(`{"n"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if folder, err = worker.OpenFolder(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if got, err := folder.Get("worker"); err != nil || string(got) != `{"n":1}` {
		t.Errorf("%s, %v", got, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("anyone may read it: %v, %v", info.Mode(), err)
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := worker.OpenFolder(filepath.Join(file, "state")); err == nil {
		t.Error("a folder within a file was opened")
	}
}
