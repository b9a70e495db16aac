package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatbridge/e2e/harness"
)

type deliveryJSON struct {
	ID        int64
	RequestID string `json:"request_id"`
	WebhookID string `json:"webhook_id"`
	Account   int64
	Endpoint  int64
	URL       string
	Status    string
	Error     *string
	Tried     int
	NextTryAt *time.Time `json:"next_try_at"`
	Tries     []tryJSON
}

type tryJSON struct {
	Number          int
	Status          *int
	Error           *string
	RequestHeaders  map[string]string `json:"request_headers"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body"`
}

// sink is an endpoint whose answer can be changed.
type sink struct {
	URL    string
	answer atomic.Int32
	heard  atomic.Int32
	ids    chan string
}

func newSink(t *testing.T, status int) *sink {
	s := &sink{ids: make(chan string, 1000)}
	s.answer.Store(int32(status))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.heard.Add(1)
		s.ids <- r.Header.Get("webhook-id")
		w.Header().Set("X-Answer", "an answer")
		w.WriteHeader(int(s.answer.Load()))
		_, _ = io.WriteString(w, "said the sink")
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL + "/sink"
	return s
}

func listDeliveries(s *harness.Server, q url.Values) (all []deliveryJSON) {
	s.Admin().Call("GET", "/api/admin/deliveries/?"+q.Encode(), nil).Want(200).JSON(&all)
	return all
}

func deliveryIDs(all []deliveryJSON) (out []int64) {
	for _, d := range all {
		out = append(out, d.ID)
	}
	return out
}

func deliveries(t *testing.T, s *harness.Server) {
	good, bad := newSink(t, 200), newSink(t, 410)
	a := s.NewAccount(good.URL)
	c := s.Client(a.Key)
	extra := addEndpoint(s, a, harness.Fields{"url": bad.URL, "headers": harness.Fields{"X-Own": "a-header-that-is-secret"}}).Endpoint
	begin := time.Now().Add(-time.Second)
	r := failed(c)
	of := func(q url.Values) []deliveryJSON { return listDeliveries(s, q) }
	account := fmt.Sprint(a.ID)
	harness.Eventually(t, "both have their end", func() bool {
		return len(of(url.Values{"account": {account}, "status": {"delivered,dead"}})) == 2
	})
	second := failed(c) // the other endpoint is off now
	harness.Eventually(t, "delivered", func() bool { return len(of(url.Values{"account": {account}, "status": {"delivered"}})) == 2 })
	all := of(url.Values{"account": {account}})
	if len(all) != 3 || all[0].RequestID != second.ID || all[0].ID < all[1].ID || all[1].ID < all[2].ID {
		t.Fatalf("newest first: %+v", all)
	}
	for _, d := range all {
		if d.Tries != nil || d.Tried != 1 || d.Account != a.ID || (d.Error == nil) != (d.Status == "delivered") || d.NextTryAt != nil {
			t.Errorf("%+v", d)
		}
	}
	for _, tc := range []struct {
		query url.Values
		want  []int64
	}{
		{url.Values{"endpoint": {fmt.Sprint(extra.ID)}}, deliveryIDs(all[1:2])},
		{url.Values{"account": {account}, "status": {"dead"}}, deliveryIDs(all[1:2])},
		{url.Values{"account": {account}, "status": {"pending,failing"}}, nil},
		{url.Values{"account": {account}, "from": {begin.UTC().Format(time.RFC3339Nano)}}, deliveryIDs(all)},
		{url.Values{"account": {account}, "to": {begin.UTC().Format(time.RFC3339Nano)}}, nil},
		{url.Values{"request_id": {r.ID}}, []int64{all[2].ID, all[1].ID}},
		{url.Values{"request_id": {strings.ToUpper(r.ID)}, "endpoint": {fmt.Sprint(extra.ID)}}, deliveryIDs(all[1:2])},
		{url.Values{"endpoint": {"999999"}}, nil},
	} {
		want(t, tc.query.Encode(), fmt.Sprint(deliveryIDs(of(tc.query))), fmt.Sprint(tc.want))
	}
	for _, query := range []url.Values{{"account": {account}, "limit": {"1"}}, {"request_id": {r.ID}, "limit": {"1"}}} {
		var paged, whole []int64
		for _, page := range pages[deliveryJSON](t, s.Admin(), "/api/admin/deliveries/?"+query.Encode()) {
			want(t, "on a page", len(page), 1)
			paged = append(paged, deliveryIDs(page)...)
		}
		query.Set("limit", "10")
		whole = deliveryIDs(of(query))
		want(t, "page by page", fmt.Sprint(paged), fmt.Sprint(whole))
	}
	admin := s.Admin()
	for _, query := range []string{"status=lost", "limit=0", "cursor=!", "from=yesterday", "endpoint=x", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"} {
		admin.Call("GET", "/api/admin/deliveries/?"+query, nil).Problem(400, "")
	}
	admin.Call("GET", "/api/admin/deliveries/?request_id=nonsense", nil).Problem(404, "")

	// With its tries: of one request, and alone.
	dead := of(url.Values{"request_id": {r.ID}})[1]
	var alone deliveryJSON
	admin.Call("GET", fmt.Sprintf("/api/admin/deliveries/%d/", dead.ID), nil).Want(200).JSON(&alone)
	for _, d := range []deliveryJSON{dead, alone} {
		if d.Status != "dead" || len(d.Tries) != 1 || d.URL != bad.URL || d.Endpoint != extra.ID {
			t.Fatalf("%+v", d)
		}
		try := d.Tries[0]
		if try.Number != 1 || *try.Status != 410 || !strings.Contains(text(try.Error), "410") || try.ResponseBody != "said the sink" || try.ResponseHeaders["X-Answer"] != "an answer" ||
			try.RequestHeaders["Webhook-Id"] != d.WebhookID || try.RequestHeaders["X-Own"] == "a-header-that-is-secret" {
			t.Errorf("%+v", try)
		}
	}
	admin.Call("GET", "/api/admin/deliveries/999999/", nil).Problem(404, "")
}

