// Package pages looks at the chat page and the panel in real browsers, against
// a real chatbridge: see runner/ and scenarios/.
package pages

import (
	"flag"
	"os"
	"os/exec"
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
	return harness.Script(t, within, []string{browser, "sqlite3"}, args...)
}

// scenarios runs those that the flags choose.
func scenarios(t *testing.T, browser string, flags ...string) {
	t.Helper()
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
	harness.Play(t, node(t, browser, args...))
}
