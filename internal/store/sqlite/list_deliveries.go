package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chatbridge/internal/bridge"
)

const (
	withEndpoint     = withRequest + ` JOIN endpoints e ON e.id = d.endpoint_id`
	deliveryEndpoint = deliveryRequest + `, ` + endpointColumns

	selectAbandoned = owing + `
		SELECT e.id FROM owing CROSS JOIN endpoints e ON e.id = owing.id WHERE e.enabled = 0 AND e.disabled_reason <> '' ORDER BY e.id`
)

// chosen is how the deliveries of a filter are found.
type chosen struct {
	where   []string
	args    []any
	index   string // of deliveries; "": the table itself
	perEach bool   // endpoint by endpoint
}

func (c *chosen) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.where = append(c.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(c.args))))
}

// Of these the partial indexes of deliveries are: their conditions stand in a
// query as they stand there, or SQLite does not see that an index serves.
var (
	waiting = []string{bridge.DeliveryPending, bridge.DeliveryFailing}
	bad     = []string{bridge.DeliveryDead, bridge.DeliveryFailing}
)

// choose turns a filter but for its order and limit into conditions on
// deliveries x, and names the index to walk: each has the ids in order, or
// finds few.
func choose(f bridge.DeliveryFilter) *chosen {
	c := &chosen{where: []string{"TRUE"}}
	c.status(f.Status)
	if f.Owed {
		c.where = append(c.where, "x.due_at IS NOT NULL")
	}
	waits, isBad := f.Owed || among(waiting, f.Status), among(bad, f.Status)
	switch {
	case f.RequestSeq != 0:
		c.index = "deliveries_request"
	case waits:
		c.index = "deliveries_waiting"
	case isBad && f.AccountID == 0 && f.EndpointID == 0:
		c.index = "deliveries_bad_all"
	case isBad:
		c.index = "deliveries_bad"
	case f.AccountID != 0 || f.EndpointID != 0:
		c.index = "deliveries_endpoint"
	}
	c.perEach = f.RequestSeq == 0 && f.EndpointID == 0 && (f.AccountID != 0 || waits)
	if f.AccountID != 0 && !c.perEach {
		c.add("x.account_id = ?", f.AccountID)
	}
	if f.RequestSeq != 0 {
		c.add("x.request_seq = ?", f.RequestSeq)
	}
	if f.EndpointID != 0 {
		c.add("x.endpoint_id = ?", f.EndpointID)
	}
	if !f.From.IsZero() {
		c.add("x.created_at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		c.add("x.created_at < ?", micros(f.To))
	}
	if f.UpTo != 0 {
		c.add("x.id <= ?", f.UpTo)
	}
	switch {
	case f.Ascending:
		c.add("x.id > ?", f.Before)
	case f.Before != 0:
		c.add("x.id < ?", f.Before)
	}
	return c
}

// status adds a condition for statuses, literal so that the partial indexes
// serve.
func (c *chosen) status(any []string) {
	if len(any) == 0 {
		return
	}
	known := "''"
	for _, s := range [...]string{bridge.DeliveryPending, bridge.DeliveryFailing, bridge.DeliveryDelivered, bridge.DeliveryDead} {
		if slices.Contains(any, s) {
			known += ", '" + s + "'"
		}
	}
	c.where = append(c.where, "x.status IN ("+known+")")
	for _, index := range [...][]string{waiting, bad} {
		if among(index, any) {
			c.where = append(c.where, "x.status IN ('"+strings.Join(index, "', '")+"')")
		}
	}
}

// among reports whether there are statuses, and all are among those of a list.
func among(list, statuses []string) bool {
	return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(s string) bool { return !slices.Contains(list, s) })
}

func (c *chosen) from() string {
	if c.index == "" {
		return "deliveries x"
	}
	return "deliveries x INDEXED BY " + c.index
}

