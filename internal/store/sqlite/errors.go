package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"chatbridge/internal/bridge"
)

// code is SQLite's primary result code of err, 0 if it is not SQLite's.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// troubles are what keeps the whole database from working, as opposed to what is
// wrong with one command's rows: what to tell people, and when to try again.
var troubles = map[int]struct {
	detail string
	after  time.Duration
}{
	sqlite3.SQLITE_FULL:     {"The disk that holds the data folder is full. Free some space on it; what was acknowledged is safe.", 5 * time.Second},
	sqlite3.SQLITE_IOERR:    {"The disk that holds the data folder reports an error. Look at the system's log.", 5 * time.Second},
	sqlite3.SQLITE_READONLY: {"The database cannot be written. Make the data folder and the files in it writable for this user.", 5 * time.Second},
	sqlite3.SQLITE_CANTOPEN: {"The database cannot be opened. Check that the data folder is there and writable for this user.", 5 * time.Second},
	sqlite3.SQLITE_PERM:     {"The database may not be opened. Make the data folder and the files in it writable for this user.", 5 * time.Second},
	sqlite3.SQLITE_AUTH:     {"The database may not be opened. Make the data folder and the files in it writable for this user.", 5 * time.Second},
	sqlite3.SQLITE_CORRUPT:  {"The database is damaged. Stop the server and restore a backup.", 5 * time.Second},
	sqlite3.SQLITE_NOTADB:   {"The database file is not a database. Stop the server and restore a backup.", 5 * time.Second},
	sqlite3.SQLITE_NOMEM:    {"There is not enough memory for the database. Free some.", 5 * time.Second},
	sqlite3.SQLITE_BUSY:     {"Another program holds the database. Close it, or try again in a moment.", time.Second},
	sqlite3.SQLITE_LOCKED:   {"Another program holds the database. Close it, or try again in a moment.", time.Second},
	sqlite3.SQLITE_PROTOCOL: {"Another program holds the database. Close it, or try again in a moment.", time.Second},
}

var errClosed = &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: "The server is stopping. Try again in a moment.", RetryAfter: time.Second}

// unavailable returns the error for every command of a batch, nil if err
// concerns one command only.
func unavailable(err error) *bridge.Error {
	t, ok := troubles[code(err)]
	if !ok {
		return nil
	}
	return &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: t.detail, RetryAfter: t.after, Err: err}
}

// domain is err as a caller gets it.
func domain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*bridge.Error](err); ok {
		return e
	}
	if e := unavailable(err); e != nil {
		return e
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return &bridge.Error{Kind: bridge.Conflict, Code: "conflict", Detail: "Something else holds this place already. Look at the present state, then try again.", Err: err}
		}
	}
	return err
}

// spoils reports whether a connection is better opened anew after err: it is
// lost, or the file below it may be another one by now, or mounted anew.
func spoils(err error) bool {
	switch code(err) {
	case 0:
		return errors.Is(err, sql.ErrConnDone)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}
