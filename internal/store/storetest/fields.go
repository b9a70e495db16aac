package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// full is one of everything, with every field set.
type full struct {
	account  *bridge.Account
	key      *bridge.Key
	endpoint *bridge.Endpoint
	request  *bridge.Request
	lease    *bridge.Lease
	worker   *bridge.Worker
	event    *bridge.Event
	delivery *bridge.Delivery
	try      *bridge.Try
	replay   *bridge.Replay
	audit    *bridge.AuditEntry
}

func (d *db) full() full {
	limited := day(9)
	a := &bridge.Account{Email: "Élan@example.com", Active: true, CreatedAt: day(1), UpdatedAt: day(2)}
	chat := &bridge.Chat{SiteID: "site-1", Title: "a title\n\"quoted\"", CreatedAt: day(3), UpdatedAt: day(4)}
	r := &bridge.Request{
		ID: d.uuid(), Chat: chat, ResponseType: "thinking", ThinkingTime: "extended", Temporary: true, TimeoutSeconds: 77,
		Status: bridge.Executing, Rev: 5, Attempt: 4, Lost: 2, PutBacks: 1, Late: 3,
		ErrorMessage: "a sentence", ErrorCode: bridge.RateLimited, RetryAfter: 9, HasPartial: true, ModeUsed: "instant", Evidence: json.RawMessage(`{"a":[1]}`),
		QueuedAt: day(1), StartedAt: day(2), MaySendAt: day(3), CompletedAt: day(4), LastRetrievedAt: day(5),
		IdempotencyKey: "key", Fingerprint: []byte{0, 255, 1},
		Body: &bridge.Body{Message: "наш\tmessage 🙂\x01", Metadata: json.RawMessage(`{"m":null}`), Response: "answer", Partial: "part"},
	}
	return full{
		account: a,
		key:     &bridge.Key{Name: "first", Prefix: "cb_12345", Hash: []byte{1, 0, 2}, Scopes: []bridge.Scope{bridge.ScopeClient, bridge.ScopeWorker}, CreatedAt: day(1), RevokedAt: day(2)},
		endpoint: &bridge.Endpoint{Primary: true, URL: "https://example.com/x?y", Events: []string{"request.done"}, Format: "guide",
			Headers: map[string]string{"X-A": "1", "X-B": ""}, Enabled: true, DisabledReason: "why", RateLimit: 90, Secret: "whsec_1", PreviousSecret: "whsec_0",
			PreviousUntil: day(3), FailingSince: day(4), Failures: 7, HoldUntil: day(5), RemovedAt: day(6), CreatedAt: day(1), UpdatedAt: day(2)},
		request: r,
		lease:   &bridge.Lease{Attempt: 4, WorkerID: "w/1", Guide: true, TakenAt: day(1), GoAt: day(2), ExpiresAt: day(3)},
		worker: &bridge.Worker{ID: "w/1", N: 1 << 52, Conn: "conn", Node: "node", Connected: true, Guide: true, Name: "name", Version: "1.2", Site: "site",
			Capacity: 3, ResponseTypes: []string{"auto", "instant"}, HelloAt: day(1), BlockedBy: bridge.Challenge, PausedUntil: day(2),
			Health: &bridge.Health{LoggedIn: true, PageOK: true, LimitedUntil: &limited, Matched: json.RawMessage(`[1]`)}},
		event: &bridge.Event{Request: r, Type: bridge.EventPutBack, At: day(1), Attempt: 4, WorkerID: "w/1", Reason: bridge.Challenge, Data: json.RawMessage(`{"response":"x"}`)},
		delivery: &bridge.Delivery{WebhookID: "msg_1", Request: r, Status: bridge.DeliveryFailing, Step: 2, Tried: 3, NextTryAt: day(1), ClaimedBy: "node",
			ClaimedUntil: day(2), Error: "a sentence", CreatedAt: day(3), EndedAt: day(4)},
		try: &bridge.Try{Number: 1, At: day(1), Duration: 1234567 * time.Nanosecond, Status: 503, Error: "a sentence", RequestHeaders: map[string]string{"A": "b"},
			ResponseHeaders: map[string]string{"C": "d"}, ResponseBody: "body", RetryAfter: 90 * time.Second},
		replay: &bridge.Replay{Filter: bridge.DeliveryFilter{AccountID: 1, EndpointID: 2, RequestSeq: 3, Status: []string{"dead"}, Owed: true, From: day(1), To: day(2), UpTo: 4, Before: 5,
			Ascending: true, Limit: 6}, Status: bridge.ReplayRunning, Matching: 7, Replayed: 8, Skipped: 9, CreatedAt: day(3), EndedAt: day(4)},
		audit: &bridge.AuditEntry{At: day(1), Actor: "token ci", Address: "::1", Action: "account.created", Target: "account", Detail: json.RawMessage(`{"a":[1]}`)},
	}
}

