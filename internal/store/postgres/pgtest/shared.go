//go:build unix

package pgtest

import (
	"errors"
	"os"
	"sync"
	"testing"
)

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// URL makes an empty database for a test, on a server that all tests of the process
// share, and returns how to connect to it. Where PostgreSQL is not installed the test
// is skipped, or, with CI set in the environment, fails. TestMain calls [Close].
func URL(t testing.TB) string {
	t.Helper()
	s := Shared(t)
	name, err := s.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.URL(name)
}

// Shared is that server. Whoever stops it disturbs the other tests.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start(Options{}) })
	check(t, shared.err)
	return shared.server
}

// New starts a server for one test, which ends with it. It skips and fails like
// [URL].
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	check(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the PostgreSQL server: %v", err)
		}
	})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrNotInstalled) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatalf("start a PostgreSQL server: %v", err)
	}
}

// Close ends the server that tests have shared, if there is one.
func Close() error {
	if shared.server == nil {
		return nil
	}
	return shared.server.Close()
}
