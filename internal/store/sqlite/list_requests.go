package sqlite

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

const (
	selectOutcomes = `SELECT r.status, r.error_code, r.queued_at, r.started_at, r.completed_at FROM requests r
		WHERE r.seq >= $1 AND r.queued_at >= $2 ORDER BY r.seq DESC LIMIT $3`
	countInMotion = `SELECT (SELECT count(*) FROM requests r WHERE r.status = 'idle'), (SELECT count(*) FROM leases l WHERE l.cancelled = 0)`
)

// Requests implements [bridge.Reader].
func (s *Store) Requests(ctx context.Context, f bridge.RequestFilter) ([]*bridge.Request, error) {
	f, err := s.narrow(ctx, f)
	if err != nil {
		return nil, err
	}
	text, args := listRequests(f)
	return all(s, ctx, "list requests", wholeBody, text, args...)
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

// narrow turns a range of times into one of numbers, a little wider.
func (s *Store) narrow(ctx context.Context, f bridge.RequestFilter) (bridge.RequestFilter, error) {
	if f.Ascending {
		return f, nil
	}
	lo, hi, err := s.span(ctx, span.QueuedAt, f.From, f.To)
	f.DownTo, f.Before = max(f.DownTo, lo), span.Least(f.Before, hi)
	return f, err
}

// chosenRequests is how the requests r of a filter are found.
type chosenRequests struct {
	from  string // and what is joined to it
	where []string
	args  []any
}

func (c *chosenRequests) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.where = append(c.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(c.args))))
}

// chooseRequests turns a filter but for its order and limit into conditions, and
// names the index to walk where SQLite would rather read all that ever was.
func chooseRequests(f bridge.RequestFilter) *chosenRequests {
	c := &chosenRequests{from: "requests r", where: []string{"TRUE"}}
	if f.AccountID != 0 {
		c.add("r.account_id = ?", f.AccountID)
	}
	if f.ChatID != 0 {
		c.add("r.chat_id = ?", f.ChatID)
	}
	index := ""
	switch f.Status {
	case "":
	case bridge.Idle, bridge.Executing, bridge.Done, bridge.Failed: // literal, so that the partial indexes serve
		c.where = append(c.where, "r.status = '"+string(f.Status)+"'")
		if f.Status == bridge.Idle {
			index = "requests_idle"
		}
		if f.Status == bridge.Executing { // few, each with a lease
			c.from = "leases l CROSS JOIN requests r ON r.seq = l.request_seq"
			c.where = append(c.where, "l.cancelled = 0")
		}
	default:
		c.where = append(c.where, "FALSE")
	}
	if f.Code != "" {
		c.where = append(c.where, "r.status = 'failed'")
		c.add("r.error_code = ?", string(f.Code))
	}
	if f.Code != "" || f.Status == bridge.Failed {
		index = "requests_failed_all"
		if f.AccountID != 0 {
			index = "requests_failed"
		}
	}
	if index != "" && f.ChatID == 0 && f.Status != bridge.Executing {
		c.from += " INDEXED BY " + index
	}
	if !f.From.IsZero() {
		c.add("r.queued_at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		c.add("r.queued_at < ?", micros(f.To))
	}
	switch {
	case f.Ascending:
		c.add("r.seq > ?", f.Before)
	case f.Before != 0:
		c.add("r.seq < ?", f.Before)
	}
	if f.DownTo != 0 {
		c.add("r.seq >= ?", f.DownTo)
	}
	if f.Contains != "" {
		c.from += withTexts
		c.add("(chatbridge_contains(b.message, ?) OR chatbridge_contains(a.response, ?))", f.Contains)
	}
	return c
}

// listRequests makes the one statement of a filter. The rows are chosen in an
// inner query, which the driver can interrupt however long it searches, and
// read whole outside.
func listRequests(f bridge.RequestFilter) (string, []any) {
	c, order, texts := chooseRequests(f), "DESC", selectRequestBody
	if f.Start > 0 {
		texts = fmt.Sprintf(selectRequestStart, f.Start)
	}
	if f.Ascending {
		order = "ASC"
	}
	return fmt.Sprintf(`%s WHERE r.seq IN (SELECT r.seq FROM %s WHERE %s ORDER BY r.seq %s LIMIT $%d) ORDER BY r.seq %[4]s`,
		texts, c.from, strings.Join(c.where, " AND "), order, len(c.args)+1), append(c.args, limit(f.Limit))
}

// requestsBack makes the statement of [bridge.Reader]'s RequestsBack. What it
// counts stands in an index.
func requestsBack(f bridge.RequestFilter, n int) (string, []any) {
	f.Contains, f.From, f.To = "", time.Time{}, time.Time{}
	if f.Status == bridge.Done {
		f.Status = ""
	}
	c := chooseRequests(f)
	return fmt.Sprintf(`SELECT r.seq FROM %s WHERE %s ORDER BY r.seq DESC LIMIT 1 OFFSET $%d`, c.from, strings.Join(c.where, " AND "), len(c.args)+1), append(c.args, int64(n-1))
}

// limit takes 0 as no bound.
func limit(n int) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return int64(n)
}

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
	return counts[0], counts[1], err
}