// write stores all of it. Key, endpoint and audit entry are left to find their
// account.
func (x full) write(d *db) {
	d.t.Helper()
	d.put(&bridge.Changes{Accounts: []*bridge.Account{x.account}, Keys: []*bridge.Key{x.key}, Endpoints: []*bridge.Endpoint{x.endpoint},
		Audit: []*bridge.AuditEntry{x.audit}, Replays: []*bridge.Replay{x.replay}, Directory: true})
	id := x.account.ID
	x.request.AccountID, x.request.Chat.AccountID, x.lease.AccountID, x.worker.AccountID, x.event.AccountID, x.delivery.AccountID = id, id, id, id, id, id
	x.delivery.Endpoint = x.endpoint
	d.put(&bridge.Changes{
		Chats: []*bridge.Chat{x.request.Chat}, Requests: []*bridge.Request{x.request}, Workers: []*bridge.Worker{x.worker},
		Events: []*bridge.Event{x.event}, Deliveries: []*bridge.Delivery{x.delivery},
	})
	x.lease.RequestSeq, x.lease.RequestID, x.lease.ChatID = x.request.Seq, x.request.ID, x.request.Chat.ID
	x.try.DeliveryID = x.delivery.ID
	d.put(&bridge.Changes{Leases: []*bridge.Lease{x.lease}, Tries: []*bridge.Try{x.try}})
}

