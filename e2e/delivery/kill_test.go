package delivery

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/store/postgres/pgtest"
)

// gate is a webhook receiver that lets nobody wait for a clock: each message
// stands before it, unanswered, until the test says what it is answered.
type gate struct {
	t      *testing.T
	url    string
	secret string

	mu      sync.Mutex
	came    map[string][]string // request id → the webhook-ids of its messages
	status  int                 // what is answered; 0: they wait
	changed chan struct{}       // closed when status changes
	arrived chan struct{}       // one for each message
}

const gateHolds = 100_000 // more messages than any test has

func newGate(t *testing.T) *gate {
	g := &gate{t: t, came: map[string][]string{}, changed: make(chan struct{}), arrived: make(chan struct{}, gateHolds)}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		g.answer(http.StatusNoContent)
		server.Close()
	})
	g.url = server.URL
	return g
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server died over it
	}
	check, err := standardwebhooks.NewWebhook(g.secret)
	if err == nil {
		err = check.Verify(body, r.Header)
	}
	var end struct {
		RequestID string `json:"request_id"`
	}
	if err != nil || json.Unmarshal(body, &end) != nil {
		g.t.Errorf("a message that does not verify: %v: %s", err, body)
	}
	g.mu.Lock()
	g.came[end.RequestID] = append(g.came[end.RequestID], r.Header.Get("webhook-id"))
	g.mu.Unlock()
	g.arrived <- struct{}{}
	for {
		g.mu.Lock()
		status, changed := g.status, g.changed
		g.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// answer says what all messages are answered from now on; 0 lets them wait.
func (g *gate) answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
	close(g.changed)
	g.changed = make(chan struct{})
}

// await waits for the next message.
func (g *gate) await() {
	g.t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(harness.Patience):
		g.t.Fatal("no message came")
	}
}

// ids are the webhook-ids that have come for a request.
func (g *gate) ids(request string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.came[request]...)
}

// scene is a server with one account whose webhooks go to a gate.
type scene struct {
	t       *testing.T
	s       *harness.Server
	gate    *gate
	account harness.Account
	n       int64 // of the worker's last hello
}

func newScene(t *testing.T, env ...string) *scene {
	t.Parallel()
	c := &scene{t: t, gate: newGate(t)}
	c.s = harness.StartEnv(t, env)
	c.account = c.s.NewAccount(c.gate.url)
	c.gate.secret = c.account.Secret
	return c
}

// owed has so many requests answered; each ack says that its delivery is stored.
func (c *scene) owed(n int) (requests []string) {
	c.t.Helper()
	c.n++
	worker := c.s.Join(harness.Hello(c.account.Key, "worker", c.n))
	client := c.s.Client(c.account.Key)
	for i := range n {
		requests = append(requests, client.Submit(fmt.Sprintf("Question %d", i)).ID)
	}
	for range n {
		r := worker.Take()
		worker.Answer(r.Ref, "Answer to "+r.Message)
	}
	worker.Close()
	return requests
}

// listed is a delivery as the server lists it.
type listed struct {
	WebhookID string `json:"webhook_id"`
	RequestID string `json:"request_id"`
	Status    string
}

// perPage is as many deliveries as the API lists in one call.
const perPage = 500

// listed is what the server says of everything that it owes or owed, by request.
func (c *scene) listed() map[string]listed {
	c.t.Helper()
	all := map[string]listed{}
	for path := fmt.Sprintf("/api/admin/deliveries/?limit=%d", perPage); path != ""; {
		var page []listed
		r := c.s.Admin().Call("GET", path, nil).Want(http.StatusOK)
		r.JSON(&page)
		for _, d := range page {
			all[d.RequestID] = d
		}
		path = ""
		if next, err := actors.NextPage(c.s.URL("/"), r.Header.Get("Link")); err != nil {
			c.t.Fatal(err)
		} else if next != "" {
			path = strings.TrimPrefix(next, strings.TrimSuffix(c.s.URL("/"), "/"))
		}
	}
	return all
}

// all waits until so many deliveries are listed, all with this status, and returns
// them.
func (c *scene) all(n int, status string) (now map[string]listed) {
	c.t.Helper()
	harness.Eventually(c.t, fmt.Sprintf("%d deliveries are %s", n, status), func() bool {
		now = c.listed()
		for _, d := range now {
			if d.Status != status {
				return false
			}
		}
		return len(now) == n
	})
	return now
}

// delivered waits until the server knows all to be delivered, and checks that each
// has come under the one webhook-id that it had before.
func (c *scene) delivered(before map[string]listed) {
	c.t.Helper()
	for request, after := range c.all(len(before), "delivered") {
		came := c.gate.ids(request)
		if len(came) == 0 {
			c.t.Errorf("request %s: nothing came", request)
		}
		for _, id := range append(came, after.WebhookID) {
			if id != before[request].WebhookID {
				c.t.Errorf("request %s: %s came, of the delivery %s", request, id, before[request].WebhookID)
			}
		}
	}
}

