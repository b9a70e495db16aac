package bridge_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatbridge/internal/bridge"
)

// TestStateMachine walks the life of a few requests by every command in every
// order, with the right and the wrong worker, in time and late, and checks after
// each step what may never be otherwise.
func TestStateMachine(t *testing.T) {
	reached := map[string]bool{}
	if err := flag.Set("rapid.checks", "4000"); err != nil { // so that the rarest arcs are walked in any run
		t.Fatal(err)
	}
	rapid.Check(t, walk(reached))
	for _, want := range arcs {
		if !reached[want] {
			t.Errorf("no walk went by %q; the walks are too short or the machine has lost an arc", want)
		}
	}
}

// arcs are those of the state machine, each by the command that goes it.
var arcs = []string{
	"claim: idle → executing ", "claim guide: idle → executing ", "complete: executing → done ", "fail: executing → idle ",
	"fail: executing → failed rate_limited", "fail: executing → failed worker_error", "cancel: idle → failed cancelled", "cancel: executing → failed cancelled",
	"expire: idle → failed expired", "expire: executing → failed timeout", "expire: executing → idle ", "expire: executing → failed worker_lost",
	"hello: executing → idle ", "hello: executing → failed worker_lost", "health: executing → idle ", "stopped: executing → idle ",
	"guide answer: executing → done ", "guide error: executing → failed worker_error",
}

