package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"chatbridge/internal/bridge"
)

const (
	defaultConcurrency = 64
	defaultPerEndpoint = 8

	// lookEvery is the safety net: a wake-up may be lost, the store is the
	// truth. One indexed query each time.
	lookEvery = 5 * time.Second
	// lookBehind is how soon to look again while what is due cannot be taken:
	// it hides from NextTry whatever becomes due behind it.
	lookBehind = time.Second
	// grace is how long tries in flight may go on after a stop; the whole
	// program has 10 s.
	grace = 5 * time.Second
)

// Options sets up a [Loop].
type Options struct {
	Store bridge.Reader
	// Post executes the loop's commands; what is committed through it also
	// comes back by Committed.
	Post        bridge.Post
	Node        string // the name deliveries are claimed under, unique among live nodes
	Client      *Client
	Concurrency int            // tries at once beyond each endpoint's first; default 64
	PerEndpoint int            // tries at once of one endpoint; default 8
	Rand        func() float64 // [0,1), for the jitter; nil: math/rand
	Log         *slog.Logger
}

// Loop tries the deliveries that are owed, each when it is due. What an end of
// a request on this node owes comes by [Loop.Committed] and leaves at once; the
// rest is found in the store.
type Loop struct {
	opt   Options
	wake  chan struct{} // look now, or at least think again about when
	lanes lanes
}

// New returns a loop that does nothing until Run.
func New(opt Options) *Loop {
	if opt.Concurrency <= 0 {
		opt.Concurrency = defaultConcurrency
	}
	if opt.PerEndpoint <= 0 {
		opt.PerEndpoint = defaultPerEndpoint
	}
	if opt.Rand == nil {
		opt.Rand = rand.Float64
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	l := &Loop{opt: opt, wake: make(chan struct{}, 1)}
	l.lanes.init(opt.Concurrency, opt.PerEndpoint, l.try, l.again)
	return l
}

// Room reports whether the first try of a delivery may be claimed for this node
// in the commit that owes it. It never blocks.
func (l *Loop) Room() bool { return l.lanes.easy() }

// Committed hears of every commit on this node, in order. It never blocks.
// Deliveries that the commit claims for this node are tried at once; for others
// the loop wakes when they are due.
func (l *Loop) Committed(c *bridge.Changes) {
	if c == nil || len(c.Deliveries)+len(c.Endpoints) == 0 {
		return
	}
	look := false
	for _, e := range c.Endpoints {
		l.lanes.changed(e)
		look = look || e.Enabled // its deliveries are due again, perhaps
	}
	for _, d := range c.Deliveries {
		switch {
		case d.NextTryAt.IsZero():
		case d.ClaimedBy == l.opt.Node:
			l.lanes.take(d)
		case d.ClaimedBy == "":
			look = true
		}
	}
	if look {
		l.again()
	}
}

// again makes Run look once more. It never blocks.
func (l *Loop) again() {
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run works until ctx ends; then it claims nothing more, lets tries in flight
// finish for up to 5 s, records them and returns nil. What it had claimed and
// not begun stays owed.
func (l *Loop) Run(ctx context.Context) error {
	tries, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	l.lanes.open(tries)
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		wait, err := l.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			l.opt.Log.Error("webhooks: cannot get at what is owed; trying on", "error", err)
		}
		failing = err != nil
		timer.Reset(wait)
	}
	stop := time.AfterFunc(grace, cut)
	defer stop.Stop()
	l.lanes.close()
	return nil
}

// look claims and begins whatever is due and has room, and returns how long
// nothing more is to be looked for.
func (l *Loop) look(ctx context.Context) (time.Duration, error) {
	for {
		next, err := l.opt.Store.NextTry(ctx)
		if err != nil {
			return lookEvery, fmt.Errorf("asking when the next delivery is due: %w", err)
		}
		if next.IsZero() {
			return lookEvery, nil
		}
		if wait := time.Until(next); wait > 0 {
			return min(wait, lookEvery), nil
		}
		limit, skip := l.lanes.wants()
		if limit == 0 {
			return lookBehind, nil
		}
		n, err := l.claim(ctx, &bridge.ClaimDeliveries{Node: l.opt.Node, Limit: limit, Skip: skip, PerEndpoint: claimPerEndpoint})
		if err != nil {
			return lookEvery, err
		}
		if n == 0 {
			return lookBehind, nil
		}
	}
}

// claim takes what is due and returns how many that were. It begins them in the
// order of the commits, on the store's goroutine: later, one might have ended
// already (it came by Committed too) and would be tried a second time.
func (l *Loop) claim(ctx context.Context, cmd *bridge.ClaimDeliveries) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	l.opt.Post(cmd, func(_ *bridge.Changes, err error) {
		if err != nil {
			done <- result{err: fmt.Errorf("claiming deliveries: %w", err)}
			return
		}
		for _, d := range cmd.Claimed {
			l.lanes.take(d)
		}
		done <- result{n: len(cmd.Claimed)}
	})
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
