package dispatch

import (
	"context"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// dueAtOnce bounds how many clocks one look ends.
	dueAtOnce = 256
	// leastWait is between two looks, so that a row which stays due for
	// whatever reason costs little.
	leastWait = 10 * time.Millisecond
)

// clock ends what a time has run out for. The store knows the times; between
// two looks only those that a commit set to run out sooner are kept here.
type clock struct {
	o    Options
	mu   sync.Mutex
	next time.Time // when to look; guarded by mu
	wake chan struct{}
}

func newClock(o Options) *clock {
	return &clock{o: o, wake: make(chan struct{}, 1)}
}

// committed hears of clocks that a commit set.
func (k *clock) committed(c *bridge.Changes) {
	for _, r := range c.Requests {
		k.by(r.DueAt())
	}
	for _, l := range c.Leases {
		k.by(l.DueAt())
	}
}

func (k *clock) by(t time.Time) {
	if t.IsZero() {
		return
	}
	k.mu.Lock()
	sooner := t.Before(k.next)
	if sooner {
		k.next = t
	}
	k.mu.Unlock()
	if sooner {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// run looks when a clock is due, and at least at every Look.
func (k *clock) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-timer.C:
			k.look(ctx)
		}
		k.mu.Lock()
		timer.Reset(max(leastWait, time.Until(k.next)))
		k.mu.Unlock()
	}
}

func (k *clock) look(ctx context.Context) {
	now := time.Now()
	k.mu.Lock()
	k.next = now.Add(Look)
	k.mu.Unlock()
	due, err := k.o.Store.Due(ctx, now, dueAtOnce)
	if err != nil {
		if ctx.Err() == nil {
			k.o.Log.Warn("look for what is due", "err", err)
		}
		return
	}
	for _, x := range due {
		err := bridge.Do(ctx, k.o.Post, &bridge.Expire{AccountID: x.AccountID, RequestID: x.RequestID, Here: k.o.Here})
		if err != nil && ctx.Err() == nil {
			k.o.Log.Warn("end what is due", "request_id", x.RequestID, "err", err)
			return
		}
	}
	if len(due) == dueAtOnce {
		k.by(now)
		return
	}
	if next, err := k.o.Store.NextDue(ctx); err == nil && !next.IsZero() {
		k.by(next)
	}
}

// pushEvery gathers what moved, so that readers of waiting requests are told a
// few times a second, not once a commit.
const pushEvery = 50 * time.Millisecond

// pusher tells the streams which accounts' waiting may have changed.
type pusher struct {
	tell  func(accountID int64)
	mu    sync.Mutex
	dirty map[int64]bool
	wake  chan struct{}
}

func newPusher(tell func(int64)) *pusher {
	return &pusher{tell: tell, dirty: map[int64]bool{}, wake: make(chan struct{}, 1)}
}

func (p *pusher) mark(account int64) {
	p.mu.Lock()
	p.dirty[account] = true
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pusher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pushEvery):
		}
		p.mu.Lock()
		dirty := p.dirty
		p.dirty = map[int64]bool{}
		p.mu.Unlock()
		for id := range dirty {
			p.tell(id)
		}
	}
}
