//go:build unix

package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
)

func start(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// database is a fresh one, and a connection to it beside the stores.
func database(t testing.TB) (url string, c *pgx.Conn) {
	t.Helper()
	url = pgtest.URL(t)
	return url, beside(t, url)
}

func beside(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(t.Context()) })
	return c
}

func exec(t testing.TB, c *pgx.Conn, text string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func number(t testing.TB, c *pgx.Conn, text string, args ...any) (n int64) {
	t.Helper()
	if err := c.QueryRow(t.Context(), text, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// command is a use case of a test.
type command struct {
	needs  bridge.Needs
	decide func(*bridge.Facts) (*bridge.Changes, error)
}

func (c command) Needs() bridge.Needs { return c.needs }

func (c command) Decide(f *bridge.Facts) (*bridge.Changes, error) { return c.decide(f) }

func setting(name, value string) command {
	return command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		return &bridge.Changes{Settings: map[string]string{name: value}}, nil
	}}
}

func mustDo(t testing.TB, s bridge.Store, cmd bridge.Command) *bridge.Changes {
	t.Helper()
	c, err := do(s, cmd)
	if err != nil {
		t.Fatalf("%T: %v", cmd, err)
	}
	return c
}

func wantUnavailable(t testing.TB, err error, words string) {
	t.Helper()
	e, ok := errors.AsType[*bridge.Error](err)
	if !ok || e.Kind != bridge.Unavailable || e.Code != "store_unavailable" || e.RetryAfter <= 0 || !strings.Contains(e.Detail, words) {
		t.Fatalf("want Unavailable with %q, got %v", words, err)
	}
}
