package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testAccount = 7

// world is a store in memory, with the commits that the domain makes; they are
// told to the hubs that are named, as to the node that made them.
type world struct {
	mu       sync.Mutex
	requests map[string]*bridge.Request
	events   map[int64][]*bridge.Event
	first    int64 // the first event kept
	loads    int
	broken   error
}

func newWorld() *world {
	return &world{requests: map[string]*bridge.Request{}, events: map[int64][]*bridge.Event{}, first: 1}
}

var errStore = errors.New("no disk")

func (w *world) Request(_ context.Context, id string) (*bridge.Request, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads++
	if w.broken != nil {
		return nil, w.broken
	}
	return full(w.requests[id]), nil
}

func full(r *bridge.Request) *bridge.Request {
	if r == nil {
		return nil
	}
	return withBody(r)
}

func (w *world) Unfinished(_ context.Context, account int64) (out []*bridge.Request, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if r.AccountID == account && !r.Status.Ended() {
			out = append(out, strip(r))
		}
	}
	slices.SortFunc(out, func(a, b *bridge.Request) int { return int(a.Seq - b.Seq) })
	return out, w.broken
}

func (w *world) EventRange(_ context.Context, account int64) (first, last int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last = int64(len(w.events[account])); last > 0 {
		first = w.first
	}
	return first, last, w.broken
}

func (w *world) Events(_ context.Context, account, after int64, limit int) (out []*bridge.Event, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range w.events[account] {
		if ev.Seq > after && ev.Seq >= w.first && len(out) < limit {
			copied := *ev
			copied.Request = full(w.requests[ev.Request.ID])
			out = append(out, &copied)
		}
	}
	return out, w.broken
}

// commit stores a step of a request and tells it to the nodes.
func (w *world) commit(r *bridge.Request, kind bridge.EventType, reason bridge.FailCode, bare bool, nodes ...*Hub) {
	w.mu.Lock()
	r.Rev++
	w.requests[r.ID] = full(r)
	c := &bridge.Changes{Requests: []*bridge.Request{full(r)}}
	if bare {
		c.Requests[0].Body = nil
	}
	seq := int64(len(w.events[r.AccountID]) + 1)
	ev := &bridge.Event{AccountID: r.AccountID, Seq: seq, Request: c.Requests[0], Type: kind, Attempt: r.Attempt, Reason: reason}
	w.events[r.AccountID] = append(w.events[r.AccountID], ev)
	c.Events = append(c.Events, ev)
	w.mu.Unlock()
	for _, n := range nodes {
		n.Committed(c)
	}
}

// job is a request under test; its methods are the steps of its life.
type job struct {
	w     *world
	r     *bridge.Request
	nodes []*Hub
	bare  bool // its commits come without bodies
}

func (w *world) submit(id string, nodes ...*Hub) *job {
	j := &job{w: w, nodes: nodes, r: &bridge.Request{
		Seq: int64(len(w.requests) + 1), ID: id, AccountID: testAccount, Chat: &bridge.Chat{ID: 1, AccountID: testAccount},
		ResponseType: "auto", ThinkingTime: "standard", Status: bridge.Idle, QueuedAt: time.Now(), Body: &bridge.Body{Message: "question"},
	}}
	j.step(bridge.EventMade, "")
	return j
}

func (j *job) step(kind bridge.EventType, reason bridge.FailCode) {
	j.w.commit(j.r, kind, reason, j.bare, j.nodes...)
}

// claim hands the request over; the attempt runs at the job's first node.
func (j *job) claim() {
	j.r.Attempt++
	j.r.Status, j.r.StartedAt = bridge.Executing, time.Now()
	j.step(bridge.EventExecuting, "")
	if len(j.nodes) > 0 {
		j.nodes[0].Begin(j.r.ID, j.r.Attempt)
	}
}

func (j *job) mayBeSent() {
	j.r.MaySendAt = time.Now()
	j.step(bridge.EventGo, "")
}

func (j *job) putBack(reason bridge.FailCode) {
	j.r.Status, j.r.StartedAt = bridge.Idle, time.Time{}
	j.step(bridge.EventPutBack, reason)
}

func (j *job) done(answer string) {
	j.r.Status, j.r.CompletedAt, j.r.Body.Response = bridge.Done, time.Now(), answer
	j.step(bridge.EventEnd, "")
}

func (j *job) fail(code bridge.FailCode) {
	j.r.Status, j.r.CompletedAt, j.r.ErrorCode, j.r.ErrorMessage = bridge.Failed, time.Now(), code, "Sorry."
	j.step(bridge.EventEnd, "")
}

func (j *job) delta(offset int, text string) bool {
	return j.nodes[0].Delta(j.r.ID, j.r.Attempt, offset, text)
}

func newHub(w *world) *Hub {
	return New(Options{
		Store:       w,
		Waiting:     func(*bridge.Request) *wire.Waiting { return &wire.Waiting{Reason: wire.WaitNoWorker} },
		RequestJSON: func(r *bridge.Request) []byte { return fmt.Appendf(nil, `{"id":%q,"status":%q}`, r.ID, r.Status) },
	})
}

// message is what a client makes of an event.
type message struct {
	Type      string          `json:"type"`
	RequestID string          `json:"request_id"`
	Status    string          `json:"status"`
	Phase     string          `json:"phase"`
	Attempt   int             `json:"attempt"`
	Offset    int             `json:"offset"`
	Text      string          `json:"text"`
	Response  *string         `json:"response"`
	Waiting   json.RawMessage `json:"waiting"`
	Reason    *string         `json:"reason"`
}

// drained reads what there is.
func drained(t testing.TB, s Stream) (events []Event, err error) {
	t.Helper()
	for {
		ev, ok, err := s.Poll(t.Context())
		if err != nil {
			return events, err
		}
		if !ok {
			return events, nil
		}
		events = append(events, ev)
	}
}

// expect reads what there is, and compares "id data" of each event; where want
// has no id, any will do.
func expect(t testing.TB, s Stream, want ...string) {
	t.Helper()
	events, err := drained(t, s)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for i := range max(len(events), len(want)) {
		got, wanted := "nothing", "nothing"
		if i < len(want) {
			wanted = want[i]
		}
		if i < len(events) {
			got = string(events[i].Data)
			if wanted[0] != '{' && wanted != "nothing" {
				got = events[i].ID + " " + got
			}
		}
		if got != wanted {
			t.Errorf("event %d:\n got %s\nwant %s", i, got, wanted)
		}
	}
}

func open(t testing.TB, h *Hub, id, last string) *Reader {
	t.Helper()
	r, err := h.Open(t.Context(), id, Open{LastEventID: last})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// empty fails the test if a hub keeps anything.
func empty(t testing.TB, hubs ...*Hub) {
	t.Helper()
	for i, h := range hubs {
		h.mu.Lock()
		if len(h.entries)+len(h.accounts)+len(h.unknown.byID)+h.Streams() > 0 {
			t.Errorf("hub %d keeps %d entries, %d accounts, %d unknown ids, %d streams", i, len(h.entries), len(h.accounts), len(h.unknown.byID), h.Streams())
		}
		h.mu.Unlock()
	}
}

// measure returns by how many bytes f makes the heap grow.
func measure(f func()) int {
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	f()
	return heap() - before
}
