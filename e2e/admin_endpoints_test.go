package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
)

type endpointJSON struct {
	ID             int64
	Primary        bool
	URL            string
	Events         []string
	Headers        map[string]string
	RateLimit      int `json:"rate_limit"`
	Enabled        bool
	Status         string
	DisabledReason *string    `json:"disabled_reason"`
	FailingSince   *time.Time `json:"failing_since"`
	HoldUntil      *time.Time `json:"hold_until"`
	PreviousUntil  *time.Time `json:"secret_previous_until"`
	Counts         *struct{ Pending, Failing, Dead int64 }
}

type endpointMade struct {
	Endpoint endpointJSON
	Secret   string `json:"webhook_secret"`
}

func endpointsPath(a harness.Account) string {
	return fmt.Sprintf("/api/admin/accounts/%d/endpoints/", a.ID)
}

func endpointPath(a harness.Account, id int64) string {
	return fmt.Sprintf("%s%d/", endpointsPath(a), id)
}

func addEndpoint(s *harness.Server, a harness.Account, fields harness.Fields) (made endpointMade) {
	s.Admin().Call("POST", endpointsPath(a), fields).Want(201).JSON(&made)
	return made
}

func getEndpoint(s *harness.Server, a harness.Account, id int64) (e endpointJSON) {
	s.Admin().Call("GET", endpointPath(a, id), nil).Want(200).JSON(&e)
	return e
}

// failed ends a request of the account, so that its end is owed.
func failed(c *harness.Client) harness.Request {
	r := c.Submit("Hello")
	c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	return r
}

func endpoints(t *testing.T, s *harness.Server) {
	admin, first, second := s.Admin(), harness.NewHook(t), harness.NewHook(t)
	a := s.NewAccount(first.URL)
	c := s.Client(a.Key)
	made := addEndpoint(s, a, harness.Fields{"url": second.URL, "events": []string{"request.failed"}, "headers": harness.Fields{"X-Token": "a-secret-for-this-endpoint"}, "rate_limit": 6000})
	e := made.Endpoint
	if !strings.HasPrefix(made.Secret, "whsec_") || e.Primary || e.URL != second.URL || fmt.Sprint(e.Events) != "[request.failed]" || e.Headers["X-Token"] != "••••" || e.RateLimit != 6000 || !e.Enabled || e.Status != "on" {
		t.Errorf("%+v", made)
	}
	var list []endpointJSON
	admin.Call("GET", endpointsPath(a), nil).Want(200).JSON(&list)
	if len(list) != 2 || !list[0].Primary || list[0].URL != first.URL || list[0].Counts != nil || list[1].ID != e.ID {
		t.Errorf("the list: %+v", list)
	}

	// What is sent has the headers; who may not know them sees none.
	failed(c)
	first.Next(a.Secret)
	got := second.Next(made.Secret)
	want(t, "its own header", got.Header.Get("X-Token"), "a-secret-for-this-endpoint")
	e = endpointJSON{}
	admin.Call("PATCH", endpointPath(a, made.Endpoint.ID), harness.Fields{"headers": harness.Fields{"x-token": "••••", "X-More": "more-that-is-secret"}, "events": []string{}}).Want(200).JSON(&e)
	if len(e.Headers) != 2 || e.Headers["X-Token"] != "••••" || e.Headers["X-More"] != "••••" || len(e.Events) != 0 || e.RateLimit != 6000 {
		t.Errorf("changed: %+v", e)
	}
	r := c.Submit("Hello")
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	w.Answer(w.Take().Ref, "Hi")
	w.Close()
	want(t, "both now hear of an answer", fmt.Sprint(first.Next(a.Secret).Fields["request_id"], second.Next(made.Secret).Fields["response"]), r.ID+"Hi")
	admin.Call("PATCH", endpointPath(a, e.ID), harness.Fields{"headers": harness.Fields{"X-Token": "••••"}}).Want(200)

	// Two secrets at once, and a test.
	var rotated struct {
		Secret string    `json:"webhook_secret"`
		Until  time.Time `json:"previous_valid_until"`
	}
	admin.Call("POST", endpointPath(a, e.ID)+"secret/rotate/", nil).Want(200).JSON(&rotated)
	if left := time.Until(rotated.Until); rotated.Secret == made.Secret || left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("rotated: the old one is valid for %v", left)
	}
	want(t, "shown too", getEndpoint(s, a, e.ID).PreviousUntil.Equal(rotated.Until), true)
	for _, secret := range []string{made.Secret, rotated.Secret} {
		var try tryJSON
		admin.Call("POST", endpointPath(a, e.ID)+"test/", nil).Want(200).JSON(&try)
		if try.Status == nil || *try.Status != 204 || try.Error != nil || strings.Contains(fmt.Sprint(try.RequestHeaders), "a-secret") {
			t.Errorf("a test: %+v", try)
		}
		got := second.Next(secret)
		want(t, "a test", fmt.Sprint(got.Fields["type"], got.Header.Get("X-Token"), got.Header.Get("X-More")), "testa-secret-for-this-endpoint")
	}

	admin.Call("DELETE", endpointPath(a, list[0].ID), nil).Problem(409, "primary_endpoint")
	admin.Call("DELETE", endpointPath(a, e.ID), nil).Want(204)
	admin.Call("DELETE", endpointPath(a, e.ID), nil).Problem(404, "")
	admin.Call("GET", endpointPath(a, e.ID), nil).Problem(404, "")
	admin.Call("PATCH", endpointPath(a, e.ID), harness.Fields{"enabled": true}).Problem(404, "")
	admin.Call("POST", endpointPath(a, e.ID)+"test/", nil).Problem(404, "")
	admin.Call("POST", endpointPath(a, e.ID)+"secret/rotate/", nil).Problem(404, "")
	admin.Call("GET", endpointsPath(a), nil).Want(200).JSON(&list)
	want(t, "left", len(list), 1)
	want(t, "what it was sent stays listed", len(listDeliveries(s, url.Values{"endpoint": {fmt.Sprint(e.ID)}})), 2)
}

