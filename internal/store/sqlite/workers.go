package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

const (
	workerColumns = `w.account_id, w.id, w.n, w.conn, w.node, w.connected, w.guide, w.name, w.version, w.site, w.capacity, w.response_types, w.hello_at,
		w.blocked_by, w.paused_until, w.health`
	selectWorker        = `SELECT ` + workerColumns + ` FROM workers w WHERE w.account_id = $1 AND w.id = $2`
	selectWorkersOfNode = `SELECT ` + workerColumns + ` FROM workers w WHERE w.node = $1 ORDER BY w.account_id, w.id`

	putWorker = `INSERT INTO workers (account_id, id, n, conn, node, connected, guide, name, version, site, capacity, response_types, hello_at,
			blocked_by, paused_until, health)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (account_id, id) DO UPDATE SET n = excluded.n, conn = excluded.conn, node = excluded.node, connected = excluded.connected,
			guide = excluded.guide, name = excluded.name, version = excluded.version, site = excluded.site, capacity = excluded.capacity,
			response_types = excluded.response_types, hello_at = excluded.hello_at, blocked_by = excluded.blocked_by,
			paused_until = excluded.paused_until, health = excluded.health`
	dropWorker = `DELETE FROM workers WHERE account_id = $1 AND id = $2`

	leaseColumns = `l.request_seq, r.id, l.attempt, l.account_id, l.chat_id, l.worker_id, l.guide, l.taken_at, l.go_at, l.expires_at, l.cancelled`
	fromLeases   = ` FROM leases l JOIN requests r ON r.seq = l.request_seq`
	selectLeases = `SELECT ` + leaseColumns + fromLeases + ` WHERE l.request_seq = $1 ORDER BY l.attempt`

	selectHeld        = `SELECT ` + leaseColumns + `, ` + requestColumns + `, ` + chatColumns + fromLeases + withChat
	selectHeldBy      = selectHeld + ` WHERE l.account_id = $1 AND l.worker_id = $2 ORDER BY l.request_seq, l.attempt`
	selectHeldByGuide = selectHeld + ` WHERE l.account_id = $1 AND l.guide = 1 AND l.cancelled = 0 ORDER BY l.request_seq, l.attempt`
	selectAllHeld     = selectHeld + ` ORDER BY l.request_seq, l.attempt`
	selectTaken       = `SELECT worker_id FROM leases WHERE account_id = $1`

	putLease = `INSERT INTO leases (request_seq, attempt, account_id, chat_id, worker_id, guide, taken_at, go_at, expires_at, cancelled, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (request_seq, attempt) DO UPDATE SET chat_id = excluded.chat_id, worker_id = excluded.worker_id, guide = excluded.guide,
			taken_at = excluded.taken_at, go_at = excluded.go_at, expires_at = excluded.expires_at, cancelled = excluded.cancelled, due_at = excluded.due_at`
	// moveLease is a step that changes the lease's clocks only, and no index.
	moveLease = `UPDATE leases SET go_at = $1, expires_at = $2, due_at = $3 WHERE request_seq = $4 AND attempt = $5`
	dropLease = `DELETE FROM leases WHERE request_seq = $1 AND attempt = $2`

	// $2 bounds the first half, so that it is not read whole.
	selectDue = `SELECT r.id, r.account_id FROM (
			SELECT * FROM (SELECT seq, due_at FROM requests WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2)
			UNION ALL
			SELECT request_seq, due_at FROM leases WHERE due_at <= $1
		) d CROSS JOIN requests r ON r.seq = d.seq GROUP BY d.seq ORDER BY min(d.due_at), d.seq LIMIT $2`
	selectNextDue = `SELECT min(due_at) FROM (
			SELECT * FROM (SELECT due_at FROM requests WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1)
			UNION ALL
			SELECT min(due_at) FROM leases)`
)

func scanWorker(r *row) *bridge.Worker {
	w := &bridge.Worker{}
	w.AccountID, w.ID, w.N, w.Conn, w.Node, w.Connected, w.Guide = r.int64(), r.text(), r.int64(), r.text(), r.text(), r.bool(), r.bool()
	w.Name, w.Version, w.Site, w.Capacity = r.text(), r.text(), r.text(), r.int()
	r.decode(&w.ResponseTypes)
	w.HelloAt, w.BlockedBy, w.PausedUntil = r.time(), bridge.FailCode(r.text()), r.time()
	r.decode(&w.Health)
	return w
}

