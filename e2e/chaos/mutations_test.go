package chaos

import (
	"slices"
	"testing"
	"time"

	"chatbridge/e2e/harness/actors"
	"chatbridge/protocol"
)

// sound is the evidence of a small run in which every promise was kept: one
// account with a well endpoint, one for failed requests only, and one that never
// took anything.
func sound() *evidence {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answer, partial := actors.DigestOf("Hi"), actors.DigestOf("H")
	done, failed := actors.Outcome{Status: "done", Response: answer}, actors.Outcome{Status: "failed", Partial: partial, Code: "timeout"}
	e := &evidence{
		made:    map[string]string{"k1": "r1", "k2": "r2"},
		message: map[string]actors.Digest{"r1": 1, "r2": 2},
		acked:   map[protocol.Ref]actors.Digest{{RequestID: "r1", Attempt: 1}: answer, {RequestID: "r2", Attempt: 1}: 7},
		ends:    map[string]actors.Outcome{"r1": done, "r2": failed},
		fed:     map[string]int{"r1": 1, "r2": 2},
		requests: map[string]stored{
			"r1": {account: 1, message: 1, outcome: done, completedAt: at},
			"r2": {account: 1, message: 2, outcome: failed, completedAt: at},
		},
		late: map[string][]actors.Digest{"r2": {7}},
		deliveries: map[owed]delivery{
			{1, "r1"}: {1, "msg_1", "delivered", ""}, {1, "r2"}: {2, "msg_2", "delivered", ""},
			{2, "r2"}: {3, "msg_3", "delivered", ""},
			{3, "r1"}: {4, "msg_4", "failing", "It answered 500."}, {3, "r2"}: {5, "msg_5", "pending", ""},
		},
	}
	for id, came := range []map[string]*actors.Got{
		{"r1": {WebhookID: "msg_1", Outcome: done, Times: 2, Taken: true}, "r2": {WebhookID: "msg_2", Outcome: failed, Times: 1, Taken: true}},
		{"r2": {WebhookID: "msg_3", Outcome: failed, Times: 1, Taken: true}},
		{"r1": {WebhookID: "msg_4", Outcome: done, Times: 3}},
	} {
		one := &endpoint{id: int64(id + 1), account: 1, seen: actors.Seen{Came: came}}
		e.endpoints = append(e.endpoints, one)
	}
	e.endpoints[1].events, e.endpoints[2].ill = "request.failed", true
	return e
}

// edit changes what a map holds under a key.
func edit[K comparable, V any](m map[K]V, k K, change func(*V)) {
	v := m[k]
	change(&v)
	m[k] = v
}

