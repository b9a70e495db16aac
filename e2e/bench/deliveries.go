package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
	bodies "chatbridge/internal/wire"
)

func init() {
	scenarios = append(scenarios,
		scenario{name: "deliveries", about: "webhooks a second with many waiting and 50 endpoints of which 10 are dead; bare: the same HTTP client, no store",
			load: outboxLoad, limit: fixedLimit(5 * time.Minute), run: runDeliveries, alone: true},
		scenario{name: "dead-endpoints", about: "end of a request to the first try at a healthy endpoint, 10 of 50 being dead; bare: the same with none dead",
			load: outboxLoad, limit: fixedLimit(3 * time.Minute), run: runDeadEndpoints, alone: true},
		scenario{name: "due", about: "how late a retry leaves while nothing else happens, and looks at the store (bare: no retries at all)",
			defaults: settings{rounds: 1, seconds: 30}, load: outboxLoad, limit: fixedLimit(3 * time.Minute), run: runDue, alone: true},
	)
}

func outboxLoad(s settings) string {
	return fmt.Sprintf("%d accounts with %d endpoints each, %d dead where they are; %d deliveries wait; messages of %d bytes; driver and loop are one process",
		outboxAccounts, outboxPer, outboxAccounts*outboxDead, s.requests, s.messageBytes)
}

// runDeliveries measures how fast what waits is delivered to the endpoints that work.
func runDeliveries(ctx context.Context, srv *server, s settings) ([]figure, error) {
	var arrived atomic.Int64
	sinks, err := listen(outboxDead, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			arrived.Add(1)
		}
	})
	if err != nil {
		return nil, err
	}
	defer sinks.close()
	o, err := newOutbox(ctx, filepath.Join(s.dir, "data"), sinks.urls)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.close() }()
	each := s.requests / (outboxAccounts * outboxPer)
	if err := o.owe(ctx, each, padded("m ", s.messageBytes)); err != nil {
		return nil, fmt.Errorf("filling the store: %w", err)
	}
	runtime.GC()
	all := int64(each * (outboxAccounts * (outboxPer - outboxDead)))
	var took, cpu time.Duration // until the last has arrived: the loop's end may wait for tries that hang
	timed := func(do func() error) error {
		begun, used := time.Now(), ownCPU()
		err := do()
		took, cpu = time.Since(begun), ownCPU()-used
		return err
	}
	if srv.name == "bare" {
		all = min(all, 60_000) // enough for a rate
		err = profiled(profileOf(s, srv.name), func() error { return timed(func() error { return sendBare(ctx, o, sinks, all) }) })
	} else {
		err = o.deliver(ctx, profileOf(s, srv.name), func(ctx context.Context) error {
			return timed(func() error { return until(ctx, func() bool { return arrived.Load() >= all }) })
		})
	}
	if err != nil {
		return nil, fmt.Errorf("%d of %d arrived: %w", arrived.Load(), all, err)
	}
	return []figure{
		{"deliveries", "/s", float64(all) / took.Seconds(), true},
		{"cpu", "µs/delivery", microsecondsPer(cpu, int(all)), true},
		{"looks", "/s", float64(o.looks.Load()) / took.Seconds(), false},
	}, nil
}

