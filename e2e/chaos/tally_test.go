package chaos

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/client"
	"chatbridge/protocol"
)

// evidence is what the actors saw and what the server knows at the end.
type evidence struct {
	// What the actors saw.
	made        map[string]string        // idempotency key → request id, of each 201
	message     map[string]actors.Digest // by request id
	acked       map[protocol.Ref]actors.Digest
	handedAgain []string // requests that were handed out again after go, or pressed twice
	ends        map[string]actors.Outcome
	fed         map[string]int
	endpoints   []*endpoint
	tornStreams int
	followed    int // redirects
	faults      []string
	otherFaults int

	// What the server knows.
	requests   map[string]stored
	late       map[string][]actors.Digest // answers that came after the end
	deliveries map[owed]delivery
}

// stored is a request as the server knows it.
type stored struct {
	account     int64
	message     actors.Digest
	outcome     actors.Outcome
	wrong       bool // the answer is not the site's
	completedAt time.Time
}

func (r stored) ended() bool {
	return r.outcome.Status == client.EventDone || r.outcome.Status == client.EventFailed
}

// owed names what the end of a request owes to an endpoint.
type owed struct {
	endpoint int64
	request  string
}

// delivery is one as the server lists it.
type delivery struct {
	id        int64
	webhookID string
	status    string
	reason    string
}

// window is a time in which an endpoint may have been off.
type window struct{ from, to time.Time }

// slack is what may lie between the time of an end and that of what switched an
// endpoint off or on, for both to be judged by their clocks.
const slack = time.Second

// owes reports whether an end must have left a delivery for the endpoint.
func (e *endpoint) owes(r stored) bool {
	if r.account != e.account || !r.ended() || e.events != "" && e.events != "request."+r.outcome.Status {
		return false
	}
	for _, w := range e.off {
		if r.completedAt.After(w.from.Add(-slack)) && r.completedAt.Before(w.to.Add(slack)) {
			return false
		}
	}
	return true
}

// counter is one kind of broken promise.
type counter struct {
	name  string
	n     int
	shown []string // some of them
}

// shownOfEach is how many of each kind are named.
const shownOfEach = 5

func (c *counter) add(format string, args ...any) {
	if c.n++; len(c.shown) < shownOfEach {
		c.shown = append(c.shown, fmt.Sprintf(format, args...))
	}
}

// The kinds.
const (
	countLost      = "acknowledged and lost"
	countExtra     = "made twice, or never submitted"
	countOpen      = "not ended"
	countAgain     = "handed out again after go"
	countAcked     = "answers acked and lost"
	countOwed      = "ended without an owed delivery"
	countMissing   = "owed and neither delivered nor listed"
	countSilent    = "listed as not delivered without a reason"
	countStuck     = "not delivered though the endpoint is well"
	countDiffers   = "bodies that differ from the stored answer"
	countUnowed    = "came and was not owed"
	countSignature = "bad signatures"
	countNames     = "webhook-ids that are not one to one"
	countStreams   = "streams whose pieces do not add up"
	countUnfed     = "ends that the account's feed left out"
	countFollowed  = "redirects followed"
	countFaults    = "other faults"
)

var kinds = []string{countLost, countExtra, countOpen, countAgain, countAcked, countOwed, countMissing, countSilent, countStuck, countDiffers,
	countUnowed, countSignature, countNames, countStreams, countUnfed, countFollowed, countFaults}

// tally is how often each promise was broken.
type tally map[string]*counter

