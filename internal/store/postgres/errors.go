package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"chatbridge/internal/bridge"
)

// SQLSTATEs that are told apart (appendix A of PostgreSQL's manual).
const (
	uniqueViolation  = "23505"
	deadlock         = "40P01"
	serialization    = "40001"
	lockNotAvailable = "55P03"
)

// tryAgainAfter is how long a client is asked to wait where the database is in
// trouble: a restart takes a few seconds.
const tryAgainAfter = 5 * time.Second

// troubles are what keeps the whole database from working, as opposed to what is
// wrong with one command's rows, by SQLSTATE or its first two characters: what to
// tell people.
var troubles = map[string]string{
	"08":    "The connection to the database server broke. Check that PostgreSQL runs and can be reached; what was acknowledged is safe.",
	"53":    "The database server is short of memory or another resource. Free some; what was acknowledged is safe.",
	"53100": "The database server's disk is full. Free some space on it; what was acknowledged is safe.",
	"53300": "The database server takes no more connections. Raise its max_connections, or stop what else uses it.",
	"57":    "The database server is stopping or starting. Try again in a moment; what was acknowledged is safe.",
	"58":    "The database server's disk reports an error. Look at its log.",
	"XX":    "The database is damaged, or the database server has a fault. Look at its log; restore a backup if it must be.",
	"25006": "The database server is read-only, a standby perhaps. Name the primary, or all servers, in the database's URL.",
	"28":    "The database server refuses the log-in. Check the user and the password in the database's URL.",
	"3D000": "The database is not there. Create it, or name another in the database's URL.",
	"42501": "The database user lacks a permission. Make it the owner of the database, or grant it what the server's log says.",
	"42P01": "A table of the database is missing. Restore a backup, or start the server anew to let it make what is missing.",
	"25P03": "The database server ended a transaction that stood still for too long. Try again; if it stays, look at the load of both machines.",

	deadlock:         "The database is too busy. Try again in a moment.",
	serialization:    "The database is too busy. Try again in a moment.",
	lockNotAvailable: "Another node holds what this needs. Try again in a moment; if it stays, look for a transaction that stands still on the database server.",
}

var (
	errClosed = &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: "The server is stopping. Try again in a moment.", RetryAfter: time.Second}

	errNoSuchRow = errors.New("the row to be changed is not there")

	// errStale says that a row which was read without a lock has changed since:
	// the command is to be decided anew.
	errStale = errors.New("a row has changed since it was read")
)

func state(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// lost reports whether the connection is of no use after err.
func lost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC" || e.Code == "25006"
	}
	_, network := errors.AsType[net.Error](err)
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return network || connecting || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err)
}

// again reports whether a transaction that failed so may succeed if it is begun
// anew.
func again(err error) bool {
	switch state(err) {
	case deadlock, serialization, lockNotAvailable:
		return true
	}
	return errors.Is(err, errStale)
}

// unavailable returns the error for every command of a batch, nil if err
// concerns one command only.
func unavailable(err error) *bridge.Error {
	detail, ok := troubles[state(err)]
	if s := state(err); !ok && s != "" {
		detail, ok = troubles[s[:2]]
	}
	if !ok && lost(err) {
		detail, ok = troubles["08"], true
	}
	if !ok && errors.Is(err, errStale) {
		detail, ok = troubles[serialization], true
	}
	if !ok {
		return nil
	}
	return &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: detail, RetryAfter: tryAgainAfter, Err: err}
}

// anyway is the error of a whole batch: Unavailable whatever happened.
func anyway(err error) error {
	if e := unavailable(err); e != nil {
		return e
	}
	return &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: "The database does not answer. Look at the server's log.", RetryAfter: tryAgainAfter, Err: err}
}

// domain is err as a caller gets it.
func domain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*bridge.Error](err); ok {
		return e
	}
	if state(err) == uniqueViolation {
		return &bridge.Error{Kind: bridge.Conflict, Code: "conflict", Detail: "Something else holds this place already. Look at the present state, then try again.", Err: err}
	}
	if e := unavailable(err); e != nil {
		return e
	}
	return err
}

// openError says what to do about an error of Open. It names no URL: there may be
// a password in it.
func openError(err error) error {
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New("the database's URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of the password as %XX")
	}
	if e := unavailable(err); e != nil {
		return &opening{e.Detail, err}
	}
	return err
}

// opening is an error of Open: what to do, and why.
type opening struct {
	detail string
	err    error
}

func (e *opening) Error() string { return e.detail + " (" + e.err.Error() + ")" }
func (e *opening) Unwrap() error { return e.err }
