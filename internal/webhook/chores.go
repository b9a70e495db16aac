package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"chatbridge/internal/bridge"
)

// The steps of what is done for many deliveries: each is one commit, between two
// of which others get their turn.
const (
	abandonStep = 256
	replayStep  = 200
	// maxReplays is how many replays go on side by side; more wait for the newer to end.
	maxReplays = 16
)

// chores gives up what endpoints that are off for good are owed, and goes on
// with the replays that run, until ctx ends. Committed tells of both at once; the
// rest, what another node left behind, is found every 5 s. Several nodes may do
// the same chore: each step looks at what is stored.
func (l *Loop) chores(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.chore:
		case <-timer.C:
		}
		more, err := true, error(nil)
		for more && err == nil {
			more, err = l.step(ctx)
		}
		if err != nil && !failing && ctx.Err() == nil {
			l.opt.Log.Error("webhooks: a chore failed; trying on", "error", err)
		}
		failing = err != nil
		timer.Reset(lookEvery)
	}
}

// step takes every chore one step on, and reports whether there is more to do.
func (l *Loop) step(ctx context.Context) (more bool, err error) {
	off, err := l.opt.Store.Abandoned(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for endpoints that are off for good: %w", err)
	}
	for _, id := range off {
		cmd := &bridge.Abandon{EndpointID: id, Limit: abandonStep}
		if err := bridge.Do(ctx, l.opt.Post, cmd); err != nil {
			return false, fmt.Errorf("giving up what endpoint %d is owed: %w", id, err)
		}
		if more = more || cmd.More; !cmd.More {
			l.opt.Log.Warn("webhooks: an endpoint is off for good; what it was owed is given up", "endpoint", id)
		}
	}
	replays, err := l.opt.Store.Replays(ctx, true, maxReplays)
	if err != nil {
		return false, fmt.Errorf("looking for replays that run: %w", err)
	}
	for _, r := range replays {
		cmd := &bridge.StepReplay{Replay: r, Limit: replayStep}
		if err := bridge.Do(ctx, l.opt.Post, cmd); err != nil {
			return false, fmt.Errorf("going on with replay %d: %w", r.ID, err)
		}
		if r = cmd.Replay; r.Status == bridge.ReplayRunning {
			more = true
		} else {
			l.opt.Log.LogAttrs(ctx, slog.LevelInfo, "replay ended", slog.Int64("replay", r.ID), slog.String("status", r.Status),
				slog.Int64("replayed", r.Replayed), slog.Int64("skipped", r.Skipped))
		}
	}
	return more, nil
}
