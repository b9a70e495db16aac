package postgres

import (
	"chatbridge/internal/bridge"
)

const (
	lockReplay = `SELECT ` + replayColumns + ` FROM replays p WHERE p.id = $1 FOR UPDATE OF p`

	// These lock the next requests, which stand for their texts too.
	lockSweptRequests = `SELECT r.id FROM requests r WHERE r.seq > $1 ORDER BY r.seq LIMIT $2 FOR UPDATE OF r`
	lockSweptBodies   = `SELECT r.id FROM requests r WHERE r.seq = ANY(ARRAY(SELECT b.request_seq FROM bodies b WHERE b.request_seq > $1 ORDER BY b.request_seq LIMIT $2))
		ORDER BY r.seq FOR UPDATE OF r`
	// lockTheirs keeps what the requests owe as it is until the commit.
	lockTheirs = `SELECT d.request_seq, d.next_try_at IS NOT NULL FROM deliveries d WHERE d.request_seq = ANY($1::bigint[]) ORDER BY d.id FOR UPDATE OF d`

	// sweptTries takes one step of the index for each delivery, however many tries it has.
	sweptTries = `WITH RECURSIVE tried (id) AS (
			(SELECT delivery_id FROM tries WHERE delivery_id > $1 ORDER BY delivery_id LIMIT 1)
			UNION ALL
			SELECT (SELECT x.delivery_id FROM tries x WHERE x.delivery_id > tried.id ORDER BY x.delivery_id LIMIT 1) FROM tried WHERE tried.id IS NOT NULL
		)
		SELECT id FROM tried WHERE id IS NOT NULL LIMIT $2`
	lockTried = `SELECT d.id, d.next_try_at IS NOT NULL, d.created_at FROM deliveries d WHERE d.id = ANY($1::bigint[]) ORDER BY d.id FOR UPDATE OF d`

	sweptAudit = `SELECT id, at FROM audit WHERE id > $1 ORDER BY id LIMIT $2`
)

// loadCleanUp loads a replay, and what a clean-up looks at.
func (l *loader) loadCleanUp() error {
	if l.needs.Replay != 0 {
		p := l.flushed()
		p.query(lockReplay, func(r *row) { l.facts.Replay = scanReplay(r) }, l.needs.Replay)
		if err := l.ask(p); err != nil {
			return err
		}
	}
	s := l.needs.Sweep
	if s == nil {
		return nil
	}
	switch s.Kind {
	case bridge.SweepBodies:
		return l.sweepRequests(lockSweptBodies, s)
	case bridge.SweepRequests:
		return l.sweepRequests(lockSweptRequests, s)
	case bridge.SweepTries:
		return l.sweepTries(s)
	case bridge.SweepAudit:
		p := l.flushed()
		p.query(sweptAudit, func(r *row) { l.facts.Swept = append(l.facts.Swept, bridge.Swept{At: r.int64(), Since: r.time()}) }, s.After, limit(s.Limit))
		return l.ask(p)
	}
	return nil
}

func (l *loader) sweepRequests(text string, s *bridge.Sweep) error {
	var found []int64
	if err := l.askRequests(func(seqs []int64) { found = seqs }, text, s.After, limit(s.Limit)); err != nil {
		return err
	}
	owed := map[int64]bool{}
	p := l.flushed()
	p.query(lockTheirs, func(r *row) {
		seq, next := r.int64(), r.bool()
		owed[seq] = owed[seq] || next
	}, orEmpty(found))
	if err := l.ask(p); err != nil {
		return err
	}
	for _, seq := range found {
		r := l.request(seq)
		l.facts.Swept = append(l.facts.Swept, bridge.Swept{At: seq, Request: r, Leased: len(l.leasesOf[seq]) > 0, Owed: owed[seq], Since: r.QueuedAt})
	}
	return nil
}

func (l *loader) sweepTries(s *bridge.Sweep) error {
	var ids []int64
	p := l.flushed()
	p.query(sweptTries, func(r *row) { ids = append(ids, r.int64()) }, s.After, limit(s.Limit))
	if err := l.ask(p); err != nil {
		return err
	}
	found := map[int64]bridge.Swept{}
	p = l.flushed()
	p.query(lockTried, func(r *row) {
		id := r.int64()
		found[id] = bridge.Swept{At: id, Owed: r.bool(), Since: r.time()}
	}, orEmpty(ids))
	if err := l.ask(p); err != nil {
		return err
	}
	for _, id := range ids {
		swept := found[id]
		swept.At = id // of tries whose delivery is gone
		l.facts.Swept = append(l.facts.Swept, swept)
	}
	return nil
}