// check reads all of it, by the readers and as a command's facts.
func (x full) check(d *db) {
	d.t.Helper()
	t, ctx := d.t, d.ctx
	bare := *x.request
	bare.Body = nil
	owed := *x.delivery
	owed.Request = &bare

	same(t, "Account", must(d.Account(ctx, x.account.ID))(t), x.account)
	same(t, "AccountByEmail", must(d.AccountByEmail(ctx, "éLAN@example.com"))(t), x.account)
	same(t, "Accounts", must(d.Accounts(ctx))(t), []*bridge.Account{x.account})
	same(t, "Keys", must(d.Keys(ctx, x.account.ID))(t), []*bridge.Key{x.key})
	same(t, "Principal", must(d.Principal(ctx, x.key.Hash))(t), &bridge.Principal{Account: x.account, Key: x.key})
	same(t, "Endpoints", must(d.Endpoints(ctx, x.account.ID))(t), []*bridge.Endpoint{x.endpoint})
	same(t, "Request", must(d.Request(ctx, x.request.ID))(t), x.request)
	same(t, "Chat by ours", must(d.Chat(ctx, x.account.ID, "1"))(t), x.request.Chat)
	same(t, "Chat by the site's", must(d.Chat(ctx, x.account.ID, bridge.ChatRef(x.request.Chat.SiteID)))(t), x.request.Chat)
	same(t, "Leases", must(d.Leases(ctx, x.account.ID))(t), []*bridge.Lease{x.lease})
	same(t, "Workers", must(d.Workers(ctx, x.account.ID))(t), []*bridge.Worker{x.worker})
	same(t, "Events", must(d.Events(ctx, x.account.ID, 0, 10))(t), []*bridge.Event{x.event})
	same(t, "RequestEvents", must(d.RequestEvents(ctx, x.request.Seq))(t), []*bridge.Event{x.event})
	same(t, "Deliveries", must(d.Deliveries(ctx, x.request.Seq))(t), []*bridge.Delivery{&owed})
	same(t, "Delivery", must(d.Delivery(ctx, x.delivery.ID))(t), &owed)
	same(t, "DeliveriesBy", must(d.DeliveriesBy(ctx, bridge.DeliveryFilter{Limit: 9}))(t), []*bridge.Delivery{&owed})
	same(t, "Tries", must(d.Tries(ctx, x.delivery.ID))(t), []*bridge.Try{x.try})
	same(t, "Replay", must(d.Replay(ctx, x.replay.ID))(t), x.replay)
	same(t, "Replays", must(d.Replays(ctx, true, 9))(t), []*bridge.Replay{x.replay})
	same(t, "Audit", must(d.Audit(ctx, bridge.AuditFilter{Limit: 9}))(t), []*bridge.AuditEntry{x.audit})

	for range 2 { // the second time an engine may know the rows already
		f := d.facts(bridge.Needs{
			AccountID: x.account.ID, Endpoints: true, Keys: true, KeyHash: x.key.Hash, Requests: []string{x.request.ID}, Bodies: true, Idempotency: x.request.IdempotencyKey,
			Chat: "1", SiteChat: x.request.Chat.SiteID, Workers: []string{x.worker.ID}, HeldBy: x.worker.ID, DeliveryIDs: []int64{x.delivery.ID}, Replay: x.replay.ID,
		})
		owed.Request = x.request
		same(t, "Facts.Account", f.Account, x.account)
		same(t, "Facts.Endpoints", f.Endpoints, []*bridge.Endpoint{x.endpoint})
		same(t, "Facts.Keys", f.Keys, []*bridge.Key{x.key})
		same(t, "Facts.KeyTaken", f.KeyTaken, true)
		same(t, "Facts.Requests", f.Requests, map[string]*bridge.Request{x.request.ID: x.request})
		same(t, "Facts.Leases", f.Leases, []*bridge.Lease{x.lease})
		same(t, "Facts.Idempotent", f.Idempotent, x.request)
		same(t, "Facts.Chat", f.Chat, x.request.Chat)
		same(t, "Facts.SiteChat", f.SiteChat, x.request.Chat)
		same(t, "Facts.Workers", f.Workers, map[string]*bridge.Worker{x.worker.ID: x.worker})
		same(t, "Facts.Held", f.Held, []bridge.Held{{Lease: x.lease, Request: x.request}})
		same(t, "Facts.Deliveries", f.Deliveries, []*bridge.Delivery{&owed})
		same(t, "Facts.Replay", f.Replay, x.replay)
	}
}

// everyField: what is written is read again, each field of it, and what is
// inserted gets its ids.
func everyField(t *testing.T, d *db) {
	x := d.full()
	x.write(d)
	if x.account.ID == 0 || x.key.ID == 0 || x.endpoint.ID == 0 || x.request.Seq == 0 || x.request.Chat.ID == 0 || x.delivery.ID == 0 || x.event.Seq != 1 ||
		x.replay.ID == 0 || x.audit.ID == 0 {
		t.Fatalf("ids are not set: %+v", x)
	}
	same(t, "the key's account", x.key.AccountID, x.account.ID)
	same(t, "the endpoint's account", x.endpoint.AccountID, x.account.ID)
	same(t, "the audit entry's account", x.audit.AccountID, x.account.ID)
	x.check(d)
}

