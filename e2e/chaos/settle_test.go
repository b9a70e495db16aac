package chaos

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/client"
)

const (
	// clientsWithin is how long clients may still wait for an end once the load
	// stops: the timeout of what is lost.
	clientsWithin = 60 * time.Second
	// settleWithin is how long nothing may be delivered while something that can
	// be is still owed: longer than a circuit is held at first, and a try may take.
	settleWithin = 90 * time.Second
	// perPage is as many as the API lists in one call.
	perPage = 500
)

// settle waits for the clients, heals what is to heal, has all that was not
// delivered sent again, and waits until it is.
func (w *town) settle() {
	done := make(chan struct{})
	w.Go(func() { // the cleanup waits for it
		w.Clients.Wait()
		close(done)
	})
	select {
	case <-done:
	case <-time.After(clientsWithin):
		w.t.Errorf("after %v, clients still wait for an end", clientsWithin)
	}
	w.heal()
	w.replay()
	w.server.Kill() // in the middle of it
	w.server.Restart()
	w.restarts++
	w.waitForReplays()
	last, since := -1, time.Now()
	for {
		left := w.left()
		if left == 0 {
			break
		}
		if left != last {
			last, since = left, time.Now()
		} else if time.Since(since) > settleWithin {
			w.t.Logf("%d deliveries to endpoints that are well are still owed", left)
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	w.waitForFeeds()
}

// heal makes all endpoints well that are to be, and switches on what a 410
// switched off.
func (w *town) heal() {
	for _, e := range w.endpoints {
		if e.ill {
			continue
		}
		e.sink.Turn(actors.Well)
		if e.rate > 0 {
			w.patch(e, harness.Fields{"rate_limit": 0})
		}
		if from := e.sink.First(actors.Gone); !from.IsZero() {
			w.patch(e, harness.Fields{"enabled": true})
			e.off = append(e.off, window{from, time.Now()})
		}
	}
}

// replay sends again whatever is dead or failing.
func (w *town) replay() {
	var begun struct {
		ID       *int64 `json:"replay_id"`
		Matching int64
	}
	w.admin("POST", "/api/admin/deliveries/replay/", harness.Fields{"filter": harness.Fields{"status": []string{"dead", "failing"}}}, &begun)
	w.t.Logf("%s: a replay sends %d deliveries again", w.engine.name, begun.Matching)
}

// waitForReplays waits until no replay runs.
func (w *town) waitForReplays() {
	for {
		var running []struct{ Matching, Replayed, Skipped int64 }
		if !w.admin("GET", "/api/admin/replays/?running=true", nil, &running) || len(running) == 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// left is how many deliveries endpoints that are well are owed and did not get.
func (w *town) left() (n int) {
	for _, e := range w.endpoints {
		if e.ill {
			continue
		}
		var now struct {
			Counts struct{ Pending, Failing, Dead int }
		}
		w.admin("GET", fmt.Sprintf("/api/admin/accounts/%d/endpoints/%d/", e.account, e.id), nil, &now)
		n += now.Counts.Pending + now.Counts.Failing + now.Counts.Dead
	}
	return n
}

// waitForFeeds waits until the accounts' feeds have told every end.
func (w *town) waitForFeeds() {
	for deadline := time.Now().Add(harness.Patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		w.Book.Mu.Lock()
		unfed := 0
		for id := range w.Book.Ends {
			if w.Book.Fed[id] == 0 {
				unfed++
			}
		}
		w.Book.Mu.Unlock()
		if unfed == 0 {
			return
		}
	}
}

// gather asks the server for everything, and stops it: nothing comes any more.
func (w *town) gather() *evidence {
	b := w.Book
	e := &evidence{handedAgain: append(b.HandedAgain(), w.Site.Twice()...), endpoints: w.endpoints, tornStreams: b.Times(actors.TornStreams),
		followed: w.Sink.Followed(), requests: map[string]stored{}, late: map[string][]actors.Digest{}, deliveries: map[owed]delivery{}}
	b.Mu.Lock()
	e.made, e.message, e.acked, e.ends, e.fed = b.Made, b.Message, b.Acked, b.Ends, b.Fed
	b.Mu.Unlock()
	for _, a := range w.Accounts {
		err := w.List(a, func(r client.Request) {
			one := stored{account: a.ID, message: actors.DigestOf(r.Message), outcome: actors.OutcomeOf(r)}
			if r.CompletedAt != nil {
				one.completedAt = *r.CompletedAt
			}
			one.wrong = r.Status == client.EventDone && one.outcome.Response != actors.DigestOf(actors.AnswerTo(r.Message))
			e.requests[r.ID] = one
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for ref, answer := range e.acked {
		if !e.kept(ref.RequestID, answer) {
			e.late[ref.RequestID] = w.late(ref.RequestID)
		}
	}
	for _, at := range w.endpoints {
		w.deliveries(at, e.deliveries)
	}
	for _, at := range w.endpoints {
		if at.ill {
			at.sink.Turn(actors.Broken) // a stop waits for a try that hangs
		}
	}
	w.server.Stop()
	for _, at := range w.endpoints {
		at.seen = at.sink.Seen()
	}
	e.otherFaults, e.faults = b.Faults()
	e.faults = e.faults[:min(len(e.faults), 4*shownOfEach)]
	return e
}

// late are the answers that came for a request after its end.
func (w *town) late(id string) (texts []actors.Digest) {
	for _, event := range w.server.Events(id) {
		var kept client.Event
		if event.Type == "late" && json.Unmarshal(event.Data, &kept) == nil && kept.Response != nil {
			texts = append(texts, actors.DigestOf(*kept.Response))
		}
	}
	return texts
}

// deliveries lists all that an endpoint was owed.
func (w *town) deliveries(at *endpoint, into map[owed]delivery) {
	for path := fmt.Sprintf("/api/admin/deliveries/?endpoint=%d&limit=%d", at.id, perPage); path != ""; {
		var page []struct {
			ID        int64
			WebhookID string `json:"webhook_id"`
			RequestID string `json:"request_id"`
			Status    string
			Error     *string
		}
		r := w.server.Admin().Call("GET", path, nil).Want(200)
		r.JSON(&page)
		for _, d := range page {
			one := delivery{id: d.ID, webhookID: d.WebhookID, status: d.Status}
			if d.Error != nil {
				one.reason = *d.Error
			}
			into[owed{at.id, d.RequestID}] = one
		}
		next, err := actors.NextPage(w.Bases[0], r.Header.Get("Link"))
		if err != nil {
			w.t.Fatal(err)
		}
		path = ""
		if next != "" {
			u, err := url.Parse(next)
			if err != nil {
				w.t.Fatal(err)
			}
			path = u.RequestURI()
		}
	}
}