func walk(reached map[string]bool) func(*rapid.T) {
	return func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(10, 80).Draw(t, "steps") {
			name, cmd := draw(t, w)
			before := snapshot(w)
			changes, err := w.do(cmd)
			if err != nil {
				if bridge.AsError(err).Kind == bridge.Internal {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			checkStep(t, name, before, w, changes)
			checkWorld(t, name, w)
			for id, r := range w.requests {
				if was, ok := before[id]; ok && was.Status != r.Status {
					reached[fmt.Sprintf("%s: %s → %s %s", name, was.Status, r.Status, r.ErrorCode)] = true
				}
			}
		}
	}
}

func snapshot(w *world) map[string]bridge.Request {
	out := map[string]bridge.Request{}
	for id, r := range w.requests {
		out[id] = r
	}
	return out
}

// draw picks a command that has something to do with the world as it is.
func draw(t *rapid.T, w *world) (string, bridge.Command) {
	ids := append(w.inOrder(), "00000000-0000-4000-8000-000000000000")
	for _, at := range w.leaseIDs(func(bridge.Lease) bool { return true }) {
		ids = append(ids, at.RequestID, at.RequestID) // more often what is in motion
	}
	id := rapid.SampledFrom(ids).Draw(t, "request")
	attempt := rapid.SampledFrom([]int{w.requests[id].Attempt, w.requests[id].Attempt, w.requests[id].Attempt, 1, 2, 9, 0}).Draw(t, "attempt")
	from := bridge.From{AccountID: 1, WorkerID: rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "worker")}
	for _, at := range w.leaseIDs(func(l bridge.Lease) bool { return l.RequestID == id && !l.Guide }) {
		if rapid.IntRange(0, 3).Draw(t, "speaks of its own") > 0 {
			from.WorkerID, attempt = w.leases[at].WorkerID, at.Attempt
		}
	}
	from.Conn = w.workers[from.WorkerID].Conn
	if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
		from.Conn = "stale"
	}
	guide := bridge.From{AccountID: 1, WorkerID: "~g", Conn: "~g", Guide: true}
	site := rapid.SampledFrom([]string{"", "s1", "s2"}).Draw(t, "site chat")
	code := rapid.SampledFrom([]bridge.FailCode{bridge.RateLimited, bridge.LoggedOut, bridge.Challenge, bridge.PageChanged, bridge.TooLong, "nonsense"}).Draw(t, "code")
	here := bridge.Here{Node: "n", Partial: func(string) string { return "so far" }, Room: func() bool { return true }}
	switch rapid.SampledFrom([]string{"submit", "submit", "claim", "claim", "claim", "claim guide", "may send", "may send", "complete", "fail", "cancel", "expire", "expire", "hello",
		"hello", "health", "stopped", "guide answer", "guide error", "renew", "wait", "start", "disconnect", "name chat"}).Draw(t, "command") {
	case "submit":
		ref := bridge.ChatRef("")
		if len(w.chats) > 0 && rapid.Bool().Draw(t, "same chat") {
			ref = "1"
		}
		return "submit", &submitInto{bridge.Submit{AccountID: 1, Message: "m", ChatRef: ref, TimeoutSeconds: rapid.SampledFrom([]int{30, 3600}).Draw(t, "timeout")}, w}
	case "claim":
		return "claim", &bridge.Claim{AccountID: 1, Limit: 3, Offers: []bridge.Offer{{WorkerID: "a", Conn: w.workers["a"].Conn}, {WorkerID: "b", Conn: w.workers["b"].Conn}}}
	case "claim guide":
		if _, ok := w.workers["~g"]; !ok {
			return "guide hello", &bridge.Hello{Worker: bridge.Worker{AccountID: 1, ID: "~g", Conn: "~g", Guide: true, Capacity: 1}}
		}
		return "claim guide", &bridge.Claim{AccountID: 1, Limit: 1, Offers: []bridge.Offer{{WorkerID: "~g", Conn: "~g"}}}
	case "may send":
		return "may send", &bridge.MaySend{From: from, RequestID: id, Attempt: attempt}
	case "complete":
		return "complete", &bridge.Complete{From: from, RequestID: id, Attempt: attempt, Answer: bridge.Answer{Response: "answer", ChatID: site}, Here: here}
	case "fail":
		return "fail", &bridge.Fail{From: from, RequestID: id, Attempt: attempt, Trouble: bridge.Trouble{Code: code}, Here: here}
	case "cancel":
		return "cancel", &bridge.Cancel{AccountID: 1, RequestID: id, Here: here}
	case "expire":
		w.now = w.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 61 * time.Second, 11 * time.Minute, 25 * time.Hour}).Draw(t, "passes"))
		return "expire", &bridge.Expire{AccountID: 1, RequestID: id, Here: here}
	case "hello":
		return "hello", drawHello(t, w, from.WorkerID, here)
	case "health":
		return "health", &bridge.ReportHealth{From: from, Health: bridge.Health{LoggedIn: rapid.Bool().Draw(t, "logged in"), PageOK: true}}
	case "stopped":
		return "stopped", &bridge.Stopped{From: from, RequestID: id, Attempt: attempt, Here: here}
	case "guide answer":
		return "guide answer", &bridge.Complete{From: guide, RequestID: id, Answer: bridge.Answer{Response: "answer", ChatID: site}, Here: here}
	case "guide error":
		return "guide error", &bridge.Fail{From: guide, RequestID: id, Trouble: bridge.Trouble{Message: "no"}, Here: here}
	case "renew":
		return "renew", &bridge.Renew{From: rapid.SampledFrom([]bridge.From{from, guide}).Draw(t, "renews")}
	case "start":
		return "start", &bridge.Start{Node: "n"}
	case "disconnect":
		return "disconnect", &bridge.Disconnect{From: from}
	case "name chat":
		return "name chat", &bridge.NameChat{From: from, RequestID: id, Attempt: attempt, SiteID: "s1"}
	}
	w.now = w.now.Add(20 * time.Second)
	return "wait", &bridge.Renew{From: from}
}

func drawHello(t *rapid.T, w *world, id string, here bridge.Here) *bridge.Hello {
	was := w.workers[id]
	h := &bridge.Hello{Worker: bridge.Worker{AccountID: 1, ID: id, N: was.N + int64(rapid.IntRange(-1, 2).Draw(t, "n")), Capacity: 2,
		Conn: fmt.Sprintf("%s%d", id, len(w.events)+rapid.IntRange(0, 1000).Draw(t, "conn"))}, Here: here}
	for _, at := range w.leaseIDs(func(l bridge.Lease) bool { return true }) {
		if rapid.IntRange(0, 2).Draw(t, "names") > 0 {
			h.Holding = append(h.Holding, bridge.Holding{RequestID: at.RequestID, Attempt: at.Attempt, Phase: rapid.SampledFrom([]string{bridge.PhaseTyping, bridge.PhaseSubmitted, bridge.PhaseEnded}).Draw(t, "phase")})
		}
	}
	return h
}

// submitInto loads the chat that the small world has no load for.
type submitInto struct {
	bridge.Submit
	w *world
}

