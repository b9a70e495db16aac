package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Script prepares a run of a Node script of the test's folder, whose packages
// are installed if need be. It finds our binary in BINARY, and is ended with all
// that it started after within, or with the test. The test is skipped where one
// of the programs is not there.
func Script(t *testing.T, within time.Duration, programs []string, args ...string) *exec.Cmd {
	t.Helper()
	for _, name := range append([]string{"node", "npm"}, programs...) {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s here", name)
		}
	}
	if _, err := os.Stat("node_modules/.package-lock.json"); errors.Is(err, os.ErrNotExist) {
		if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--silent").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Env = append(os.Environ(), "BINARY="+Binary(t), "JSON=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the servers and browsers that it starts; Chromium ends when its pipe does
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// Play runs a script that plays scenarios and prints what came of each as a
// line of JSON. Each is a test of its own.
func Play(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ran := 0
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			Name    string
			OK      bool
			Faults  []string
			Ms      int
			Outcome []string
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Name == "" {
			t.Errorf("a line that is no outcome: %s", lines.Bytes())
			continue
		}
		ran++
		t.Run(r.Name, func(t *testing.T) {
			t.Logf("%d ms: %s", r.Ms, strings.Join(r.Outcome, " | "))
			for _, f := range r.Faults {
				t.Error(f)
			}
			if !r.OK && len(r.Faults) == 0 {
				t.Error("failed without a word")
			}
		})
	}
	if err := cmd.Wait(); err != nil && !t.Failed() {
		t.Errorf("the runner ended with %v after %d scenarios", err, ran)
	}
	t.Log(cmd.Stderr)
	if ran == 0 {
		t.Error("no scenario ran")
	}
}
