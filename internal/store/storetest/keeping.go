package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// swept walks a clean-up in steps of two and returns all that it looked at.
func (d *db) swept(kind bridge.SweepKind) (out []bridge.Swept) {
	d.t.Helper()
	after := int64(0)
	for {
		page := d.facts(bridge.Needs{Sweep: &bridge.Sweep{Kind: kind, After: after, Limit: 2}}).Swept
		if len(page) > 2 {
			d.t.Fatalf("a sweep of at most two has %d", len(page))
		}
		if len(page) == 0 {
			return out
		}
		out = append(out, page...)
		after = page[len(page)-1].At
	}
}

// past are requests of which a clean-up is told something each: nothing, a
// lease that is cancelled, a delivery that is owed, one that is not.
func (d *db) past() []*bridge.Request {
	d.t.Helper()
	a := d.account()
	e := d.endpoint(a)
	var all []*bridge.Request
	for i := range 5 {
		r := d.newRequest(a, nil)
		r.QueuedAt = day(i)
		d.put(submitted(r))
		all = append(all, r)
	}
	l := d.lease(all[1], "w", nil)
	l.Cancelled = true
	d.put(&bridge.Changes{Leases: []*bridge.Lease{l}})
	all[1] = d.change(all[1], func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Failed, day(9) })
	d.delivery(all[2], e, day(9))
	d.delivery(all[3], e, time.Time{})
	for _, r := range all {
		r.Body = nil
	}
	return all
}

func sweptRequests(all []*bridge.Request) (out []bridge.Swept) {
	for i, r := range all {
		out = append(out, bridge.Swept{At: r.Seq, Request: r, Leased: i == 1, Owed: i == 2, Since: r.QueuedAt})
	}
	return out
}

func sweepRequests(t *testing.T, d *db) {
	same(t, "none", len(d.swept(bridge.SweepRequests)), 0)
	all := d.past()
	for range 2 {
		same(t, "all", d.swept(bridge.SweepRequests), sweptRequests(all))
	}
	d.put(&bridge.Changes{DropBodies: all[:1]})
	same(t, "also without texts", d.swept(bridge.SweepRequests), sweptRequests(all))
	f := d.facts(bridge.Needs{Requests: []string{all[0].ID}, Sweep: &bridge.Sweep{Kind: bridge.SweepRequests, Limit: 1}})
	if f.Swept[0].Request != f.Requests[all[0].ID] {
		t.Fatal("two requests are one row")
	}
}

func sweepBodies(t *testing.T, d *db) {
	same(t, "none", len(d.swept(bridge.SweepBodies)), 0)
	all := d.past()
	want := sweptRequests(all)
	same(t, "all", d.swept(bridge.SweepBodies), want)
	d.put(&bridge.Changes{DropBodies: []*bridge.Request{all[0], all[2]}})
	same(t, "only those with texts", d.swept(bridge.SweepBodies), []bridge.Swept{want[1], want[3], want[4]})
}

func sweepTries(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	var want []bridge.Swept
	same(t, "none", len(d.swept(bridge.SweepTries)), 0)
	for i := range 6 {
		v := d.delivery(d.request(a, nil), e, time.Time{})
		v.CreatedAt = day(0)
		if i == 1 { // never tried
			continue
		}
		if i == 3 {
			v.Status, v.NextTryAt = bridge.DeliveryFailing, day(9)
			d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v}})
		}
		for n := range i + 1 {
			d.put(&bridge.Changes{Tries: []*bridge.Try{{DeliveryID: v.ID, Number: n + 1, At: day(i)}}})
		}
		want = append(want, bridge.Swept{At: v.ID, Owed: i == 3, Since: day(0)})
	}
	same(t, "each delivery once", d.swept(bridge.SweepTries), want)
	d.put(&bridge.Changes{DropTries: []int64{want[1].At}})
	same(t, "only those with tries", d.swept(bridge.SweepTries), append(want[:1:1], want[2:]...))
}

