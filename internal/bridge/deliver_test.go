package bridge_test

import (
	"slices"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

var noon = time.Date(2031, 2, 3, 12, 0, 0, 0, time.UTC)

func owed(id int64, e *bridge.Endpoint) *bridge.Delivery {
	return &bridge.Delivery{ID: id, Endpoint: e, Request: &bridge.Request{}, Status: bridge.DeliveryPending, NextTryAt: noon, ClaimedBy: "here", ClaimedUntil: noon.Add(time.Minute)}
}

// try records a try of d at a time.
func try(t *testing.T, d *bridge.Delivery, at time.Time, status int, more bool) *bridge.Changes {
	t.Helper()
	d.ClaimedBy = "here"
	cmd := &bridge.RecordTry{DeliveryID: d.ID, Node: "here", Wait: time.Second, More: more, Try: bridge.Try{Status: status, Error: "It answered so."}}
	if status >= 200 && status < 300 {
		cmd.Try.Error = ""
	}
	c, err := cmd.Decide(&bridge.Facts{Now: at, Deliveries: []*bridge.Delivery{d}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCircuit(t *testing.T) {
	e := &bridge.Endpoint{ID: 7, Enabled: true}
	at := noon
	for n := 1; n < bridge.CircuitAfter; n++ {
		try(t, owed(int64(n), e), at, 500, true)
	}
	if e.Open() || e.Failures != bridge.CircuitAfter-1 {
		t.Fatalf("open after %d failures", e.Failures)
	}
	hold := bridge.CircuitHold
	for range 8 {
		try(t, owed(1, e), at, 0, true)
		if got := e.HoldUntil.Sub(at); got != hold {
			t.Fatalf("held for %v after %d failures, want %v", got, e.Failures, hold)
		}
		before := *e
		try(t, owed(2, e), at.Add(time.Millisecond), 500, true) // was under way
		if e.Failures != before.Failures || !e.HoldUntil.Equal(before.HoldUntil) {
			t.Fatalf("a try that was under way counts: %+v", e)
		}
		at, hold = e.HoldUntil, min(2*hold, bridge.CircuitHoldMax)
	}
	c := try(t, owed(3, e), at, 204, true)
	if e.Open() || e.Failures != 0 || !e.FailingSince.IsZero() || len(c.Endpoints) != 1 {
		t.Fatalf("not closed by a success: %+v", e)
	}
	if c := try(t, owed(4, e), at, 200, true); len(c.Endpoints) != 0 {
		t.Fatal("a healthy endpoint is written for each success")
	}
}

func TestProbeAlone(t *testing.T) {
	healthy, held := &bridge.Endpoint{ID: 1, Enabled: true}, &bridge.Endpoint{ID: 2, Enabled: true, HoldUntil: noon}
	cmd := &bridge.ClaimDeliveries{Node: "here", Limit: 9}
	var all []*bridge.Delivery
	for id := range int64(6) {
		d := owed(id+1, []*bridge.Endpoint{healthy, held}[id%2])
		d.ClaimedBy = ""
		all = append(all, d)
	}
	c, _ := cmd.Decide(&bridge.Facts{Now: noon, Deliveries: all})
	var ids []int64
	for _, d := range cmd.Claimed {
		ids = append(ids, d.ID)
	}
	if !slices.Equal(ids, []int64{1, 2, 3, 5}) || len(c.Deliveries) != 4 || all[3].ClaimedBy != "" {
		t.Fatalf("claimed %v", ids)
	}
}

// A node gives back what it has claimed itself and what is still owed.
func TestReleaseDeliveries(t *testing.T) {
	e := &bridge.Endpoint{ID: 7, Enabled: true}
	mine, others, given := owed(1, e), owed(2, e), owed(3, e)
	others.ClaimedBy = "there"
	given.NextTryAt = time.Time{}
	c, err := (&bridge.ReleaseDeliveries{Node: "here", IDs: []int64{1, 2, 3}}).Decide(&bridge.Facts{Now: noon, Deliveries: []*bridge.Delivery{mine, others, given}})
	if err != nil || !slices.Equal(c.Deliveries, []*bridge.Delivery{mine}) {
		t.Fatalf("changed %v, %v", c.Deliveries, err)
	}
	if mine.ClaimedBy != "" || !mine.ClaimedUntil.IsZero() || others.ClaimedBy != "there" {
		t.Errorf("mine is claimed by %q until %v, the other's by %q", mine.ClaimedBy, mine.ClaimedUntil, others.ClaimedBy)
	}
}

func TestRecordTry(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		more    bool
		failing time.Duration // since when the endpoint fails
		want    string
		off     string
	}{
		"delivered":        {204, true, 0, bridge.DeliveryDelivered, ""},
		"again":            {500, true, 0, bridge.DeliveryFailing, ""},
		"no answer":        {0, true, 0, bridge.DeliveryFailing, ""},
		"a redirect":       {302, true, 0, bridge.DeliveryFailing, ""},
		"the last":         {500, false, 0, bridge.DeliveryDead, ""},
		"gone":             {410, true, 0, bridge.DeliveryDead, "It answered 410 Gone."},
		"nearly five days": {500, true, 5*24*time.Hour - 1, bridge.DeliveryFailing, ""},
		"five days":        {500, true, 5 * 24 * time.Hour, bridge.DeliveryDead, "Every try for five days failed."},
	} {
		t.Run(name, func(t *testing.T) {
			e := &bridge.Endpoint{ID: 7, Enabled: true}
			if c.failing > 0 {
				e.FailingSince = noon.Add(-c.failing)
			}
			d := owed(1, e)
			changes := try(t, d, noon, c.status, c.more)
			if d.Status != c.want || d.ClaimedBy != "" || (d.Error == "") != (c.want == bridge.DeliveryDelivered) {
				t.Fatalf("delivery %+v", d)
			}
			if d.NextTryAt.IsZero() != (c.want != bridge.DeliveryFailing) || d.EndedAt.IsZero() != (c.want == bridge.DeliveryFailing) {
				t.Fatalf("times of %+v", d)
			}
			if e.OffForGood() != (c.off != "") || e.DisabledReason != c.off || len(changes.Audit) != min(1, len(c.off)) {
				t.Fatalf("endpoint %+v, audit %d", e, len(changes.Audit))
			}
		})
	}
}

// A try whose claim has lapsed is another node's business, unless it succeeded.
func TestLapsedTry(t *testing.T) {
	for status, want := range map[int]string{500: bridge.DeliveryPending, 200: bridge.DeliveryDelivered} {
		d := owed(1, &bridge.Endpoint{Enabled: true})
		d.ClaimedBy = "there"
		cmd := &bridge.RecordTry{DeliveryID: 1, Node: "here", More: true, Try: bridge.Try{Status: status}}
		c, _ := cmd.Decide(&bridge.Facts{Now: noon, Deliveries: []*bridge.Delivery{d}})
		if d.Status != want || len(c.Tries) != 1 || d.Tried != 1 {
			t.Errorf("after %d: %+v", status, d)
		}
	}
}

func TestAbandon(t *testing.T) {
	off := &bridge.Endpoint{DisabledReason: "It answered 410 Gone."}
	cmd := &bridge.Abandon{Limit: 2}
	list := []*bridge.Delivery{owed(1, off), owed(2, off)}
	if _, err := cmd.Decide(&bridge.Facts{Now: noon, Deliveries: list}); err != nil || !cmd.More {
		t.Fatalf("more %v, %v", cmd.More, err)
	}
	for _, d := range list {
		if d.Status != bridge.DeliveryDead || d.Error == "" || d.ClaimedBy != "" || !d.NextTryAt.IsZero() {
			t.Errorf("%+v", d)
		}
	}
	waits := &bridge.Endpoint{} // switched off by a person, for a while
	c, _ := cmd.Decide(&bridge.Facts{Now: noon, Deliveries: []*bridge.Delivery{owed(3, waits), owed(4, waits)}})
	if !c.Empty() || cmd.More {
		t.Fatal("what waits for its endpoint is given up")
	}
}

func TestReplayDelivery(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bridge.Delivery)
		code   string
	}{
		"dead":             {func(d *bridge.Delivery) { d.Status, d.NextTryAt = bridge.DeliveryDead, time.Time{} }, ""},
		"delivered":        {func(d *bridge.Delivery) { d.Status, d.NextTryAt = bridge.DeliveryDelivered, time.Time{} }, ""},
		"failing":          {func(d *bridge.Delivery) { d.Status, d.NextTryAt = bridge.DeliveryFailing, noon.Add(time.Hour) }, ""},
		"on hold":          {func(d *bridge.Delivery) { d.Endpoint.HoldUntil = noon.Add(time.Hour) }, ""},
		"texts gone":       {func(d *bridge.Delivery) { d.Request.TextsGone = true }, "body_gone"},
		"endpoint off":     {func(d *bridge.Delivery) { d.Endpoint.Enabled = false }, "endpoint_off"},
		"endpoint removed": {func(d *bridge.Delivery) { d.Endpoint.Enabled, d.Endpoint.RemovedAt = false, noon }, "endpoint_removed"},
	} {
		t.Run(name, func(t *testing.T) {
			d := owed(1, &bridge.Endpoint{ID: 7, Enabled: true})
			d.WebhookID, d.Step, d.Tried, d.Error, d.ClaimedBy, d.ClaimedUntil = "msg_1", 9, 10, "It failed.", "", time.Time{}
			c.change(d)
			_, err := (&bridge.ReplayDelivery{DeliveryID: 1}).Decide(&bridge.Facts{Now: noon, Deliveries: []*bridge.Delivery{d}})
			if c.code != "" {
				if err == nil || bridge.AsError(err).Code != c.code {
					t.Fatalf("error %v, want %s", err, c.code)
				}
				return
			}
			if err != nil || d.Status != bridge.DeliveryPending || d.Step != 0 || d.Tried != 10 || !d.NextTryAt.Equal(noon) || !d.EndedAt.IsZero() || d.WebhookID != "msg_1" {
				t.Fatalf("%v, %+v", err, d)
			}
			if d.Endpoint.HoldUntil.After(noon) {
				t.Fatal("the endpoint is still held")
			}
		})
	}
}

func TestStepReplay(t *testing.T) {
	on, off := &bridge.Endpoint{ID: 1, Enabled: true}, &bridge.Endpoint{ID: 2}
	stored := &bridge.Replay{ID: 3, Status: bridge.ReplayRunning}
	step := func(seen bridge.Replay, limit int, list ...*bridge.Delivery) *bridge.Changes {
		copied := *stored
		cmd := &bridge.StepReplay{Replay: &seen, Limit: limit}
		if needs := cmd.Needs(); needs.Deliveries.Limit != limit || needs.Deliveries.Before != seen.Filter.Before {
			t.Fatalf("needs %+v", needs.Deliveries)
		}
		c, err := cmd.Decide(&bridge.Facts{Now: noon, Replay: &copied, Deliveries: list})
		if err != nil {
			t.Fatal(err)
		}
		stored = cmd.Replay
		return c
	}
	first := *stored
	gone := owed(3, on)
	gone.Request.TextsGone = true
	if step(first, 3, owed(1, on), owed(2, off), gone); stored.Replayed != 1 || stored.Skipped != 2 || stored.Filter.Before != 3 || stored.Status != bridge.ReplayRunning {
		t.Fatalf("%+v", stored)
	}
	if c := step(first, 3, owed(1, on)); !c.Empty() || stored.Replayed != 1 {
		t.Fatalf("a step of the past counts: %+v", stored)
	}
	if step(*stored, 3, owed(4, on)); stored.Status != bridge.ReplayDone || stored.Replayed != 2 || stored.EndedAt.IsZero() {
		t.Fatalf("%+v", stored)
	}
	if _, err := (&bridge.StopReplay{ID: 3}).Decide(&bridge.Facts{Now: noon, Replay: stored}); err == nil {
		t.Fatal("a replay that has ended was stopped")
	}
	if _, err := (&bridge.StopReplay{ID: 3}).Decide(&bridge.Facts{Now: noon}); err == nil {
		t.Fatal("no replay was stopped")
	}
}
