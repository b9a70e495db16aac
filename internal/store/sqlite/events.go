package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"chatbridge/internal/bridge"
)

const (
	eventColumns   = `e.id >> 40, e.id & 0xffffffffff, e.request_seq, e.type, e.at, e.attempt, e.worker_id, e.reason, e.data`
	selectEventSeq = `SELECT max(coalesce((SELECT max(id) & 0xffffffffff FROM events WHERE id > $1 << 40 AND id < ($1 + 1) << 40), 0),
			coalesce((SELECT number FROM floors WHERE name = 'events' AND account_id = $1), 0))`
	selectFirstEvent = `SELECT min(id) & 0xffffffffff FROM events WHERE id > $1 << 40 AND id < ($1 + 1) << 40`
	// The last of the numbers, 0, is no event's.
	selectRequestEvents = `SELECT ` + eventColumns + ` FROM requests r CROSS JOIN json_each('[' || r.events || '0]') n
			CROSS JOIN events e ON e.id = (r.account_id << 40) + n.value
		WHERE r.seq = $1 ORDER BY e.id`
	addEvents = `UPDATE requests SET events = events || $1 WHERE seq = $2`
)

// eventID is the key of an account's event.
func eventID(accountID, seq int64) int64 { return accountID<<40 + seq }

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

// number gives the events their accounts' next numbers, and returns by request
// what is to be added to the row's list of them.
func (t *tx) number(list []*bridge.Event) (map[*bridge.Request]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	numbers := map[*bridge.Request]string{}
	for _, e := range list {
		seq, err := t.eventSeq(e.AccountID)
		if err != nil {
			return nil, fmt.Errorf("number an event: %w", err)
		}
		e.Seq = seq + 1
		t.cache.eventSeqs[e.AccountID] = e.Seq
		numbers[e.Request] += strconv.FormatInt(e.Seq, 10) + ","
	}
	return numbers, nil
}

// putEvent has a numbered event written.
func (t *tx) putEvent(e *bridge.Event) {
	t.later(events, eventID(e.AccountID, e.Seq), e.Request.Seq, string(e.Type), micros(e.At), int64(e.Attempt), e.WorkerID, string(e.Reason), jsonOrNull(e.Data))
}

func (t *tx) eventSeq(accountID int64) (int64, error) {
	if seq, ok := t.cache.eventSeqs[accountID]; ok {
		return seq, nil
	}
	if err := t.settle(events); err != nil { // the last one may be among those that wait
		return 0, err
	}
	var seq int64
	err := t.query(bg, func(r *row) { seq = r.int64() }, selectEventSeq, accountID)
	if err == nil {
		remember(t.cache.eventSeqs, accountID, seq)
	}
	return seq, err
}

// EventRange implements [bridge.Reader].
func (s *Store) EventRange(ctx context.Context, accountID int64) (first, last int64, err error) {
	span, err := only(s, ctx, "find an account's events", func(r *row) [2]int64 { return [2]int64{r.int64(), r.int64()} },
		`SELECT (`+selectFirstEvent+`), (`+selectEventSeq+`)`, accountID)
	if first, last = span[0], span[1]; first == 0 && last != 0 {
		first = last + 1 // none is kept: whoever has heard the last goes on with the next
	}
	return first, last, err
}

// Events implements [bridge.Reader].
func (s *Store) Events(ctx context.Context, accountID, after int64, max int) ([]*bridge.Event, error) {
	return s.events(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.id > $1 AND e.id < $2 ORDER BY e.id LIMIT $3`,
		eventID(accountID, after), eventID(accountID+1, 0), limit(max))
}

// RequestEvents implements [bridge.Reader].
func (s *Store) RequestEvents(ctx context.Context, requestSeq int64) ([]*bridge.Event, error) {
	return s.events(ctx, selectRequestEvents, requestSeq)
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