// A kill between the commit of an end and its first try, and between a try and
// its answer: a gate that answers nothing leaves most of what is owed untried.
func TestKillBeforeTheTry(t *testing.T) {
	c := newScene(t)
	requests := c.owed(40)
	c.gate.await()
	before := c.all(len(requests), "pending")
	c.s.Kill()
	untried, unanswered := 0, 0
	for _, request := range requests {
		switch len(c.gate.ids(request)) {
		case 0:
			untried++
		default:
			unanswered++
		}
	}
	if untried == 0 || unanswered == 0 {
		t.Fatalf("%d were not tried and %d not answered before the kill: that tests nothing", untried, unanswered)
	}
	c.gate.answer(http.StatusNoContent)
	c.s.Restart()
	c.delivered(before)
	t.Logf("%d were stored and not tried, %d tried and not answered", untried, unanswered)
}

// A kill between the answer to a try and its record: the disk takes no record, or
// PostgreSQL is not there to take it.
func TestKillBeforeTheRecord(t *testing.T) {
	var env []string
	lose := func(s *harness.Server) error { return harness.LimitFiles(s.PID(), 0) }
	find := func() error { return nil } // the limit ends with the process
	if harness.OnPostgres(t) {
		database := pgtest.New(t, pgtest.Options{}) // others go on with theirs
		name, err := database.NewDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		env = []string{"CHATBRIDGE_STORE=" + database.URL(name)}
		lose, find = func(*harness.Server) error { return database.Stop() }, database.Start
	}
	c := newScene(t, env...)
	requests := c.owed(3)
	for range requests {
		c.gate.await()
	}
	before := c.all(len(requests), "pending")
	if err := lose(c.s); err != nil {
		t.Skip(err)
	}
	c.gate.answer(http.StatusNoContent)
	harness.Eventually(t, "the server says that it cannot store the outcome", func() bool { return strings.Contains(c.s.Stderr.String(), "not stored") })
	c.s.Kill()
	if err := find(); err != nil {
		t.Fatal(err)
	}
	c.s.Restart()
	c.delivered(before)
	for _, request := range requests {
		if n := len(c.gate.ids(request)); n != 2 {
			t.Errorf("request %s: it came %d times, want 2: once before the kill, once after", request, n)
		}
	}
}

// A kill in the middle of a replay of many: it goes on where it was, and nothing
// that it was to send again is left out.
func TestKillAmidReplay(t *testing.T) {
	c := newScene(t)
	requests := c.owed(500)
	c.gate.await()
	c.gate.answer(http.StatusGone) // the endpoint is switched off, and all it is owed is dead
	before := c.all(len(requests), "dead")
	c.gate.answer(0)
	admin, endpoints := c.s.Admin(), fmt.Sprintf("/api/admin/accounts/%d/endpoints/", c.account.ID)
	var endpoint []struct{ ID int64 }
	admin.Call("GET", endpoints, nil).Want(http.StatusOK).JSON(&endpoint)
	admin.Call("PATCH", fmt.Sprintf("%s%d/", endpoints, endpoint[0].ID), harness.Fields{"enabled": true}).Want(http.StatusOK)
	for len(c.gate.arrived) > 0 {
		<-c.gate.arrived
	}

	var begun struct {
		ReplayID int64 `json:"replay_id"`
		Matching int
	}
	admin.Call("POST", "/api/admin/deliveries/replay/", harness.Fields{"filter": harness.Fields{"status": []string{"dead"}}}).Want(http.StatusOK).JSON(&begun)
	if begun.Matching != len(requests) {
		t.Fatalf("the replay is of %d deliveries, want %d", begun.Matching, len(requests))
	}
	c.gate.await()
	c.s.Kill()
	c.gate.answer(http.StatusNoContent)
	c.s.Restart()
	var replay struct {
		Status                      string
		Matching, Replayed, Skipped int
	}
	path := fmt.Sprintf("/api/admin/replays/%d/", begun.ReplayID)
	admin.Call("GET", path, nil).Want(http.StatusOK).JSON(&replay)
	t.Logf("after the kill: %+v", replay)
	harness.Eventually(t, "the replay is done", func() bool {
		admin.Call("GET", path, nil).Want(http.StatusOK).JSON(&replay)
		return replay.Status == "done"
	})
	if replay.Replayed != len(requests) || replay.Skipped != 0 {
		t.Errorf("the replay: %+v", replay)
	}
	c.delivered(before)
}
