package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatbridge/internal/bridge"
)

// deliveryLists compares the lists, facts and counts of random filters with a
// loop over what was written.
func deliveryLists(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	owners := []*bridge.Account{a, b, a}
	endpoints := []*bridge.Endpoint{d.endpoint(a), d.endpoint(b), d.endpoint(a)}
	statuses := []string{bridge.DeliveryPending, bridge.DeliveryFailing, bridge.DeliveryDelivered, bridge.DeliveryDead}
	var all []*bridge.Delivery
	for i := range 48 {
		v := &bridge.Delivery{WebhookID: fmt.Sprint("msg_", i), AccountID: owners[i%3].ID, Endpoint: endpoints[i%3], Status: statuses[i%4], CreatedAt: day(i / 4)}
		if i%4 < 2 {
			v.NextTryAt = day(100 - i)
		}
		if i%8 == 1 {
			v.ClaimedBy, v.ClaimedUntil = "node", day(70)
		}
		if i%6 == 3 { // two of one request
			v.Request = all[i-1].Request
		} else {
			v.Request = d.request(owners[i%3], nil)
		}
		d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v}})
		all = append(all, v)
	}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...int64) int64 { return rapid.SampledFrom(of).Draw(t, name) }
		when := func(name string) time.Time {
			if n := rapid.IntRange(-12, 13).Draw(t, name); n >= 0 {
				return day(n)
			}
			return time.Time{}
		}
		f := bridge.DeliveryFilter{
			AccountID:  pick("account", 0, a.ID, b.ID, 99),
			EndpointID: pick("endpoint", 0, 0, endpoints[0].ID, endpoints[1].ID, 99),
			RequestSeq: pick("request", 0, 0, 0, all[0].Request.Seq, all[9].Request.Seq, 99),
			Status:     rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"x"}, statuses...)), 0, 3, rapid.ID[string]).Draw(t, "status"),
			Owed:       rapid.Bool().Draw(t, "owed"),
			From:       when("from"), To: when("to"),
			UpTo:      pick("up to", 0, 0, all[30].ID, all[20].ID),
			Before:    pick("before", 0, 0, all[40].ID, all[11].ID),
			Ascending: rapid.Bool().Draw(t, "ascending"),
			Limit:     rapid.IntRange(1, 20).Draw(t, "limit"),
		}
		want := []int64{}
		for _, v := range all {
			if selects(f, v) {
				want = append(want, v.ID)
			}
		}
		same(t, "the count", must(d.CountDeliveries(d.ctx, f))(t), int64(len(want)))
		if !f.Ascending {
			slices.Reverse(want)
		}
		want = want[:min(len(want), f.Limit)]
		same(t, "the list", deliveryIDs(must(d.DeliveriesBy(d.ctx, f))(t)), want)
		same(t, "the facts", deliveryIDs(d.facts(bridge.Needs{Deliveries: &f}).Deliveries), want)
	})
}

func selects(f bridge.DeliveryFilter, v *bridge.Delivery) bool {
	switch {
	case f.AccountID != 0 && v.AccountID != f.AccountID,
		f.EndpointID != 0 && v.Endpoint.ID != f.EndpointID,
		f.RequestSeq != 0 && v.Request.Seq != f.RequestSeq,
		len(f.Status) > 0 && !slices.Contains(f.Status, v.Status),
		f.Owed && v.NextTryAt.IsZero(),
		v.CreatedAt.Before(f.From),
		!f.To.IsZero() && !v.CreatedAt.Before(f.To),
		f.UpTo != 0 && v.ID > f.UpTo,
		!f.Ascending && f.Before != 0 && v.ID >= f.Before,
		f.Ascending && v.ID <= f.Before:
		return false
	}
	return true
}

