package storetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

func needsRequests(t *testing.T, d *db) {
	a, other := d.account(), d.account()
	r1, r2, r3 := d.request(a, nil), d.request(other, nil), d.request(a, nil)
	l := d.lease(r1, "w", nil)

	f := d.facts(bridge.Needs{AccountID: a.ID, Requests: []string{r1.ID, r2.ID, "nobody's", r1.ID}})
	same(t, "Requests", len(f.Requests), 2)
	same(t, "another account's", f.Requests[r2.ID].AccountID, other.ID)
	same(t, "Leases", f.Leases, []*bridge.Lease{l})
	if f.Requests[r1.ID].Body != nil {
		t.Fatal("a body that was not asked for")
	}
	same(t, "bodies", d.facts(bridge.Needs{Requests: []string{r3.ID}, Bodies: true}).Requests[r3.ID].Body, r3.Body)
	same(t, "no account", d.facts(bridge.Needs{AccountID: 99}).Account == nil, true)
	same(t, "no key", d.facts(bridge.Needs{AccountID: a.ID, KeyHash: []byte("x")}).KeyTaken, false)

	keyed := d.newRequest(a, nil)
	keyed.IdempotencyKey, keyed.Fingerprint = "once", []byte("f")
	d.put(submitted(keyed))
	same(t, "Idempotent", d.facts(bridge.Needs{AccountID: a.ID, Idempotency: "once"}).Idempotent, keyed)
	same(t, "another account's key", d.facts(bridge.Needs{AccountID: other.ID, Idempotency: "once"}).Idempotent == nil, true)

	// Waiting: what is idle in the first request's chat, but not what is handed out.
	w1, w2, w3 := d.request(a, r1.Chat), d.request(a, r1.Chat), d.request(a, r1.Chat)
	d.change(w2, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Failed, day(1) })
	f = d.facts(bridge.Needs{Requests: []string{r1.ID}, WaitingIn: true, Bodies: true})
	same(t, "Waiting", ids(f.Waiting), ids([]*bridge.Request{w1, w3}))
	same(t, "Waiting's body", f.Waiting[0].Body, w1.Body)
	same(t, "no Waiting", len(d.facts(bridge.Needs{Requests: []string{"nobody's"}, WaitingIn: true}).Waiting), 0)
}

func needsChats(t *testing.T, d *db) {
	a, other := d.account(), d.account()
	plain, named := d.newChat(a), d.newChat(a)
	d.put(&bridge.Changes{Chats: []*bridge.Chat{plain}})
	named.SiteID = strconv.FormatInt(plain.ID, 10) // a site's id that looks like ours
	d.put(&bridge.Changes{Chats: []*bridge.Chat{named}})
	for _, c := range []struct {
		account *bridge.Account
		ref     string
		want    *bridge.Chat
	}{
		{a, named.SiteID, named},
		{a, strconv.FormatInt(named.ID, 10), named},
		{a, "0" + strconv.FormatInt(named.ID, 10), nil},
		{a, "no such", nil},
		{other, strconv.FormatInt(named.ID, 10), nil},
		{other, named.SiteID, nil},
	} {
		same(t, "Facts.Chat "+c.ref, d.facts(bridge.Needs{AccountID: c.account.ID, Chat: bridge.ChatRef(c.ref)}).Chat, c.want)
		same(t, "Chat "+c.ref, must(d.Chat(d.ctx, c.account.ID, bridge.ChatRef(c.ref)))(t), c.want)
	}
	same(t, "SiteChat", d.facts(bridge.Needs{AccountID: a.ID, SiteChat: named.SiteID}).SiteChat, named)
	same(t, "SiteChat is never ours", d.facts(bridge.Needs{AccountID: a.ID, SiteChat: strconv.FormatInt(named.ID, 10)}).SiteChat == nil, true)
}

func needsNextIdle(t *testing.T, d *db) {
	a := d.account()
	d.request(d.account(), nil)
	next := func() string {
		for id := range d.facts(bridge.Needs{AccountID: a.ID, NextIdle: true}).Requests {
			return id
		}
		return ""
	}
	same(t, "none", next(), "")
	r1, r2, r3 := d.request(a, nil), d.request(a, nil), d.request(a, nil)
	for i, want := range []*bridge.Request{r1, r2, r3, r1, r2} {
		same(t, "the next", next(), want.ID)
		d.change(want, func(r *bridge.Request) { r.LastRetrievedAt = day(i + 1) })
	}
	d.lease(r3, "w", nil)
	same(t, "not an executing one", next(), r1.ID)
}

