//go:build unix

package postgres

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// Whatever a command loads and changes, no other node changes in between: counters
// of all kinds add up.
func TestNoUpdateIsLost(t *testing.T) {
	url, c := database(t)
	stores := []*Store{start(t, url), start(t, url)}
	s := stores[0]
	from := benchAccount(t, s)
	mustDo(t, s, &bridge.Hello{Worker: bridge.Worker{AccountID: from.AccountID, ID: "held", N: 1, Conn: "c", Node: "n", Capacity: 9}})
	ended := life(t, s, from, "w")
	submit(t, s, from.AccountID, "key")
	held := submit(t, s, from.AccountID, "")
	mustDo(t, s, &bridge.Claim{AccountID: from.AccountID, Limit: 2, Offers: []bridge.Offer{{WorkerID: "held", Conn: "c"}}})
	idle := submit(t, s, from.AccountID, "key 2") // the only one that is idle
	var delivery int64
	if err := c.QueryRow(t.Context(), `SELECT id FROM deliveries`).Scan(&delivery); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, &bridge.StartReplay{})
	mustDo(t, s, &bridge.PutCredential{Credential: &bridge.Credential{Kind: "k", Hash: []byte("h"), Name: "0"}})
	mustDo(t, s, setting("s", "0"))
	site := "site-" + ended

	type change = func(*bridge.Facts, *bridge.Changes) *int
	request := func(r *bridge.Request, c *bridge.Changes) *int {
		c.Requests = append(c.Requests, r)
		return &r.RetryAfter
	}
	// named counts in a text, for what has no number of its own.
	named := func(text *string) *int {
		n, _ := strconv.Atoi(*text)
		*text = strconv.Itoa(n + 1)
		return &n
	}
	chat := func(x *bridge.Chat, c *bridge.Changes) *int {
		c.Chats = append(c.Chats, x)
		return named(&x.Title)
	}
	account := from.AccountID
	for name, x := range map[string]struct {
		needs  bridge.Needs
		change change
	}{
		"an account": {bridge.Needs{AccountID: account}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Accounts = append(c.Accounts, f.Account)
			return named(&f.Account.Email)
		}},
		"an endpoint": {bridge.Needs{AccountID: account, Endpoints: true}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Endpoints = f.Endpoints
			return &f.Endpoints[0].RateLimit
		}},
		"a delivery's endpoint": {bridge.Needs{DeliveryIDs: []int64{delivery}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Endpoints = append(c.Endpoints, f.Deliveries[0].Endpoint)
			return &f.Deliveries[0].Endpoint.Failures
		}},
		"a request":            {bridge.Needs{Requests: []string{idle}}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Requests[idle], c) }},
		"the request of a key": {bridge.Needs{AccountID: account, Idempotency: "key"}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Idempotent, c) }},
		"the request that is next": {bridge.Needs{AccountID: account, Candidates: 1}, func(f *bridge.Facts, c *bridge.Changes) *int {
			if len(f.Candidates) == 0 { // another has it
				return nil
			}
			return request(f.Candidates[0], c)
		}},
		"a candidate's chat": {bridge.Needs{AccountID: account, Candidates: 1}, func(f *bridge.Facts, c *bridge.Changes) *int {
			if len(f.Candidates) == 0 {
				return nil
			}
			return chat(f.Candidates[0].Chat, c)
		}},
		"a held request":       {bridge.Needs{AccountID: account, HeldBy: "held"}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Held[0].Request, c) }},
		"a delivery's request": {bridge.Needs{DeliveryIDs: []int64{delivery}}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Deliveries[0].Request, c) }},
		"a request's chat":     {bridge.Needs{Requests: []string{idle}}, func(f *bridge.Facts, c *bridge.Changes) *int { return chat(f.Requests[idle].Chat, c) }},
		"a chat":               {bridge.Needs{AccountID: account, Chat: bridge.ChatRef(site)}, func(f *bridge.Facts, c *bridge.Changes) *int { return chat(f.Chat, c) }},
		"a chat of the site":   {bridge.Needs{AccountID: account, SiteChat: site}, func(f *bridge.Facts, c *bridge.Changes) *int { return chat(f.SiteChat, c) }},
		"a request's lease": {bridge.Needs{Requests: []string{held}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Leases = f.Leases
			f.Leases[0].ExpiresAt = f.Leases[0].ExpiresAt.Add(time.Second)
			return new(int(f.Leases[0].ExpiresAt.Unix()))
		}},
		"a held lease": {bridge.Needs{AllHeld: true}, func(f *bridge.Facts, c *bridge.Changes) *int {
			l := f.Held[0].Lease
			c.Leases = append(c.Leases, l)
			return named(&l.WorkerID)
		}},
		"a worker": {bridge.Needs{AccountID: account, Workers: []string{"w"}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Workers = append(c.Workers, f.Workers["w"])
			return &f.Workers["w"].Capacity
		}},
		"a node's worker": {bridge.Needs{NodeWorkers: "n"}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Workers = f.OnNode
			return &f.OnNode[0].Capacity
		}},
		"a surveyed request": {bridge.Needs{AccountID: account, Survey: true}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Survey.Unfinished[0], c) }},
		"a delivery": {bridge.Needs{DeliveryIDs: []int64{delivery}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Deliveries = f.Deliveries
			return &f.Deliveries[0].Step
		}},
		"a listed delivery": {bridge.Needs{Deliveries: &bridge.DeliveryFilter{AccountID: account}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Deliveries = f.Deliveries
			return &f.Deliveries[0].Step
		}},
		"a swept request": {bridge.Needs{Sweep: &bridge.Sweep{Kind: bridge.SweepBodies, Limit: 1}}, func(f *bridge.Facts, c *bridge.Changes) *int { return request(f.Swept[0].Request, c) }},
		"a replay": {bridge.Needs{Replay: 1}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Replays = append(c.Replays, f.Replay)
			f.Replay.Skipped++
			return new(int(f.Replay.Skipped))
		}},
		"a key": {bridge.Needs{AccountID: account, Keys: true}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Keys = f.Keys
			return named(&f.Keys[0].Name)
		}},
		"a setting": {bridge.Needs{Settings: []string{"s"}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			value := f.Settings["s"]
			n := named(&value)
			c.Settings = map[string]string{"s": value}
			return n
		}},
		"a credential": {bridge.Needs{Credential: &bridge.Credential{Kind: "k", Hash: []byte("h")}}, func(f *bridge.Facts, c *bridge.Changes) *int {
			c.Credentials = append(c.Credentials, f.Credential)
			return named(&f.Credential.Name)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			const callers, each = 4, 20
			var mu sync.Mutex
			seen, done := map[int]int{}, 0
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					for range each {
						at := new(int)
						_, err := do(stores[i%2], command{x.needs, func(f *bridge.Facts) (*bridge.Changes, error) {
							c := &bridge.Changes{}
							if at = x.change(f, c); at == nil {
								return nil, nil
							}
							*at++
							return c, nil
						}})
						if err != nil {
							t.Error(err)
							return
						}
						if at != nil {
							mu.Lock()
							seen[*at]++
							done++
							mu.Unlock()
						}
					}
				})
			}
			wg.Wait()
			for n, times := range seen {
				if times > 1 {
					t.Fatalf("%d commands saw the same and counted to %d", times, n)
				}
			}
			if done < each {
				t.Errorf("only %d commands found it", done)
			}
		})
	}
}

func submit(t testing.TB, s *Store, account int64, key string) string {
	t.Helper()
	m := &bridge.Submit{AccountID: account, Message: "hello", ResponseType: "auto", TimeoutSeconds: 60, IdempotencyKey: key}
	mustDo(t, s, m)
	return m.Request.ID
}

// life takes a request to its end.
func life(t testing.TB, s *Store, from bridge.From, worker string) string {
	t.Helper()
	id := submit(t, s, from.AccountID, "")
	mustDo(t, s, &bridge.Claim{AccountID: from.AccountID, Limit: 1, Offers: []bridge.Offer{{WorkerID: worker, Conn: from.Conn}}})
	mustDo(t, s, &bridge.Complete{From: from, RequestID: id, Attempt: 1, Answer: bridge.Answer{Response: "Paris.", ChatID: "site-" + id}})
	return id
}
