package storetest

import (
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

func reading(t *testing.T, d *db) {
	a := d.account()
	if err := d.Ping(d.ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "no request", must(d.Request(d.ctx, "none"))(t) == nil, true)
	same(t, "no request's account", must(d.RequestAccount(d.ctx, "none"))(t), int64(0))
	same(t, "no chat", must(d.Chat(d.ctx, a.ID, "99"))(t) == nil, true)
	same(t, "no chat without a reference", must(d.Chat(d.ctx, a.ID, ""))(t) == nil, true)
	same(t, "no unfinished", len(must(d.Unfinished(d.ctx, a.ID))(t)), 0)
	r1, r2, r3 := d.request(a, nil), d.request(a, nil), d.request(a, nil)
	other := d.account()
	same(t, "a request's account", must(d.RequestAccount(d.ctx, d.request(other, nil).ID))(t), other.ID)
	d.lease(r2, "w", nil)
	d.change(r1, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Done, day(1) })
	open := must(d.Unfinished(d.ctx, a.ID))(t)
	same(t, "unfinished", ids(open), ids([]*bridge.Request{r2, r3}))
	same(t, "its status", open[0].Status, bridge.Executing)
	same(t, "its chat", open[0].Chat, r2.Chat)
	same(t, "its seq", open[0].Seq, r2.Seq)
}

func paging(t *testing.T, d *db) {
	a := d.account()
	var all []*bridge.Request
	for i := range 7 {
		r := d.newRequest(a, nil)
		r.Chat.UpdatedAt = day(i / 2) // two and two at the same time
		if i == 3 {
			r.Chat = all[0].Chat
		}
		d.put(submitted(r))
		all = append(all, r)
	}
	strange := d.request(d.account(), nil)
	d.change(all[1], func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Failed, day(1) })
	d.change(all[2], func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Done, day(1) })
	d.lease(all[4], "w", nil)
	pick := func(index ...int) string {
		var out []*bridge.Request
		for _, i := range index {
			out = append(out, all[i])
		}
		return ids(out)
	}
	for name, c := range map[string]struct {
		filter bridge.RequestFilter
		want   string
	}{
		"all":       {bridge.RequestFilter{AccountID: a.ID, Limit: 10}, pick(6, 5, 4, 3, 2, 1, 0)},
		"a page":    {bridge.RequestFilter{AccountID: a.ID, Limit: 2}, pick(6, 5)},
		"the next":  {bridge.RequestFilter{AccountID: a.ID, Limit: 2, Before: all[5].Seq}, pick(4, 3)},
		"the end":   {bridge.RequestFilter{AccountID: a.ID, Limit: 2, Before: all[0].Seq}, ""},
		"ascending": {bridge.RequestFilter{AccountID: a.ID, Limit: 3, Ascending: true}, pick(0, 1, 2)},
		"after":     {bridge.RequestFilter{AccountID: a.ID, Limit: 3, Ascending: true, Before: all[2].Seq}, pick(3, 4, 5)},
		"idle":      {bridge.RequestFilter{AccountID: a.ID, Limit: 10, Status: bridge.Idle}, pick(6, 5, 3, 0)},
		"executing": {bridge.RequestFilter{AccountID: a.ID, Limit: 10, Status: bridge.Executing}, pick(4)},
		"done":      {bridge.RequestFilter{AccountID: a.ID, Limit: 10, Status: bridge.Done}, pick(2)},
		"failed":    {bridge.RequestFilter{AccountID: a.ID, Limit: 10, Status: bridge.Failed}, pick(1)},
		"no status": {bridge.RequestFilter{AccountID: a.ID, Limit: 10, Status: "x' OR TRUE --"}, ""},
		"a chat":    {bridge.RequestFilter{AccountID: a.ID, Limit: 10, ChatID: all[0].Chat.ID}, pick(3, 0)},
		"a chat's idle, ascending, of any account": {bridge.RequestFilter{Limit: 1, ChatID: all[0].Chat.ID, Status: bridge.Idle, Ascending: true}, pick(0)},
		"every account": {bridge.RequestFilter{Limit: 2}, ids([]*bridge.Request{strange, all[6]})},
	} {
		got := must(d.Requests(d.ctx, c.filter))(t)
		same(t, name, ids(got), c.want)
		for _, r := range got {
			if r.Body == nil || r.Body.Message != "hello" || r.Chat == nil {
				t.Fatalf("%s: not whole: %+v", name, r)
			}
		}
	}

	// Chats: newest activity first, the higher id first where that is equal.
	var got, want []int64
	f := bridge.ChatFilter{AccountID: a.ID, Limit: 2}
	for {
		page := must(d.Chats(d.ctx, f))(t)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.ID)
		}
		f.Before, f.BeforeID = page[len(page)-1].UpdatedAt, page[len(page)-1].ID
	}
	for _, i := range []int{6, 5, 4, 2, 1, 0} {
		want = append(want, all[i].Chat.ID)
	}
	same(t, "chats", got, want)
}