func needsWorkers(t *testing.T, d *db) {
	a, other := d.account(), d.account()
	w := func(account *bridge.Account, id, node string) *bridge.Worker {
		return &bridge.Worker{AccountID: account.ID, ID: id, N: 1, Node: node}
	}
	w1, w2, w3 := w(a, "one", "n1"), w(a, "two", "n2"), w(other, "one", "n1")
	d.put(&bridge.Changes{Workers: []*bridge.Worker{w1, w2, w3}})
	f := d.facts(bridge.Needs{AccountID: a.ID, Workers: []string{"one", "none"}, NodeWorkers: "n1"})
	same(t, "Workers", f.Workers, map[string]*bridge.Worker{"one": w1})
	same(t, "OnNode", f.OnNode, []*bridge.Worker{w1, w3})
	w0 := w(other, "a", "")
	d.put(&bridge.Changes{Workers: []*bridge.Worker{w0}})
	same(t, "of one account", must(d.Workers(d.ctx, a.ID))(t), []*bridge.Worker{w1, w2})
	same(t, "of all accounts", must(d.Workers(d.ctx, 0))(t), []*bridge.Worker{w1, w2, w0, w3})

	r1, r2, r3, r4 := d.request(a, nil), d.request(a, nil), d.request(other, nil), d.request(a, nil)
	l1 := d.lease(r1, "one", func(l *bridge.Lease) { l.Cancelled = true })
	l2 := d.lease(r2, "one", func(l *bridge.Lease) { l.Guide = true })
	l3 := d.lease(r3, "one", func(l *bridge.Lease) { l.Guide = true })
	l4 := d.lease(r4, "two", func(l *bridge.Lease) { l.Guide, l.Cancelled = true, true })
	for name, c := range map[string]struct {
		needs bridge.Needs
		want  []*bridge.Lease
	}{
		"HeldBy":    {bridge.Needs{AccountID: a.ID, HeldBy: "one"}, []*bridge.Lease{l1, l2}},
		"GuideHeld": {bridge.Needs{AccountID: a.ID, GuideHeld: true}, []*bridge.Lease{l2}},
		"AllHeld":   {bridge.Needs{AllHeld: true}, []*bridge.Lease{l1, l2, l3, l4}},
		"once each": {bridge.Needs{AccountID: a.ID, HeldBy: "one", GuideHeld: true}, []*bridge.Lease{l1, l2}},
	} {
		var got []*bridge.Lease
		for _, h := range d.facts(c.needs).Held {
			got = append(got, h.Lease)
			if h.Request.Seq != h.Lease.RequestSeq || h.Request.Chat == nil {
				t.Fatalf("%s: the lease has the request %+v", name, h.Request)
			}
		}
		same(t, name, got, c.want)
	}
	same(t, "a held body", d.facts(bridge.Needs{AccountID: a.ID, HeldBy: "two", Bodies: true}).Held[0].Request.Body, r4.Body)
	same(t, "Taken", d.facts(bridge.Needs{AccountID: a.ID, Taken: true}).Taken, map[string]int{"one": 2, "two": 1})
	same(t, "Leases", must(d.Leases(d.ctx, a.ID))(t), []*bridge.Lease{l1, l2, l4})
}

// survey: what of one account is in motion, and its last event.
func survey(t *testing.T, d *db) {
	a, other := d.account(), d.account()
	needs := bridge.Needs{AccountID: a.ID, Survey: true}
	same(t, "of nothing", d.facts(needs).Survey, bridge.Survey{})
	same(t, "of no account", d.facts(bridge.Needs{AccountID: 99, Survey: true}).Survey, bridge.Survey{})
	w1, w2 := &bridge.Worker{AccountID: a.ID, ID: "one", N: 1}, &bridge.Worker{AccountID: a.ID, ID: "two", N: 2}
	d.put(&bridge.Changes{Workers: []*bridge.Worker{w2, w1, {AccountID: other.ID, ID: "three"}}})
	ended, open, leased := d.request(a, nil), d.request(a, nil), d.request(a, nil)
	d.lease(d.request(other, nil), "three", nil)
	l1 := d.lease(ended, "one", func(l *bridge.Lease) { l.Cancelled = true })
	l2 := d.lease(leased, "two", nil)
	d.change(ended, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Done, day(1) })
	for range 3 {
		d.put(&bridge.Changes{Events: []*bridge.Event{{AccountID: a.ID, Request: open, Type: bridge.EventMade, At: day(1)}}})
	}
	open.Body, leased.Body = nil, nil
	leased.Status, leased.Attempt = bridge.Executing, 1
	want := bridge.Survey{Workers: []*bridge.Worker{w1, w2}, Leases: []*bridge.Lease{l1, l2}, Unfinished: []*bridge.Request{open, leased}, Events: 3}
	for range 2 {
		same(t, "Survey", d.facts(needs).Survey, want)
	}
}

