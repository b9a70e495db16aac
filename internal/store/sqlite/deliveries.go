package sqlite

import (
	"context"
	"fmt"
	"time"

	"chatbridge/internal/bridge"
)

const (
	deliveryColumns = `d.id, d.webhook_id, d.account_id, d.endpoint_id, d.status, d.step, d.tried, d.next_try_at, d.claimed_by, d.claimed_until, d.error, d.created_at, d.ended_at`
	deliveryRequest = deliveryColumns + `, ` + requestColumns + `, ` + chatColumns
	// withRequest goes behind FROM deliveries d.
	withRequest = ` JOIN requests r ON r.seq = d.request_seq` + withChat

	selectDelivery          = `SELECT ` + deliveryRequest + ` FROM deliveries d` + withRequest + ` WHERE d.id = $1`
	selectClaimedDeliveries = `SELECT ` + deliveryRequest + ` FROM deliveries d INDEXED BY deliveries_due` + withRequest + ` WHERE d.claimed_by = $1 AND d.due_at IS NOT NULL ORDER BY d.id`

	// owing walks the endpoints that are owed anything, one step of the index
	// each, however much one of them is owed.
	owing = `WITH RECURSIVE owing (id) AS (
			SELECT min(endpoint_id) FROM deliveries WHERE due_at IS NOT NULL
			UNION ALL
			SELECT (SELECT min(endpoint_id) FROM deliveries WHERE due_at IS NOT NULL AND endpoint_id > owing.id) FROM owing WHERE owing.id IS NOT NULL)`
	// CROSS JOIN keeps the order of the loops: endpoint by endpoint.
	selectDueDeliveries = owing + `
		SELECT ` + deliveryRequest + `
		FROM owing CROSS JOIN endpoints e ON e.id = owing.id
			CROSS JOIN deliveries d ON d.id IN (SELECT x.id FROM deliveries x
				WHERE x.endpoint_id = owing.id AND x.due_at IS NOT NULL AND x.due_at <= $1 ORDER BY x.due_at, x.id LIMIT $2)` + withRequest + `
		WHERE e.enabled = 1 AND (e.hold_until IS NULL OR e.hold_until <= $3) AND e.id NOT IN (SELECT value FROM json_each($4))
		ORDER BY d.due_at, d.id LIMIT $5`
	selectNextTry = owing + `
		SELECT min(max((SELECT min(x.due_at) FROM deliveries x WHERE x.endpoint_id = owing.id AND x.due_at IS NOT NULL), coalesce(e.hold_until, 0)))
		FROM owing CROSS JOIN endpoints e ON e.id = owing.id WHERE e.enabled = 1`

	insertDelivery = `INSERT INTO deliveries (id, webhook_id, account_id, endpoint_id, request_seq, status, step, tried, next_try_at, claimed_by, claimed_until,
			error, created_at, ended_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	updateDelivery = `UPDATE deliveries SET status = $1, step = $2, tried = $3, next_try_at = $4, claimed_by = $5, claimed_until = $6, error = $7, ended_at = $8, due_at = $9
		WHERE id = $10`

	selectTries = `SELECT delivery_id, number, at, duration_ns, status, error, request_headers, response_headers, response_body, retry_after_ns
		FROM tries WHERE delivery_id = $1 ORDER BY number`
)

type deliveryRow struct {
	*bridge.Delivery
	endpointID int64
}

func scanDelivery(r *row) deliveryRow {
	out := deliveryRow{Delivery: &bridge.Delivery{}}
	d := out.Delivery
	d.ID, d.WebhookID, d.AccountID, out.endpointID = r.int64(), r.text(), r.int64(), r.int64()
	d.Status, d.Step, d.Tried = r.text(), r.int(), r.int()
	d.NextTryAt, d.ClaimedBy, d.ClaimedUntil, d.Error, d.CreatedAt, d.EndedAt = r.time(), r.text(), r.time(), r.text(), r.time(), r.time()
	return out
}

// dueAt is when a delivery may be claimed; zero when it is owed no more.
func dueAt(d *bridge.Delivery) time.Time {
	if !d.NextTryAt.IsZero() && d.ClaimedUntil.After(d.NextTryAt) {
		return d.ClaimedUntil
	}
	return d.NextTryAt
}

func (t *tx) putDelivery(d *bridge.Delivery) error {
	var err error
	if d.ID == 0 {
		if d.ID, err = t.next(countDeliveries); err == nil {
			_, err = t.exec(bg, insertDelivery, d.ID, d.WebhookID, d.AccountID, d.Endpoint.ID, d.Request.Seq, d.Status, int64(d.Step), int64(d.Tried),
				micros(d.NextTryAt), orNull(d.ClaimedBy), micros(d.ClaimedUntil), d.Error, micros(d.CreatedAt), micros(d.EndedAt), micros(dueAt(d)))
		}
	} else {
		err = t.update(bg, updateDelivery, d.Status, int64(d.Step), int64(d.Tried),
			micros(d.NextTryAt), orNull(d.ClaimedBy), micros(d.ClaimedUntil), d.Error, micros(d.EndedAt), micros(dueAt(d)), d.ID)
	}
	if err != nil {
		return fmt.Errorf("write a delivery: %w", err)
	}
	t.keepDelivery(d)
	return nil
}

// keepDelivery caches a delivery that this node is about to try.
func (t *tx) keepDelivery(d *bridge.Delivery) {
	if d.ClaimedBy == "" {
		delete(t.cache.deliveries, d.ID)
		return
	}
	kept := *d
	kept.Endpoint, kept.Request = nil, nil
	settle(&kept.NextTryAt, &kept.ClaimedUntil, &kept.CreatedAt, &kept.EndedAt)
	remember(t.cache.deliveries, d.ID, &cachedDelivery{deliveryRow{&kept, d.Endpoint.ID}, d.Request.ID})
}

func (t *tx) putTry(try *bridge.Try) error {
	sent, err := encode(try.RequestHeaders, len(try.RequestHeaders) == 0)
	if err != nil {
		return fmt.Errorf("write a try: %w", err)
	}
	got, err := encode(try.ResponseHeaders, len(try.ResponseHeaders) == 0)
	if err != nil {
		return fmt.Errorf("write a try: %w", err)
	}
	t.later(tries, try.DeliveryID, int64(try.Number), micros(try.At), int64(try.Duration), int64(try.Status), try.Error, sent, got,
		try.ResponseBody, int64(try.RetryAfter))
	return nil
}

func scanTry(r *row) *bridge.Try {
	t := &bridge.Try{}
	t.DeliveryID, t.Number, t.At, t.Duration, t.Status, t.Error = r.int64(), r.int(), r.time(), time.Duration(r.int64()), r.int(), r.text()
	r.decode(&t.RequestHeaders)
	r.decode(&t.ResponseHeaders)
	t.ResponseBody, t.RetryAfter = r.text(), time.Duration(r.int64())
	return t
}

// Tries implements [bridge.Reader].
func (s *Store) Tries(ctx context.Context, deliveryID int64) ([]*bridge.Try, error) {
	return all(s, ctx, "list tries", scanTry, selectTries, deliveryID)
}

// NextTry implements [bridge.Reader].
func (s *Store) NextTry(ctx context.Context) (time.Time, error) {
	return only(s, ctx, "find the next try", (*row).time, selectNextTry)
}