// claims: deliveries are claimed and given back many at once, each as the command
// says, and what else changes of them is kept.
func claims(t *testing.T, d *db) {
	a := d.account()
	one, other := d.endpoint(a), d.endpoint(a)
	var ids []int64
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range 6 {
		v := d.delivery(d.request(a, nil), []*bridge.Endpoint{one, other}[i%2], now.Add(time.Duration(i-6)*time.Minute))
		ids = append(ids, v.ID)
	}
	step := func(what string, n bridge.Needs, change func(i int, v *bridge.Delivery)) {
		t.Helper()
		c, err := d.do(n, func(f *bridge.Facts) (*bridge.Changes, error) {
			same(t, what+": who", deliveryIDs(f.Deliveries), ids)
			for i, v := range f.Deliveries {
				change(i, v)
			}
			return &bridge.Changes{Deliveries: f.Deliveries}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.Deliveries {
			same(t, what, must(d.Delivery(d.ctx, v.ID))(t), v)
		}
	}
	for range 2 {
		step("claimed", bridge.Needs{DueDeliveries: 9}, func(i int, v *bridge.Delivery) {
			v.ClaimedBy, v.ClaimedUntil = "node", day(1)
			switch i {
			case 1:
				v.ClaimedBy = "another"
			case 2:
				v.ClaimedUntil = day(2)
			case 3:
				v.Status, v.Error, v.Tried = bridge.DeliveryFailing, "a sentence", v.Tried+1
			case 5:
				v.ClaimedBy, v.ClaimedUntil = "", time.Time{}
			}
		})
		same(t, "the one that is left", deliveryIDs(d.facts(bridge.Needs{DueDeliveries: 9}).Deliveries), ids[5:])
		step("given back", bridge.Needs{DeliveryIDs: ids}, func(_ int, v *bridge.Delivery) { v.ClaimedBy, v.ClaimedUntil = "", time.Time{} })
	}
}

// needsFiltered: what a filter selects comes with endpoint, request and chat,
// without bodies, each once, also of an endpoint that is removed.
func needsFiltered(t *testing.T, d *db) {
	a := d.account()
	e, removed := d.endpoint(a), d.endpoint(a)
	v1, v2, v3 := d.delivery(d.request(a, nil), e, day(0)), d.delivery(d.request(a, nil), removed, day(0)), d.delivery(d.request(a, nil), e, day(0))
	removed.RemovedAt, removed.Enabled = day(1), false
	d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{removed}})
	same(t, "a removed endpoint stays listed", must(d.Endpoints(d.ctx, a.ID))(t), []*bridge.Endpoint{e, removed})
	body := v3.Request.Body
	v1.Request.Body, v2.Request.Body, v3.Request.Body = nil, nil, nil

	filter := bridge.DeliveryFilter{AccountID: a.ID, Limit: 9}
	f := d.facts(bridge.Needs{AccountID: a.ID, Endpoints: true, Deliveries: &filter, Bodies: true})
	same(t, "the facts", f.Deliveries, []*bridge.Delivery{v3, v2, v1})
	if f.Deliveries[1].Endpoint != f.Endpoints[1] {
		t.Fatal("two endpoints are one row")
	}
	same(t, "the list", must(d.DeliveriesBy(d.ctx, filter))(t), []*bridge.Delivery{v3, v2, v1})
	same(t, "one", must(d.Delivery(d.ctx, v2.ID))(t), v2)
	same(t, "none", must(d.Delivery(d.ctx, 99))(t) == nil, true)
	same(t, "of its request", must(d.Deliveries(d.ctx, v2.Request.Seq))(t), []*bridge.Delivery{v2})

	f = d.facts(bridge.Needs{DeliveryIDs: []int64{v3.ID}, Deliveries: &filter, Bodies: true})
	same(t, "each once", deliveryIDs(f.Deliveries), []int64{v3.ID, v2.ID, v1.ID})
	same(t, "the body of the one that was named", f.Deliveries[0].Request.Body, body)
}

