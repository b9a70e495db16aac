package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
)

const (
	// insertEvents takes numbers from the accounts' counters, in the accounts' order,
	// and inserts the events: each says how many of its account come behind it.
	insertEvents = `WITH counted AS (
			INSERT INTO event_counters (account_id, last) SELECT n.account_id, n.events FROM unnest($1::bigint[], $2::bigint[]) n (account_id, events) ORDER BY n.account_id
			ON CONFLICT (account_id) DO UPDATE SET last = event_counters.last + excluded.last
			RETURNING account_id, last
		), inserted AS (
			INSERT INTO events (account_id, seq, request_seq, type, at, attempt, worker_id, reason, data)
			SELECT u.account_id, c.last - u.behind, u.request_seq, u.type, u.at, u.attempt, u.worker_id, u.reason, u.data
			FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[])
				u (account_id, behind, request_seq, type, at, attempt, worker_id, reason, data)
			JOIN counted c ON c.account_id = u.account_id
		)
		SELECT account_id, last FROM counted`
	eventKinds = "iiitiittt"

	selectCounter = `SELECT last FROM event_counters WHERE account_id = $1`

	selectEvents = `SELECT ` + eventColumns + ` FROM events v WHERE v.account_id = $1 AND v.seq > $2 ORDER BY v.seq LIMIT $3`
	// An account counts its events alone: their order is that of one of its requests, too.
	selectRequestEvents = `SELECT ` + eventColumns + ` FROM events v WHERE v.request_seq = $1 ORDER BY v.seq`
	selectEventRange    = `SELECT (SELECT seq FROM events WHERE account_id = $1 ORDER BY seq LIMIT 1), (SELECT last FROM event_counters WHERE account_id = $1)`
)

// event is one that waits for its number.
type event struct {
	*bridge.Event
	requestSeq int64
}

// writeEvents adds what numbers the events that wait and writes them. Once it has
// been executed, numbered tells them their numbers.
func (t *tx) writeEvents(p *pipeline) (numbered func()) {
	list := t.events
	t.events = nil
	if len(list) == 0 {
		return func() {}
	}
	behind := map[int64]int64{} // by account: how many are known to come behind
	rows := make([][]any, len(list))
	for i, e := range slices.Backward(list) {
		rows[i] = []any{e.AccountID, behind[e.AccountID], e.requestSeq, string(e.Type), micros(e.At), int64(e.Attempt), e.WorkerID, string(e.Reason), jsonOrNull(e.Data)}
		behind[e.AccountID]++
	}
	var accounts, counts []int64
	for account, n := range behind {
		accounts, counts = append(accounts, account), append(counts, n)
	}
	last := map[int64]int64{}
	p.query(insertEvents, func(r *row) { last[r.int64()] = r.int64() }, append([]any{accounts, counts}, columns(eventKinds, rows)...)...)
	return func() {
		for i, e := range list {
			e.Seq = last[e.AccountID] - rows[i][1].(int64)
		}
	}
}

// EventRange implements [bridge.Reader].
func (s *Store) EventRange(ctx context.Context, accountID int64) (first, last int64, err error) {
	span, err := only(s, ctx, "find an account's events", func(r *row) [2]int64 { return [2]int64{r.int64(), r.int64()} }, selectEventRange, accountID)
	if first, last = span[0], span[1]; first == 0 && last != 0 {
		first = last + 1 // none is kept: whoever has heard the last goes on with the next
	}
	return first, last, err
}

// Events implements [bridge.Reader].
func (s *Store) Events(ctx context.Context, accountID, after int64, max int) ([]*bridge.Event, error) {
	return s.events(ctx, selectEvents, accountID, after, limit(max))
}

// RequestEvents implements [bridge.Reader].
func (s *Store) RequestEvents(ctx context.Context, requestSeq int64) ([]*bridge.Event, error) {
	return s.events(ctx, selectRequestEvents, requestSeq)
}

// events reads events, then each of their requests once: joined, a request's
// texts would come again with every event. Events of one request share it. One
// whose request is deleted meanwhile is left out.
func (s *Store) events(ctx context.Context, text string, args ...any) ([]*bridge.Event, error) {
	var out []*bridge.Event
	err := s.read(ctx, "list events", func(ctx context.Context, c *pgx.Conn) error {
		out = nil
		var list []event
		seqs := set[int64]{}
		err := look(ctx, c, func(r *row) {
			e, seq := scanEvent(r)
			list = append(list, event{e, seq})
			seqs.add(seq)
		}, text, args...)
		if err != nil || len(list) == 0 {
			return err
		}
		requests := map[int64]*bridge.Request{}
		err = look(ctx, c, func(r *row) {
			q := wholeBody(r)
			requests[q.Seq] = q
		}, selectRequestBody+` WHERE r.seq = ANY($1::bigint[])`, seqs.list)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Request = requests[e.requestSeq]; e.Request != nil {
				out = append(out, e.Event)
			}
		}
		return nil
	})
	return out, err
}
