package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

const (
	withEndpoint     = withRequest + ` JOIN endpoints e ON e.id = d.endpoint_id`
	deliveryEndpoint = deliveryColumns + `, ` + requestColumns + `, ` + chatColumns + `, ` + endpointColumns

	// countBad reads no row: the index has the statuses. What is owed and not failing is
	// pending.
	countBad  = `SELECT x.status, count(*) FROM deliveries x INDEXED BY deliveries_bad_all WHERE x.status IN ('dead', 'failing') GROUP BY x.status`
	countOwed = `SELECT (SELECT count(*) FROM deliveries WHERE ` + owedFree + `) + (SELECT count(*) FROM deliveries WHERE ` + owedClaimed + `)`
)

var selectAbandoned = owing + `
		SELECT e.id FROM owing CROSS JOIN endpoints e ON e.id = owing.id WHERE e.enabled = 0 AND e.disabled_reason <> '' ORDER BY e.id`

// ids are those from lo on and below hi; 0: no bound.
type ids struct{ lo, hi int64 }

// chosen is how the deliveries x of a filter are found.
type chosen struct {
	index string // of deliveries, to walk; "": the table itself
	owed  bool   // walk the indexes of what is owed instead
	each  string // the condition of endpoints w, if they are to be walked one by one
	where []string
	args  []any
}

func (c *chosen) add(condition string, arg any) {
	c.where = append(c.where, c.with(condition, arg))
}

// with is a condition with its argument's number.
func (c *chosen) with(condition string, arg any) string {
	c.args = append(c.args, arg)
	return strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(c.args)))
}

// Those that are waiting are owed, and of those that are bad there are partial
// indexes: their conditions stand in a query as they stand there, or SQLite does
// not see that an index serves.
var (
	waiting = []string{bridge.DeliveryPending, bridge.DeliveryFailing}
	bad     = []string{bridge.DeliveryDead, bridge.DeliveryFailing}
)

// choose turns a filter but for its order and limit into conditions, and names
// the index to walk: it has the ids in order, or finds few. Its range of times is
// among these ids.
func choose(f bridge.DeliveryFilter, among ids) *chosen {
	c := &chosen{where: []string{"TRUE"}}
	c.status(f.Status)
	switch isBad := within(bad, f.Status); {
	case f.RequestSeq != 0:
		c.index = "deliveries_request"
		if f.Owed {
			c.where = append(c.where, "x.due_at IS NOT NULL")
		}
	case isBad && !f.Owed && f.AccountID == 0 && f.EndpointID == 0:
		c.index = "deliveries_bad_all"
	case isBad && !f.Owed:
		c.index = "deliveries_bad"
	case f.Owed || within(waiting, f.Status):
		c.owed = true
	case f.AccountID != 0 || f.EndpointID != 0:
		c.index = "deliveries_endpoint"
	}
	switch {
	case f.AccountID != 0 && f.RequestSeq == 0 && f.EndpointID == 0:
		c.each = c.with("w.account_id = ?", f.AccountID)
	case f.AccountID != 0:
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
	if within(bad, any) {
		c.where = append(c.where, "x.status IN ('"+strings.Join(bad, "', '")+"')")
	}
}

// within reports whether there are statuses, and all are of a list.
func within(list, statuses []string) bool {
	return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(s string) bool { return !slices.Contains(list, s) })
}

// all is a query of the ids that are chosen.
func (c *chosen) all() string {
	if c.owed {
		return c.along("deliveries_due", " AND "+owedFree) + " UNION ALL " + c.along("deliveries_claimed", " AND "+owedClaimed)
	}
	return c.along(c.index, "")
}

// along is a query of the ids that are chosen in an index.
func (c *chosen) along(index, more string) string {
	from := "deliveries x"
	if index != "" {
		from += " INDEXED BY " + index
	}
	if c.each != "" {
		from, more = "endpoints w CROSS JOIN "+from+" ON x.endpoint_id = w.id", more+" AND "+c.each
	}
	return "SELECT x.id FROM " + from + " WHERE " + strings.Join(c.where, " AND ") + more
}

// first is a query of the first ids that are chosen. Where endpoints have theirs in
// order, it takes the first of each, then the first of those: so that a list is
// read from the ends of indexes.
func (c *chosen) first(end string) string {
	if c.each != "" && !c.owed {
		return fmt.Sprintf("SELECT y.id FROM endpoints w CROSS JOIN deliveries y ON y.id IN (SELECT x.id FROM deliveries x INDEXED BY %s WHERE x.endpoint_id = w.id AND %s ORDER BY x.%s) WHERE %s ORDER BY y.%[3]s",
			c.index, strings.Join(c.where, " AND "), end, c.each)
	}
	return "SELECT id FROM (" + c.all() + ") ORDER BY " + end
}

// listDeliveries makes the one statement of a filter, for these columns of
// deliveries d and what is joined to them. Their ids are chosen in an inner query.
func listDeliveries(columns, joined string, f bridge.DeliveryFilter, among ids) (string, []any) {
	c := choose(f, among)
	order := "DESC"
	if f.Ascending {
		order = "ASC"
	}
	c.args = append(c.args, limit(f.Limit))
	inner := c.first(fmt.Sprintf("id %s LIMIT $%d", order, len(c.args)))
	return fmt.Sprintf("SELECT %s FROM deliveries d%s WHERE d.id IN (%s) ORDER BY d.id %s", columns, joined, inner, order), c.args
}

// countDeliveriesBy makes the statement that counts what a filter selects.
func countDeliveriesBy(f bridge.DeliveryFilter, among ids) (string, []any) {
	c := choose(f, among)
	return "SELECT count(*) FROM (" + c.all() + ")", c.args
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
	among, err := s.idsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	text, args := listDeliveries(deliveryEndpoint, withEndpoint, f, among)
	return all(s, ctx, "list deliveries", scanWholeDelivery, text, args...)
}

// CountDeliveries implements [bridge.Reader].
func (s *Store) CountDeliveries(ctx context.Context, f bridge.DeliveryFilter) (int64, error) {
	f.Limit = 0
	among, err := s.idsOf(ctx, f)
	if err != nil {
		return 0, err
	}
	text, args := countDeliveriesBy(f, among)
	return only(s, ctx, "count deliveries", (*row).int64, text, args...)
}

// idsOf finds among which ids a filter's range of times is.
func (s *Store) idsOf(ctx context.Context, f bridge.DeliveryFilter) (ids, error) {
	lo, hi, err := s.span(ctx, span.CreatedAt, f.From, f.To)
	return ids{lo, hi}, err
}

// DeliveryCounts implements [bridge.Reader].
func (s *Store) DeliveryCounts(ctx context.Context) (n bridge.DeliveryCounts, err error) {
	err = s.read(ctx, "count deliveries", func(ctx context.Context, c *conn) error {
		if err := c.query(ctx, func(r *row) { n.Pending = r.int64() }, countOwed); err != nil {
			return err
		}
		return c.query(ctx, func(r *row) {
			if r.text() == bridge.DeliveryDead {
				n.Dead = r.int64()
			} else {
				n.Failing = r.int64()
			}
		}, countBad)
	})
	n.Pending = max(0, n.Pending-n.Failing)
	return n, err
}

// Abandoned implements [bridge.Reader].
func (s *Store) Abandoned(ctx context.Context) ([]int64, error) {
	return all(s, ctx, "list abandoned endpoints", (*row).int64, selectAbandoned)
}
