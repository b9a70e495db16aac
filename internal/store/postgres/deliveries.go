package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

const (
	selectDelivery = `SELECT ` + deliveryColumns + `, ` + requestColumns + `, ` + chatColumns + `, ` + endpointColumns + ` FROM deliveries d
		JOIN requests r ON r.seq = d.request_seq` + withChat + ` JOIN endpoints e ON e.id = d.endpoint_id`

	selectTries = `SELECT ` + tryColumns + ` FROM tries WHERE delivery_id = $1 ORDER BY number`

	// greatest passes over a NULL.
	selectNextTry = owing + `
		SELECT min(greatest((SELECT min(x.due_at) FROM deliveries x WHERE x.endpoint_id = owing.id AND x.due_at IS NOT NULL), e.hold_until))
		FROM owing JOIN endpoints e ON e.id = owing.id WHERE e.enabled`
	selectAbandoned = owing + `
		SELECT e.id FROM owing JOIN endpoints e ON e.id = owing.id WHERE NOT e.enabled AND e.disabled_reason <> '' ORDER BY e.id`

	// What is owed and not failing is pending.
	countUndelivered = `SELECT (SELECT count(*) FROM deliveries WHERE due_at IS NOT NULL), n.failing, n.dead FROM (
		SELECT count(*) FILTER (WHERE status = 'failing') AS failing, count(*) FILTER (WHERE status = 'dead') AS dead
		FROM deliveries WHERE status IN ('dead', 'failing')) n`

	selectReplay         = `SELECT ` + replayColumns + ` FROM replays p WHERE p.id = $1`
	selectReplays        = `SELECT ` + replayColumns + ` FROM replays p ORDER BY p.id DESC LIMIT $1`
	selectRunningReplays = `SELECT ` + replayColumns + ` FROM replays p WHERE p.status = 'running' ORDER BY p.id DESC LIMIT $1`
)

// ids are those from lo on and below hi; 0: no bound.
type ids struct{ lo, hi int64 }

// chosen is how the deliveries of a filter are found.
type chosen struct {
	where   []string // on deliveries x
	args    []any
	perEach bool // endpoint by endpoint: each has an index with its ids in order
}

func (c *chosen) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.where = append(c.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(c.args))))
}

// choose turns a filter but for its order and limit into conditions. Its range of
// times is among these ids.
func choose(f bridge.DeliveryFilter, among ids) *chosen {
	owed := f.Owed || within(waiting, f.Status)
	c := &chosen{where: []string{"TRUE"}, perEach: f.RequestSeq == 0 && f.EndpointID == 0 && (f.AccountID != 0 || owed)}
	if f.RequestSeq != 0 {
		c.add("x.request_seq = ?", f.RequestSeq)
	}
	if f.EndpointID != 0 {
		c.add("x.endpoint_id = ?", f.EndpointID)
	}
	if f.AccountID != 0 {
		c.add("x.account_id = ?", f.AccountID)
	}
	if len(f.Status) > 0 {
		c.add("x.status = ANY(?::text[])", f.Status)
		if within(bad, f.Status) {
			c.where = append(c.where, "x.status IN ('dead', 'failing')") // as the index has it
		}
	}
	if owed {
		c.where = append(c.where, "x.due_at IS NOT NULL")
	}
	if !f.From.IsZero() {
		c.add("x.created_at >= ?", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		c.add("x.created_at < ?", f.To.UnixMicro())
	}
	if f.UpTo != 0 {
		c.add("x.id <= ?", f.UpTo)
	}
	if among.lo != 0 {
		c.add("x.id >= ?", among.lo)
	}
	if among.hi != 0 {
		c.add("x.id < ?", among.hi)
	}
	switch {
	case f.Ascending:
		c.add("x.id > ?", f.Before)
	case f.Before != 0:
		c.add("x.id < ?", f.Before)
	}
	return c
}

// Those that are waiting are owed; those that are bad have indexes of their own.
var (
	waiting = []string{bridge.DeliveryPending, bridge.DeliveryFailing}
	bad     = []string{bridge.DeliveryDead, bridge.DeliveryFailing}
)

// within reports whether there are statuses, and all are of a list.
func within(list, statuses []string) bool {
	return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(s string) bool { return !slices.Contains(list, s) })
}

