package sqlite

import (
	"fmt"
	"strings"
)

// table is one whose new rows wait for the end of the transaction, where those
// of all commands are written together: a statement costs more than a row.
type table int

const (
	events table = iota
	bodies
	answers
	tries
	tables // how many
)

// rowsAtOnce is how many rows one statement writes: more gain nothing.
const rowsAtOnce = 8

// OR FAIL, here and where one statement changes many rows: what fails is not undone
// for itself, because all of the transaction is; so SQLite keeps no journal of the
// statement, which it would write to a file.

// inserts holds, by table, what writes one row and what writes rowsAtOnce.
var inserts = [tables]insert{
	events: insertInto(`events (id, request_seq, type, at, attempt, worker_id, reason, data)`, ``),
	bodies: insertInto(`bodies (request_seq, message, metadata)`,
		` ON CONFLICT (request_seq) DO UPDATE SET message = excluded.message, metadata = excluded.metadata`),
	answers: insertInto(`answers (request_seq, response, partial)`,
		` ON CONFLICT (request_seq) DO UPDATE SET response = excluded.response, partial = excluded.partial`),
	tries: insertInto(`tries (delivery_id, number, at, duration_ns, status, error, request_headers, response_headers, response_body, retry_after_ns)`, ``),
}

type insert struct {
	columns   int
	one, many string
}

func insertInto(table, conflict string) insert {
	columns := strings.Count(table, ",") + 1
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	one := "INSERT OR FAIL INTO " + table + " VALUES " + row
	return insert{columns, one + conflict, one + strings.Repeat(", "+row, rowsAtOnce-1) + conflict}
}

// later has a row written at the end of the transaction, or before the next
// query that could read it, for which see settle.
func (t *tx) later(name table, row ...any) { t.waiting[name] = append(t.waiting[name], row...) }

// settle writes the rows of a table that wait. Whoever queries one of these
// tables on the writer settles it first.
func (t *tx) settle(name table) error {
	in := &inserts[name]
	for left := t.waiting[name]; len(left) > 0; {
		text, n := in.many, rowsAtOnce*in.columns
		if len(left) < n {
			text, n = in.one, in.columns
		}
		if _, err := t.exec(bg, text, left[:n]...); err != nil {
			return fmt.Errorf("write what a batch adds: %w", err)
		}
		left = left[n:]
	}
	clear(t.waiting[name])
	t.waiting[name] = t.waiting[name][:0]
	return nil
}

// flush writes all that waits.
func (t *tx) flush() error {
	for name := range tables {
		if err := t.settle(name); err != nil {
			return err
		}
	}
	return nil
}
