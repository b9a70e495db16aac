// Package chatpage runs the extension in real browsers against a real
// chatbridge and an imitation of the chat site: see runner/ and scenarios/.
package chatpage

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
	slow  = flag.Bool("slow", false, "run the scenarios too that take minutes")
	all   = flag.Bool("all", false, "run all scenarios, not some of each kind")
	play  = flag.Bool("play", false, "run some of each kind; without any flag none is run: they want the machine to themselves")
	again = flag.Bool("again", false, "run a scenario that fails once more, but for one that sent too many prompts")
)

// within is how long all scenarios of a browser may take together.
const within = 22 * time.Minute

// firefoxCore is what Firefox runs where nothing else is asked for: an editor,
// a stream and a mishap of each kind.
const firefoxCore = `^(page: (ProseMirror|Lexical|bare|hand-over)|chat: (a second|temporary$)|mode: slider, extended|message: everything|answer: by the document alone, table` +
	`|breaks: (the stream|before .*itself)|trouble: the page|tab (reloaded|closed)|server killed|cancel|first start)`

func TestMain(m *testing.M) {
	status := m.Run()
	harness.Clean()
	os.Exit(status)
}

// chromiumEach is how many scenarios of each kind Chromium plays where nothing
// else is asked for: all of them take five minutes of a whole machine.
const chromiumEach = "3"

func TestChromium(t *testing.T) {
	flags := []string{"--only", *only, "--lanes", *lanes}
	if *only == "" && !*all {
		flags = append(flags, "--each", chromiumEach)
	}
	scenarios(t, "chromium", flags...)
}

func TestFirefox(t *testing.T) {
	which := *only
	if which == "" {
		which = firefoxCore
	}
	scenarios(t, "firefox-esr", "--firefox", "--only", which)
}

// scenarios runs those that the flags choose. Each is a test of its own.
func scenarios(t *testing.T, browser string, flags ...string) {
	if !*play && !*all && *only == "" {
		t.Skip("run with -play, -all or -only")
	}
	for _, name := range []string{browser, "node", "npm", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s here", name)
		}
	}
	if _, err := os.Stat("node_modules/.package-lock.json"); errors.Is(err, os.ErrNotExist) {
		if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--silent").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	if *slow {
		flags = append(flags, "--slow")
	}
	if *again {
		flags = append(flags, "--again")
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"runner/main.mjs"}, flags...)...)
	cmd.Env = append(os.Environ(), "BINARY="+harness.Binary(t), "JSON=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the servers that it starts; Chromium ends when its pipe does
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
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
		t.Errorf("the runner ended with %v after %d scenarios\n%s", err, ran, errs.String())
	}
	if errs.Len() > 0 {
		t.Log(errs.String())
	}
	if ran == 0 {
		t.Errorf("no scenario ran\n%s", errs.String())
	}
}
