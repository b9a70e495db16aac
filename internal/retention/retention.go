// Package retention cleans up what has been kept for long enough, in steps so
// small that nothing waits for them.
package retention

import (
	"context"
	"log/slog"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// stepRows is how many rows one step looks at: its commit takes some
	// milliseconds.
	stepRows = 100
	// rest is how long a clean-up rests after each step, at least; it rests as
	// long as the step took, so it never has more than half of the writer.
	rest = 5 * time.Millisecond
	// firstAfter lets a start get on with what it was started for.
	firstAfter = time.Minute
	every      = time.Hour
	// again is how soon a clean-up that failed is begun anew.
	again = 5 * time.Minute
)

// kinds in the order in which they are cleaned up: what takes most room first.
var kinds = [...]bridge.SweepKind{bridge.SweepTries, bridge.SweepBodies, bridge.SweepRequests, bridge.SweepAudit}

// Credentials is what the loop reads of a store.
type Credentials interface {
	// Credentials lists those of a kind: "session", "link" or "token".
	Credentials(ctx context.Context, kind string) ([]*bridge.Credential, error)
}

// Loop cleans up every hour.
type Loop struct {
	post  bridge.Post
	store Credentials
	keep  bridge.Retention
	log   *slog.Logger
}

// New returns a loop that does nothing until Run.
func New(post bridge.Post, store Credentials, keep bridge.Retention, log *slog.Logger) *Loop {
	return &Loop{post: post, store: store, keep: keep, log: log}
}

// Run cleans up until ctx ends. Several nodes may do so side by side.
func (l *Loop) Run(ctx context.Context) error {
	timer := time.NewTimer(firstAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(l.all(ctx))
	}
}

// all cleans up everything once, and returns how long to wait then.
func (l *Loop) all(ctx context.Context) time.Duration {
	var removed [len(kinds)]int
	begun := time.Now()
	err := l.expire(ctx)
	for i, kind := range kinds {
		if err == nil {
			removed[i], err = l.sweep(ctx, kind)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			l.log.Error("clean-up broken off; it will be begun again", "error", err)
		}
		return again
	}
	if removed != [len(kinds)]int{} {
		l.log.Info("cleaned up", "tries_of", removed[0], "texts", removed[1], "requests", removed[2], "audit", removed[3], "duration", time.Since(begun))
	}
	return every
}

func (l *Loop) sweep(ctx context.Context, kind bridge.SweepKind) (removed int, err error) {
	cmd := &bridge.CleanUp{Kind: kind, Limit: stepRows, Retention: l.keep}
	for {
		begun := time.Now()
		if err := bridge.Do(ctx, l.post, cmd); err != nil {
			return removed, err
		}
		removed += cmd.Removed
		if cmd.Next == 0 {
			return removed, nil
		}
		cmd = &bridge.CleanUp{Kind: kind, Limit: stepRows, Retention: l.keep, After: cmd.Next}
		select {
		case <-ctx.Done():
			return removed, ctx.Err()
		case <-time.After(max(rest, time.Since(begun))):
		}
	}
}

// expire drops what nobody can log in with any more.
func (l *Loop) expire(ctx context.Context) error {
	for _, kind := range [...]string{"session", "link"} {
		listed, err := l.store.Credentials(ctx, kind)
		if err != nil {
			return err
		}
		for _, c := range listed {
			if time.Now().Before(c.ExpiresAt) {
				continue
			}
			if err := bridge.Do(ctx, l.post, &bridge.DropExpired{Credential: c}); err != nil {
				return err
			}
		}
	}
	return nil
}