func replayOne(t *testing.T, s *harness.Server) {
	hook := newSink(t, 410)
	a := s.NewAccount("")
	e := addEndpoint(s, a, harness.Fields{"url": hook.URL}).Endpoint
	r := failed(s.Client(a.Key))
	id := <-hook.ids
	query := url.Values{"request_id": {r.ID}}
	harness.Eventually(t, "it is dead", func() bool { return listDeliveries(s, query)[0].Status == "dead" })
	path := fmt.Sprintf("/api/admin/deliveries/%d/replay/", listDeliveries(s, query)[0].ID)
	s.Admin().Call("POST", path, nil).Problem(409, "endpoint_off")
	s.Admin().Call("POST", "/api/admin/deliveries/999999/replay/", nil).Problem(404, "")
	hook.answer.Store(200)
	s.Admin().Call("PATCH", endpointPath(a, e.ID), harness.Fields{"enabled": true}).Want(200)
	for tries := 2; tries <= 3; tries++ { // what is delivered may be sent again too
		var d deliveryJSON
		s.Admin().Call("POST", path, nil).Want(200).JSON(&d)
		want(t, "it is owed again", d.Status, "pending")
		want(t, "the same webhook-id", <-hook.ids, id)
		harness.Eventually(t, "it is delivered", func() bool {
			d := listDeliveries(s, query)[0]
			return d.Status == "delivered" && len(d.Tries) == tries && d.Error == nil
		})
	}
	s.Admin().Call("DELETE", endpointPath(a, e.ID), nil).Want(204)
	s.Admin().Call("POST", path, nil).Problem(409, "endpoint_removed")
}

type replayJSON struct {
	ID                          int64
	Status                      string
	Matching, Replayed, Skipped int64
	Filter                      struct {
		Account, Endpoint *int64
		Status            []string
		RequestID         *string `json:"request_id"`
	}
	EndedAt *time.Time `json:"ended_at"`
}

type replayStarted struct {
	ReplayID *int64 `json:"replay_id"`
	Matching int64
}

