package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chatbridge/internal/bridge"
)

const (
	deliveryColumns = `d.id, d.webhook_id, d.account_id, d.endpoint_id, d.request_seq, d.status, d.step, d.tried, d.next_try_at, d.claimed_by, d.claimed_until, d.error, d.created_at, d.ended_at`
	// withRequest goes behind FROM deliveries d.
	withRequest = ` JOIN requests r ON r.seq = d.request_seq` + withChat

	selectDelivery          = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.id = $1`
	selectClaimedDeliveries = `SELECT ` + deliveryColumns + ` FROM deliveries d INDEXED BY deliveries_claimed WHERE d.claimed_by = $1 AND ` + owedClaimed + ` ORDER BY d.id`

	insertDelivery = `INSERT INTO deliveries (id, webhook_id, account_id, endpoint_id, request_seq, status, step, tried, next_try_at, claimed_by, claimed_until,
			error, created_at, ended_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	updateDelivery = `UPDATE deliveries SET status = $1, step = $2, tried = $3, next_try_at = $4, claimed_by = $5, claimed_until = $6, error = $7, ended_at = $8, due_at = $9
		WHERE id = $10`
	// For OR FAIL see inserts.
	claimDeliveries = `UPDATE OR FAIL deliveries SET claimed_by = $1, claimed_until = $2, due_at = max(next_try_at, coalesce($2, 0)) WHERE id IN (SELECT value FROM json_each($3))`

	selectTries = `SELECT delivery_id, number, at, duration_ns, status, error, request_headers, response_headers, response_body, retry_after_ns
		FROM tries WHERE delivery_id = $1 ORDER BY number`
)

// What is owed lies in two indexes, deliveries_due and deliveries_claimed, of
// which these are the conditions.
const (
	owedFree    = `due_at IS NOT NULL AND claimed_until IS NULL`
	owedClaimed = `due_at IS NOT NULL AND claimed_until IS NOT NULL`
)

var (
	// owing walks the endpoints that are owed anything, one step of an index each,
	// however much one of them is owed.
	owing = `WITH RECURSIVE ` + steps("free", owedFree) + `, ` + steps("claimed", owedClaimed) + `, owing (id) AS (SELECT id FROM free UNION SELECT id FROM claimed)`
	// CROSS JOIN keeps the order of the loops: endpoint by endpoint. Only the rows
	// that are returned are read whole, and put in order by who asked.
	selectDueDeliveries = owing + `
		SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.id IN (
			SELECT x.id FROM owing CROSS JOIN endpoints e ON e.id = owing.id
				CROSS JOIN deliveries x ON x.id IN (SELECT id FROM (
					SELECT id, due_at FROM deliveries WHERE endpoint_id = owing.id AND ` + owedFree + ` AND due_at <= $1
					UNION ALL
					SELECT id, due_at FROM deliveries WHERE endpoint_id = owing.id AND ` + owedClaimed + ` AND due_at <= $1
					ORDER BY 2, 1 LIMIT $2 + 0))
			WHERE e.enabled = 1 AND (e.hold_until IS NULL OR e.hold_until <= $3) AND e.id NOT IN (SELECT value FROM json_each($4))
			ORDER BY x.due_at, x.id LIMIT $5 + 0)`
	selectNextTry = owing + ` SELECT min(at) FROM (` + soonest("free", owedFree) + ` UNION ALL ` + soonest("claimed", owedClaimed) + `)`
)

// steps is a recursive table of the endpoints that deliveries of a condition are for.
func steps(name, condition string) string {
	least := `SELECT min(endpoint_id) FROM deliveries WHERE ` + condition
	return name + ` (id) AS (` + least + ` UNION ALL SELECT (` + least + ` AND endpoint_id > ` + name + `.id) FROM ` + name + ` WHERE ` + name + `.id IS NOT NULL)`
}

// soonest is when the first delivery of a condition may be tried.
func soonest(name, condition string) string {
	return `SELECT min(max((SELECT min(due_at) FROM deliveries WHERE endpoint_id = ` + name + `.id AND ` + condition + `), coalesce(e.hold_until, 0))) AS at
		FROM ` + name + ` CROSS JOIN endpoints e ON e.id = ` + name + `.id WHERE e.enabled = 1`
}

type deliveryRow struct {
	*bridge.Delivery
	endpointID, requestSeq int64
}

func scanDelivery(r *row) deliveryRow {
	out := deliveryRow{Delivery: &bridge.Delivery{}}
	d := out.Delivery
	d.ID, d.WebhookID, d.AccountID, out.endpointID, out.requestSeq = r.int64(), r.text(), r.int64(), r.int64(), r.int64()
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

func (t *tx) putDeliveries(list []*bridge.Delivery) error {
	for len(list) > 0 {
		if n := t.claims(list); n > 0 {
			if err := t.putClaims(list[:n]); err != nil {
				return err
			}
			list = list[n:]
			continue
		}
		if err := t.putDelivery(list[0]); err != nil {
			return err
		}
		list = list[1:]
	}
	return nil
}

// claims is how many of the first deliveries differ from what is stored by one and
// the same claim alone.
func (t *tx) claims(list []*bridge.Delivery) (n int) {
	for _, d := range list {
		have := t.cache.deliveries[d.ID]
		if d.ID == 0 || have == nil || d.ClaimedBy != list[0].ClaimedBy || d.ClaimedUntil != list[0].ClaimedUntil {
			break
		}
		now := *have.Delivery
		now.ClaimedBy, now.ClaimedUntil, now.Endpoint, now.Request = d.ClaimedBy, d.ClaimedUntil, d.Endpoint, d.Request
		if now != *d {
			break
		}
		n++
	}
	return n
}

// putClaims writes the claim that deliveries have in common.
func (t *tx) putClaims(list []*bridge.Delivery) error {
	ids := make([]int64, len(list))
	for i, d := range list {
		ids[i] = d.ID
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	changed, err := t.change(bg, claimDeliveries, orNull(list[0].ClaimedBy), micros(list[0].ClaimedUntil), string(text))
	if err == nil && changed != int64(len(list)) {
		err = errNoSuchRow
	}
	if err != nil {
		return fmt.Errorf("write the claim of %d deliveries: %w", len(list), err)
	}
	for _, d := range list {
		t.keepDelivery(d)
	}
	return nil
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
	t.expectDelivery(d)
}

// expectDelivery caches a delivery that is about to change.
func (t *tx) expectDelivery(d *bridge.Delivery) {
	kept := *d
	kept.Endpoint, kept.Request = nil, nil
	settle(&kept.NextTryAt, &kept.ClaimedUntil, &kept.CreatedAt, &kept.EndedAt)
	remember(t.cache.deliveries, d.ID, &cachedDelivery{deliveryRow{&kept, d.Endpoint.ID, d.Request.Seq}, d.Request.ID})
}

// putTry has a try written.
func (t *tx) putTry(try *bridge.Try) {
	t.later(tries, try.DeliveryID, int64(try.Number), micros(try.At), int64(try.Duration), int64(try.Status), try.Error,
		encodeMap(try.RequestHeaders), encodeMap(try.ResponseHeaders), try.ResponseBody, int64(try.RetryAfter))
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