func needsCandidates(t *testing.T, d *db) {
	a := d.account()
	d.request(d.account(), nil)
	r1 := d.request(a, nil)
	r2 := d.request(a, r1.Chat) // not the first of its chat
	r3 := d.request(a, nil)
	r4 := d.request(a, nil)
	expect := func(what string, want ...*bridge.Request) {
		t.Helper()
		same(t, what, ids(d.facts(bridge.Needs{AccountID: a.ID, Candidates: 10}).Candidates), ids(want))
	}
	expect("all", r1, r3, r4)
	same(t, "two of them", ids(d.facts(bridge.Needs{AccountID: a.ID, Candidates: 2}).Candidates), ids([]*bridge.Request{r1, r3}))
	same(t, "a body", d.facts(bridge.Needs{AccountID: a.ID, Candidates: 1, Bodies: true}).Candidates[0].Body, r1.Body)
	instant := d.newRequest(a, nil)
	instant.ResponseType = "instant"
	d.put(submitted(instant))
	same(t, "of one type", ids(d.facts(bridge.Needs{AccountID: a.ID, Candidates: 1, CandidateTypes: []string{"instant"}}).Candidates), ids([]*bridge.Request{instant}))
	same(t, "of two types", ids(d.facts(bridge.Needs{AccountID: a.ID, Candidates: 9, CandidateTypes: []string{"thinking", "auto"}}).Candidates), ids([]*bridge.Request{r1, r3, r4}))
	d.change(instant, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Failed, day(1) })
	l := d.lease(r1, "w", nil)
	expect("one is leased", r3, r4)
	d.change(r1, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Failed, day(1) })
	expect("its lease still holds the chat", r3, r4)
	l.Cancelled, l.ChatID = true, 0
	d.put(&bridge.Changes{Leases: []*bridge.Lease{l}})
	expect("the chat is free", r2, r3, r4)
	d.change(r3, func(r *bridge.Request) { r.Chat = r2.Chat })
	expect("one moved behind another", r2, r4)
	d.change(r2, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Done, day(1) })
	expect("that one is done", r3, r4)
}

func needsDeliveries(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	r1, r2 := d.request(a, nil), d.request(a, nil)
	v1, v2 := d.delivery(r1, e, day(0)), d.delivery(r2, e, day(0))
	v2.ClaimedBy, v2.ClaimedUntil = "node", day(1)
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v2}})

	f := d.facts(bridge.Needs{DeliveryIDs: []int64{v2.ID, v1.ID, 99}, ClaimedBy: "node"})
	same(t, "by id, then claimed, each once", deliveryIDs(f.Deliveries), []int64{v2.ID, v1.ID})
	same(t, "its request", f.Deliveries[0].Request.ID, r2.ID)
	same(t, "its endpoint", f.Deliveries[0].Endpoint, e)
	same(t, "claimed", deliveryIDs(d.facts(bridge.Needs{ClaimedBy: "node"}).Deliveries), []int64{v2.ID})
	same(t, "claimed by another", len(d.facts(bridge.Needs{ClaimedBy: "other"}).Deliveries), 0)
	same(t, "a body", d.facts(bridge.Needs{DeliveryIDs: []int64{v1.ID}, Bodies: true}).Deliveries[0].Request.Body, r1.Body)

	// What happened to its request and chat since is seen, claimed or not.
	for i, status := range []bridge.Status{bridge.Idle, bridge.Done, bridge.Done} {
		later := d.change(r2, func(r *bridge.Request) { r.Status, r.Late, r.Rev = status, i, int64(i) })
		later.Chat.Title = fmt.Sprint("renamed ", i)
		d.put(&bridge.Changes{Chats: []*bridge.Chat{later.Chat}})
		same(t, "its request, changed since", d.facts(bridge.Needs{DeliveryIDs: []int64{v2.ID}}).Deliveries[0].Request, later)
	}
}

