// Package span finds the numbers of the rows whose times lie in a range, without
// an index of times: rows are numbered in the order in which they are written. The
// statements are ones that every store engine takes.
package span

import (
	"time"

	"chatbridge/internal/bridge"
)

// Each finds the first number of a table whose row's time is not before $1, in
// microseconds of Unix time; one behind the last where there is none. (The engines'
// tables have these names in common.)
var (
	QueuedAt  = firstAt("requests", "seq", "queued_at")
	CreatedAt = firstAt("deliveries", "id", "created_at")
	AuditedAt = firstAt("audit", "id", "at")
)

// firstAt finds it by halving. The numbers may have gaps; the times are taken to
// follow the numbers.
func firstAt(table, number, column string) string {
	early := `(SELECT x.` + column + ` FROM ` + table + ` x WHERE x.` + number + ` >= (lo + hi) / 2 ORDER BY x.` + number + ` LIMIT 1) < $1`
	return `WITH RECURSIVE half (lo, hi) AS (
			SELECT (SELECT coalesce(min(` + number + `), 0) FROM ` + table + `), (SELECT coalesce(max(` + number + `), 0) + 1 FROM ` + table + `)
			UNION ALL
			SELECT CASE WHEN ` + early + ` THEN (lo + hi) / 2 + 1 ELSE lo END, CASE WHEN ` + early + ` THEN hi ELSE (lo + hi) / 2 END
			FROM half WHERE lo < hi)
		SELECT lo FROM half WHERE lo = hi`
}

// Find returns the numbers from lo on and below hi among which all are whose time
// is in [from, to), as far as times and numbers go together, see
// [bridge.ClockSlack]. 0 stands for no bound, as the zero time does. first executes
// one of the statements with its argument; its error is returned.
func Find(from, to time.Time, first func(micros int64) (int64, error)) (lo, hi int64, err error) {
	if !from.IsZero() {
		lo, err = first(from.Add(-bridge.ClockSlack).UnixMicro())
	}
	if err == nil && !to.IsZero() {
		hi, err = first(to.Add(bridge.ClockSlack).UnixMicro())
	}
	return lo, hi, err
}

// Least is the lower of two bounds, of which 0 is none.
func Least(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
