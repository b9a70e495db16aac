package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	defaultConcurrency = 64
	defaultPerEndpoint = 8

	// lookEvery is the safety net: a wake-up may be lost, the store is the
	// truth. One indexed query each time.
	lookEvery = 5 * time.Second
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
// rest is found in the store. It also does, step by step, what concerns many
// deliveries: replays, and giving up what endpoints that are off for good are owed.
type Loop struct {
	opt     Options
	wake    chan struct{} // look now, or at least think again about when
	chore   chan struct{} // likewise for what goes on in steps
	alarms  alarms
	lanes   lanes
	records records
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
	l := &Loop{opt: opt, wake: make(chan struct{}, 1), chore: make(chan struct{}, 1)}
	l.records.post = opt.Post
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
	if c == nil {
		return
	}
	look, chore := false, len(c.Replays) > 0
	for _, e := range c.Endpoints {
		l.lanes.changed(e, c.Now)
		switch {
		case e.OffForGood():
			chore = true
		case e.HoldUntil.After(c.Now):
			look = l.at(e.HoldUntil.Sub(c.Now)) || look
		case e.Enabled && (e.Open() || e.FailingSince.IsZero()):
			look = true // what it is owed is due again, perhaps
		}
	}
	var t *text
	for _, d := range c.Deliveries {
		switch {
		case d.NextTryAt.IsZero():
		case d.ClaimedBy == l.opt.Node:
			switch { // what one end owes to several endpoints comes together
			case d.Request.Body == nil:
				t = nil
			case t == nil || t.of != d.Request:
				t = &text{of: d.Request}
			}
			l.lanes.take(d, t, c.Now)
		case d.ClaimedBy != "":
		case d.NextTryAt.After(c.Now):
			look = l.at(d.NextTryAt.Sub(c.Now)) || look
		default:
			look = l.lanes.wanted(d.Endpoint, c.Now) || look
		}
	}
	if look {
		l.again()
	}
	if chore {
		knock(l.chore)
	}
}

// at has Run look after a while, and reports whether it must think again about
// when to.
func (l *Loop) at(wait time.Duration) bool { return l.alarms.set(time.Now().Add(wait)) }

// again makes Run look once more. It never blocks.
func (l *Loop) again() { knock(l.wake) }

func knock(door chan struct{}) {
	select {
	case door <- struct{}{}:
	default: // somebody has knocked already
	}
}

// Run works until ctx ends; then it claims nothing more, gives back what it had
// claimed and not begun, lets tries in flight finish for up to 5 s, records them
// and returns nil.
func (l *Loop) Run(ctx context.Context) error {
	tries, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	l.lanes.open(tries)
	var chores sync.WaitGroup
	chores.Go(func() { l.chores(ctx) })
	l.deliver(ctx)
	stop := time.AfterFunc(grace, cut)
	defer stop.Stop()
	l.lanes.close()
	if err := l.giveBack(tries); err != nil {
		l.opt.Log.Info("webhooks: what was not begun stays claimed for a minute", "error", err)
	}
	l.lanes.tries.Wait()
	chores.Wait()
	return nil
}

// deliver has what is due tried, until ctx ends.
func (l *Loop) deliver(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-timer.C:
		}
		wait, err := l.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			l.opt.Log.Error("webhooks: cannot get at what is owed; trying on", "error", err)
		}
		failing = err != nil
		timer.Reset(l.alarms.next(time.Now(), wait))
	}
}

// look claims and begins whatever is due and has room, and returns how long
// nothing more is to be looked for.
func (l *Loop) look(ctx context.Context) (time.Duration, error) {
	for {
		if err := l.giveBack(ctx); err != nil {
			return lookEvery, err
		}
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
		cmd := &bridge.ClaimDeliveries{Node: l.opt.Node, Limit: limit, Skip: skip, PerEndpoint: claimPerEndpoint, BodyLimit: keepBody}
		if err := bridge.Do(ctx, l.opt.Post, cmd); err != nil {
			return lookEvery, fmt.Errorf("claiming deliveries: %w", err)
		}
		if len(cmd.Claimed) == 0 {
			return lookEvery, nil // what is due has no room: its lane tells when it has
		}
	}
}

// giveBack gives back what was claimed and cannot be begun soon.
func (l *Loop) giveBack(ctx context.Context) error {
	for {
		ids := l.lanes.giveBack(claimBatch)
		if len(ids) == 0 {
			return nil
		}
		if err := bridge.Do(ctx, l.opt.Post, &bridge.ReleaseDeliveries{Node: l.opt.Node, IDs: ids}); err != nil {
			return fmt.Errorf("giving claimed deliveries back: %w", err)
		}
	}
}