func abandoned(t *testing.T, d *db) {
	a := d.account()
	end := func(enabled bool, reason string, owed bool) *bridge.Endpoint {
		e := d.endpoint(a)
		e.Enabled, e.DisabledReason = enabled, reason
		d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{e}})
		next := time.Time{}
		if owed {
			next = day(9)
		}
		d.delivery(d.request(a, nil), e, next)
		d.delivery(d.request(a, nil), e, next)
		return e
	}
	list := func() []int64 {
		got := must(d.Abandoned(d.ctx))(t)
		slices.Sort(got)
		return append([]int64{}, got...)
	}
	same(t, "none", list(), []int64{})
	end(true, "", true)
	end(true, "but enabled", true)
	end(false, "", true) // off for a while: it waits
	end(false, "gone", false)
	one, two := end(false, "gone", true), end(false, "removed", true)
	same(t, "off for good and owed", list(), []int64{one.ID, two.ID})

	_, err := d.do(bridge.Needs{Deliveries: &bridge.DeliveryFilter{EndpointID: one.ID, Owed: true, Ascending: true, Limit: 9}}, func(f *bridge.Facts) (*bridge.Changes, error) {
		for _, v := range f.Deliveries {
			v.Status, v.NextTryAt = bridge.DeliveryDead, time.Time{}
		}
		return &bridge.Changes{Deliveries: f.Deliveries}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one is owed nothing more", list(), []int64{two.ID})
}

func replays(t *testing.T, d *db) {
	same(t, "none", [2]int{len(must(d.Replays(d.ctx, false, 9))(t)), len(must(d.Replays(d.ctx, true, 9))(t))}, [2]int{})
	same(t, "no such", must(d.Replay(d.ctx, 99))(t) == nil && d.facts(bridge.Needs{Replay: 99}).Replay == nil, true)
	var all []*bridge.Replay
	for i := range 4 {
		r := &bridge.Replay{Status: bridge.ReplayRunning, Matching: int64(i), CreatedAt: day(i), Filter: bridge.DeliveryFilter{Status: []string{"dead"}, UpTo: 9, Ascending: true}}
		d.put(&bridge.Changes{Replays: []*bridge.Replay{r}})
		all = append(all, r)
	}
	_, err := d.do(bridge.Needs{Replay: all[2].ID}, func(f *bridge.Facts) (*bridge.Changes, error) {
		r := f.Replay
		r.Filter.Before, r.Replayed, r.Skipped, r.Status, r.EndedAt = 7, 5, 3, bridge.ReplayStopped, day(9)
		return &bridge.Changes{Replays: []*bridge.Replay{r}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := all[2]
	r.Filter.Before, r.Replayed, r.Skipped, r.Status, r.EndedAt = 7, 5, 3, bridge.ReplayStopped, day(9)
	same(t, "as a fact", d.facts(bridge.Needs{Replay: r.ID}).Replay, r)
	same(t, "all", must(d.Replays(d.ctx, false, 9))(t), []*bridge.Replay{all[3], r, all[1], all[0]})
	same(t, "the last two", must(d.Replays(d.ctx, false, 2))(t), []*bridge.Replay{all[3], r})
	same(t, "the last two that run", must(d.Replays(d.ctx, true, 2))(t), []*bridge.Replay{all[3], all[1]})
}

func audit(t *testing.T, d *db) {
	a := d.account()
	var all []*bridge.AuditEntry
	add := func(account int64, action string) {
		e := &bridge.AuditEntry{At: day(len(all)), Actor: "admin", AccountID: account, Action: action}
		d.put(&bridge.Changes{Audit: []*bridge.AuditEntry{e}})
		all = append(all, e)
	}
	for range 3 {
		add(a.ID, "x.made")
		add(0, "x.made")
		add(a.ID, "x.lost")
		add(99, "x.lost")
	}
	pick := func(index ...int) (out []*bridge.AuditEntry) {
		for _, i := range index {
			out = append(out, all[i])
		}
		return out
	}
	for name, c := range map[string]struct {
		filter bridge.AuditFilter
		want   []*bridge.AuditEntry
	}{
		"a page":           {bridge.AuditFilter{Limit: 3}, pick(11, 10, 9)},
		"the next":         {bridge.AuditFilter{Before: all[9].ID, Limit: 3}, pick(8, 7, 6)},
		"the end":          {bridge.AuditFilter{Before: all[0].ID, Limit: 3}, nil},
		"of an account":    {bridge.AuditFilter{AccountID: a.ID, Limit: 3}, pick(10, 8, 6)},
		"of an action":     {bridge.AuditFilter{Action: "x.lost", Before: all[10].ID, Limit: 3}, pick(7, 6, 3)},
		"of both":          {bridge.AuditFilter{AccountID: a.ID, Action: "x.made", Limit: 9}, pick(8, 4, 0)},
		"of no such":       {bridge.AuditFilter{Action: "x", Limit: 9}, nil},
		"from a time":      {bridge.AuditFilter{From: day(9), Limit: 9}, pick(11, 10, 9)},
		"up to a time":     {bridge.AuditFilter{To: day(3), Limit: 9}, pick(2, 1, 0)},
		"all of a time":    {bridge.AuditFilter{AccountID: a.ID, Action: "x.made", From: day(1), To: day(8), Limit: 9}, pick(4)},
		"of no time":       {bridge.AuditFilter{From: day(99), Limit: 9}, nil},
		"a time's next":    {bridge.AuditFilter{From: day(2), To: day(9), Before: all[5].ID, Limit: 2}, pick(4, 3)},
		"of both, further": {bridge.AuditFilter{AccountID: a.ID, Action: "x.lost", Before: all[10].ID, Limit: 1}, pick(6)},
	} {
		same(t, name, must(d.Audit(d.ctx, c.filter))(t), c.want)
	}
	d.put(&bridge.Changes{DropAudit: all[3].ID})
	same(t, "what is left", must(d.Audit(d.ctx, bridge.AuditFilter{Limit: 99}))(t), pick(11, 10, 9, 8, 7, 6, 5, 4))

	// An entry of no account is of the account that its changes insert.
	made, of, none := &bridge.Account{Email: "made@example.com"}, &bridge.AuditEntry{Action: "made"}, &bridge.AuditEntry{Action: "none", AccountID: 99}
	d.put(&bridge.Changes{Accounts: []*bridge.Account{made}, Audit: []*bridge.AuditEntry{of, none}})
	same(t, "its account", of.AccountID, made.ID)
	same(t, "another's", none.AccountID, int64(99))
	same(t, "as read", must(d.Audit(d.ctx, bridge.AuditFilter{AccountID: made.ID, Limit: 1}))(t), []*bridge.AuditEntry{of})
}
