package main

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// startHere runs a bare server in this process until the test ends.
func startHere(t *testing.T) *server {
	t.Helper()
	addr, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runBare(ctx, bareConfig{addr: addr, data: t.TempDir()}) }() // waited for by the cleanup
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	srv := &server{name: "bare", addr: addr, pid: os.Getpid()}
	if err := srv.prepare(t.Context(), "", ""); err != nil {
		t.Fatal(err)
	}
	return srv
}

// The smoke test: the driver and the bare server understand each other, in both dialects.
func TestRoundTrips(t *testing.T) {
	for _, dialect := range []string{"v1", "guide"} {
		t.Run(dialect, func(t *testing.T) {
			srv := startHere(t)
			s := settings{dialect: dialect, clients: 5, workers: 2, capacity: 2, deltas: 3, messageBytes: 100}
			crew := newCrew(s, 300)
			ids := make(chan string, 50)
			err := crew.during(t.Context(), srv, func(ctx context.Context) error {
				group, ctx := errgroup.WithContext(ctx)
				for i := range s.clients {
					group.Go(func() error {
						c := newClient(srv, i, s.messageBytes)
						defer c.wire.drop()
						for range cap(ids) / s.clients {
							id, err := c.trip(ctx, crew.answer)
							if err != nil {
								return err
							}
							ids <- id
						}
						return nil
					})
				}
				return group.Wait()
			})
			if err != nil {
				t.Fatal(err)
			}
			close(ids)
			var all []string
			for id := range ids {
				all = append(all, id)
			}
			if len(all) != 50 {
				t.Fatalf("%d round trips, want 50", len(all))
			}
			if _, err := srv.settle(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFanoutPiecesAddUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s := settings{dialect: "v1", deltas: 40, deltaRate: 200, streams: 20, messageBytes: 100}
	if _, err := runFanout(ctx, startHere(t), s); err != nil {
		t.Fatal(err)
	}
}

func TestReaderTakesCorrections(t *testing.T) {
	var r reader
	for _, e := range []event{{Offset: 0, Text: "aé😀b"}, {Offset: 2, Text: "c"}, {Offset: 3, Text: "d"}} {
		r.apply(e)
	}
	if got := string(r.text); got != "aécd" || r.runes != 4 || r.err != nil {
		t.Errorf("got %q, %d code points, %v", got, r.runes, r.err)
	}
	if r.apply(event{Offset: 9, Text: "x"}); r.err == nil {
		t.Error("a gap was taken")
	}
}
