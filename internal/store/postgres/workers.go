package postgres

import (
	"context"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// $2 bounds the first half, so that it is not read whole.
	selectDue = `SELECT r.id, r.account_id FROM (
			(SELECT seq, due_at FROM open_requests WHERE due_at <= $1 ORDER BY due_at LIMIT $2)
			UNION ALL
			SELECT request_seq, due_at FROM leases WHERE due_at <= $1
		) d JOIN requests r ON r.seq = d.seq GROUP BY r.seq, r.id, r.account_id ORDER BY min(d.due_at), r.seq LIMIT $2`
	selectNextDue = `SELECT least((SELECT due_at FROM open_requests ORDER BY due_at LIMIT 1), (SELECT min(due_at) FROM leases))`
)

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
		selectDue, now.UnixMicro(), limit(max))
}

// NextDue implements [bridge.Reader].
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	return only(s, ctx, "find what is due next", (*row).time, selectNextDue)
}