// listDeliveries makes the one statement of a filter, for these columns of
// deliveries d and what is joined to them. Their ids are chosen in an inner
// query; where several endpoints are asked for, the first of each, then the
// first of those: so that a list is read from the ends of indexes.
func listDeliveries(columns, joined string, f bridge.DeliveryFilter) (string, []any) {
	c := choose(f)
	order := "DESC"
	if f.Ascending {
		order = "ASC"
	}
	where := strings.Join(c.where, " AND ")
	c.args = append(c.args, limit(f.Limit))
	end := fmt.Sprintf("id %s LIMIT $%d", order, len(c.args))
	ids := fmt.Sprintf("SELECT x.id FROM %s WHERE %s ORDER BY x.%s", c.from(), where, end)
	if c.perEach {
		endpoints := ""
		if f.AccountID != 0 {
			c.args = append(c.args, f.AccountID)
			endpoints = fmt.Sprintf(" WHERE w.account_id = $%d", len(c.args))
		}
		ids = fmt.Sprintf("SELECT y.id FROM endpoints w CROSS JOIN deliveries y ON y.id IN (SELECT x.id FROM %s WHERE x.endpoint_id = w.id AND %s ORDER BY x.%s)%s ORDER BY y.%s",
			c.from(), where, end, endpoints, end)
	}
	return fmt.Sprintf("SELECT %s FROM deliveries d%s WHERE d.id IN (%s) ORDER BY d.id %s", columns, joined, ids, order), c.args
}

// countDeliveriesBy makes the statement that counts what a filter selects.
func countDeliveriesBy(f bridge.DeliveryFilter) (string, []any) {
	c := choose(f)
	from := c.from()
	if c.perEach {
		from = "endpoints w CROSS JOIN " + from + " ON x.endpoint_id = w.id"
		if f.AccountID != 0 {
			c.add("w.account_id = ?", f.AccountID)
		}
	}
	return "SELECT count(*) FROM " + from + " WHERE " + strings.Join(c.where, " AND "), c.args
}

func scanWholeDelivery(r *row) *bridge.Delivery {
	d := scanDelivery(r)
	d.Request, d.Endpoint = wholeBare(r), scanEndpoint(r)
	return d.Delivery
}

// Deliveries implements [bridge.Reader]. Each has its request with chat too,
// without body.
func (s *Store) Deliveries(ctx context.Context, requestSeq int64) ([]*bridge.Delivery, error) {
	return all(s, ctx, "list deliveries", scanWholeDelivery,
		`SELECT `+deliveryEndpoint+` FROM deliveries d`+withEndpoint+` WHERE d.request_seq = $1 ORDER BY d.id`, requestSeq)
}

// Delivery implements [bridge.Reader].
func (s *Store) Delivery(ctx context.Context, id int64) (*bridge.Delivery, error) {
	return one(s, ctx, "read a delivery", scanWholeDelivery, `SELECT `+deliveryEndpoint+` FROM deliveries d`+withEndpoint+` WHERE d.id = $1`, id)
}

// DeliveriesBy implements [bridge.Reader].
func (s *Store) DeliveriesBy(ctx context.Context, f bridge.DeliveryFilter) ([]*bridge.Delivery, error) {
	text, args := listDeliveries(deliveryEndpoint, withEndpoint, f)
	return all(s, ctx, "list deliveries", scanWholeDelivery, text, args...)
}

// CountDeliveries implements [bridge.Reader].
func (s *Store) CountDeliveries(ctx context.Context, f bridge.DeliveryFilter) (int64, error) {
	f.Limit = 0
	text, args := countDeliveriesBy(f)
	return only(s, ctx, "count deliveries", (*row).int64, text, args...)
}

// Abandoned implements [bridge.Reader].
func (s *Store) Abandoned(ctx context.Context) ([]int64, error) {
	return all(s, ctx, "list abandoned endpoints", (*row).int64, selectAbandoned)
}
