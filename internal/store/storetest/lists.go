package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatbridge/internal/bridge"
)

// requestLists compares the lists of random filters with a loop over what was
// written.
func requestLists(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	owners := []*bridge.Account{a, b, a}
	chats := []*bridge.Chat{d.newChat(a), d.newChat(b), d.newChat(a)}
	d.put(&bridge.Changes{Chats: chats})
	codes := []bridge.FailCode{bridge.Timeout, bridge.Expired}
	var all []*bridge.Request
	for i := range 48 {
		r := d.newRequest(owners[i%3], chats[i%3])
		if i%5 == 0 {
			r.Chat = d.newChat(owners[i%3])
		}
		r.Body.Message = []string{"one", "Two"}[i%2]
		r.QueuedAt = day(i / 4)
		if i%8 == 0 { // times need not be in order to the minute
			r.QueuedAt = r.QueuedAt.Add(bridge.ClockSlack - time.Second)
		}
		d.put(submitted(r))
		switch i % 4 {
		case 0:
			if i%3 == 0 { // a lease holds its chat
				r.Chat = d.newChat(owners[i%3])
				d.put(&bridge.Changes{Chats: []*bridge.Chat{r.Chat}, Requests: []*bridge.Request{r}})
				d.lease(r, "w", nil)
				r.Status = bridge.Executing
			}
		case 1:
			r.Status, r.CompletedAt = bridge.Done, day(i)
			d.put(&bridge.Changes{Requests: []*bridge.Request{r}})
		case 2:
			r.Status, r.ErrorCode, r.CompletedAt = bridge.Failed, codes[i/4%2], day(i)
			d.put(&bridge.Changes{Requests: []*bridge.Request{r}})
		}
		all = append(all, r)
	}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...int64) int64 { return rapid.SampledFrom(of).Draw(t, name) }
		when := func(name string) time.Time {
			if n := rapid.IntRange(-12, 13).Draw(t, name); n >= 0 {
				return day(n)
			}
			return time.Time{}
		}
		f := bridge.RequestFilter{
			AccountID: pick("account", 0, 0, a.ID, b.ID, 99),
			ChatID:    pick("chat", 0, 0, 0, chats[0].ID, chats[1].ID, 99),
			Status:    rapid.SampledFrom([]bridge.Status{"", "", bridge.Idle, bridge.Executing, bridge.Done, bridge.Failed, "x"}).Draw(t, "status"),
			Code:      rapid.SampledFrom([]bridge.FailCode{"", "", bridge.Timeout, "x"}).Draw(t, "code"),
			From:      when("from"), To: when("to"),
			Contains:  rapid.SampledFrom([]string{"", "", "TWO", "x"}).Draw(t, "contains"),
			DownTo:    pick("down to", 0, 0, all[3].Seq, all[30].Seq),
			Ascending: rapid.IntRange(0, 3).Draw(t, "ascending") == 0,
			Before:    pick("before", 0, 0, all[40].Seq, all[11].Seq),
			Limit:     rapid.IntRange(1, 20).Draw(t, "limit"),
		}
		want := []*bridge.Request{}
		for _, r := range all {
			if selectsRequest(f, r) {
				want = append(want, r)
			}
		}
		if !f.Ascending {
			slices.Reverse(want)
		}
		want = want[:min(len(want), f.Limit)]
		same(t, "the list", ids(must(d.Requests(d.ctx, f))(t)), ids(want))
	})
	for name, c := range map[string]struct {
		filter bridge.RequestFilter
		n      int
		want   int64
	}{
		"of all":               {bridge.RequestFilter{Limit: 3}, 5, all[43].Seq},
		"the oldest":           {bridge.RequestFilter{}, 48, all[0].Seq},
		"beyond":               {bridge.RequestFilter{}, 49, 0},
		"of one account":       {bridge.RequestFilter{AccountID: b.ID}, 2, all[43].Seq},
		"from a place on":      {bridge.RequestFilter{AccountID: b.ID, Before: all[43].Seq}, 2, all[37].Seq},
		"whatever it contains": {bridge.RequestFilter{Contains: "one", Status: bridge.Done}, 3, all[45].Seq},
		"of a code":            {bridge.RequestFilter{Code: bridge.Timeout}, 1, all[42].Seq},
		"of those that failed": {bridge.RequestFilter{Status: bridge.Failed, AccountID: a.ID}, 2, all[38].Seq},
		"before a time":        {bridge.RequestFilter{To: day(2)}, 1, all[11].Seq}, // with the slack
	} {
		same(t, "back "+name, must(d.RequestsBack(d.ctx, c.filter, c.n))(t), c.want)
	}
}

