package storetest

import (
	"testing"

	"chatbridge/internal/bridge"
)

func directory(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	first, second := d.endpoint(a), d.endpoint(a)
	second.Primary = true
	d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{second}})
	k1 := &bridge.Key{AccountID: a.ID, Name: "1", Hash: []byte("1"), Scopes: []bridge.Scope{bridge.ScopeClient}, CreatedAt: day(1)}
	k2 := &bridge.Key{AccountID: a.ID, Name: "2", Hash: []byte("2"), CreatedAt: day(2), RevokedAt: day(3)}
	d.put(&bridge.Changes{Keys: []*bridge.Key{k1, k2}})
	k2.Scopes = nil

	f := d.facts(bridge.Needs{AccountEmail: a.Email, Endpoints: true, Keys: true})
	same(t, "by email", f.Account, a)
	same(t, "primary first", f.Endpoints, []*bridge.Endpoint{second, first})
	same(t, "so does the reader", must(d.Endpoints(d.ctx, a.ID))(t), f.Endpoints)
	same(t, "keys, oldest first", f.Keys, []*bridge.Key{k1, k2})
	same(t, "no such email", d.facts(bridge.Needs{AccountEmail: "nobody"}).Account == nil, true)
	same(t, "a revoked key is taken too", d.facts(bridge.Needs{KeyHash: []byte("2")}).KeyTaken, true)

	same(t, "accounts", must(d.Accounts(d.ctx))(t), []*bridge.Account{a, b})
	same(t, "a revoked principal", must(d.Principal(d.ctx, []byte("2")))(t), &bridge.Principal{Account: a, Key: k2})
	same(t, "no principal", must(d.Principal(d.ctx, []byte("3")))(t) == nil, true)
	same(t, "no account", must(d.Account(d.ctx, 99))(t) == nil, true)
	same(t, "no account by email", must(d.AccountByEmail(d.ctx, "nobody"))(t) == nil, true)

	before := must(d.DirectoryVersion(d.ctx))(t)
	d.put(&bridge.Changes{Accounts: []*bridge.Account{a}})
	same(t, "the version stays", must(d.DirectoryVersion(d.ctx))(t), before)
	d.put(&bridge.Changes{Directory: true})
	if now := must(d.DirectoryVersion(d.ctx))(t); now <= before {
		t.Fatalf("Directory did not raise the version: %d, before %d", now, before)
	}
}

func credentials(t *testing.T, d *db) {
	session := &bridge.Credential{Kind: "session", Hash: []byte{0, 1}, Name: "one", CreatedAt: day(2), ExpiresAt: day(3)}
	other := &bridge.Credential{Kind: "session", Hash: []byte{0, 2}, CreatedAt: day(1)}
	token := &bridge.Credential{Kind: "token", Hash: []byte{0, 1}, Name: "ci", CreatedAt: day(1)}
	link := &bridge.Credential{Kind: "link", Hash: []byte{0, 1}, CreatedAt: day(1)}
	d.put(&bridge.Changes{Credentials: []*bridge.Credential{session, other, token, link}})
	have := func(c *bridge.Credential) bool {
		t.Helper()
		got := must(d.Credential(d.ctx, c.Kind, c.Hash))(t)
		fact := d.facts(bridge.Needs{Credential: &bridge.Credential{Kind: c.Kind, Hash: c.Hash}}).Credential
		same(t, "as a fact", fact, got)
		if got != nil {
			same(t, "the credential", got, c)
		}
		return got != nil
	}
	same(t, "of one kind, oldest first", must(d.Credentials(d.ctx, "session"))(t), []*bridge.Credential{other, session})
	same(t, "of no kind", len(must(d.Credentials(d.ctx, "none"))(t)), 0)
	same(t, "all there", []bool{have(session), have(other), have(token), have(link)}, []bool{true, true, true, true})
	d.put(&bridge.Changes{DropCredential: []*bridge.Credential{{Kind: "session", Hash: []byte{0, 1}}}})
	same(t, "one dropped", []bool{have(session), have(other), have(token), have(link)}, []bool{false, true, true, true})
	d.put(&bridge.Changes{DropKinds: []string{"session", "link"}, Credentials: []*bridge.Credential{session}})
	same(t, "two kinds dropped first", []bool{have(session), have(other), have(token), have(link)}, []bool{true, false, true, false})

	d.put(&bridge.Changes{Settings: map[string]string{"a": "1", "b": "2"}})
	same(t, "settings", d.facts(bridge.Needs{Settings: []string{"a", "b", "c"}}).Settings, map[string]string{"a": "1", "b": "2"})
	d.put(&bridge.Changes{Settings: map[string]string{"a": "3", "b": ""}})
	same(t, "changed and deleted", d.facts(bridge.Needs{Settings: []string{"a", "b"}}).Settings, map[string]string{"a": "3"})
	same(t, "Setting", must(d.Setting(d.ctx, "a"))(t), "3")
	same(t, "no Setting", must(d.Setting(d.ctx, "b"))(t), "")
}

