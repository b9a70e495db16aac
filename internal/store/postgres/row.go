package postgres

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// row hands out the columns of one row, from left to right, as the server sends
// them in binary. The columns are bigint, xid, text, boolean and bytea, nothing
// else; NULL reads as zero.
type row struct {
	values [][]byte
	at     int
}

func (r *row) next() []byte {
	v := r.values[r.at]
	r.at++
	return v
}

// null reports whether the next column is NULL.
func (r *row) null() bool { return r.values[r.at] == nil }

func (r *row) int64() int64 {
	if v := r.next(); len(v) == 8 {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (r *row) int() int { return int(r.int64()) }

// xid reads a transaction's number, which is what xmin is.
func (r *row) xid() uint32 {
	if v := r.next(); len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *row) bool() bool   { v := r.next(); return len(v) == 1 && v[0] != 0 }
func (r *row) text() string { return string(r.next()) }
func (r *row) blob() []byte { return slices.Clone(r.next()) }

func (r *row) time() time.Time {
	if r.null() {
		r.at++
		return time.Time{}
	}
	return time.UnixMicro(r.int64()).UTC()
}

func (r *row) json() json.RawMessage {
	if v := r.next(); len(v) > 0 {
		return json.RawMessage(slices.Clone(v))
	}
	return nil
}

// decode reads a JSON column into v and leaves v alone where it is NULL. What
// we wrote ourselves decodes; a column spoilt by hand reads as empty.
func (r *row) decode(v any) {
	if b := r.next(); len(b) > 0 {
		_ = json.Unmarshal(b, v)
	}
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
func encode(v any, empty bool) any {
	if empty {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil { // strings, and JSON that was read as such: cannot be
		panic(err)
	}
	return string(b)
}

// columns turns rows into an array for each column. A column's kind is i for
// bigint, t for text, b for boolean, y for bytea; a value is int64, string, bool
// or []byte, nil for NULL.
func columns(kinds string, rows [][]any) []any {
	out := make([]any, len(kinds))
	for c := range kinds {
		switch kinds[c] {
		case 'i':
			out[c] = column(rows, c, func(v int64) pgtype.Int8 { return pgtype.Int8{Int64: v, Valid: true} })
		case 't':
			out[c] = column(rows, c, func(v string) pgtype.Text { return pgtype.Text{String: clean(v), Valid: true} })
		case 'b':
			out[c] = column(rows, c, func(v bool) pgtype.Bool { return pgtype.Bool{Bool: v, Valid: true} })
		case 'y':
			out[c] = column(rows, c, func(v []byte) []byte { return v })
		}
	}
	return out
}

func column[V, C any](rows [][]any, c int, cell func(V) C) pgtype.FlatArray[C] {
	list := make(pgtype.FlatArray[C], len(rows))
	for i, r := range rows {
		if v := r[c]; v != nil {
			list[i] = cell(v.(V))
		}
	}
	return list
}

// clean makes a text storable: what is not UTF-8, and U+0000, becomes U+FFFD.
// What we store has neither, but for what strangers sent as a header or an answer,
// and names that people look for.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// storable cleans the texts among a statement's arguments.
func storable(args []any) []any {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = clean(a)
		case []string:
			for j, s := range a {
				a[j] = clean(s)
			}
		}
	}
	return args
}
