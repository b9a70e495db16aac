// Package e2e tests the whole program from outside: the real binary, over the
// wire, as curl, page scripts, extensions, browsers and operators use it.
package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"chatbridge/e2e/harness"
)

func TestMain(m *testing.M) {
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

// cases are tests that share a server. Each makes accounts of its own.
type cases map[string]func(*testing.T, *harness.Server)

// run starts a server with these flags and runs the cases on it, side by side.
func (c cases) run(t *testing.T, flags ...string) {
	t.Parallel()
	s := harness.Start(t, flags...)
	s.Token()
	for _, name := range slices.Sorted(maps.Keys(c)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c[name](t, s.On(t))
		})
	}
}

// want fails the test where two values differ.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// text is what a pointer to a string says, for comparing; "<null>" for nil.
func text(s *string) string {
	if s == nil {
		return "<null>"
	}
	return *s
}

// reason is why a request waits, "" where it does not.
func reason(r harness.Request) string {
	if r.Waiting == nil {
		return ""
	}
	return r.Waiting.Reason
}