// dueBodies: a bound on the texts of what is due leaves out the large ones, whatever
// part of them is large, and nothing else of their requests.
func dueBodies(t *testing.T, d *db) {
	const limit = 1000
	a := d.account()
	e := d.endpoint(a)
	large := strings.Repeat("é", limit/2) // bytes, not characters
	now := time.Now().UTC().Truncate(time.Microsecond)
	var all []*bridge.Delivery
	for i, body := range []bridge.Body{
		{Message: "m"}, {Message: large}, {Message: large + "x"}, {Message: "m", Response: large}, {Message: "m", Partial: large},
		{Message: "m", Metadata: json.RawMessage(`"` + large + `"`)}, {Message: "m", Response: "r", Metadata: json.RawMessage(`{}`)},
	} {
		r := d.newRequest(a, nil)
		r.Body = &body
		d.put(submitted(r))
		r = d.change(r, func(r *bridge.Request) { r.Status, r.CompletedAt, r.Body = bridge.Done, now, &body })
		d.put(&bridge.Changes{Requests: []*bridge.Request{r}, Bodies: []*bridge.Request{r}})
		all = append(all, d.delivery(r, e, now.Add(time.Duration(i-9)*time.Minute)))
	}
	for limited, want := range map[int][]bool{0: {true, true, true, true, true, true, true}, limit: {true, true, false, false, false, false, true}} {
		due := d.facts(bridge.Needs{DueDeliveries: 9, Bodies: true, DueBodyLimit: limited}).Deliveries
		same(t, "all are due", deliveryIDs(due), deliveryIDs(all))
		for i, v := range due {
			whole := *all[i].Request
			if !want[i] {
				whole.Body = nil
			}
			same(t, fmt.Sprintf("limit %d, request %d", limited, i), v.Request, &whole)
		}
	}
	same(t, "the large ones are there", d.facts(bridge.Needs{DeliveryIDs: []int64{all[3].ID}, Bodies: true}).Deliveries[0].Request.Body, all[3].Request.Body)
}

func dueDeliveries(t *testing.T, d *db) {
	a := d.account()
	e1, e2, off := d.endpoint(a), d.endpoint(a), d.endpoint(a)
	off.Enabled = false
	d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{off}})
	now := time.Now().UTC().Truncate(time.Microsecond)
	next := func() time.Time { return must(d.NextTry(d.ctx))(t) }
	same(t, "no next try", next().IsZero(), true)

	owe := func(e *bridge.Endpoint, ago time.Duration) *bridge.Delivery {
		return d.delivery(d.request(a, nil), e, now.Add(-ago))
	}
	owe(off, time.Hour)
	same(t, "none of a disabled endpoint", next().IsZero(), true)
	later := owe(e1, -time.Hour)
	same(t, "a later one", next(), later.NextTryAt)
	v1, v2, v3, v4 := owe(e1, 4*time.Minute), owe(e2, 3*time.Minute), owe(e1, 2*time.Minute), owe(e1, time.Minute)
	same(t, "the earliest", next(), v1.NextTryAt)
	due := func(n bridge.Needs) []int64 { return deliveryIDs(d.facts(n).Deliveries) }
	same(t, "all that are due", due(bridge.Needs{DueDeliveries: 10}), []int64{v1.ID, v2.ID, v3.ID, v4.ID})
	same(t, "the first three", due(bridge.Needs{DueDeliveries: 3}), []int64{v1.ID, v2.ID, v3.ID})
	same(t, "one of each", due(bridge.Needs{DueDeliveries: 10, DuePerEnd: 1}), []int64{v1.ID, v2.ID})
	same(t, "but of one endpoint", due(bridge.Needs{DueDeliveries: 10, DueSkip: []int64{e1.ID, 99}}), []int64{v2.ID})
	same(t, "but of every endpoint", due(bridge.Needs{DueDeliveries: 10, DueSkip: []int64{e1.ID, e2.ID}}), []int64{})

	v1.ClaimedBy, v1.ClaimedUntil = "node", now.Add(time.Minute)
	v2.ClaimedBy, v2.ClaimedUntil = "node", now.Add(-time.Second)
	v3.Status, v3.NextTryAt, v3.EndedAt = bridge.DeliveryDelivered, time.Time{}, now
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v1, v2, v3}})
	same(t, "not the claimed, but the lapsed, not the ended", due(bridge.Needs{DueDeliveries: 10}), []int64{v4.ID, v2.ID})
	v4.NextTryAt = time.Time{}
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v4}})
	same(t, "the lapsed claim is next", next(), v2.ClaimedUntil)
	v2.NextTryAt = time.Time{}
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v2}})
	same(t, "then the end of the live claim", next(), v1.ClaimedUntil)
}

