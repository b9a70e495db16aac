// Package harness runs the real program for whole-program tests: it builds the
// binary, starts and stops servers, and has what speaks to them by hand — an
// HTTP client, readers of streams, workers of both dialects, a webhook receiver.
// Nothing in it fails silently: what is not as it must be ends the test.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Patience is how long anything may take that should come at once. It is long
// because the machines that run these tests are slow and shared; no test waits
// for it where all is well.
const Patience = 20 * time.Second

// scratch is where the binary and the data folders lie. Their paths are short,
// because a socket in a data folder may have only about 100 bytes.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "cb-e2e-") })

// built names a program that is built already, for a test that runs in a process
// of its own.
const built = "CHATBRIDGE_TEST_BINARY"

var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(built); path != "" {
		return path, nil
	}
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "chatbridge")
	args := append([]string{"build", "-o", path}, raceArgs...)
	out, err := exec.Command("go", append(args, "chatbridge/cmd/chatbridge")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// Binary builds the program, once in a test process, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Handed is a variable ("NAME=value") with which another test process takes this
// one's program and builds none.
func Handed(t testing.TB) string {
	t.Helper()
	return built + "=" + Binary(t)
}

// Clean removes what the harness has written, and ends what all tests shared. A
// TestMain calls it last.
func Clean() {
	closeDatabases()
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir)
	}
}

// Folder makes an empty folder with a short path. It goes with Clean.
func Folder(t testing.TB) string {
	t.Helper()
	root, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Eventually polls until the condition holds, and fails the test where it does
// not come to hold.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never came to be: %s", what)
}
