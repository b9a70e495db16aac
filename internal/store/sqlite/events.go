package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"chatbridge/internal/bridge"
)

const (
	eventColumns = `e.account_id, e.seq, e.request_seq, e.type, e.at, e.attempt, e.worker_id, e.reason, e.data`
	insertEvent  = `INSERT INTO events (account_id, seq, request_seq, type, at, attempt, worker_id, reason, data) VALUES `
	eventValues  = `(?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectEventSeq = `SELECT event_seq FROM accounts WHERE id = $1`
	updateEventSeq = `UPDATE accounts SET event_seq = $1 WHERE id = $2`
)

// eventsAtOnce is how many events one statement writes: each statement costs
// more than a row.
const eventsAtOnce = 8

var insertEvents = insertEvent + strings.Repeat(eventValues+", ", eventsAtOnce-1) + eventValues

type eventRow struct {
	*bridge.Event
	requestSeq int64
}

func scanEvent(r *row) eventRow {
	out := eventRow{Event: &bridge.Event{}}
	e := out.Event
	e.AccountID, e.Seq, out.requestSeq, e.Type, e.At = r.int64(), r.int64(), r.int64(), bridge.EventType(r.text()), r.time()
	e.Attempt, e.WorkerID, e.Reason, e.Data = r.int(), r.text(), bridge.FailCode(r.text()), r.json()
	return out
}

// putEvent gives the event its account's next number. Event and counter are
// written at the end of the transaction, with those of its other commands: no
// command reads them.
func (t *tx) putEvent(e *bridge.Event) error {
	seq, err := t.eventSeq(e.AccountID)
	if err != nil {
		return fmt.Errorf("number an event: %w", err)
	}
	e.Seq = seq + 1
	t.events = append(t.events, e.AccountID, e.Seq, e.Request.Seq, string(e.Type), micros(e.At), int64(e.Attempt), e.WorkerID, string(e.Reason), jsonOrNull(e.Data))
	t.cache.eventSeqs[e.AccountID] = e.Seq
	t.counted[e.AccountID] = e.Seq
	return nil
}

func (t *tx) eventSeq(accountID int64) (int64, error) {
	if seq, ok := t.cache.eventSeqs[accountID]; ok {
		return seq, nil
	}
	found := false
	var seq int64
	err := t.query(bg, func(r *row) { found, seq = true, r.int64() }, selectEventSeq, accountID)
	if err == nil && !found {
		err = errNoSuchRow
	}
	if err == nil {
		remember(t.cache.eventSeqs, accountID, seq)
	}
	return seq, err
}

// flush writes the events of the transaction and the counters that they raised.
func (t *tx) flush() error {
	const columns = 9
	for left := t.events; len(left) > 0; {
		text, n := insertEvents, eventsAtOnce*columns
		if len(left) < n {
			text, n = insertEvent+eventValues, columns
		}
		if _, err := t.exec(bg, text, left[:n]...); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
		left = left[n:]
	}
	for account, seq := range t.counted {
		if err := t.update(bg, updateEventSeq, seq, account); err != nil {
			return fmt.Errorf("write an account's event counter: %w", err)
		}
	}
	return nil
}

// EventRange implements [bridge.Reader].
func (s *Store) EventRange(ctx context.Context, accountID int64) (first, last int64, err error) {
	span, err := only(s, ctx, "find an account's events", func(r *row) [2]int64 { return [2]int64{r.int64(), r.int64()} },
		`SELECT (SELECT min(seq) FROM events WHERE account_id = $1), (SELECT max(seq) FROM events WHERE account_id = $1)`, accountID)
	return span[0], span[1], err
}

// Events implements [bridge.Reader].
func (s *Store) Events(ctx context.Context, accountID, after int64, max int) ([]*bridge.Event, error) {
	return s.events(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.account_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3`, accountID, after, limit(max))
}

// RequestEvents implements [bridge.Reader].
func (s *Store) RequestEvents(ctx context.Context, requestSeq int64) ([]*bridge.Event, error) {
	return s.events(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.request_seq = $1 ORDER BY e.seq`, requestSeq)
}

// events reads events, then each of their requests once: joined, a request's
// texts would come again with every event. Events of one request share it.
func (s *Store) events(ctx context.Context, text string, args ...any) ([]*bridge.Event, error) {
	var out []*bridge.Event
	err := s.read(ctx, "list events", func(ctx context.Context, c *conn) error {
		var rows []eventRow
		if err := c.query(ctx, func(r *row) { rows = append(rows, scanEvent(r)) }, text, args...); err != nil || len(rows) == 0 {
			return err
		}
		seqs := make([]int64, len(rows))
		for i, e := range rows {
			seqs[i] = e.requestSeq
		}
		list, err := json.Marshal(seqs)
		if err != nil {
			return err
		}
		requests := map[int64]*bridge.Request{}
		err = c.query(ctx, func(r *row) {
			q := scanWhole(r, true)
			requests[q.Seq] = q
		}, selectRequestBody+` WHERE r.seq IN (SELECT value FROM json_each($1))`, string(list))
		if err != nil {
			return err
		}
		for _, e := range rows {
			e.Request = requests[e.requestSeq]
			out = append(out, e.Event)
		}
		return nil
	})
	return out, err
}