func (t *tx) putWorker(w *bridge.Worker) error {
	types, err := encode(w.ResponseTypes, len(w.ResponseTypes) == 0)
	if err != nil {
		return fmt.Errorf("write worker %q: %w", w.ID, err)
	}
	health, err := encode(w.Health, w.Health == nil)
	if err != nil {
		return fmt.Errorf("write worker %q: %w", w.ID, err)
	}
	_, err = t.exec(bg, putWorker, w.AccountID, w.ID, w.N, w.Conn, w.Node, w.Connected, w.Guide, w.Name, w.Version, w.Site, int64(w.Capacity), types,
		micros(w.HelloAt), string(w.BlockedBy), micros(w.PausedUntil), health)
	if err != nil {
		return fmt.Errorf("write worker %q: %w", w.ID, err)
	}
	remember(t.cache.workers, workerKey{w.AccountID, w.ID}, copyWorker(w))
	return nil
}

func (t *tx) dropWorker(w *bridge.Worker) error {
	delete(t.cache.workers, workerKey{w.AccountID, w.ID})
	if _, err := t.exec(bg, dropWorker, w.AccountID, w.ID); err != nil {
		return fmt.Errorf("forget worker %q: %w", w.ID, err)
	}
	return nil
}

func scanLease(r *row) *bridge.Lease {
	l := &bridge.Lease{}
	l.RequestSeq, l.RequestID, l.Attempt, l.AccountID, l.ChatID = r.int64(), r.text(), r.int(), r.int64(), r.int64()
	l.WorkerID, l.Guide, l.TakenAt, l.GoAt, l.ExpiresAt, l.Cancelled = r.text(), r.bool(), r.time(), r.time(), r.time(), r.bool()
	return l
}

func (t *tx) putLease(l *bridge.Lease) (err error) {
	row := copyLease(l)
	if t.onlyClocks(row) {
		err = t.update(bg, moveLease, micros(l.GoAt), micros(l.ExpiresAt), micros(l.DueAt()), l.RequestSeq, int64(l.Attempt))
	} else {
		_, err = t.exec(bg, putLease, l.RequestSeq, int64(l.Attempt), l.AccountID, orNull(l.ChatID), l.WorkerID, l.Guide,
			micros(l.TakenAt), micros(l.GoAt), micros(l.ExpiresAt), l.Cancelled, micros(l.DueAt()))
	}
	if err != nil {
		return fmt.Errorf("write the lease of attempt %d of request %s: %w", l.Attempt, l.RequestID, err)
	}
	t.keepLease(l, row)
	return nil
}

// keepLease has the cache know that row is stored now, nil that l is dropped.
func (t *tx) keepLease(l, row *bridge.Lease) {
	taken, counted := t.cache.taken[l.AccountID]
	have, known := t.cache.leases[l.RequestSeq]
	if !known {
		delete(t.cache.taken, l.AccountID) // which worker's count falls is not known
		return
	}
	if i := slices.IndexFunc(have, func(have *bridge.Lease) bool { return have.Attempt == l.Attempt }); i >= 0 {
		if counted {
			taken.add(have[i].WorkerID, -1)
		}
		have = slices.Delete(have, i, i+1)
	}
	if row != nil {
		if counted {
			taken.add(row.WorkerID, 1)
		}
		have = append(have, row)
		slices.SortFunc(have, func(a, b *bridge.Lease) int { return a.Attempt - b.Attempt })
	}
	t.cache.leases[l.RequestSeq] = have
}

// onlyClocks reports whether the lease is stored and differs in its clocks
// alone.
func (t *tx) onlyClocks(l *bridge.Lease) bool {
	for _, have := range t.cache.leases[l.RequestSeq] {
		if have.Attempt == l.Attempt {
			same := *have
			same.GoAt, same.ExpiresAt = l.GoAt, l.ExpiresAt
			return same == *l
		}
	}
	return false
}

func (t *tx) dropLease(l *bridge.Lease) error {
	if _, err := t.exec(bg, dropLease, l.RequestSeq, int64(l.Attempt)); err != nil {
		return fmt.Errorf("end the lease of attempt %d of request %s: %w", l.Attempt, l.RequestID, err)
	}
	t.keepLease(l, nil)
	return nil
}

// Workers implements [bridge.Reader].
func (s *Store) Workers(ctx context.Context, accountID int64) ([]*bridge.Worker, error) {
	if accountID == 0 {
		return all(s, ctx, "list workers", scanWorker, selectEveryWorker)
	}
	return all(s, ctx, "list workers", scanWorker, selectWorkersOfAccount, accountID)
}

// Leases implements [bridge.Reader].
func (s *Store) Leases(ctx context.Context, accountID int64) ([]*bridge.Lease, error) {
	return all(s, ctx, "list leases", scanLease, selectLeasesOfAccount, accountID)
}

// Due implements [bridge.Reader].
func (s *Store) Due(ctx context.Context, now time.Time, max int) ([]bridge.Due, error) {
	return all(s, ctx, "list what is due", func(r *row) bridge.Due { return bridge.Due{RequestID: r.text(), AccountID: r.int64()} },
		selectDue, micros(now), limit(max))
}

// NextDue implements [bridge.Reader].
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	return only(s, ctx, "find what is due next", (*row).time, selectNextDue)
}
