package postgres

import (
	"context"
	"time"

	"chatbridge/internal/bridge"
)

// firstAt makes the statement that finds, by halving, the first number of a table
// whose row's time is not before $1; one behind the last where there is none. The
// numbers may have gaps; the times are taken to follow the numbers.
func firstAt(table, number, column string) string {
	early := `(SELECT x.` + column + ` FROM ` + table + ` x WHERE x.` + number + ` >= (lo + hi) / 2 ORDER BY x.` + number + ` LIMIT 1) < $1`
	return `WITH RECURSIVE half (lo, hi) AS (
			SELECT (SELECT coalesce(min(` + number + `), 0) FROM ` + table + `), (SELECT coalesce(max(` + number + `), 0) + 1 FROM ` + table + `)
			UNION ALL
			SELECT CASE WHEN ` + early + ` THEN (lo + hi) / 2 + 1 ELSE lo END, CASE WHEN ` + early + ` THEN hi ELSE (lo + hi) / 2 END
			FROM half WHERE lo < hi)
		SELECT lo FROM half WHERE lo = hi`
}

var (
	byQueuedAt  = firstAt("requests", "seq", "queued_at")
	byCreatedAt = firstAt("deliveries", "id", "created_at")
	byAuditedAt = firstAt("audit", "id", "at")
)

// span finds the numbers from lo on and below hi among which all are whose time is
// in [from, to), as far as times and numbers go together, see [bridge.ClockSlack].
// 0 stands for no bound, as the zero time does.
func (s *Store) span(ctx context.Context, by string, from, to time.Time) (lo, hi int64, err error) {
	find := func(t time.Time) (int64, error) {
		return only(s, ctx, "find where a time begins", (*row).int64, by, t.UnixMicro())
	}
	if !from.IsZero() {
		lo, err = find(from.Add(-bridge.ClockSlack))
	}
	if err == nil && !to.IsZero() {
		hi, err = find(to.Add(bridge.ClockSlack))
	}
	return lo, hi, err
}

// least is the lower of two bounds, of which 0 is none.
func least(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