// count compares the two sides of the evidence.
func (e *evidence) count() tally {
	t := tally{}
	for _, name := range kinds {
		t[name] = &counter{name: name}
	}
	e.countRequests(t)
	names := map[string]owed{} // webhook-ids
	name := func(id string, of owed) {
		if before, known := names[id]; known && before != of {
			t[countNames].add("%s names %v and %v", id, before, of)
		}
		names[id] = of
	}
	for of, d := range e.deliveries {
		name(d.webhookID, of)
	}
	for _, at := range e.endpoints {
		e.countDeliveries(t, at)
		t[countSignature].n += at.seen.Bad
		for id, got := range at.seen.Came {
			of := owed{at.id, id}
			name(got.WebhookID, of)
			if d, known := e.deliveries[of]; len(got.Others) > 0 || known && d.webhookID != got.WebhookID {
				t[countNames].add("%v came as %s %v, and is listed as %s", of, got.WebhookID, got.Others, d.webhookID)
			} else if !known {
				t[countUnowed].add("%v: %+v", of, *got)
			}
			if got.Differs || got.Outcome != e.requests[id].outcome {
				t[countDiffers].add("%v: %+v, stored: %+v", of, *got, e.requests[id])
			}
		}
	}
	t[countStreams].n, t[countFollowed].n = e.tornStreams, e.followed
	t[countFaults].n, t[countFaults].shown = e.otherFaults, e.faults
	return t
}

func (e *evidence) countRequests(t tally) {
	ours := map[string]bool{}
	for key, id := range e.made {
		ours[id] = true
		if r, known := e.requests[id]; !known || r.message != e.message[id] {
			t[countLost].add("key %s, request %s: known %v", key, id, known)
		}
	}
	for id, r := range e.requests {
		if !ours[id] {
			t[countExtra].add("request %s", id)
		}
		if !r.ended() {
			t[countOpen].add("request %s: %+v", id, r)
			continue
		}
		if seen, known := e.ends[id]; r.wrong || known && seen != r.outcome {
			t[countDiffers].add("request %s: seen %+v, stored %+v", id, seen, r)
		}
		if e.fed[id] == 0 {
			t[countUnfed].add("request %s", id)
		}
	}
	for _, id := range e.handedAgain {
		t[countAgain].add("request %s", id)
	}
	for ref, answer := range e.acked {
		// An answer that came too late is acked, and kept beside the end.
		if !e.kept(ref.RequestID, answer) {
			t[countAcked].add("%v: stored %+v", ref, e.requests[ref.RequestID])
		}
	}
}

func (e *evidence) kept(id string, answer actors.Digest) bool {
	r := e.requests[id]
	if r.outcome.Status == client.EventDone && r.outcome.Response == answer {
		return true
	}
	for _, late := range e.late[id] {
		if late == answer && r.outcome.Status == client.EventFailed {
			return true
		}
	}
	return false
}

// countDeliveries goes through what an endpoint was owed.
func (e *evidence) countDeliveries(t tally, at *endpoint) {
	for id, r := range e.requests {
		of := owed{at.id, id}
		d, listed := e.deliveries[of]
		got := at.seen.Came[id]
		taken := got != nil && got.Taken
		switch {
		case !listed && at.owes(r):
			t[countOwed].add("%v, which ended at %v", of, r.completedAt)
			if !taken {
				t[countMissing].add("%v: no such delivery", of)
			}
		case !listed:
		case d.status == "delivered" && !taken:
			t[countMissing].add("%v: listed as delivered (%s), and never taken: %+v", of, d.webhookID, got)
		case d.status == "delivered":
		case !at.ill:
			t[countStuck].add("%v: %+v", of, d)
		case d.reason == "" && d.status != "pending":
			t[countSilent].add("%v: %+v", of, d)
		}
	}
}

// String is the table.
func (t tally) String() string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', tabwriter.AlignRight)
	for _, name := range kinds {
		fmt.Fprintf(table, "%s\t%d\t\n", name, t[name].n)
	}
	_ = table.Flush() // into memory
	for _, name := range kinds {
		for _, line := range t[name].shown {
			fmt.Fprintf(&out, "%s: %s\n", name, line)
		}
	}
	return out.String()
}

// broken are the promises that were.
func (t tally) broken() (names []string) {
	for _, name := range kinds {
		if t[name].n != 0 {
			names = append(names, name)
		}
	}
	return names
}