// sendBare sends n webhooks with the loop's client, as many at once as the loop has places.
func sendBare(ctx context.Context, o *outbox, s *sinks, n int64) error {
	var urls []string
	for _, list := range s.urls {
		urls = append(urls, list[outboxDead:]...)
	}
	ds, err := o.store.DeliveriesBy(ctx, bridge.DeliveryFilter{Limit: 1})
	if err != nil {
		return err
	}
	r, err := o.store.Request(ctx, ds[0].Request.ID)
	if err != nil {
		return err
	}
	secret, body := webhook.NewSecret(), bodies.EndBody(r)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range outboxSenders {
		group.Go(func() error {
			for k := next.Add(1); k <= n; k = next.Add(1) {
				try := o.client.Send(ctx, webhook.Message{URL: urls[int(k)%len(urls)], ID: "msg_1", Secrets: []string{secret}, Body: body})
				if try.Error != "" {
					return fmt.Errorf("a bare webhook: %s", try.Error)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

const endsEach = 20 // of each account a second, where a load is paced: 1,000 deliveries a second

// runDeadEndpoints measures the first tries at endpoints that work.
func runDeadEndpoints(ctx context.Context, srv *server, s settings) ([]figure, error) {
	var ended sync.Map // mark → when its end was asked for
	var mu sync.Mutex  // guards times
	var times []time.Duration
	deadOfEach := outboxDead
	if srv.name == "bare" {
		deadOfEach = 0
	}
	sinks, err := listen(deadOfEach, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		now := time.Now()
		if at, ok := ended.Load(mark(body)); err == nil && ok {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, now.Sub(at.(time.Time)))
		}
	})
	if err != nil {
		return nil, err
	}
	defer sinks.close()
	o, err := newOutbox(ctx, filepath.Join(s.dir, "data"), sinks.urls)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.close() }()
	err = o.deliver(ctx, profileOf(s, srv.name), func(ctx context.Context) error {
		end := time.Now().Add(s.window() + seconds(s.warmup))
		group, paced := errgroup.WithContext(ctx)
		for i, account := range o.accounts {
			group.Go(func() error {
				next := time.Now().Add(time.Duration(i) * time.Second / endsEach / outboxAccounts)
				for ; next.Before(end); next = next.Add(time.Second / endsEach) {
					if err := sleepUntil(paced, next); err != nil {
						return err
					}
					m := uuid.NewString()
					id, err := o.request(paced, account, padded(m+" ", s.messageBytes))
					if err != nil {
						return err
					}
					ended.Store(m, time.Now())
					if err := bridge.Do(paced, o.post, &bridge.Cancel{AccountID: account, RequestID: id, Here: o.here}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		return sleepUntil(ctx, time.Now().Add(time.Second)) // for the last to arrive
	})
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	healthy := outboxAccounts * (outboxPer - deadOfEach)
	return []figure{
		{"p50", "ms", milliseconds(quantile(times, 0.5)), true},
		{"p99", "ms", milliseconds(quantile(times, 0.99)), true},
		{"max", "ms", milliseconds(quantile(times, 1)), false},
		{"arrived", "/s/endpoint", float64(len(times)) / (s.window() + seconds(s.warmup)).Seconds() / float64(healthy), true},
	}, nil
}

// runDue measures how late retries leave that are due one by one, and how often the loop looks at the store.
func runDue(ctx context.Context, srv *server, s settings) ([]figure, error) {
	var mu sync.Mutex // guards what follows
	due := map[string]time.Time{}
	var late []time.Duration
	tried := map[string]bool{}
	sinks, err := listen(0, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		now, id := time.Now(), r.Header.Get(webhook.HeaderID)
		mu.Lock()
		defer mu.Unlock()
		if tried[id] {
			late = append(late, now.Sub(due[id]))
			return
		}
		tried[id] = true
		w.Header().Set("Retry-After", fmt.Sprint(7+rand.IntN(int(s.seconds)))) // beyond what the schedule asks for
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err != nil {
		return nil, err
	}
	defer sinks.close()
	o, err := newOutbox(ctx, filepath.Join(s.dir, "data"), sinks.urls)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.close() }()
	o.committed = func(c *bridge.Changes) {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range c.Deliveries {
			if d.Status == bridge.DeliveryFailing && d.ClaimedBy == "" {
				due[d.WebhookID] = d.NextTryAt
			}
		}
	}
	var took time.Duration
	cpu := ownCPU()
	err = o.deliver(ctx, profileOf(s, srv.name), func(ctx context.Context) error {
		if srv.name != "bare" {
			if err := o.owe(ctx, bridge.CircuitAfter-1, padded("m ", s.messageBytes)); err != nil {
				return err
			}
		}
		begun := time.Now()
		o.looks.Store(0)
		cpu = ownCPU()
		err := sleepUntil(ctx, begun.Add(s.window()+8*time.Second))
		took, cpu = time.Since(begun), ownCPU()-cpu
		return err
	})
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	if len(late) < len(due) {
		return nil, fmt.Errorf("%d of %d retries came", len(late), len(due))
	}
	return []figure{
		{"retries", "", float64(len(late)), false},
		{"late p50", "ms", milliseconds(quantile(late, 0.5)), false},
		{"late p99", "ms", milliseconds(quantile(late, 0.99)), false},
		{"late max", "ms", milliseconds(quantile(late, 1)), false},
		{"looks", "/min", float64(o.looks.Load()) / took.Minutes(), false},
		{"process", "ms CPU/s", milliseconds(cpu) / took.Seconds(), false},
	}, nil
}