// listDeliveries makes the statement that finds the ids of a filter, in order.
// Where several endpoints are asked for, it takes the first of each, then the first
// of those: so that a list is read from the ends of indexes.
func listDeliveries(f bridge.DeliveryFilter, among ids) (string, []any) {
	c := choose(f, among)
	order := "DESC"
	if f.Ascending {
		order = "ASC"
	}
	args := append(c.args, limit(f.Limit))
	end := fmt.Sprintf("id %s LIMIT $%d", order, len(args))
	where := strings.Join(c.where, " AND ")
	if !c.perEach {
		return fmt.Sprintf("SELECT x.id FROM deliveries x WHERE %s ORDER BY x.%s", where, end), args
	}
	endpoints := ""
	if f.AccountID != 0 {
		args = append(args, f.AccountID)
		endpoints = fmt.Sprintf(" WHERE w.account_id = $%d", len(args))
	}
	return fmt.Sprintf("SELECT y.id FROM endpoints w CROSS JOIN LATERAL (SELECT x.id FROM deliveries x WHERE x.endpoint_id = w.id AND %s ORDER BY x.%s) y%s ORDER BY y.%s",
		where, end, endpoints, end), args
}

// lockListed locks the deliveries of which a statement finds the ids.
func lockListed(ids string, ascending bool) string {
	order := "DESC"
	if ascending {
		order = "ASC"
	}
	return "SELECT d.id FROM deliveries d WHERE d.id = ANY(ARRAY(" + ids + ")) ORDER BY d.id " + order + " FOR UPDATE OF d"
}

func wholeDelivery(r *row) *bridge.Delivery {
	d := scanDelivery(r).Delivery
	d.Request, d.Endpoint = wholeBare(r), scanEndpoint(r)
	return d
}

// Deliveries implements [bridge.Reader]. Each has its request with chat too,
// without body.
func (s *Store) Deliveries(ctx context.Context, requestSeq int64) ([]*bridge.Delivery, error) {
	return all(s, ctx, "list deliveries", wholeDelivery, selectDelivery+` WHERE d.request_seq = $1 ORDER BY d.id`, requestSeq)
}

// Delivery implements [bridge.Reader].
func (s *Store) Delivery(ctx context.Context, id int64) (*bridge.Delivery, error) {
	return one(s, ctx, "read a delivery", wholeDelivery, selectDelivery+` WHERE d.id = $1`, id)
}

// DeliveriesBy implements [bridge.Reader].
func (s *Store) DeliveriesBy(ctx context.Context, f bridge.DeliveryFilter) ([]*bridge.Delivery, error) {
	among, err := s.idsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	inner, args := listDeliveries(f, among)
	order := "DESC"
	if f.Ascending {
		order = "ASC"
	}
	return all(s, ctx, "list deliveries", wholeDelivery, selectDelivery+` WHERE d.id = ANY(ARRAY(`+inner+`)) ORDER BY d.id `+order, args...)
}

// CountDeliveries implements [bridge.Reader].
func (s *Store) CountDeliveries(ctx context.Context, f bridge.DeliveryFilter) (int64, error) {
	among, err := s.idsOf(ctx, f)
	if err != nil {
		return 0, err
	}
	c := choose(f, among)
	return only(s, ctx, "count deliveries", (*row).int64, `SELECT count(*) FROM deliveries x WHERE `+strings.Join(c.where, " AND "), c.args...)
}

// idsOf finds among which ids a filter's range of times is.
func (s *Store) idsOf(ctx context.Context, f bridge.DeliveryFilter) (ids, error) {
	lo, hi, err := s.span(ctx, span.CreatedAt, f.From, f.To)
	return ids{lo, hi}, err
}

// DeliveryCounts implements [bridge.Reader].
func (s *Store) DeliveryCounts(ctx context.Context) (bridge.DeliveryCounts, error) {
	return only(s, ctx, "count deliveries", func(r *row) bridge.DeliveryCounts {
		owed, failing, dead := r.int64(), r.int64(), r.int64()
		return bridge.DeliveryCounts{Pending: max(0, owed-failing), Failing: failing, Dead: dead}
	}, countUndelivered)
}

// Tries implements [bridge.Reader].
func (s *Store) Tries(ctx context.Context, deliveryID int64) ([]*bridge.Try, error) {
	return all(s, ctx, "list tries", scanTry, selectTries, deliveryID)
}

// NextTry implements [bridge.Reader].
func (s *Store) NextTry(ctx context.Context) (time.Time, error) {
	return only(s, ctx, "find the next try", (*row).time, selectNextTry)
}

// Abandoned implements [bridge.Reader].
func (s *Store) Abandoned(ctx context.Context) ([]int64, error) {
	return all(s, ctx, "list abandoned endpoints", (*row).int64, selectAbandoned)
}

// Replay implements [bridge.Reader].
func (s *Store) Replay(ctx context.Context, id int64) (*bridge.Replay, error) {
	return one(s, ctx, "read a replay", scanReplay, selectReplay, id)
}

// Replays implements [bridge.Reader].
func (s *Store) Replays(ctx context.Context, running bool, max int) ([]*bridge.Replay, error) {
	text := selectReplays
	if running {
		text = selectRunningReplays
	}
	return all(s, ctx, "list replays", scanReplay, text, limit(max))
}