// updates: an entity that has its id is updated, each field that may change,
// down to its zero value.
func updates(t *testing.T, d *db) {
	x := d.full()
	x.write(d)

	x.account.Email, x.account.Active, x.account.UpdatedAt = "élan@example.com", false, day(20)
	x.key.Name, x.key.RevokedAt = "second", time.Time{}
	*x.endpoint = bridge.Endpoint{ID: x.endpoint.ID, AccountID: x.account.ID, URL: "http://localhost/", Format: "openai", Secret: "whsec_2", CreatedAt: day(1), UpdatedAt: day(21)}
	*x.worker = bridge.Worker{AccountID: x.account.ID, ID: x.worker.ID, N: 3}
	moved := &bridge.Chat{AccountID: x.account.ID, SiteID: "site-2", CreatedAt: day(1), UpdatedAt: day(22)}
	r := x.request
	*r = bridge.Request{Seq: r.Seq, ID: r.ID, AccountID: r.AccountID, Chat: moved, ResponseType: r.ResponseType, ThinkingTime: r.ThinkingTime, Temporary: r.Temporary,
		TimeoutSeconds: r.TimeoutSeconds, Status: bridge.Idle, QueuedAt: r.QueuedAt, IdempotencyKey: r.IdempotencyKey, Fingerprint: r.Fingerprint, Body: &bridge.Body{}}
	*x.lease = bridge.Lease{RequestSeq: r.Seq, RequestID: r.ID, Attempt: 4, AccountID: r.AccountID, WorkerID: "w/1", TakenAt: day(2), ExpiresAt: day(4), Cancelled: true}
	*x.delivery = bridge.Delivery{ID: x.delivery.ID, WebhookID: "msg_1", AccountID: r.AccountID, Endpoint: x.endpoint, Request: r, Status: bridge.DeliveryDead, CreatedAt: day(3)}
	*x.replay = bridge.Replay{ID: x.replay.ID, Status: bridge.ReplayDone, CreatedAt: day(3)}
	d.put(&bridge.Changes{
		Accounts: []*bridge.Account{x.account}, Keys: []*bridge.Key{x.key}, Endpoints: []*bridge.Endpoint{x.endpoint}, Workers: []*bridge.Worker{x.worker},
		Chats: []*bridge.Chat{moved}, Requests: []*bridge.Request{r}, Bodies: []*bridge.Request{r}, Leases: []*bridge.Lease{x.lease}, Deliveries: []*bridge.Delivery{x.delivery},
		Replays: []*bridge.Replay{x.replay},
	})
	f := d.facts(bridge.Needs{AccountID: x.account.ID, Chat: bridge.ChatRef("site-2")})
	same(t, "the new chat", f.Chat, moved)
	f = d.facts(bridge.Needs{AccountID: x.account.ID, SiteChat: "site-1"})
	if f.SiteChat == nil || f.SiteChat.ID == moved.ID {
		t.Fatalf("the old chat is %+v", f.SiteChat)
	}
	same(t, "the request", must(d.Request(d.ctx, r.ID))(t), r)
	same(t, "the account", must(d.Account(d.ctx, x.account.ID))(t), x.account)
	same(t, "the workers", must(d.Workers(d.ctx, x.account.ID))(t), []*bridge.Worker{x.worker})
	same(t, "the endpoints", must(d.Endpoints(d.ctx, x.account.ID))(t), []*bridge.Endpoint{x.endpoint})
	same(t, "the keys", must(d.Keys(d.ctx, x.account.ID))(t), []*bridge.Key{x.key})
	same(t, "the leases", must(d.Leases(d.ctx, x.account.ID))(t), []*bridge.Lease{x.lease})
	f = d.facts(bridge.Needs{AccountID: x.account.ID, Endpoints: true, Requests: []string{r.ID}, Bodies: true, Workers: []string{"w/1"}, DeliveryIDs: []int64{x.delivery.ID}, Replay: x.replay.ID})
	same(t, "Facts.Requests", f.Requests[r.ID], r)
	same(t, "Facts.Leases", f.Leases, []*bridge.Lease{x.lease})
	same(t, "Facts.Workers", f.Workers["w/1"], x.worker)
	same(t, "Facts.Endpoints", f.Endpoints, []*bridge.Endpoint{x.endpoint})
	same(t, "Facts.Deliveries", f.Deliveries, []*bridge.Delivery{x.delivery})
	same(t, "Facts.Replay", f.Replay, x.replay)
	same(t, "the replay", must(d.Replay(d.ctx, x.replay.ID))(t), x.replay)

	full := d.full() // and back from the zero values
	full.endpoint.ID, full.endpoint.AccountID, full.replay.ID = x.endpoint.ID, x.account.ID, x.replay.ID
	full.delivery.ID, full.delivery.AccountID, full.delivery.Endpoint, full.delivery.Request = x.delivery.ID, x.account.ID, full.endpoint, r
	d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{full.endpoint}, Deliveries: []*bridge.Delivery{full.delivery}, Replays: []*bridge.Replay{full.replay}})
	for range 2 {
		f = d.facts(bridge.Needs{DeliveryIDs: []int64{x.delivery.ID}, Bodies: true, Replay: x.replay.ID})
		same(t, "the full delivery and endpoint", f.Deliveries, []*bridge.Delivery{full.delivery})
		same(t, "the full replay", f.Replay, full.replay)
	}
	r.Body, full.delivery.Request = nil, r
	same(t, "the full delivery, read", must(d.Delivery(d.ctx, x.delivery.ID))(t), full.delivery)

	d.put(&bridge.Changes{DropLeases: []*bridge.Lease{x.lease}, DropWorker: []*bridge.Worker{x.worker}})
	same(t, "no leases", len(must(d.Leases(d.ctx, x.account.ID))(t)), 0)
	same(t, "no workers", len(must(d.Workers(d.ctx, x.account.ID))(t)), 0)
	f = d.facts(bridge.Needs{AccountID: x.account.ID, Requests: []string{r.ID}, Workers: []string{"w/1"}})
	same(t, "no leases in facts", len(f.Leases), 0)
	same(t, "no workers in facts", len(f.Workers), 0)

	gone := *r
	gone.Seq = 999
	if err := d.try(&bridge.Changes{Requests: []*bridge.Request{&gone}}); err == nil {
		t.Fatalf("a request that is not there was updated")
	}
}