func sweepAudit(t *testing.T, d *db) {
	same(t, "none", len(d.swept(bridge.SweepAudit)), 0)
	var want []bridge.Swept
	for i := range 5 {
		e := &bridge.AuditEntry{At: day(i), Actor: "admin", Action: "x"}
		d.put(&bridge.Changes{Audit: []*bridge.AuditEntry{e}})
		want = append(want, bridge.Swept{At: e.ID, Since: day(i)})
	}
	same(t, "all", d.swept(bridge.SweepAudit), want)
	d.put(&bridge.Changes{DropAudit: want[1].At})
	same(t, "what is left", d.swept(bridge.SweepAudit), want[2:])
}

func dropTries(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	v1, v2, v3 := d.delivery(d.request(a, nil), e, day(0)), d.delivery(d.request(a, nil), e, day(0)), d.delivery(d.request(a, nil), e, day(0))
	for _, v := range []*bridge.Delivery{v1, v2, v3} {
		d.put(&bridge.Changes{Tries: []*bridge.Try{{DeliveryID: v.ID, Number: 1, At: day(1)}, {DeliveryID: v.ID, Number: 2, At: day(2)}}})
	}
	d.put(&bridge.Changes{DropTries: []int64{v1.ID, v3.ID, 99}})
	have := func(v *bridge.Delivery) int { return len(must(d.Tries(d.ctx, v.ID))(t)) }
	same(t, "tries", []int{have(v1), have(v2), have(v3)}, []int{0, 2, 0})
	same(t, "the deliveries stay", len(must(d.DeliveriesBy(d.ctx, bridge.DeliveryFilter{Limit: 9}))(t)), 3)
}

// ended is a request with all that may hang on one, of a given chat or of its
// own: texts, an event with data, a delivery and a try.
func (d *db) ended(a *bridge.Account, e *bridge.Endpoint, chat *bridge.Chat) (*bridge.Request, *bridge.Delivery) {
	d.t.Helper()
	r := d.newRequest(a, chat)
	r.IdempotencyKey, r.Fingerprint = r.ID, []byte("f")
	r.Body = &bridge.Body{Message: "message of " + r.ID, Metadata: json.RawMessage(`{"m":1}`)}
	if chat == nil {
		r.Chat.SiteID = "site of " + r.ID
	}
	c := submitted(r)
	c.Events = []*bridge.Event{{AccountID: a.ID, Request: r, Type: bridge.EventMade, At: day(0)}}
	d.put(c)
	d.facts(bridge.Needs{AccountID: a.ID, Requests: []string{r.ID}, Bodies: true, Chat: bridge.ChatRef(r.Chat.SiteID)}) // what an engine may remember
	r.Status, r.CompletedAt, r.Body.Response, r.Body.Partial = bridge.Done, day(1), "answer of "+r.ID, "part of "+r.ID
	v := &bridge.Delivery{WebhookID: r.ID, AccountID: a.ID, Endpoint: e, Request: r, Status: bridge.DeliveryPending, NextTryAt: day(1), ClaimedBy: "node", ClaimedUntil: day(2), CreatedAt: day(1)}
	d.put(&bridge.Changes{Requests: []*bridge.Request{r}, Bodies: []*bridge.Request{r}, Deliveries: []*bridge.Delivery{v},
		Events: []*bridge.Event{{AccountID: a.ID, Request: r, Type: bridge.EventLate, At: day(1), Data: json.RawMessage(`{"response":"late"}`)}}})
	d.put(&bridge.Changes{Tries: []*bridge.Try{{DeliveryID: v.ID, Number: 1, At: day(1)}}})
	return r, v
}