func selectsRequest(f bridge.RequestFilter, r *bridge.Request) bool {
	return (f.AccountID == 0 || r.AccountID == f.AccountID) && (f.ChatID == 0 || r.Chat.ID == f.ChatID) &&
		(f.Status == "" || r.Status == f.Status) && (f.Code == "" || r.ErrorCode == f.Code) &&
		!r.QueuedAt.Before(f.From) && (f.To.IsZero() || r.QueuedAt.Before(f.To)) &&
		strings.Contains(strings.ToLower(r.Body.Message), strings.ToLower(f.Contains)) &&
		r.Seq >= f.DownTo && (f.Ascending && r.Seq > f.Before || !f.Ascending && (f.Before == 0 || r.Seq < f.Before))
}

func chatLists(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	var all []*bridge.Chat
	for i, title := range []string{"Straße", "a STRAßE", "other", "", "straße 4"} {
		c := d.newChat(a)
		c.Title, c.UpdatedAt = title, day(i/2) // two and two at the same time
		all = append(all, c)
	}
	strange := d.newChat(b)
	strange.Title, strange.UpdatedAt = "straße", day(9)
	d.put(&bridge.Changes{Chats: append(slices.Clone(all), strange)})
	pick := func(index ...int) (out []*bridge.Chat) {
		for _, i := range index {
			out = append(out, all[i])
		}
		return out
	}
	for name, c := range map[string]struct {
		filter bridge.ChatFilter
		want   []*bridge.Chat
	}{
		"a title":           {bridge.ChatFilter{AccountID: a.ID, Contains: "STRASSE", Limit: 9}, nil},
		"in any case":       {bridge.ChatFilter{AccountID: a.ID, Contains: "sTRAßE", Limit: 9}, pick(4, 1, 0)},
		"a page":            {bridge.ChatFilter{AccountID: a.ID, Contains: "aß", Limit: 2}, pick(4, 1)},
		"the next":          {bridge.ChatFilter{AccountID: a.ID, Contains: "aß", Before: day(0), BeforeID: all[1].ID, Limit: 2}, pick(0)},
		"down to one":       {bridge.ChatFilter{AccountID: a.ID, DownTo: day(1), DownToID: all[3].ID, Limit: 9}, pick(4, 3)},
		"search down to it": {bridge.ChatFilter{AccountID: a.ID, Contains: "aß", DownTo: day(0), DownToID: all[1].ID, Limit: 9}, pick(4, 1)},
		"of every account":  {bridge.ChatFilter{Contains: "aß", Limit: 2}, []*bridge.Chat{strange, all[4]}},
	} {
		same(t, name, must(d.Chats(d.ctx, c.filter))(t), c.want)
	}
	same(t, "the third", must(d.ChatsBack(d.ctx, bridge.ChatFilter{AccountID: a.ID, Contains: "x", Limit: 1}, 3))(t), all[2])
	same(t, "the second from there on", must(d.ChatsBack(d.ctx, bridge.ChatFilter{AccountID: a.ID, Before: day(1), BeforeID: all[2].ID}, 2))(t), all[0])
	same(t, "no sixth", must(d.ChatsBack(d.ctx, bridge.ChatFilter{AccountID: a.ID}, 6))(t) == nil, true)
}