// constraints: what must be unique or alone is so whatever a rule forgets.
func constraints(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	named := d.newChat(a)
	named.SiteID = "site"
	d.put(&bridge.Changes{Chats: []*bridge.Chat{named}})
	keyed := d.newRequest(a, nil)
	keyed.IdempotencyKey = "once"
	d.put(submitted(keyed))
	leased := d.request(a, nil)
	d.lease(leased, "w", nil)
	e := d.endpoint(a)
	d.delivery(leased, e, day(0))
	d.put(&bridge.Changes{Keys: []*bridge.Key{{AccountID: a.ID, Hash: []byte("h")}}})

	again := *leased
	again.Attempt = 7
	sameChat := d.request(a, leased.Chat)
	twin := d.newRequest(a, nil)
	twin.IdempotencyKey = "once"
	sameID := d.newRequest(a, nil)
	sameID.ID = keyed.ID
	noChat := newLease(&again, "other")
	noChat.ChatID = 0
	for name, c := range map[string]*bridge.Changes{
		"email":                 {Accounts: []*bridge.Account{{Email: a.Email}}},
		"email in another case": {Accounts: []*bridge.Account{{Email: "SomeOne1@Example.com"}}},
		"key hash":              {Keys: []*bridge.Key{{AccountID: b.ID, Hash: []byte("h")}}},
		"site chat":             {Chats: []*bridge.Chat{{AccountID: a.ID, SiteID: "site", UpdatedAt: day(0)}}},
		"request id":            submitted(sameID),
		"idempotency key":       submitted(twin),
		"live lease a request":  {Leases: []*bridge.Lease{noChat}},
		"lease a chat":          {Leases: []*bridge.Lease{newLease(sameChat, "other")}},
		"delivery":              {Deliveries: []*bridge.Delivery{{WebhookID: "m", AccountID: a.ID, Endpoint: e, Request: leased, Status: bridge.DeliveryPending}}},
	} {
		err := d.try(c)
		if err == nil {
			t.Errorf("%s: written twice", name)
			continue
		}
		if got := bridge.AsError(err); got.Kind != bridge.Conflict || got.Code != "conflict" {
			t.Errorf("%s: %v", name, err)
		}
	}

	// What is not the same place is no conflict.
	elsewhere := d.newRequest(b, nil)
	elsewhere.IdempotencyKey, elsewhere.Chat.SiteID = "once", "site"
	d.put(submitted(elsewhere))
	noChat.Cancelled = true
	d.put(&bridge.Changes{Leases: []*bridge.Lease{noChat}})
	d.put(&bridge.Changes{Chats: []*bridge.Chat{d.newChat(a), d.newChat(a)}})
	d.request(a, nil)

	// A place that the same changes give up may be taken.
	leases := d.facts(bridge.Needs{Requests: []string{leased.ID}}).Leases
	same(t, "leases", len(leases), 2)
	leases[0].Cancelled, leases[0].ChatID = true, 0
	next := newLease(leased, "next")
	next.Attempt = 9
	d.put(&bridge.Changes{Leases: []*bridge.Lease{next, leases[0]}})
	after := newLease(leased, "after")
	after.Attempt = 10
	d.put(&bridge.Changes{Leases: []*bridge.Lease{after}, DropLeases: []*bridge.Lease{next}})
	same(t, "the leases in the end", len(must(d.Leases(d.ctx, a.ID))(t)), 3)
}
