package node

import (
	"context"
	"log/slog"
	"time"

	"chatbridge/internal/bridge"
)

// maxOutcomes is how many lines wait for the log. A log that cannot keep up
// loses some; the store has them all.
const maxOutcomes = 1024

// outcome is what the log says of a request that has ended.
type outcome struct {
	id             string
	account        int64
	attempt        int
	status         bridge.Status
	code           bridge.FailCode
	waited, worked time.Duration // until its last hand-over, and from there
}

// note queues a line for each end. It never blocks: a log that does must not
// hold up commits.
func (n *Node) note(c *bridge.Changes) {
	for _, e := range c.Events {
		if e.Type != bridge.EventEnd {
			continue
		}
		r := e.Request
		o := outcome{id: r.ID, account: r.AccountID, attempt: r.Attempt, status: r.Status, code: r.ErrorCode, waited: r.CompletedAt.Sub(r.QueuedAt)}
		if !r.StartedAt.IsZero() {
			o.waited, o.worked = r.StartedAt.Sub(r.QueuedAt), r.CompletedAt.Sub(r.StartedAt)
		}
		select {
		case n.outcomes <- o:
		default:
		}
	}
}

// logOutcomes writes one line for each request that has ended.
func (n *Node) logOutcomes(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-n.outcomes:
			attrs := []slog.Attr{slog.String("request_id", o.id), slog.Int64("account", o.account), slog.String("status", string(o.status)),
				slog.Int("attempt", o.attempt), slog.Duration("waited", o.waited), slog.Duration("worked", o.worked)}
			if o.code != "" {
				attrs = append(attrs, slog.String("code", string(o.code)))
			}
			n.o.Log.LogAttrs(ctx, slog.LevelInfo, "request ended", attrs...)
		}
	}
}