// dropBodies: the texts are gone wherever they could be read, the rest stays.
func dropBodies(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	other, _ := d.ended(a, e, nil)
	r, v := d.ended(a, e, nil)
	open := d.request(a, nil) // not ended: an engine may have its texts at hand
	d.facts(bridge.Needs{Requests: []string{r.ID, open.ID}, DeliveryIDs: []int64{v.ID}, Bodies: true})
	d.put(&bridge.Changes{DropBodies: []*bridge.Request{r, open}})
	r.Body, open.Body = nil, nil
	for range 2 {
		same(t, "Request", must(d.Request(d.ctx, r.ID))(t), r)
		same(t, "Requests", must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Limit: 9}))(t), []*bridge.Request{open, r, other})
		begun := *other
		begun.Body = &bridge.Body{Message: "mess"}
		same(t, "the start of texts", must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Start: 4, Limit: 9}))(t), []*bridge.Request{open, r, &begun})
		same(t, "the start of texts, searched", must(d.Requests(d.ctx, bridge.RequestFilter{Contains: "ANSWER of", Start: 4, Limit: 9}))(t), []*bridge.Request{&begun})
		for what, n := range map[string]int{"message": 1, "answer": 1, other.ID: 1, r.ID: 0, "hello": 0} {
			same(t, "search for "+what, len(must(d.Requests(d.ctx, bridge.RequestFilter{Contains: what, Limit: 9}))(t)), n)
		}
		f := d.facts(bridge.Needs{AccountID: a.ID, Requests: []string{r.ID, open.ID, other.ID}, Idempotency: r.IdempotencyKey, Candidates: 9, DeliveryIDs: []int64{v.ID}, Bodies: true})
		same(t, "Facts.Requests", f.Requests, map[string]*bridge.Request{r.ID: r, open.ID: open, other.ID: other})
		same(t, "Facts.Idempotent", f.Idempotent, r)
		same(t, "Facts.Candidates", f.Candidates, []*bridge.Request{open})
		same(t, "Facts.Deliveries", f.Deliveries[0].Request, r)
		events := must(d.Events(d.ctx, a.ID, 0, 9))(t)
		same(t, "Events", len(events), 4)
		same(t, "the other's data", string(events[1].Data), `{"response":"late"}`)
		same(t, "its events", []any{events[2].Data == nil, events[3].Data == nil, events[3].Type, events[3].Request}, []any{true, true, bridge.EventLate, r})
		same(t, "RequestEvents", len(must(d.RequestEvents(d.ctx, r.Seq))(t)), 2)
		d.put(&bridge.Changes{DropBodies: []*bridge.Request{r}}) // again
	}
	d.change(open, func(q *bridge.Request) { q.Status, q.CompletedAt = bridge.Failed, day(2) })
	same(t, "changed since", must(d.Request(d.ctx, open.ID))(t).Body == nil, true)
}