func badEndpoints(t *testing.T, s *harness.Server) {
	admin, a := s.Admin(), s.NewAccount("")
	other := addEndpoint(s, s.NewAccount(""), harness.Fields{"url": "https://example.com/"}).Endpoint
	ours := addEndpoint(s, a, harness.Fields{"url": "https://example.com/"}).Endpoint
	for _, tc := range []struct {
		field  string
		fields harness.Fields
	}{
		{"url", harness.Fields{"url": ""}},
		{"url", harness.Fields{"url": "ftp://example.com/"}},
		{"url", harness.Fields{"url": "http://user:password@example.com/"}},
		{"url", harness.Fields{"url": "http://169.254.169.254/latest/"}},
		{"url", harness.Fields{"url": "nonsense"}},
		{"events", harness.Fields{"events": []string{"request.made"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"webhook-id": "x"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"Host": "x"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"no name": "x"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"X-Break": "a\r\nb: c"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"X-Unknown": "••••"}}},
		{"headers", harness.Fields{"headers": harness.Fields{"X-Twice": "a", "x-twice": "b"}}},
		{"rate_limit", harness.Fields{"rate_limit": -1}},
		{"rate_limit", harness.Fields{"rate_limit": 1_000_000}},
		{"enabled", harness.Fields{"enabled": "yes"}},
		{"headers", harness.Fields{"headers": "none"}},
	} {
		admin.Call("PATCH", endpointPath(a, ours.ID), tc.fields).Field(tc.field)
		if _, given := tc.fields["url"]; !given {
			tc.fields["url"] = "https://example.com/"
		}
		admin.Call("POST", endpointsPath(a), tc.fields).Field(tc.field)
	}
	admin.Call("POST", endpointsPath(a), harness.Fields{}).Field("url")
	admin.Call("POST", endpointsPath(a), "{").Problem(400, "")
	admin.Call("POST", "/api/admin/accounts/999999/endpoints/", harness.Fields{"url": "https://example.com/"}).Problem(404, "")
	admin.Call("GET", "/api/admin/accounts/999999/endpoints/", nil).Problem(404, "")
	for _, call := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"POST", "test/"}, {"POST", "secret/rotate/"}} {
		admin.Call(call[0], endpointPath(a, other.ID)+call[1], nil).Problem(404, "")
	}
	admin.Call("PATCH", endpointPath(a, other.ID), harness.Fields{"enabled": false}).Problem(404, "")
	want(t, "unchanged", getEndpoint(s, a, ours.ID).URL, "https://example.com/")
}

func tooManyEndpoints(t *testing.T, s *harness.Server) {
	a := s.NewAccount("https://example.com/")
	for range 20 {
		addEndpoint(s, a, harness.Fields{"url": "https://example.com/", "enabled": false})
	}
	s.Admin().Call("POST", endpointsPath(a), harness.Fields{"url": "https://example.com/"}).Problem(409, "too_many_endpoints")
}

func endpointState(t *testing.T, s *harness.Server) {
	hook := newSink(t, 500)
	a := s.NewAccount("")
	c := s.Client(a.Key)
	e := addEndpoint(s, a, harness.Fields{"url": hook.URL}).Endpoint
	failed(c)
	harness.Eventually(t, "it is failing", func() bool { return getEndpoint(s, a, e.ID).Status == "failing" })
	e = getEndpoint(s, a, e.ID)
	if e.FailingSince == nil || e.Counts == nil || e.Counts.Failing != 1 || e.Counts.Dead != 0 {
		t.Errorf("%+v", e)
	}
	hook.answer.Store(410)
	failed(c)
	harness.Eventually(t, "it is off", func() bool { return getEndpoint(s, a, e.ID).Status == "off" })
	harness.Eventually(t, "what it was owed is dead", func() bool { return getEndpoint(s, a, e.ID).Counts.Dead == 2 })
	want(t, "and why", strings.Contains(text(getEndpoint(s, a, e.ID).DisabledReason), "410"), true)

	hook.answer.Store(500)
	s.Admin().Call("PATCH", endpointPath(a, e.ID), harness.Fields{"enabled": true}).Want(200).JSON(&e)
	want(t, "on again", fmt.Sprint(e.Status, e.DisabledReason == nil, e.FailingSince == nil), "ontrue true")
	for range 5 {
		failed(c)
	}
	harness.Eventually(t, "its circuit is open", func() bool { return getEndpoint(s, a, e.ID).Status == "on_hold" })
	if e = getEndpoint(s, a, e.ID); e.HoldUntil == nil || time.Until(*e.HoldUntil) > time.Minute {
		t.Errorf("%+v", e)
	}
	// A person switches it off for a while: what it is owed waits.
	s.Admin().Call("PATCH", endpointPath(a, e.ID), harness.Fields{"enabled": false}).Want(200).JSON(&e)
	want(t, "off", fmt.Sprint(e.Status, e.DisabledReason == nil), "offtrue")
	want(t, "nothing more is dead", getEndpoint(s, a, e.ID).Counts.Dead, 2)
}