func search(t *testing.T, d *db) {
	a := d.account()
	texts := map[string]*bridge.Request{}
	for _, text := range []string{"The Straße to KELVIN", "ЁЛКА и ёж", "a 100% sure_thing", "İstanbul", "ΣΊΣΥΦΟΣ"} {
		r := d.newRequest(a, nil)
		r.Body.Message = text
		d.put(submitted(r))
		texts[text] = r
	}
	answered := d.newRequest(a, nil)
	answered.Body.Response = "The Answer"
	d.put(submitted(answered))
	for _, c := range []struct {
		needle string
		want   *bridge.Request
	}{
		{"kelvin", texts["The Straße to KELVIN"]},
		{"\u212Aelvin", texts["The Straße to KELVIN"]}, // the Kelvin sign folds to k
		{"STRAßE", texts["The Straße to KELVIN"]},
		{"\u017Ftra", texts["The Straße to KELVIN"]}, // long s
		{"strasse", nil}, // simple folding, not full
		{"ёлКА", texts["ЁЛКА и ёж"]},
		{"%", texts["a 100% sure_thing"]},
		{"e_t", texts["a 100% sure_thing"]},
		{"e_ t", nil},
		{"σίσυφος", texts["ΣΊΣΥΦΟΣ"]}, // final sigma
		{"ΑΝΣΩΕΡ", nil},
		{"ANSWER", answered},
		{"elvin!", nil},
	} {
		var want []*bridge.Request
		if c.want != nil {
			want = append(want, c.want)
		}
		got := must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Contains: c.needle, Limit: 10}))(t)
		same(t, "search for "+c.needle, ids(got), ids(want))
	}
	for n, want := range map[int]string{3: "ЁЛК", 99: "ЁЛКА и ёж"} { // characters, not bytes
		same(t, "the start of a text", must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Contains: "ёлка", Start: n, Limit: 1}))(t)[0].Body, &bridge.Body{Message: want})
	}
	same(t, "in another account", len(must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: d.account().ID, Contains: "kelvin", Limit: 10}))(t)), 0)
}

// clocks: Due and NextDue follow Request.DueAt and Lease.DueAt.
func clocks(t *testing.T, d *db) {
	a := d.account()
	due := func(now time.Time) string {
		t.Helper()
		var out []*bridge.Request
		for _, x := range must(d.Due(d.ctx, now, 10))(t) {
			same(t, "the account", x.AccountID, a.ID)
			out = append(out, &bridge.Request{ID: x.RequestID})
		}
		return ids(out)
	}
	next := func(what string, want time.Time) {
		t.Helper()
		same(t, what, must(d.NextDue(d.ctx))(t), want)
	}
	next("nothing", time.Time{})
	r1 := d.newRequest(a, nil)
	r1.QueuedAt = day(2)
	d.put(submitted(r1))
	next("an expiry", day(26))
	same(t, "not yet", due(day(26).Add(-time.Microsecond)), "")
	same(t, "now", due(day(26)), ids([]*bridge.Request{r1}))

	r2 := d.newRequest(a, nil)
	r2.QueuedAt = day(1)
	d.put(submitted(r2))
	same(t, "the earlier first", due(day(100)), ids([]*bridge.Request{r2, r1}))
	l := d.lease(r1, "w", func(l *bridge.Lease) { l.TakenAt, l.ExpiresAt = day(3), day(9) })
	next("the time for ready", day(3).Add(bridge.ReadyWithin))
	same(t, "a request is listed once", due(day(100)), ids([]*bridge.Request{r1, r2}))
	l.GoAt = day(4)
	d.put(&bridge.Changes{Leases: []*bridge.Lease{l}})
	next("the lease's end", day(9))
	d.change(r1, func(r *bridge.Request) { r.MaySendAt = day(4) })
	next("the request's timeout", day(4).Add(time.Minute))
	d.change(r1, func(r *bridge.Request) { r.Status, r.CompletedAt = bridge.Done, day(5) })
	next("the lease of an ended request", day(9))
	d.put(&bridge.Changes{DropLeases: []*bridge.Lease{l}})
	next("the other's expiry", day(25))
	same(t, "at most", len(must(d.Due(d.ctx, day(100), 1))(t)), 1)
}

func events(t *testing.T, d *db) {
	a, other := d.account(), d.account()
	first, last, err := d.EventRange(d.ctx, a.ID)
	same(t, "no events", [3]any{first, last, err}, [3]any{int64(0), int64(0), nil})
	r1, r2 := d.request(a, nil), d.request(a, nil)
	strange := d.request(other, nil)
	event := func(r *bridge.Request, kind bridge.EventType) *bridge.Event {
		return &bridge.Event{AccountID: r.AccountID, Request: r, Type: kind, At: day(1)}
	}
	d.put(&bridge.Changes{Events: []*bridge.Event{event(r1, "made"), event(strange, "made"), event(r2, "made")}})
	d.put(&bridge.Changes{Events: []*bridge.Event{event(r1, "end")}})
	list := func(got []*bridge.Event) (out []string) {
		for _, e := range got {
			same(t, "its request", e.Request.Body.Message, "hello")
			out = append(out, e.Request.ID+" "+string(e.Type))
		}
		return out
	}
	same(t, "all", list(must(d.Events(d.ctx, a.ID, 0, 10))(t)), []string{r1.ID + " made", r2.ID + " made", r1.ID + " end"})
	same(t, "after", list(must(d.Events(d.ctx, a.ID, 1, 1))(t)), []string{r2.ID + " made"})
	same(t, "none after", len(must(d.Events(d.ctx, a.ID, 3, 10))(t)), 0)
	same(t, "of one request", list(must(d.RequestEvents(d.ctx, r1.Seq))(t)), []string{r1.ID + " made", r1.ID + " end"})
	first, last, err = d.EventRange(d.ctx, a.ID)
	same(t, "the range", [3]any{first, last, err}, [3]any{int64(1), int64(3), nil})
	first, last, err = d.EventRange(d.ctx, other.ID)
	same(t, "the other's range", [3]any{first, last, err}, [3]any{int64(1), int64(1), nil})
}