// dropRequests: nothing is left of a request, nor of a chat that had no other;
// their places are free, and no number is given twice.
func dropRequests(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	e := d.endpoint(a)
	stranger, _ := d.ended(b, d.endpoint(b), nil)
	kept, _ := d.ended(a, e, nil)
	sibling, v1 := d.ended(a, e, kept.Chat)
	lone, v2 := d.ended(a, e, nil)
	leased := d.request(a, nil)
	d.lease(leased, "w", nil)
	d.facts(bridge.Needs{AccountID: a.ID, Taken: true, Survey: true, Requests: []string{leased.ID}, DeliveryIDs: []int64{v1.ID, v2.ID}, Bodies: true})

	dropped := []*bridge.Request{sibling, lone, leased}
	d.put(&bridge.Changes{DropRequests: dropped})
	for range 2 {
		needs := bridge.Needs{AccountID: a.ID, DeliveryIDs: []int64{v1.ID, v2.ID}, ClaimedBy: "node", HeldBy: "w", Taken: true, Survey: true, Candidates: 9, Bodies: true,
			Requests: []string{kept.ID}} // first: with it an engine has the chat at hand again
		for _, r := range dropped {
			needs.Requests = append(needs.Requests, r.ID)
			same(t, "Request", must(d.Request(d.ctx, r.ID))(t) == nil, true)
			same(t, "RequestAccount", must(d.RequestAccount(d.ctx, r.ID))(t), int64(0))
			same(t, "RequestEvents", len(must(d.RequestEvents(d.ctx, r.Seq))(t)), 0)
			same(t, "Deliveries", len(must(d.Deliveries(d.ctx, r.Seq))(t)), 0)
		}
		for _, v := range []*bridge.Delivery{v1, v2} {
			same(t, "Delivery", must(d.Delivery(d.ctx, v.ID))(t) == nil, true)
			same(t, "Tries", len(must(d.Tries(d.ctx, v.ID))(t)), 0)
		}
		f := d.facts(needs)
		same(t, "facts", []int{len(f.Requests), len(f.Leases), len(f.Held), len(f.Taken), len(f.Candidates)}, []int{1, 0, 0, 0, 0})
		same(t, "Survey", f.Survey, bridge.Survey{Events: 6})
		same(t, "whose deliveries are left", []string{f.Deliveries[0].WebhookID, f.Deliveries[1].WebhookID}, []string{stranger.ID, kept.ID})
		same(t, "Requests", ids(must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Limit: 9}))(t)), ids([]*bridge.Request{kept}))
		same(t, "search", ids(must(d.Requests(d.ctx, bridge.RequestFilter{Contains: "of", Limit: 9}))(t)), ids([]*bridge.Request{kept, stranger}))
		same(t, "Chats", must(d.Chats(d.ctx, bridge.ChatFilter{AccountID: a.ID, Limit: 9}))(t), []*bridge.Chat{kept.Chat})
		same(t, "a chat that is gone", must(d.Chat(d.ctx, a.ID, bridge.ChatRef(lone.Chat.SiteID)))(t) == nil, true)
		same(t, "…as a fact", d.facts(bridge.Needs{AccountID: a.ID, Chat: bridge.ChatRef(lone.Chat.SiteID)}).Chat == nil, true)
		same(t, "Leases", len(must(d.Leases(d.ctx, a.ID))(t)), 0)
		same(t, "NextDue", must(d.NextDue(d.ctx))(t), time.Time{})
		events := must(d.Events(d.ctx, a.ID, 0, 9))(t)
		same(t, "Events", []any{len(events), events[0].Request.ID, events[1].Request.ID}, []any{2, kept.ID, kept.ID})
		same(t, "whose texts are swept", len(d.swept(bridge.SweepBodies)), 2)
		same(t, "whose tries are swept", len(d.swept(bridge.SweepTries)), 2)
	}
	first, last, err := d.EventRange(d.ctx, a.ID)
	same(t, "EventRange: the last that was given", [3]any{first, last, err}, [3]any{int64(1), int64(6), nil})
	first, last, err = d.EventRange(d.ctx, b.ID)
	same(t, "another's EventRange", [3]any{first, last, err}, [3]any{int64(1), int64(2), nil})

	// What it held alone is free again.
	again := d.newRequest(a, nil)
	again.ID, again.IdempotencyKey, again.Chat.SiteID = lone.ID, lone.IdempotencyKey, lone.Chat.SiteID
	d.put(submitted(again))
	same(t, "another in its place", must(d.Request(d.ctx, lone.ID))(t), again)
	same(t, "…as a fact", d.facts(bridge.Needs{Requests: []string{lone.ID}, Bodies: true}).Requests[lone.ID], again)

	d.put(&bridge.Changes{DropRequests: []*bridge.Request{kept}})
	same(t, "the chat's last request", must(d.Chat(d.ctx, a.ID, bridge.ChatRef(kept.Chat.SiteID)))(t) == nil, true)
	first, last, err = d.EventRange(d.ctx, a.ID)
	same(t, "EventRange: none is kept", [3]any{first, last, err}, [3]any{int64(7), int64(6), nil})
	same(t, "Events: none", len(must(d.Events(d.ctx, a.ID, 0, 9))(t)), 0)
	same(t, "another's", len(must(d.Events(d.ctx, b.ID, 0, 9))(t)), 2)
}

