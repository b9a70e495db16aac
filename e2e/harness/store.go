package harness

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"

	"chatbridge/internal/store/postgres/pgtest"
)

// storeVariable says on which engine servers run: sqlite, which is the default, or
// postgres.
const storeVariable = "CHATBRIDGE_E2E_STORE"

// moreConns is enough for every server that tests side by side start, and for the
// commands beside them: each has a connection that writes and up to eight that read.
const moreConns = "max_connections=600"

// databases is the PostgreSQL server that all tests of the process share, nil as
// long as none needed it. Clean closes it.
var databases struct {
	once   sync.Once
	server *pgtest.Server
	err    error
}

// OnPostgres reports whether servers run on PostgreSQL.
func OnPostgres(t testing.TB) bool {
	t.Helper()
	switch engine := os.Getenv(storeVariable); engine {
	case "", "sqlite":
		return false
	case "postgres":
		return true
	default:
		t.Fatalf("%s: there is no engine %q; it may be sqlite or postgres", storeVariable, engine)
		return false
	}
}

// OnlySQLite skips the rest of a test where servers run on PostgreSQL; why is what
// of it only SQLite has.
func OnlySQLite(t testing.TB, why string) {
	t.Helper()
	if OnPostgres(t) {
		t.Skipf("not on PostgreSQL: %s", why)
	}
}

// Database makes an empty PostgreSQL database and returns its URL. Without
// PostgreSQL on this machine the test fails: it was asked for.
func Database(t testing.TB) string {
	t.Helper()
	databases.once.Do(func() {
		databases.server, databases.err = pgtest.Start(pgtest.Options{Settings: []string{moreConns}})
	})
	if databases.err != nil {
		t.Fatalf("start PostgreSQL: %v", databases.err)
	}
	name, err := databases.server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return databases.server.URL(name)
}

// Store is an empty store of the engine that servers run on: variables for the
// program, none for SQLite, whose file is in the data folder.
func Store(t testing.TB) []string {
	t.Helper()
	if !OnPostgres(t) {
		return nil
	}
	return []string{storeFlag + Database(t)}
}

// storeFlag is the variable of --store.
const storeFlag = "CHATBRIDGE_STORE="

// storeIn is what variables say of the store, "" for nothing.
func storeIn(env []string) (url string) {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, storeFlag); ok {
			url = value
		}
	}
	return url
}

// File is where SQLite keeps the data of a folder.
func File(dir string) string { return filepath.Join(dir, "chatbridge.db") }

// Exec changes the store beside the server, which should be down, by a statement
// that both engines take ($1 for the first argument), and returns how many rows it
// touched.
func (s *Server) Exec(statement string, args ...any) int64 {
	s.t.Helper()
	driver, name := "sqlite", File(s.Dir)
	if url := storeIn(s.env); url != "" {
		driver, name = "pgx", url
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(s.t.Context(), statement, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func closeDatabases() {
	if databases.server == nil {
		return
	}
	if err := databases.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close the PostgreSQL server:", err)
	}
}
