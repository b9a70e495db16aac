// Package chatpage runs the extension in real browsers against a real
// chatbridge and an imitation of the chat site: see runner/ and scenarios/.
package chatpage

import (
	"flag"
	"os"
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

// scenarios runs those that the flags choose.
func scenarios(t *testing.T, browser string, flags ...string) {
	t.Helper()
	if !*play && !*all && *only == "" {
		t.Skip("run with -play, -all or -only")
	}
	if *slow {
		flags = append(flags, "--slow")
	}
	if *again {
		flags = append(flags, "--again")
	}
	harness.Play(t, harness.Script(t, within, []string{browser, "openssl"}, append([]string{"runner/main.mjs"}, flags...)...))
}
