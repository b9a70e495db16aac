package postgres

import "chatbridge/internal/bridge"

// counter is one of the sequences that rows get their numbers from.
type counter int

const (
	countAccounts counter = iota
	countKeys
	countEndpoints
	countAudit
	countReplays
	countChats
	countRequests
	countDeliveries
	counters // how many
)

// draws holds, by counter, what draws the next numbers.
var draws = func() (texts [counters]string) {
	for of, sequence := range [counters]string{"accounts_ids", "keys_ids", "endpoints_ids", "audit_ids", "replays_ids", "chats_ids", "requests_seqs", "deliveries_ids"} {
		texts[of] = `SELECT nextval('` + sequence + `') FROM generate_series(1, $1::bigint)`
	}
	return texts
}()

// draw has n numbers drawn.
func (t *tx) draw(p *pipeline, of counter, n int) {
	if n > 0 {
		p.query(draws[of], func(r *row) { t.spare[of] = append(t.spare[of], r.int64()) }, int64(n))
	}
}

// give gives an entity its number.
func (t *tx) give(number *int64, of counter) error {
	if len(t.spare[of]) == 0 {
		p := t.flushed() // a submit's number is drawn behind its chat's lock
		t.draw(p, of, 1)
		if err := t.send(p); err != nil {
			return err
		}
	}
	*number = t.spare[of][0]
	t.spare[of] = t.spare[of][1:]
	t.given = append(t.given, number)
	return nil
}

// foresee adds the numbers that a command is likely to want: one that needs little
// more than an account adds a request, one that ends a request owes a delivery. A
// wrong guess costs a number, or a round trip.
func foresee(draw *[counters]int, n *bridge.Needs) {
	switch {
	case n.AccountID == 0:
	case len(n.Requests) > 0 && n.Endpoints:
		draw[countDeliveries]++
	case len(n.Requests)+len(n.Workers) == 0 && !n.Endpoints && !n.Taken && !n.Survey && !n.GuideHeld && !n.NextIdle && !n.Keys && n.KeyHash == nil:
		draw[countRequests]++
		if n.Chat == "" {
			draw[countChats]++
		}
	}
}
