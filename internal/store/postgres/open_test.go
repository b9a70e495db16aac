//go:build unix

package postgres

import (
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
)

func TestManyOpenOneNewDatabaseAtOnce(t *testing.T) {
	url := pgtest.URL(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := Open(t.Context(), Options{URL: url, MaxConns: 1})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := do(s, setting("a", "1")); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNewerSchemaIsRefused(t *testing.T) {
	url, c := database(t)
	start(t, url).Close()
	exec(t, c, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`)
	_, err := Open(t.Context(), Options{URL: url})
	if err == nil || !strings.Contains(err.Error(), "version 999") || !strings.Contains(err.Error(), "update chatbridge") {
		t.Fatalf("got %v", err)
	}
}

// Whatever is wrong with a URL, the error says what to do and keeps the password.
func TestOpenErrors(t *testing.T) {
	url, c := database(t)
	at := strings.TrimPrefix(url, "postgres://test@")
	host, rest, _ := strings.Cut(at, "/")
	base, _, _ := strings.Cut(rest, "?")
	latin, nobody := "latin_"+base, "nobody_"+base // all tests share the server
	exec(t, c, `CREATE DATABASE `+latin+` ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	exec(t, c, `CREATE ROLE `+nobody+` LOGIN`)
	for name, x := range map[string]struct{ url, words string }{
		"no URL at all":   {"postgres://test:hunter2@[::1", "cannot be read"},
		"a bad port":      {"postgres://test:hunter2@localhost:port/x", "cannot be read"},
		"a bad parameter": {"postgres://test:hunter2@localhost/x?sslmode=maybe", "cannot be read"},
		"nobody there":    {"postgres://test:hunter2@127.0.0.1:1/x", "Check that PostgreSQL runs"},
		"no such base":    {"postgres://test:hunter2@" + host + "/none?sslmode=disable", "Create it"},
		"no such user":    {"postgres://stranger:hunter2@" + host + "/" + rest, "refuses the log-in"},
		"no permission":   {"postgres://" + nobody + ":hunter2@" + host + "/" + rest, "lacks a permission"},
		"an old encoding": {"postgres://test:hunter2@" + host + "/" + latin + "?sslmode=disable", "ENCODING 'UTF8'"},
	} {
		_, err := Open(t.Context(), Options{URL: x.url})
		if err == nil || !strings.Contains(err.Error(), x.words) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The settings that we rely on hold whatever the server's and the URL's are.
func TestSession(t *testing.T) {
	url, c := database(t)
	exec(t, c, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
		EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''serializable''', current_database()); END $$`)
	s := start(t, url+"&default_query_exec_mode=simple_protocol")
	var level, sync string
	_, err := do(s, command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		ctx := t.Context()
		if err := s.w.c.QueryRow(ctx, `SHOW transaction_isolation`, pgx.QueryExecModeSimpleProtocol).Scan(&level); err != nil {
			return nil, err
		}
		return nil, s.w.c.QueryRow(ctx, `SHOW synchronous_commit`, pgx.QueryExecModeSimpleProtocol).Scan(&sync)
	}})
	if err != nil || level != "read committed" || sync != "on" {
		t.Errorf("isolation %q, synchronous_commit %q, %v", level, sync, err)
	}
}

// Texts that PostgreSQL can't hold are stored with marks instead, and looked for
// likewise.
func TestUnstorableTexts(t *testing.T) {
	url, _ := database(t)
	s := start(t, url)
	mustDo(t, s, command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		return &bridge.Changes{Tries: []*bridge.Try{{DeliveryID: 1, Number: 1, ResponseBody: "a\x00b\xffc", ResponseHeaders: map[string]string{"A": "\x00"}}}}, nil
	}})
	tries, err := s.Tries(t.Context(), 1)
	if err != nil || len(tries) != 1 || tries[0].ResponseBody != "a\uFFFDb\uFFFDc" {
		t.Fatalf("read %+v, %v", tries, err)
	}
	if r, err := s.Request(t.Context(), "\x00\xff"); err != nil || r != nil {
		t.Errorf("read %v, %v", r, err)
	}
	if _, err := do(s, &bridge.Cancel{AccountID: 1, RequestID: "\x00"}); bridge.AsError(err).Kind != bridge.NotFound {
		t.Errorf("a command: %v", err)
	}
}