// microseconds: a time is stored to the microsecond, in UTC, whoever remembers
// the row.
func microseconds(t *testing.T, d *db) {
	fine := day(0).Add(789 * time.Nanosecond).In(time.FixedZone("", 3600))
	a := d.account()
	a.CreatedAt, a.UpdatedAt = day(0), fine
	e := d.endpoint(a)
	e.UpdatedAt, e.HoldUntil = fine, fine
	r := d.newRequest(a, nil)
	r.QueuedAt, r.Chat.UpdatedAt = fine, fine
	w := &bridge.Worker{AccountID: a.ID, ID: "w", N: 1, HelloAt: fine}
	c := submitted(r)
	c.Accounts, c.Workers, c.Endpoints = []*bridge.Account{a}, []*bridge.Worker{w}, []*bridge.Endpoint{e}
	d.put(c)
	d.lease(r, "w", func(l *bridge.Lease) { l.TakenAt = fine })
	v := d.delivery(r, e, fine)
	v.ClaimedBy, v.ClaimedUntil = "node", fine
	p := &bridge.Replay{Status: bridge.ReplayRunning, CreatedAt: fine, Filter: bridge.DeliveryFilter{From: fine}}
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v}, Replays: []*bridge.Replay{p}, Audit: []*bridge.AuditEntry{{At: fine}}})
	for range 2 {
		f := d.facts(bridge.Needs{AccountID: a.ID, Endpoints: true, Requests: []string{r.ID}, Workers: []string{"w"},
			DeliveryIDs: []int64{v.ID}, Replay: p.ID, Sweep: &bridge.Sweep{Kind: bridge.SweepAudit, Limit: 1}})
		q := f.Requests[r.ID]
		for i, got := range []time.Time{f.Account.UpdatedAt, f.Endpoints[0].UpdatedAt, q.QueuedAt, q.Chat.UpdatedAt, f.Workers["w"].HelloAt, f.Leases[0].TakenAt,
			f.Endpoints[0].HoldUntil, f.Deliveries[0].NextTryAt, f.Deliveries[0].ClaimedUntil, f.Replay.CreatedAt, f.Replay.Filter.From, f.Swept[0].Since} {
			if !got.Equal(day(0)) || got.Location() != time.UTC {
				t.Errorf("time %d: %v", i, got)
			}
		}
	}
}

// reopen: what was committed is there after Close.
func reopen(t *testing.T, d *db) {
	x := d.full()
	x.write(d)
	version := must(d.DirectoryVersion(d.ctx))(t)
	d.reopen()
	x.check(d)
	same(t, "the directory's version", must(d.DirectoryVersion(d.ctx))(t), version)
	next := *x.event
	d.put(&bridge.Changes{Events: []*bridge.Event{&next}})
	same(t, "the next event", next.Seq, int64(2))
}