// Every count can fail: one observation is changed, and that count alone is not
// zero any more.
func TestCounts(t *testing.T) {
	if broken := sound().count().broken(); broken != nil {
		t.Fatalf("of a sound run: %v", broken)
	}
	for name, tc := range map[string]struct {
		change func(*evidence)
		counts []string
	}{
		"a request is gone": {func(e *evidence) {
			delete(e.requests, "r1")
			delete(e.acked, protocol.Ref{RequestID: "r1", Attempt: 1})
			delete(e.endpoints[0].seen.Came, "r1")
			delete(e.endpoints[2].seen.Came, "r1")
		}, []string{countLost}},
		"another message is stored":   {func(e *evidence) { edit(e.requests, "r1", func(r *stored) { r.message = 9 }) }, []string{countLost}},
		"one more than was asked for": {func(e *evidence) { delete(e.made, "k2") }, []string{countExtra}},
		"no end": {func(e *evidence) {
			edit(e.requests, "r2", func(r *stored) { r.outcome.Status = "executing" })
			delete(e.acked, protocol.Ref{RequestID: "r2", Attempt: 1})
			delete(e.endpoints[0].seen.Came, "r2")
			delete(e.endpoints[1].seen.Came, "r2")
			for id := int64(1); id <= 3; id++ {
				delete(e.deliveries, owed{id, "r2"})
			}
		}, []string{countOpen}},
		"again after go":                   {func(e *evidence) { e.handedAgain = []string{"r1"} }, []string{countAgain}},
		"an acked answer is not kept":      {func(e *evidence) { delete(e.late, "r2") }, []string{countAcked}},
		"another answer than the acked":    {func(e *evidence) { e.acked[protocol.Ref{RequestID: "r1", Attempt: 1}] = 8 }, []string{countAcked}},
		"an end owes nothing":              {func(e *evidence) { delete(e.deliveries, owed{3, "r2"}) }, []string{countOwed, countMissing}},
		"what was delivered is not listed": {func(e *evidence) { delete(e.deliveries, owed{1, "r1"}) }, []string{countOwed, countUnowed}},
		"delivered, and nothing came":      {func(e *evidence) { delete(e.endpoints[1].seen.Came, "r2") }, []string{countMissing}},
		"delivered, and it was refused":    {func(e *evidence) { e.endpoints[0].seen.Came["r1"].Taken = false }, []string{countMissing}},
		"failing, and no reason":           {func(e *evidence) { edit(e.deliveries, owed{3, "r1"}, func(d *delivery) { d.reason = "" }) }, []string{countSilent}},
		"dead at a well endpoint":          {func(e *evidence) { edit(e.deliveries, owed{1, "r1"}, func(d *delivery) { d.status = "dead" }) }, []string{countStuck}},
		"a webhook tells another end":      {func(e *evidence) { e.endpoints[0].seen.Came["r1"].Outcome.Response = 9 }, []string{countDiffers}},
		"a later webhook tells another":    {func(e *evidence) { e.endpoints[0].seen.Came["r1"].Differs = true }, []string{countDiffers}},
		"a reader saw another end":         {func(e *evidence) { edit(e.ends, "r1", func(o *actors.Outcome) { o.Response = 9 }) }, []string{countDiffers}},
		"the answer is not the site's":     {func(e *evidence) { edit(e.requests, "r1", func(r *stored) { r.wrong = true }) }, []string{countDiffers}},
		"came past the filter": {func(e *evidence) {
			e.endpoints[1].seen.Came["r1"] = &actors.Got{WebhookID: "msg_9", Outcome: e.requests["r1"].outcome}
		}, []string{countUnowed}},
		"a signature":                    {func(e *evidence) { e.endpoints[0].seen.Bad = 1 }, []string{countSignature}},
		"two webhook-ids":                {func(e *evidence) { e.endpoints[0].seen.Came["r1"].Others = []string{"msg_9"} }, []string{countNames}},
		"another webhook-id than listed": {func(e *evidence) { edit(e.deliveries, owed{3, "r2"}, func(d *delivery) { d.webhookID = "msg_4" }) }, []string{countNames}},
		"one webhook-id for two": {func(e *evidence) {
			edit(e.deliveries, owed{1, "r2"}, func(d *delivery) { d.webhookID = "msg_1" })
			e.endpoints[0].seen.Came["r2"].WebhookID = "msg_1"
		}, []string{countNames}},
		"a stream":      {func(e *evidence) { e.tornStreams = 1 }, []string{countStreams}},
		"a silent feed": {func(e *evidence) { delete(e.fed, "r1") }, []string{countUnfed}},
		"a redirect":    {func(e *evidence) { e.followed = 1 }, []string{countFollowed}},
		"another fault": {func(e *evidence) { e.otherFaults = 1 }, []string{countFaults}},
		"off for a while": {func(e *evidence) {
			delete(e.deliveries, owed{3, "r2"})
			at := e.requests["r2"].completedAt
			e.endpoints[2].off = []window{{at.Add(-time.Minute), at.Add(time.Minute)}}
		}, nil},
		"off at another time": {func(e *evidence) {
			delete(e.deliveries, owed{3, "r2"})
			at := e.requests["r2"].completedAt
			e.endpoints[2].off = []window{{at.Add(time.Minute), at.Add(time.Hour)}}
		}, []string{countOwed, countMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			e := sound()
			tc.change(e)
			if broken := e.count().broken(); !slices.Equal(broken, tc.counts) {
				t.Errorf("the counts are %v, want %v\n%v", broken, tc.counts, e.count())
			}
		})
	}
}
