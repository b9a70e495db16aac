package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
)

// Request implements [bridge.Reader].
func (s *Store) Request(ctx context.Context, id string) (*bridge.Request, error) {
	return one(s, ctx, "read a request", wholeBody, selectRequestBody+` WHERE r.id = $1`, id)
}

// RequestAccount implements [bridge.Reader].
func (s *Store) RequestAccount(ctx context.Context, id string) (int64, error) {
	return only(s, ctx, "find a request's account", (*row).int64, `SELECT account_id FROM requests WHERE id = $1`, id)
}

// Unfinished implements [bridge.Reader].
func (s *Store) Unfinished(ctx context.Context, accountID int64) ([]*bridge.Request, error) {
	return all(s, ctx, "list unfinished requests", wholeBare, selectUnfinished, accountID)
}

// Requests implements [bridge.Reader].
func (s *Store) Requests(ctx context.Context, f bridge.RequestFilter) ([]*bridge.Request, error) {
	q := listRequests(f)
	if f.Contains != "" {
		return s.search(ctx, f, q)
	}
	text, args := q.sql(selectRequestBody, f.Limit)
	return all(s, ctx, "list requests", wholeBody, text, args...)
}

// selection is conditions on requests r, in an order of their numbers.
type selection struct {
	join  string // behind FROM requests r
	where []string
	args  []any
	key   string // the number's column, of the table that is walked
	order string
}

// add adds a condition; ? in it stands for the argument.
func (q *selection) add(condition string, arg any) {
	q.args = append(q.args, arg)
	q.where = append(q.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(q.args))))
}

// sql is the statement that begins with these words.
func (q *selection) sql(beginning string, max int) (string, []any) {
	where := q.where
	if len(where) == 0 {
		where = []string{"TRUE"}
	}
	return fmt.Sprintf("%s%s WHERE %s ORDER BY %s %s LIMIT $%d", beginning, q.join, strings.Join(where, " AND "), q.key, q.order, len(q.args)+1), append(slices.Clone(q.args), limit(max))
}

// listRequests is what of a filter SQL can answer alone: all but Contains.
func listRequests(f bridge.RequestFilter) *selection {
	q, table := &selection{order: "DESC"}, "r"
	if f.Status == bridge.Idle || f.Status == bridge.Executing { // few, and listed apart
		q.join, table = ` JOIN open_requests o ON o.seq = r.seq`, "o"
	}
	q.key = table + ".seq"
	if f.AccountID != 0 {
		q.add(table+".account_id = ?", f.AccountID)
	}
	if f.ChatID != 0 {
		q.add(table+".chat_id = ?", f.ChatID)
	}
	switch f.Status {
	case "":
	case bridge.Failed:
		q.where = append(q.where, "r.failed")
	default:
		q.add("r.status = ?", string(f.Status))
	}
	switch {
	case f.Ascending:
		q.order = "ASC"
		q.add(q.key+" > ?", f.Before)
	case f.Before != 0:
		q.add(q.key+" < ?", f.Before)
	}
	return q
}

// The steps of a search.
const (
	// searchAtOnce is how many texts one statement brings, one after the other: a
	// search that has found enough throws the rest of them away.
	searchAtOnce = 64
)

// search looks for a text in messages and answers, any case: SQL narrows it to
// those that may have it, see narrow, and Go compares. One text at a time is held.
func (s *Store) search(ctx context.Context, f bridge.RequestFilter, q *selection) ([]*bridge.Request, error) {
	if part := narrow(f.Contains); part != "" {
		q.add(`(strpos(lower(b.message COLLATE "C"), ?) > 0 OR strpos(lower(s.response COLLATE "C"), ?) > 0)`, part)
	}
	found := []int64{}
	var out []*bridge.Request
	err := s.read(ctx, "search requests", func(ctx context.Context, c *pgx.Conn) error {
		found, out = found[:0], nil
		for next := *q; ; {
			text, args := next.sql(`SELECT r.seq, b.message, s.response FROM requests r`+withTexts, searchAtOnce)
			rows, last := 0, int64(0)
			err := look(ctx, c, func(r *row) {
				rows, last = rows+1, r.int64()
				if message, answer := r.next(), r.next(); ctx.Err() == nil && (len(found) < f.Limit || f.Limit <= 0) {
					if containsFold(message, f.Contains) || containsFold(answer, f.Contains) {
						found = append(found, last)
					}
				}
			}, text, args...)
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			if rows < searchAtOnce || f.Limit > 0 && len(found) >= f.Limit {
				break
			}
			next = *q
			next.where, next.args = slices.Clone(q.where), slices.Clone(q.args)
			if q.order == "ASC" {
				next.add(q.key+" > ?", last)
			} else {
				next.add(q.key+" < ?", last)
			}
		}
		return look(ctx, c, func(r *row) { out = append(out, wholeBody(r)) }, selectRequestBody+` WHERE r.seq = ANY($1::bigint[]) ORDER BY r.seq `+q.order, found)
	})
	return out, err
}
