package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/fold"
)

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
				if message, answer := r.text(), r.text(); ctx.Err() == nil && (len(found) < f.Limit || f.Limit <= 0) {
					if fold.Contains(message, f.Contains) || fold.Contains(answer, f.Contains) {
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
		return look(ctx, c, func(r *row) { out = append(out, wholeBody(r)) }, selectListed(f)+` WHERE r.seq = ANY($1::bigint[]) ORDER BY r.seq `+q.order, found)
	})
	return out, err
}