func replayMany(t *testing.T, s *harness.Server) {
	const many = 5
	hook, admin := newSink(t, 410), s.Admin()
	a := s.NewAccount(hook.URL)
	c := s.Client(a.Key)
	account := url.Values{"account": {fmt.Sprint(a.ID)}}
	on := func() {
		admin.Call("PATCH", fmt.Sprintf("/api/admin/accounts/%d/", a.ID), harness.Fields{"webhook_url": hook.URL}).Want(200)
	}
	var last harness.Request
	for range many { // each switches the endpoint off
		last = failed(c)
		id := last.ID
		harness.Eventually(t, "it is dead", func() bool { return listDeliveries(s, url.Values{"request_id": {id}})[0].Status == "dead" })
		on()
	}
	hook.answer.Store(200)
	replay := func(body harness.Fields) (started replayStarted) {
		admin.Call("POST", "/api/admin/deliveries/replay/", body).Want(200).JSON(&started)
		return started
	}
	ours := harness.Fields{"account": a.ID}
	for what, tc := range map[string]struct {
		filter harness.Fields
		want   int64
	}{
		"the dead ones of the account": {ours, many},
		"by status":                    {harness.Fields{"account": a.ID, "status": []string{"dead", "delivered"}}, many},
		"none":                         {harness.Fields{"account": a.ID, "status": []string{"pending"}}, 0},
		"of a request":                 {harness.Fields{"request_id": last.ID}, 1},
		"before":                       {harness.Fields{"account": a.ID, "to": "2020-01-01T00:00:00Z"}, 0},
		"since":                        {harness.Fields{"account": a.ID, "from": "2020-01-01T00:00:00Z"}, many},
	} {
		got := replay(harness.Fields{"filter": tc.filter, "dry_run": true})
		want(t, "a dry run: "+what, fmt.Sprint(got.Matching, got.ReplayID == nil), fmt.Sprint(tc.want, true))
	}
	want(t, "nothing was sent", len(listDeliveries(s, url.Values{"account": account["account"], "status": {"dead"}})), many)
	if got := replay(harness.Fields{"filter": harness.Fields{"account": a.ID, "status": []string{"pending"}}}); got.ReplayID != nil || got.Matching != 0 {
		t.Errorf("a replay of nothing: %+v", got)
	}

	heard := hook.heard.Load()
	began := replay(harness.Fields{"filter": ours})
	if began.ReplayID == nil || began.Matching != many {
		t.Fatalf("%+v", began)
	}
	path := fmt.Sprintf("/api/admin/replays/%d/", *began.ReplayID)
	var run replayJSON
	harness.Eventually(t, "all are delivered", func() bool {
		admin.Call("GET", path, nil).Want(200).JSON(&run)
		return run.Status == "done" && len(listDeliveries(s, url.Values{"account": account["account"], "status": {"delivered"}})) == many
	})
	if run.Matching != many || run.Replayed != many || run.Skipped != 0 || run.EndedAt == nil || *run.Filter.Account != a.ID || fmt.Sprint(run.Filter.Status) != "[dead]" || run.Filter.Endpoint != nil {
		t.Errorf("%+v", run)
	}
	want(t, "each was sent once more", hook.heard.Load()-heard, many)
	admin.Call("POST", path+"stop/", nil).Problem(409, "replay_ended")
	one := replay(harness.Fields{"filter": harness.Fields{"request_id": last.ID, "status": []string{"delivered"}}})
	admin.Call("GET", fmt.Sprintf("/api/admin/replays/%d/", *one.ReplayID), nil).Want(200).JSON(&run)
	want(t, "of this request", text(run.Filter.RequestID), last.ID)
	var list []replayJSON
	admin.Call("GET", "/api/admin/replays/?limit=500", nil).Want(200).JSON(&list)
	found := 0
	for i, r := range list {
		if r.ID == *began.ReplayID || r.ID == *one.ReplayID {
			found++
		}
		if i > 0 && r.ID > list[i-1].ID {
			t.Error("not newest first")
		}
	}
	want(t, "listed", found, 2)
}

func badReplays(t *testing.T, s *harness.Server) {
	admin := s.Admin()
	for field, filter := range map[string]harness.Fields{
		"status": {"status": []string{"lost"}}, "to": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
	} {
		admin.Call("POST", "/api/admin/deliveries/replay/", harness.Fields{"filter": filter}).Field(field)
	}
	admin.Call("POST", "/api/admin/deliveries/replay/", harness.Fields{"filter": harness.Fields{"account": "all"}}).Problem(400, "")
	admin.Call("POST", "/api/admin/deliveries/replay/", harness.Fields{"filter": harness.Fields{"request_id": "nonsense"}}).Problem(404, "")
	admin.Call("POST", "/api/admin/deliveries/replay/", nil).Problem(400, "")
	admin.Call("GET", "/api/admin/replays/999999/", nil).Problem(404, "")
	admin.Call("POST", "/api/admin/replays/999999/stop/", nil).Problem(404, "")
}
