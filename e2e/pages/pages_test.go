// Package pages looks at the chat page and the panel in real browsers, against
// a real chatbridge: see runner/ and scenarios/.
package pages

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatbridge/e2e/harness"
)

var (
	only  = flag.String("only", "", "run the scenarios whose name matches this expression")
	lanes = flag.String("lanes", "2", "how many browsers at once")
	all   = flag.Bool("all", false, "run all scenarios, also those that take long, and look with axe in every width and scheme")
	play  = flag.Bool("play", false, "run some of each kind; without any flag none is run: they want the machine to themselves")
	again = flag.Bool("again", false, "run a scenario that fails once more")
)

// within is how long all scenarios of a browser may take together.
const within = 25 * time.Minute

// each is how many scenarios of each kind a browser plays where nothing else is
// asked for: all of them take ten minutes of a busy machine.
const each = "1"

func TestMain(m *testing.M) {
	status := m.Run()
	harness.Clean()
	os.Exit(status)
}

func TestChromium(t *testing.T) { scenarios(t, "chromium") }

func TestFirefox(t *testing.T) { scenarios(t, "firefox-esr", "--firefox") }

// TestHostileAnswers shows answers that want to be more than text: no script
// may run, nothing be asked of another host.
func TestHostileAnswers(t *testing.T) {
	args := []string{"xss.mjs"}
	if !*all {
		args = append(args, "--bombs", "no", "--only", "svg")
	}
	cmd := node(t, "chromium", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, cmd.Stderr)
	}
}

// node prepares a run of a script of this folder, which ends with the test.
func node(t *testing.T, browser string, args ...string) *exec.Cmd {
	t.Helper()
	if !*play && !*all && *only == "" {
		t.Skip("run with -play, -all or -only")
	}
	for _, name := range []string{browser, "node", "npm", "sqlite3"} {
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
	binary := harness.Binary(t)
	cmd.Env = append(os.Environ(), "BINARY="+binary, "CHATBRIDGE_BINARY="+binary, "JSON=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the servers and browsers that it starts
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// scenarios runs those that the flags choose. Each is a test of its own.
func scenarios(t *testing.T, browser string, flags ...string) {
	args := append([]string{"runner/main.mjs", "--only", *only, "--lanes", *lanes}, flags...)
	switch {
	case *all:
		args = append(args, "--whole", "--slow")
	case *only == "":
		args = append(args, "--each", each)
	}
	if *again {
		args = append(args, "--again")
	}
	cmd := node(t, browser, args...)
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
			t.Logf("%d ms: %s", r.Ms, strings.Join(r.Outcome, ", "))
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
