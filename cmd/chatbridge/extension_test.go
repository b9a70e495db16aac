package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExtension(t *testing.T) {
	t.Setenv("CHATBRIDGE_KEY", "")
	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "mine.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir, store := filepath.Join(t.TempDir(), "copy"), t.TempDir()
	for _, tc := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{}, exitUsage, "--out"},
		{[]string{"--out", dir, "--browser", "lynx"}, exitUsage, "--browser"},
		{[]string{"--out", dir, "--server", "http://localhost:8000"}, exitUsage, "go together"},
		{[]string{"--out", dir, "--key", "cb_secret"}, exitUsage, "go together"},
		{[]string{"--out", dir, "--server", "localhost", "--key", "cb_secret"}, exitUsage, "http://"},
		{[]string{"--out", dir, "--zip", "--server", "http://localhost:8000", "--key", "cb_secret"}, exitUsage, "no key"},
		{[]string{"--out", occupied}, exitFailed, "not empty"},
		{[]string{"--out", dir}, exitDone, "paste the line"},
		{[]string{"--out", dir, "--server", "http://localhost:8000", "--key", "cb_secret"}, exitDone, "reload arrow"},
		{[]string{"--out", dir, "--browser", "firefox"}, exitDone, "about:debugging"},
		{[]string{"--out", store, "--zip"}, exitDone, "chatbridge-extension-chrome-"},
	} {
		var out, errs bytes.Buffer
		status := run(context.Background(), append([]string{"extension"}, tc.args...), &out, &errs)
		said := out.String() + errs.String()
		if status != tc.status || !strings.Contains(said, tc.says) || strings.Contains(said, "cb_secret") {
			t.Errorf("%v: status %d, said %q", tc.args, status, said)
		}
	}
}