// figures: what the overview is made of.
func figures(t *testing.T, d *db) {
	idle, executing, err := d.InMotion(d.ctx)
	same(t, "nothing", [3]any{idle, executing, err}, [3]any{int64(0), int64(0), nil})
	same(t, "no deliveries", must(d.DeliveryCounts(d.ctx))(t), bridge.DeliveryCounts{})
	same(t, "no outcomes", len(must(d.Outcomes(d.ctx, day(0), 9))(t)), 0)

	a, b := d.account(), d.account()
	var all []*bridge.Request
	for i := range 6 {
		r := d.newRequest([]*bridge.Account{a, b}[i%2], nil)
		r.QueuedAt = day(i)
		d.put(submitted(r))
		all = append(all, r)
	}
	d.lease(all[5], "w", nil)
	taken := d.lease(all[4], "w", nil)
	d.change(all[4], func(r *bridge.Request) {
		r.Status, r.ErrorCode, r.StartedAt, r.CompletedAt = bridge.Failed, bridge.CancelledCode, day(5), day(6)
	})
	taken.Cancelled = true // its slot is still taken
	d.put(&bridge.Changes{Leases: []*bridge.Lease{taken}})
	d.change(all[3], func(r *bridge.Request) { r.Status, r.StartedAt, r.CompletedAt = bridge.Done, day(4), day(7) })
	idle, executing, err = d.InMotion(d.ctx)
	same(t, "in motion", [3]any{idle, executing, err}, [3]any{int64(3), int64(1), nil})
	outcomes := must(d.Outcomes(d.ctx, day(2), 9))(t)
	outcomes[0].StartedAt = time.Time{} // as the lease has it
	same(t, "outcomes", outcomes, []bridge.Outcome{
		{Status: bridge.Executing, QueuedAt: day(5)},
		{Status: bridge.Failed, Code: bridge.CancelledCode, QueuedAt: day(4), StartedAt: day(5), CompletedAt: day(6)},
		{Status: bridge.Done, QueuedAt: day(3), StartedAt: day(4), CompletedAt: day(7)},
		{Status: bridge.Idle, QueuedAt: day(2)},
	})
	same(t, "the newest two", len(must(d.Outcomes(d.ctx, day(0), 2))(t)), 2)

	e := d.endpoint(a)
	for i, status := range []string{"pending", "failing", "failing", "dead", "dead", "delivered"} {
		v := &bridge.Delivery{WebhookID: "m", AccountID: a.ID, Endpoint: e, Request: all[i], Status: status, CreatedAt: day(1)}
		if i < 3 {
			v.NextTryAt = day(9)
		}
		d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v}})
	}
	same(t, "deliveries", must(d.DeliveryCounts(d.ctx))(t), bridge.DeliveryCounts{Pending: 1, Failing: 2, Dead: 2})
}

func unwell(t *testing.T, d *db) {
	a, b := d.account(), d.account()
	make := func(of *bridge.Account, with func(*bridge.Endpoint)) *bridge.Endpoint {
		e := d.endpoint(of)
		with(e)
		d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{e}})
		return e
	}
	same(t, "none", len(must(d.Unwell(d.ctx, 9))(t)), 0)
	make(a, func(e *bridge.Endpoint) {})
	make(a, func(e *bridge.Endpoint) { e.Enabled, e.FailingSince = false, day(1) }) // somebody has switched it off
	make(a, func(e *bridge.Endpoint) { e.URL, e.Enabled, e.DisabledReason = "", false, "it was emptied" })
	make(a, func(e *bridge.Endpoint) { e.RemovedAt, e.Enabled, e.DisabledReason = day(1), false, "it was removed" })
	failing := make(a, func(e *bridge.Endpoint) { e.FailingSince = day(2) })
	held := make(b, func(e *bridge.Endpoint) { e.FailingSince, e.HoldUntil = day(3), day(4) })
	off := make(b, func(e *bridge.Endpoint) {
		e.Enabled, e.DisabledReason, e.UpdatedAt = false, "it failed for days", day(1)
	})
	same(t, "those that are not well", must(d.Unwell(d.ctx, 9))(t), []*bridge.Endpoint{held, failing, off})
	same(t, "some of them", must(d.Unwell(d.ctx, 1))(t), []*bridge.Endpoint{held})
}
