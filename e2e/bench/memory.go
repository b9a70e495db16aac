package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// runMemory runs s.requests through and prints the server's memory after each tenth of them.
func runMemory(ctx context.Context, srv *server, s settings) ([]figure, error) {
	crew := newCrew(s, s.answerBytes)
	profiled := srv.startProfile(ctx, s.profile, s.window())
	step := max(1, s.requests/10)
	var rss []int64
	began := time.Now()
	err := crew.during(ctx, srv, func(ctx context.Context) error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx) // waited for below
		for i := range s.clients {
			group.Go(func() error {
				c := newClient(srv, i, s.messageBytes)
				defer c.wire.drop()
				for int(next.Add(1)) <= s.requests {
					if _, err := c.trip(ctx, crew.answer); err != nil {
						return err
					}
				}
				return nil
			})
		}
		group.Go(func() error {
			for at := step; at <= s.requests; at += step {
				for int(next.Load()) < at {
					if err := sleepUntil(ctx, time.Now().Add(10*time.Millisecond)); err != nil {
						return err
					}
				}
				all, anonymous, err := memory(srv.pid)
				if err != nil {
					return err
				}
				fmt.Printf("       %s after %d requests: rss %.1f MiB, anonymous %.1f MiB\n", srv.name, at, mib(all), mib(anonymous))
				rss = append(rss, all)
			}
			return nil
		})
		return group.Wait()
	})
	if err != nil {
		return nil, err
	}
	if err := profiled(); err != nil {
		return nil, err
	}
	half, last := (len(rss)-1)/2, len(rss)-1
	return []figure{
		{"rss at half", "MiB", mib(rss[half]), false},
		{"rss at the end", "MiB", mib(rss[last]), true},
		// Of the second half: in the first, heaps and caches grow to their size.
		{"growth", "bytes/request", float64(rss[last]-rss[half]) * 1024 / float64(max(1, (last-half)*step)), false},
		{"trips", "/s", float64(s.requests) / time.Since(began).Seconds(), false},
	}, nil
}

func mib(kib int64) float64 { return float64(kib) / 1024 }
