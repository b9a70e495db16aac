package sqlite

import (
	"context"
	"time"

	"chatbridge/internal/store/span"
)

// span finds the numbers of a range of times by one of the statements of [span].
func (s *Store) span(ctx context.Context, by string, from, to time.Time) (lo, hi int64, err error) {
	return span.Find(from, to, func(micros int64) (int64, error) {
		return only(s, ctx, "find where a time begins", (*row).int64, by, micros)
	})
}
