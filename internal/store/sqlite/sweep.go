package sqlite

import "chatbridge/internal/bridge"

const (
	// standing says of a request r whether an attempt has a lease, and whether a
	// delivery is owed.
	standing = `, EXISTS (SELECT 1 FROM leases l WHERE l.request_seq = r.seq),
		EXISTS (SELECT 1 FROM deliveries d WHERE d.request_seq = r.seq AND d.next_try_at IS NOT NULL)`

	sweepRequests = `SELECT ` + requestColumns + `, ` + chatColumns + standing + ` FROM requests r` + withChat + `
		WHERE r.seq > $1 ORDER BY r.seq LIMIT $2`
	// CROSS JOIN keeps the order of the loops: along the texts.
	sweepBodies = `SELECT ` + requestColumns + `, ` + chatColumns + standing + ` FROM bodies b CROSS JOIN requests r ON r.seq = b.request_seq` + withChat + `
		WHERE b.request_seq > $1 ORDER BY b.request_seq LIMIT $2`
	// sweepTries takes one step of the index for each delivery, however many tries it has.
	sweepTries = `WITH RECURSIVE tried (id) AS (
			SELECT min(delivery_id) FROM tries WHERE delivery_id > $1
			UNION ALL
			SELECT (SELECT min(delivery_id) FROM tries WHERE delivery_id > tried.id) FROM tried WHERE tried.id IS NOT NULL
			LIMIT $2)
		SELECT tried.id, d.next_try_at IS NOT NULL, d.created_at FROM tried LEFT JOIN deliveries d ON d.id = tried.id WHERE tried.id IS NOT NULL ORDER BY tried.id`
	sweepAudit = `SELECT id, at FROM audit WHERE id > $1 ORDER BY id LIMIT $2`
)

// loadCleanUp loads a replay, and what a clean-up looks at.
func (l *loader) loadCleanUp() error {
	n, f := &l.needs, l.facts
	if n.Replay != 0 {
		if err := l.query(bg, func(r *row) { f.Replay = scanReplay(r) }, selectReplay, n.Replay); err != nil {
			return err
		}
	}
	if n.Sweep == nil {
		return nil
	}
	for _, name := range [...]table{bodies, tries} {
		if err := l.settle(name); err != nil {
			return err
		}
	}
	ofRequest := func(r *row) bridge.Swept {
		q := l.sameRequest(scanRequest(r), scanChat(r))
		return bridge.Swept{At: q.Seq, Request: q, Leased: r.bool(), Owed: r.bool(), Since: q.QueuedAt}
	}
	sweep := [...]struct {
		text string
		scan func(*row) bridge.Swept
	}{
		bridge.SweepBodies:   {sweepBodies, ofRequest},
		bridge.SweepRequests: {sweepRequests, ofRequest},
		bridge.SweepTries: {sweepTries, func(r *row) bridge.Swept {
			return bridge.Swept{At: r.int64(), Owed: r.bool(), Since: r.time()}
		}},
		bridge.SweepAudit: {sweepAudit, func(r *row) bridge.Swept { return bridge.Swept{At: r.int64(), Since: r.time()} }},
	}[n.Sweep.Kind]
	return l.query(bg, func(r *row) { f.Swept = append(f.Swept, sweep.scan(r)) }, sweep.text, n.Sweep.After, limit(n.Sweep.Limit))
}
