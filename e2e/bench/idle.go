package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	openers  = 32               // submits and dials at once while streams are opened
	calmDown = 2 * time.Second  // before memory or CPU is read
	idleWait = 10 * time.Minute // no deadline of a stream ends sooner than the scenario does
)

// submitMany makes n requests of a response type and gives what the streams need.
func submitMany(ctx context.Context, srv *server, s settings, n int, responseType string) ([]submitted, error) {
	all := make([]submitted, n)
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for i := range openers {
		group.Go(func() error {
			c := newClient(srv, i, s.messageBytes)
			c.responseType = responseType
			defer c.wire.drop()
			for {
				k := int(next.Add(1)) - 1
				if k >= n {
					return nil
				}
				var err error
				if all[k], err = c.submit(ctx); err != nil {
					return err
				}
			}
		})
	}
	return all, group.Wait()
}

// openStreams opens one stream for each request and returns when each has had its first event. got sees every event of the
// stream of that index. The streams run until their end, an error, or the end of ctx; wait for the group.
func openStreams(ctx context.Context, srv *server, requests []submitted, check func(i int, end event) error, got func(i int, e event)) (*errgroup.Group, error) {
	group, ctx := errgroup.WithContext(ctx)
	dialing := make(chan struct{}, openers)
	connected := make(chan struct{}, len(requests))
	for i, r := range requests {
		dialing <- struct{}{}
		group.Go(func() error {
			w := wire{addr: srv.addr, limit: idleWait, source: sourceIP(i)}
			defer w.drop()
			err := w.openStream(ctx, r.StreamURL)
			<-dialing
			if err != nil {
				return err
			}
			first := true
			end, err := w.readEvents(func(e event) {
				if first {
					first = false
					connected <- struct{}{}
				}
				if got != nil {
					got(i, e)
				}
			})
			if err != nil {
				return fmt.Errorf("stream %d of %d: %w", i, len(requests), err)
			}
			return check(i, end)
		})
	}
	for range requests {
		select {
		case <-connected:
		case <-ctx.Done():
			return nil, group.Wait()
		}
	}
	return group, nil
}

// runIdleStreams measures the memory of streams that wait, and that each gets its end once there are workers.
func runIdleStreams(ctx context.Context, srv *server, s settings) ([]figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests, err := submitMany(ctx, srv, s, s.streams, "")
	if err != nil {
		return nil, err
	}
	rssBefore, anonBefore, err := calmMemory(ctx, srv)
	if err != nil {
		return nil, err
	}
	crew := newCrew(s, s.answerBytes)
	var served atomic.Int64
	group, err := openStreams(ctx, srv, requests, func(_ int, end event) error {
		served.Add(1)
		return checkEnd(end, crew.answer)
	}, nil)
	if err != nil {
		return nil, err
	}
	rss, anon, err := calmMemory(ctx, srv)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := crew.during(ctx, srv, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, cancel)() // a worker that fails ends the streams too
		return group.Wait()
	}); err != nil {
		return nil, fmt.Errorf("%d of %d streams served: %w", served.Load(), s.streams, err)
	}
	took := time.Since(began)
	per := func(kib int64) float64 { return float64(kib) / float64(s.streams) }
	return []figure{
		{"rss", "KiB/stream", per(rss - rssBefore), true},
		{"anonymous", "KiB/stream", per(anon - anonBefore), true},
		{"rss before", "MiB", mib(rssBefore), false},
		{"rss", "MiB", mib(rss), false},
		{"served", "", float64(served.Load()), false},
		{"in", "s", took.Seconds(), false},
	}, nil
}

// calmMemory reads the server's memory when it has had time to calm down.
func calmMemory(ctx context.Context, srv *server) (rss, anonymous int64, err error) {
	if err := sleepUntil(ctx, time.Now().Add(calmDown)); err != nil {
		return 0, 0, err
	}
	return memory(srv.pid)
}

// runIdleCPU measures what the server does while nothing happens: workers that take only the response type instant, and
// streams of requests that want thinking.
func runIdleCPU(ctx context.Context, srv *server, s settings) ([]figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests, err := submitMany(ctx, srv, s, s.streams, "thinking")
	if err != nil {
		return nil, err
	}
	var ended atomic.Int64
	group, err := openStreams(ctx, srv, requests, func(int, event) error { ended.Add(1); return nil }, nil)
	if err != nil {
		return nil, err
	}
	crew := newCrew(s, s.answerBytes)
	crew.responseTypes = []string{"instant"}
	if !crew.v1 {
		return nil, fmt.Errorf("the guide dialect's workers take every response type: idle-cpu is for -dialect v1")
	}
	var m measured
	err = crew.during(ctx, srv, func(ctx context.Context) error {
		begin := time.Now().Add(max(calmDown, seconds(s.warmup)))
		return m.watch(ctx, srv, s, begin, begin.Add(s.window()))
	})
	cancel()
	_ = group.Wait() // the streams end by our cancelling them
	if err == nil && ended.Load() > 0 {
		err = fmt.Errorf("%d of %d idle streams ended", ended.Load(), s.streams)
	}
	rss, _, merr := memory(srv.pid)
	if err == nil {
		err = merr
	}
	return []figure{
		{"server", "ms CPU/s", milliseconds(m.serverCPU) / m.elapsed.Seconds(), false},
		{"rss", "MiB", mib(rss), false},
	}, err
}
