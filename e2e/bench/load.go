package main

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// measured is what a closed loop of clients gave within its window.
type measured struct {
	trips     int
	times     []time.Duration // one a trip, as the scenario defines it
	elapsed   time.Duration
	settled   time.Duration // from the last client's end to the last webhook's stored result
	serverCPU time.Duration
	driverCPU time.Duration
	others    float64 // the part of the machine, 0 to 1, that other processes or its host took: much of it voids a round
}

// checked is how many requests of the window, spread over it, have their webhook's result looked up, beside each client's last.
const checked = 100

// closedLoop lets each client send, wait for the end and send again: for the warm-up, then for the window. tripTime gives
// the duration of a trip that began then and has just ended, for the client of that index.
func closedLoop(ctx context.Context, srv *server, s settings, crew *crew, tripTime func(client int, began time.Time) time.Duration) (measured, error) {
	var m measured
	err := crew.during(ctx, srv, func(ctx context.Context) error {
		begin := time.Now().Add(seconds(s.warmup))
		end := begin.Add(s.window())
		var mu sync.Mutex // guards m.times and ids, which the clients fill when they are through
		var ids []string
		var stop atomic.Bool
		share := (checked + s.clients - 1) / s.clients
		group, groupCtx := errgroup.WithContext(ctx) // waited for below
		for i := range s.clients {
			group.Go(func() error {
				c := newClient(srv, i, s.messageBytes)
				defer c.wire.drop()
				var times []time.Duration
				var mine []string
				for last := ""; ; {
					began := time.Now()
					if stop.Load() {
						mu.Lock()
						defer mu.Unlock()
						m.times = append(m.times, times...)
						ids = append(append(ids, mine...), last)
						return nil
					}
					id, err := c.trip(groupCtx, crew.answer)
					if err != nil {
						return err
					}
					last = id
					now := time.Now()
					if now.Before(begin) || now.After(end) {
						continue
					}
					times = append(times, tripTime(i, began))
					// One look-up in each of the parts into which this client's share of them cuts the window.
					if part := s.window() / time.Duration(share); now.Sub(begin) >= time.Duration(len(mine))*part {
						mine = append(mine, id)
					}
				}
			})
		}
		group.Go(func() error {
			defer stop.Store(true)
			return m.watch(groupCtx, srv, s, begin, end)
		})
		if err := group.Wait(); err != nil {
			return err
		}
		m.trips = len(m.times)
		var err error
		m.settled, err = srv.settle(ctx, ids)
		return err
	})
	return m, err
}

// watch waits for the window and measures the CPU of both processes in it.
func (m *measured) watch(ctx context.Context, srv *server, s settings, begin, end time.Time) error {
	if err := sleepUntil(ctx, begin); err != nil {
		return err
	}
	profiled := srv.startProfile(ctx, s.profile, time.Until(end))
	before, err := usedCPU(srv)
	if err != nil {
		return err
	}
	if err := sleepUntil(ctx, end); err != nil {
		return err
	}
	m.elapsed = time.Since(begin)
	after, err := usedCPU(srv)
	if err != nil {
		return err
	}
	m.serverCPU, m.driverCPU = after.server-before.server, after.driver-before.driver
	others := after.machine - before.machine - m.serverCPU - m.driverCPU
	m.others = max(0, others.Seconds()/m.elapsed.Seconds()/float64(runtime.NumCPU()))
	return profiled()
}

// cpuUse is the CPU used since their starts.
type cpuUse struct{ server, driver, machine time.Duration }

func usedCPU(srv *server) (cpuUse, error) {
	server, err := cpuTime(srv.pid)
	if err != nil {
		return cpuUse{}, err
	}
	driver, err := cpuTime(os.Getpid())
	if err != nil {
		return cpuUse{}, err
	}
	machine, err := machineTime()
	return cpuUse{server, driver, machine}, err
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// microsecondsPer is d shared out over n.
func microsecondsPer(d time.Duration, n int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(1, n))
}

// runRoundtrip measures whole round trips a second: the time until the last webhook is stored counts, so a backlog does too.
func runRoundtrip(ctx context.Context, srv *server, s settings) ([]figure, error) {
	m, err := closedLoop(ctx, srv, s, newCrew(s, s.answerBytes), func(_ int, began time.Time) time.Duration { return time.Since(began) })
	if err != nil {
		return nil, err
	}
	return append([]figure{
		{"trips", "/s", float64(m.trips) / (m.elapsed + m.settled).Seconds(), true},
		{"p50", "ms", milliseconds(quantile(m.times, 0.5)), false},
		{"p99", "ms", milliseconds(quantile(m.times, 0.99)), false},
	}, m.costs()...), nil
}

// runLatency measures from the moment before a worker sends its response to the moment the client has read its whole stream.
func runLatency(ctx context.Context, srv *server, s settings) ([]figure, error) {
	began := time.Now() // monotonic
	sent := make([]atomic.Int64, s.clients)
	crew := newCrew(s, s.answerBytes)
	crew.answering = func(client int) { sent[client].Store(int64(time.Since(began))) }
	m, err := closedLoop(ctx, srv, s, crew, func(client int, _ time.Time) time.Duration {
		return time.Since(began) - time.Duration(sent[client].Load())
	})
	if err != nil {
		return nil, err
	}
	return append([]figure{
		{"p50", "ms", milliseconds(quantile(m.times, 0.5)), true},
		{"p99", "ms", milliseconds(quantile(m.times, 0.99)), true},
		{"trips", "/s", float64(m.trips) / (m.elapsed + m.settled).Seconds(), false},
	}, m.costs()...), nil
}

// costs are the figures that say where the time went.
func (m measured) costs() []figure {
	return []figure{
		{"server", "µs/trip", microsecondsPer(m.serverCPU, m.trips), true},
		{"driver", "µs/trip", microsecondsPer(m.driverCPU, m.trips), false},
		{"others", "% CPU", 100 * m.others, false},
		{"webhooks settled", "ms", milliseconds(m.settled), false},
	}
}
