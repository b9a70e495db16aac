// Package delivery proves what is promised of webhooks from outside: that others'
// libraries verify them, that a kill at the worst moment loses none, and that no
// URL reaches what must not be reached.
package delivery

import (
	"fmt"
	"os"
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

// unless skips a test for what this machine lacks; the gate must have it.
func unless(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") != "":
		t.Fatal("the gate needs it: " + what)
	default:
		t.Skip("not here: " + what)
	}
}
