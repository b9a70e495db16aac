//go:build unix

package postgres

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
)

// do posts a command and waits for its commit.
func do(s bridge.Store, cmd bridge.Command) (*bridge.Changes, error) {
	type answer struct {
		changes *bridge.Changes
		err     error
	}
	done := make(chan answer, 1)
	s.Post(cmd, func(c *bridge.Changes, err error) { done <- answer{c, err} })
	a := <-done
	return a.changes, a.err
}

// BenchmarkRoundTrip runs the domain's own commands through the life of a
// request: submit, claim, go, answer, delivery. One operation is one request.
// Commits reach the disk.
func BenchmarkRoundTrip(b *testing.B) {
	server := pgtest.New(b, pgtest.Options{Fsync: true})
	for _, callers := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprintf("%dcallers", callers), func(b *testing.B) {
			name, err := server.NewDatabase(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			s, err := Open(b.Context(), Options{URL: server.URL(name)})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			from := benchAccount(b, s)
			var commits atomic.Int64
			must := func(cmd bridge.Command) *bridge.Changes {
				c, err := do(s, cmd)
				if err != nil {
					b.Errorf("%T: %v", cmd, err)
				}
				commits.Add(1)
				return c
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						must(&bridge.Submit{AccountID: from.AccountID, Message: "What is the capital of France?", ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 60})
						claimed := must(&bridge.Claim{AccountID: from.AccountID, Offers: []bridge.Offer{{WorkerID: from.WorkerID, Conn: from.Conn}}, Limit: 1})
						for _, sig := range claimed.Signals {
							must(&bridge.MaySend{From: from, RequestID: sig.RequestID, Attempt: sig.Attempt})
							done := must(&bridge.Complete{From: from, RequestID: sig.RequestID, Attempt: sig.Attempt,
								Here:   bridge.Here{Node: "n", Room: func() bool { return true }},
								Answer: bridge.Answer{Response: strings.Repeat("Paris. ", 40), ChatID: "site-" + sig.RequestID}})
							for _, d := range done.Deliveries {
								must(&bridge.RecordTry{DeliveryID: d.ID, Node: "n", Try: bridge.Try{Status: 200}})
							}
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(commits.Load())/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

func benchAccount(b testing.TB, s bridge.Store) bridge.From {
	b.Helper()
	account := &bridge.CreateAccount{Email: "a@example.com", WebhookURL: "http://localhost/", Key: strings.Repeat("k", 40), Secret: "whsec_x"}
	if _, err := do(s, account); err != nil {
		b.Fatal(err)
	}
	from := bridge.From{AccountID: account.Account.ID, WorkerID: "w", Conn: "c"}
	if _, err := do(s, &bridge.Hello{Worker: bridge.Worker{AccountID: from.AccountID, ID: "w", N: 1, Conn: "c", Capacity: 64}}); err != nil {
		b.Fatal(err)
	}
	return from
}
