package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// BenchmarkOutbox claims deliveries that wait and records a try of each, as many
// at once as there are tries in flight under load. One operation is one delivery.
func BenchmarkOutbox(b *testing.B) {
	const accounts, endpoints, inFlight = 5, 10, 80
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "a.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	must := func(cmd bridge.Command) {
		if _, err := do(s, cmd); err != nil {
			b.Fatalf("%T: %v", cmd, err)
		}
	}
	url := "http://localhost/"
	var ids []int64
	for i := range accounts {
		account := &bridge.CreateAccount{Email: fmt.Sprintf("a%d@example.com", i), WebhookURL: url, Key: strings.Repeat(fmt.Sprint(i), 40), Secret: "whsec_x"}
		must(account)
		ids = append(ids, account.Account.ID)
		for range endpoints - 1 {
			must(&bridge.CreateEndpoint{AccountID: account.Account.ID, Fields: bridge.EndpointFields{URL: &url}, Secret: "whsec_x"})
		}
	}
	many := func(n int, one func(i int) bridge.Command) {
		var left sync.WaitGroup
		left.Add(n)
		for i := range n {
			cmd := one(i)
			s.Post(cmd, func(_ *bridge.Changes, err error) {
				if err != nil {
					b.Errorf("%T: %v", cmd, err)
				}
				left.Done()
			})
		}
		left.Wait()
	}
	ends := b.N/endpoints + 1
	requests := make([]*bridge.Submit, 0, ends)
	for at := 0; at < ends; at += 1000 {
		n := min(1000, ends-at)
		many(n, func(i int) bridge.Command {
			cmd := &bridge.Submit{AccountID: ids[(at+i)%accounts], Message: strings.Repeat("x", 200), ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 60}
			requests = append(requests, cmd)
			return cmd
		})
		many(n, func(i int) bridge.Command {
			r := requests[at+i].Request
			return &bridge.Cancel{AccountID: r.AccountID, RequestID: r.ID}
		})
	}
	try := bridge.Try{Status: 200, At: time.Now(), Duration: 1e6,
		RequestHeaders: map[string]string{"Content-Type": "application/json", "User-Agent": "chatbridge/1.0", "Webhook-Id": "msg_0123456789abcdef0123456789abcdef",
			"Webhook-Timestamp": "1700000000", "Webhook-Signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
		ResponseHeaders: map[string]string{"Content-Length": "0", "Date": "Tue, 24 Nov 2026 14:20:27 GMT"}}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		claim := &bridge.ClaimDeliveries{Node: "n", Limit: 512, PerEndpoint: 32}
		must(claim)
		if len(claim.Claimed) == 0 {
			b.Fatal("nothing is owed")
		}
		for at := 0; at < len(claim.Claimed); at += inFlight {
			part := claim.Claimed[at:min(at+inFlight, len(claim.Claimed))]
			many(len(part), func(i int) bridge.Command { return &bridge.RecordTry{DeliveryID: part[i].ID, Node: "n", Try: try} })
		}
		done += len(claim.Claimed)
	}
}