func (s *submitInto) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	if s.ChatRef != "" {
		c := s.w.chats[1]
		f.Chat = &c
	}
	return s.Submit.Decide(f)
}

// checkStep compares the world before and after one command.
func checkStep(t *rapid.T, name string, before map[string]bridge.Request, w *world, c *bridge.Changes) {
	for id, was := range before {
		now := w.requests[id]
		allowed := map[bridge.Status][]bridge.Status{bridge.Idle: {bridge.Idle, bridge.Executing, bridge.Failed}, bridge.Executing: {bridge.Executing, bridge.Idle, bridge.Done, bridge.Failed},
			bridge.Done: {bridge.Done}, bridge.Failed: {bridge.Failed}}
		switch {
		case !slices.Contains(allowed[was.Status], now.Status):
			t.Fatalf("%s: %s → %s", name, was.Status, now.Status)
		case was.Status.Ended() && (now.Rev != was.Rev || now.CompletedAt != was.CompletedAt || now.ErrorCode != was.ErrorCode):
			t.Fatalf("%s changed a request that has ended: %+v → %+v", name, was, now)
		case !was.MaySendAt.IsZero() && (now.Status == bridge.Idle || now.Attempt != was.Attempt || now.MaySendAt != was.MaySendAt):
			t.Fatalf("%s took go back or handed out again: %+v → %+v", name, was, now)
		case now.Attempt < was.Attempt || now.Attempt > was.Attempt+1:
			t.Fatalf("%s: attempt %d → %d", name, was.Attempt, now.Attempt)
		case now.Status != was.Status && now.Rev <= was.Rev:
			t.Fatalf("%s: a new status with an old rev", name)
		}
	}
	for _, s := range c.Signals {
		r := w.requests[s.RequestID]
		l, live := w.leases[bridge.AttemptID{RequestID: s.RequestID, Attempt: s.Attempt}]
		switch s.Kind {
		case bridge.SignalGo:
			if r.MaySendAt.IsZero() || !live || l.GoAt.IsZero() || l.Cancelled {
				t.Fatalf("%s says go without its being stored", name)
			}
		case bridge.SignalHandOver:
			if !live || r.Status != bridge.Executing || l.Guide && l.GoAt.IsZero() {
				t.Fatalf("%s hands over without a lease", name)
			}
		}
	}
}

// checkWorld checks what holds between any two commands.
func checkWorld(t *rapid.T, name string, w *world) {
	live, chats := map[string]int{}, map[int64]int{}
	for _, l := range w.leases {
		if !l.Cancelled {
			live[l.RequestID]++
			if l.ChatID == 0 {
				t.Fatalf("%s: a live lease holds no chat", name)
			}
		}
		if l.ChatID != 0 {
			chats[l.ChatID]++
		}
	}
	for chat, n := range chats {
		if n > 1 {
			t.Fatalf("%s: chat %d is held by %d leases", name, chat, n)
		}
	}
	for id, r := range w.requests {
		if want := map[bool]int{true: 1}[r.Status == bridge.Executing]; live[id] != want {
			t.Fatalf("%s: a request that is %s has %d live leases", name, r.Status, live[id])
		}
		ends := 0
		for _, e := range w.events {
			if e.Request.ID == id && e.Type == bridge.EventEnd {
				ends++
			}
		}
		owed := map[bridge.Status]int{bridge.Done: 1, bridge.Failed: 2}[r.Status]
		switch {
		case r.Status.Ended() != (ends == 1) || w.owed[id] != owed:
			t.Fatalf("%s: a request that is %s has %d ends and is owed %d deliveries, not %d", name, r.Status, ends, w.owed[id], owed)
		case r.Status == bridge.Failed && (r.ErrorCode == "" || r.ErrorMessage == ""):
			t.Fatalf("%s: failed without a reason", name)
		case r.Status == bridge.Done && (w.bodies[id].Response == "" || r.MaySendAt.IsZero()):
			t.Fatalf("%s: done without an answer or without go", name)
		case r.Status == bridge.Idle && (!r.StartedAt.IsZero() || !r.MaySendAt.IsZero() || r.Lost >= bridge.MaxHandOvers || r.PutBacks >= bridge.MaxPutBacks):
			t.Fatalf("%s: idle, but %+v", name, r)
		}
	}
}