// numbersGoOn: no number is given twice, though the last that had one is gone.
func numbersGoOn(t *testing.T, d *db, reopens bool) {
	a := d.account()
	e := d.endpoint(a)
	var seq, chat, delivery int64
	for round := range int64(3) {
		r, v := d.ended(a, e, nil)
		if r.Seq <= seq || r.Chat.ID <= chat || v.ID <= delivery {
			t.Fatalf("request %d, chat %d, delivery %d after %d, %d, %d", r.Seq, r.Chat.ID, v.ID, seq, chat, delivery)
		}
		seq, chat, delivery = r.Seq, r.Chat.ID, v.ID
		_, last, err := d.EventRange(d.ctx, a.ID)
		same(t, "the last event", [2]any{last, err}, [2]any{2*round + 2, nil})
		d.put(&bridge.Changes{DropRequests: []*bridge.Request{r}})
		if reopens {
			d.reopen()
		}
	}
}

// dropAtOnce: what commands before it in the same commit have written is
// dropped too (and swept), and what commands behind it write is not.
func dropAtOnce(t *testing.T, d *db) {
	a := d.account()
	e := d.endpoint(a)
	r, chat := d.newRequest(a, nil), d.newChat(a)
	later := d.newRequest(a, chat)
	v := &bridge.Delivery{WebhookID: "1", AccountID: a.ID, Endpoint: e, Request: r}
	event := func(r *bridge.Request) []*bridge.Event {
		return []*bridge.Event{{AccountID: a.ID, Request: r, Type: bridge.EventMade, Data: json.RawMessage(`{}`)}}
	}
	ended := make(chan error, 9)
	post := func(decide func() *bridge.Changes) {
		d.Post(command{decide: func(*bridge.Facts) (*bridge.Changes, error) { return decide(), nil }}, func(_ *bridge.Changes, err error) { ended <- err })
	}
	posted := make(chan struct{})
	post(func() *bridge.Changes { <-posted; return nil })
	post(func() *bridge.Changes {
		c := submitted(r)
		c.Events, c.Deliveries = event(r), []*bridge.Delivery{v}
		return c
	})
	post(func() *bridge.Changes { return &bridge.Changes{Tries: []*bridge.Try{{DeliveryID: v.ID, Number: 1}}} })
	var swept []int64
	for _, kind := range []bridge.SweepKind{bridge.SweepBodies, bridge.SweepTries} {
		d.Post(command{bridge.Needs{Sweep: &bridge.Sweep{Kind: kind, Limit: 9}}, func(f *bridge.Facts) (*bridge.Changes, error) {
			for _, s := range f.Swept {
				swept = append(swept, s.At)
			}
			return nil, nil
		}}, func(_ *bridge.Changes, err error) { ended <- err })
	}
	post(func() *bridge.Changes { return &bridge.Changes{DropRequests: []*bridge.Request{r}} })
	post(func() *bridge.Changes {
		c := submitted(later)
		c.Events = event(later)
		return c
	})
	post(func() *bridge.Changes { return &bridge.Changes{DropBodies: []*bridge.Request{later}} })
	close(posted)
	for range 8 {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if later.Seq <= r.Seq || chat.ID <= r.Chat.ID {
		t.Fatalf("request %d and chat %d after %d and %d", later.Seq, chat.ID, r.Seq, r.Chat.ID)
	}
	same(t, "what was swept", swept, []int64{r.Seq, v.ID})
	later.Body = nil
	same(t, "what is left", must(d.Requests(d.ctx, bridge.RequestFilter{Limit: 9}))(t), []*bridge.Request{later})
	same(t, "its tries", len(must(d.Tries(d.ctx, v.ID))(t)), 0)
	events := must(d.Events(d.ctx, a.ID, 0, 9))(t)
	same(t, "its events", []any{len(events), events[0].Seq, events[0].Data == nil, events[0].Request}, []any{1, int64(2), true, later})
}
