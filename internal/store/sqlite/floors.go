package sqlite

import "fmt"

// counter is one of the tables of which the writer gives the rows their numbers,
// counting on from the last.
type counter int

const (
	countChats counter = iota
	countRequests
	countDeliveries
	counters // how many
)

// lastNumbers finds, by counter, the last number given: in the table, or in
// floors where rows have been deleted.
var lastNumbers = [counters]string{
	countChats:      lastNumber("chats", "id"),
	countRequests:   lastNumber("requests", "seq"),
	countDeliveries: lastNumber("deliveries", "id"),
}

func lastNumber(table, column string) string {
	return `SELECT max(coalesce((SELECT max(` + column + `) FROM ` + table + `), 0),
		coalesce((SELECT number FROM floors WHERE name = '` + table + `' AND account_id = 0), 0))`
}

const putFloor = `INSERT INTO floors (name, account_id, number) VALUES ($1, $2, $3) ON CONFLICT (name, account_id) DO UPDATE SET number = excluded.number`

// next gives out a counter's next number.
func (t *tx) next(of counter) (int64, error) {
	last, err := t.lastGiven(of)
	if err != nil {
		return 0, err
	}
	t.cache.last[of] = last + 1
	return last + 1, nil
}

func (t *tx) lastGiven(of counter) (int64, error) {
	last := t.cache.last[of]
	if last != 0 {
		return last, nil
	}
	if err := t.query(bg, func(r *row) { last = r.int64() }, lastNumbers[of]); err != nil {
		return 0, fmt.Errorf("find the last number given: %w", err)
	}
	t.cache.last[of] = last
	return last, nil
}

// keepNumbers writes down which numbers were given, before rows that have them
// are deleted.
func (t *tx) keepNumbers(accounts map[int64]bool) error {
	for of, table := range [counters]string{"chats", "requests", "deliveries"} {
		last, err := t.lastGiven(counter(of))
		if err != nil {
			return err
		}
		if _, err := t.exec(bg, putFloor, table, int64(0), last); err != nil {
			return fmt.Errorf("keep the last number of %s: %w", table, err)
		}
	}
	for account := range accounts {
		last, err := t.eventSeq(account)
		if err != nil {
			return err
		}
		if _, err := t.exec(bg, putFloor, "events", account, last); err != nil {
			return fmt.Errorf("keep the last number of an account's events: %w", err)
		}
	}
	return nil
}
