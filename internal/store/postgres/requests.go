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

// Request implements [bridge.Reader].
func (s *Store) Request(ctx context.Context, id string) (*bridge.Request, error) {
	return one(s, ctx, "read a request", wholeBody, selectRequestBody+` WHERE r.id = $1`, id)
}

// RequestAccount implements [bridge.Reader].
func (s *Store) RequestAccount(ctx context.Context, id string) (int64, error) {
	return only(s, ctx, "find a request's account", (*row).int64, `SELECT account_id FROM requests WHERE id = $1`, id)
}

// Unfinished implements [bridge.Reader].
func (s *Store) Unfinished(ctx context.Context, accountID int64) ([]*bridge.Request, error) {
	return all(s, ctx, "list unfinished requests", wholeBare, selectUnfinished, accountID)
}

// Requests implements [bridge.Reader].
func (s *Store) Requests(ctx context.Context, f bridge.RequestFilter) ([]*bridge.Request, error) {
	f, err := s.narrow(ctx, f)
	if err != nil {
		return nil, err
	}
	q := listRequests(f)
	if f.Contains != "" {
		return s.search(ctx, f, q)
	}
	text, args := q.sql(selectListed(f), f.Limit)
	return all(s, ctx, "list requests", wholeBody, text, args...)
}

// selectListed begins the statement that reads what a list shows of its requests.
func selectListed(f bridge.RequestFilter) string {
	if f.Start > 0 {
		return fmt.Sprintf(selectRequestStart, f.Start)
	}
	return selectRequestBody
}

// RequestsBack implements [bridge.Reader].
func (s *Store) RequestsBack(ctx context.Context, f bridge.RequestFilter, n int) (int64, error) {
	f, err := s.narrow(ctx, f)
	if err != nil {
		return 0, err
	}
	text, args := requestsBack(f, n)
	return only(s, ctx, "look back at requests", (*row).int64, text, args...)
}

// requestsBack makes the statement of RequestsBack. What it counts stands in an
// index.
func requestsBack(f bridge.RequestFilter, n int) (string, []any) {
	f.From, f.To = time.Time{}, time.Time{}
	if f.Status == bridge.Done {
		f.Status = ""
	}
	text, args := listRequests(f).sql(`SELECT r.seq FROM requests r`, 1)
	return fmt.Sprintf("%s OFFSET $%d", text, len(args)+1), append(args, int64(n-1))
}

// narrow turns a range of times into one of numbers, a little wider.
func (s *Store) narrow(ctx context.Context, f bridge.RequestFilter) (bridge.RequestFilter, error) {
	if f.Ascending {
		return f, nil
	}
	lo, hi, err := s.span(ctx, span.QueuedAt, f.From, f.To)
	f.DownTo, f.Before = max(f.DownTo, lo), span.Least(f.Before, hi)
	return f, err
}

// selection is conditions on requests r, in an order of their numbers.
type selection struct {
	join  string // behind FROM requests r
	where []string
	args  []any
	key   string // the number's column, of the table that is walked
	order string
}

// add adds a condition; ? in it stands for the argument.
func (q *selection) add(condition string, arg any) {
	q.args = append(q.args, arg)
	q.where = append(q.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(q.args))))
}

// sql is the statement that begins with these words.
func (q *selection) sql(beginning string, max int) (string, []any) {
	where := q.where
	if len(where) == 0 {
		where = []string{"TRUE"}
	}
	return fmt.Sprintf("%s%s WHERE %s ORDER BY %s %s LIMIT $%d", beginning, q.join, strings.Join(where, " AND "), q.key, q.order, len(q.args)+1), append(slices.Clone(q.args), limit(max))
}

// listRequests is what of a filter SQL can answer alone: all but Contains.
func listRequests(f bridge.RequestFilter) *selection {
	q, table := &selection{order: "DESC", key: "r.seq"}, "r"
	switch f.Status {
	case bridge.Idle: // listed apart
		q.join, q.key, table = ` JOIN open_requests o ON o.seq = r.seq`, "o.seq", "o"
	case bridge.Executing: // few, each with a lease; as an array, or the planner might read all that ever was beside them
		q.where = append(q.where, "r.seq = ANY(ARRAY(SELECT l.request_seq FROM leases l WHERE NOT l.cancelled))")
	}
	if f.AccountID != 0 {
		q.add(table+".account_id = ?", f.AccountID)
	}
	if f.ChatID != 0 {
		q.add(table+".chat_id = ?", f.ChatID)
	}
	switch f.Status {
	case "":
	case bridge.Failed:
		q.where = append(q.where, "r.failed")
	default:
		q.add("r.status = ?", string(f.Status))
	}
	if f.Code != "" {
		q.where = append(q.where, "r.failed")
		q.add("r.error_code = ?", string(f.Code))
	}
	if !f.From.IsZero() {
		q.add("r.queued_at >= ?", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		q.add("r.queued_at < ?", f.To.UnixMicro())
	}
	if f.DownTo != 0 {
		q.add(q.key+" >= ?", f.DownTo)
	}
	switch {
	case f.Ascending:
		q.order = "ASC"
		q.add(q.key+" > ?", f.Before)
	case f.Before != 0:
		q.add(q.key+" < ?", f.Before)
	}
	return q
}

const (
	selectOutcomes = `SELECT r.status, r.error_code, r.queued_at, r.started_at, r.completed_at FROM requests r
		WHERE r.seq >= $1 AND r.queued_at >= $2 ORDER BY r.seq DESC LIMIT $3`
	// An open request that no worker has is idle.
	countInMotion = `SELECT (SELECT count(*) FROM open_requests), (SELECT count(*) FROM leases WHERE NOT cancelled)`
)

// Outcomes implements [bridge.Reader].
func (s *Store) Outcomes(ctx context.Context, since time.Time, most int) ([]bridge.Outcome, error) {
	lo, _, err := s.span(ctx, span.QueuedAt, since, time.Time{})
	if err != nil {
		return nil, err
	}
	return all(s, ctx, "list outcomes", func(r *row) bridge.Outcome {
		return bridge.Outcome{Status: bridge.Status(r.text()), Code: bridge.FailCode(r.text()), QueuedAt: r.time(), StartedAt: r.time(), CompletedAt: r.time()}
	}, selectOutcomes, lo, since.UnixMicro(), limit(most))
}

// InMotion implements [bridge.Reader].
func (s *Store) InMotion(ctx context.Context) (idle, executing int64, err error) {
	counts, err := only(s, ctx, "count what is in motion", func(r *row) [2]int64 { return [2]int64{r.int64(), r.int64()} }, countInMotion)
	return max(0, counts[0]-counts[1]), counts[1], err
}
