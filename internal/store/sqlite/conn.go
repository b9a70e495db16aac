package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"chatbridge/internal/wire"
)

// conn is one connection and the statements prepared on it. It speaks to the
// driver below database/sql: that layer's conversions and locks cost more than
// many of our statements. Not for two goroutines at once.
type conn struct {
	pooled *sql.Conn
	raw    driver.ConnPrepareContext // valid inside use
	stmts  map[string]driver.Stmt    // by text; the texts are few: constants, and the forms of a list query
	args   []driver.NamedValue
	values []driver.Value
}

// take takes a connection of db for good and runs the pragmas on it.
func take(ctx context.Context, db *sql.DB, pragmas ...string) (*conn, error) {
	pooled, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a connection: %w", err)
	}
	c := &conn{pooled: pooled, stmts: map[string]driver.Stmt{}}
	err = c.use(func() error {
		for _, p := range pragmas {
			if _, err := c.exec(ctx, "PRAGMA "+p); err != nil {
				return fmt.Errorf("set %s: %w", p, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// use runs f, inside which the connection may be spoken to.
func (c *conn) use(f func() error) error {
	return c.pooled.Raw(func(dc any) error {
		raw, ok := dc.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("the SQLite driver's %T prepares no statements", dc)
		}
		c.raw = raw
		return f()
	})
}

// close finalizes the statements and closes the connection itself, rather than
// giving it back to the pool.
func (c *conn) close() error {
	err := c.pooled.Raw(func(any) error {
		for _, s := range c.stmts {
			s.Close()
		}
		return driver.ErrBadConn
	})
	if errors.Is(err, driver.ErrBadConn) {
		err = nil
	}
	return errors.Join(err, ignore(c.pooled.Close(), sql.ErrConnDone))
}

func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

func (c *conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	s, err := c.raw.PrepareContext(ctx, positional(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	c.stmts[text] = s
	return s, nil
}

// positional turns $1, $2 … into ? where they stand in order, each once. The
// texts use what PostgreSQL takes too; the driver finds a nameless parameter
// faster.
func positional(text string) string {
	var out strings.Builder
	parts := strings.Split(text, "$")
	out.WriteString(parts[0])
	for i, part := range parts[1:] {
		rest, ok := strings.CutPrefix(part, strconv.Itoa(i+1))
		if !ok || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return text
		}
		out.WriteString("?" + rest)
	}
	return out.String()
}

// bind puts arguments into the connection's own buffer. They are int64, string,
// []byte, bool or nil.
func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

func (c *conn) exec(ctx context.Context, text string, args ...any) (driver.Result, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtExecContext).ExecContext(ctx, c.bind(args))
}

// insert returns the new row's id.
func (c *conn) insert(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := c.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

var errNoSuchRow = errors.New("the row to be changed is not there")

// update changes the one row that must be there.
func (c *conn) update(ctx context.Context, text string, args ...any) error {
	n, err := c.change(ctx, text, args...)
	if err == nil && n != 1 {
		err = errNoSuchRow
	}
	return err
}

// change returns how many rows a statement has written.
func (c *conn) change(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := c.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query calls each for every row. each must not speak to the connection, nor
// keep the row.
func (c *conn) query(ctx context.Context, each func(*row), text string, args ...any) (err error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	n := len(rows.Columns())
	for len(c.values) < n {
		c.values = append(c.values, nil)
	}
	r := row{values: c.values[:n]}
	for {
		switch err := rows.Next(r.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		r.at = 0
		each(&r)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// row hands out the columns of one row, from left to right. A column of
// another type than asked for reads as zero: the tables are STRICT.
type row struct {
	values []driver.Value
	at     int
}

func (r *row) next() driver.Value {
	v := r.values[r.at]
	r.at++
	return v
}

func (r *row) int64() int64    { n, _ := r.next().(int64); return n }
func (r *row) int() int        { return int(r.int64()) }
func (r *row) bool() bool      { return r.int64() != 0 }
func (r *row) text() string    { s, _ := r.next().(string); return s }
func (r *row) blob() []byte    { b, _ := r.next().([]byte); return b }
func (r *row) time() time.Time { return fromMicros(r.next()) }

func (r *row) json() json.RawMessage {
	if s := r.text(); s != "" {
		return json.RawMessage(s)
	}
	return nil
}

// decode reads a JSON column into v and leaves v alone where it is NULL. What
// we wrote ourselves decodes; a column spoilt by hand reads as empty.
func (r *row) decode(v any) {
	if s := r.text(); s != "" {
		_ = json.Unmarshal([]byte(s), v)
	}
}

func fromMicros(v driver.Value) time.Time {
	if n, ok := v.(int64); ok {
		return time.UnixMicro(n).UTC()
	}
	return time.Time{}
}

// micros is how a time is stored; the zero time is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stored is t as it will be read again.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// orNull stores the zero value as NULL.
func orNull[T int64 | string](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func jsonOrNull(raw json.RawMessage) any { return orNull(string(raw)) }

func blobOrNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// encode stores a list or map as JSON, an empty one as NULL.
func encode[T any](v T, empty bool) (any, error) {
	if empty {
		return nil, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// encodeMap stores a map as JSON, an empty one as NULL, without encoding/json's
// reflection, which takes longer than the row.
func encodeMap(m map[string]string) any {
	if len(m) == 0 {
		return nil
	}
	var b []byte
	for name, value := range m {
		b = append(b, ',')
		b = append(wire.AppendString(b, name), ':')
		b = wire.AppendString(b, value)
	}
	b[0] = '{'
	return string(append(b, '}'))
}
