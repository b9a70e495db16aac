// Package crash kills the real program under load, takes its disk away, and
// runs two nodes on one store; then it counts what became of every request.
package crash

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatbridge/e2e/harness"
)

var (
	killsFlag = flag.Int("kills", 20, "how often TestKill kills the server")
	seedFlag  = flag.Uint64("seed", 0, "what the actors' dice begin with; 0: the time")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seedFlag == 0 {
		*seedFlag = uint64(time.Now().UnixNano())
	}
	status := m.Run()
	harness.Clean()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// want fails the test where two values differ.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