// heldEndpoints: nothing is due of an endpoint on hold, and its hold counts for
// when to look next.
func heldEndpoints(t *testing.T, d *db) {
	a := d.account()
	held, free := d.endpoint(a), d.endpoint(a)
	now := time.Now().UTC().Truncate(time.Microsecond)
	old := d.delivery(d.request(a, nil), held, now.Add(-time.Hour))
	expect := func(what string, until, next time.Time, due ...*bridge.Delivery) {
		t.Helper()
		held.HoldUntil = until
		d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{held}})
		for range 2 {
			same(t, what, deliveryIDs(d.facts(bridge.Needs{DueDeliveries: 10}).Deliveries), deliveryIDs(due))
			same(t, what+": NextTry", must(d.NextTry(d.ctx))(t), next)
		}
	}
	expect("on hold", now.Add(time.Hour), now.Add(time.Hour))
	later := d.delivery(d.request(a, nil), free, now.Add(2*time.Hour))
	expect("on hold, another owed later", now.Add(time.Hour), now.Add(time.Hour))
	expect("on hold for longer than the other waits", now.Add(3*time.Hour), later.NextTryAt)
	expect("the hold has passed", now.Add(-time.Minute), now.Add(-time.Minute), old)
	expect("not on hold", time.Time{}, old.NextTryAt, old)
	old.NextTryAt = now.Add(time.Hour)
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{old}})
	expect("a try after the hold", now.Add(time.Minute), old.NextTryAt)
}

// samePointers: two fields that hold the same row share the pointer.
func samePointers(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	r := d.request(a, nil)
	waits := d.request(a, r.Chat)
	d.request(a, r.Chat) // only in Waiting
	d.lease(r, "w", nil)
	w := &bridge.Worker{AccountID: a.ID, ID: "w", N: 1, Node: "n"}
	v := d.delivery(r, e, day(0))
	d.put(&bridge.Changes{Workers: []*bridge.Worker{w}})
	for range 2 {
		f := d.facts(bridge.Needs{AccountID: a.ID, Endpoints: true, Requests: []string{r.ID, waits.ID}, WaitingIn: true, Chat: bridge.ChatRef(strconv.FormatInt(r.Chat.ID, 10)),
			Workers: []string{"w"}, NodeWorkers: "n", HeldBy: "w", AllHeld: true, DeliveryIDs: []int64{v.ID}})
		switch {
		case f.Requests[r.ID] != f.Held[0].Request, f.Requests[r.ID] != f.Deliveries[0].Request, f.Requests[waits.ID] != f.Waiting[0]:
			t.Fatal("two requests are one row")
		case f.Requests[r.ID].Chat != f.Requests[waits.ID].Chat, f.Requests[r.ID].Chat != f.Chat, f.Waiting[1].Chat != f.Chat:
			t.Fatal("two chats are one row")
		case len(f.Held) != 1 || len(f.Leases) != 1 || f.Leases[0] != f.Held[0].Lease:
			t.Fatal("two leases are one row")
		case f.Workers["w"] != f.OnNode[0]:
			t.Fatal("two workers are one row")
		case f.Endpoints[0] != f.Deliveries[0].Endpoint:
			t.Fatal("two endpoints are one row")
		}
	}
}

// factsAreCopies: what a command does to its facts without writing it is seen
// by nobody.
func factsAreCopies(t *testing.T, d *db) {
	x := d.full()
	x.write(d)
	needs := bridge.Needs{AccountID: x.account.ID, Endpoints: true, Requests: []string{x.request.ID}, Workers: []string{x.worker.ID}}
	for range 2 {
		_, err := d.do(needs, func(f *bridge.Facts) (*bridge.Changes, error) {
			f.Account.Email, f.Endpoints[0].URL, f.Endpoints[0].Events[0], f.Endpoints[0].Headers["X-A"] = "", "", "", ""
			r := f.Requests[x.request.ID]
			r.Status, r.Chat.Title, f.Leases[0].WorkerID = bridge.Failed, "", ""
			w := f.Workers[x.worker.ID]
			w.N, w.Health.PageOK, w.ResponseTypes[0] = 0, false, ""
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	x.check(d)
}
