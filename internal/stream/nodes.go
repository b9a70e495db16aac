package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
)

// What nodes tell each other. All of it may be lost: the look finds it.
const (
	subjectCommits  = "stream.commits"  // []hint
	subjectReceived = "stream.received" // receipt
	subjectText     = "stream.text."    // and the request's id: liveNews, of its holder
	subjectWant     = "stream.want."    // and the request's id: the id of the text that who asks has
)

// partBytes is the most text in one message: with its head it must fit the bus.
const partBytes = bus.MaxMessage / 2

// hint says that a request has a newer state in the store.
type hint struct {
	ID      string `json:"id"`
	Account int64  `json:"account"`
	Rev     int64  `json:"rev"`
	Reason  string `json:"reason,omitempty"` // of a putting back
}

// tellNodes hints at what was committed here.
func (h *Hub) tellNodes(c *bridge.Changes) {
	if h.o.Bus == nil || len(c.Requests) == 0 || !h.o.Bus.Peers() {
		return
	}
	hints := make([]hint, len(c.Requests))
	for i, r := range c.Requests {
		hints[i] = hint{r.ID, r.AccountID, r.Rev, putBackReason(c, r.ID)}
	}
	data, err := json.Marshal(hints)
	if err != nil {
		return // strings and numbers: cannot be
	}
	h.o.Bus.Publish(subjectCommits, data)
}

// hint hears of another node's commit.
func (h *Hub) hint(data []byte) {
	var hints []hint
	if json.Unmarshal(data, &hints) != nil {
		return
	}
	for _, n := range hints {
		if e := h.find(n.ID); e != nil {
			e.mu.Lock()
			if e.req == nil || e.req.Rev < n.Rev {
				e.doubt(&n)
			}
			e.mu.Unlock()
		}
		h.mu.Lock()
		delete(h.recent.states, n.ID)
		if a := h.accounts[n.Account]; a != nil {
			a.tell()
		}
		h.mu.Unlock()
	}
}

// doubt notes that the store has newer, and what, where that is known: a reader
// loads it, or Run where there is none. The caller holds the entry's lock.
func (e *entry) doubt(n *hint) {
	e.hinted = n
	if e.stale {
		return
	}
	e.stale = true
	if e.readers == nil {
		e.reloadLater()
	}
	e.changed()
}

// look finds what no hint told: newer states, by the accounts' counters of
// events; and the text of attempts that run elsewhere.
func (h *Hub) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	h.mu.Lock()
	accounts := slices.Collect(maps.Values(h.accounts))
	entries := slices.Collect(maps.Values(h.entries))
	h.mu.Unlock()
	for _, a := range accounts {
		if err := h.lookAt(ctx, a); err != nil {
			h.grieve(ctx, fmt.Errorf("look for missed changes of account %d: %w", a.id, err))
			break
		}
	}
	for _, e := range entries {
		e.mu.Lock()
		if e.readers == nil && e.needsLoad() {
			e.reloadLater() // begun, and never heard of again
		}
		e.asked = false
		e.ask()
		e.mu.Unlock()
	}
}

// lookAt finds the requests of an account that moved unheard.
func (h *Hub) lookAt(ctx context.Context, a *account) error {
	_, last, err := h.o.Store.EventRange(ctx, a.id)
	if err != nil {
		return err
	}
	h.mu.Lock()
	same := a.looked >= last
	entries := slices.Collect(maps.Keys(a.entries))
	h.mu.Unlock()
	if same {
		return nil
	}
	states := map[string]*bridge.Request{}
	if len(entries) > 0 {
		unfinished, err := h.o.Store.Unfinished(ctx, a.id)
		if err != nil {
			return err
		}
		for _, r := range unfinished {
			states[r.ID] = r
		}
	}
	for _, e := range entries {
		now := states[e.id]
		e.mu.Lock()
		if e.req != nil && !e.req.Status.Ended() && (now == nil || now.Rev > e.req.Rev) {
			e.doubt(nil)
		}
		e.mu.Unlock()
	}
	h.mu.Lock()
	a.looked = max(a.looked, last)
	a.tell()
	h.mu.Unlock()
	return nil
}

// liveNews is what the holder of an attempt tells of it: the head of a message,
// a line of JSON; where there is a base, the rest of the message is text.
type liveNews struct {
	Attempt int    `json:"attempt"`
	Phase   string `json:"phase"`
	Away    bool   `json:"away"`
	Base    string `json:"base,omitempty"` // the id of what the text goes on from
	More    bool   `json:"more,omitempty"` // the text goes on in the next message
}

func (n liveNews) encode(text []byte) []byte {
	head, _ := json.Marshal(n) // strings, a number, booleans
	return append(append(head, '\n'), text...)
}

func (e *entry) peers() bool { return e.hub.o.Bus != nil && e.hub.o.Bus.Peers() }

// listen keeps up what this node listens to for the entry: as a holder to
// questions, as a reader to answers, and as either to another holder. The
// caller holds the lock.
func (e *entry) listen() {
	live := e.here != 0 || e.watchers > 0 && e.req != nil && e.req.Status == bridge.Executing
	switch {
	case e.hub.o.Bus == nil || live == (e.unlisten != nil):
	case !live:
		e.unlisten()
		e.unlisten = nil
	default:
		untext := e.hub.o.Bus.Subscribe(subjectText+e.id, e.hear)
		unwant := e.hub.o.Bus.Subscribe(subjectWant+e.id, e.answer)
		e.unlisten = func() { untext(); unwant() }
		e.ask()
	}
}

// ask asks the holder for the text, once until it comes or the next look.
func (e *entry) ask() {
	if e.here != 0 || e.asked || e.unlisten == nil || !e.peers() {
		return
	}
	e.asked = true
	id := ""
	if e.text != nil && e.known {
		id = e.text.ID()
	}
	e.hub.o.Bus.Publish(subjectWant+e.id, []byte(id))
}

// announce tells the other nodes that the attempt runs here, and its phase.
func (e *entry) announce() {
	if e.here != 0 && e.peers() {
		e.hub.o.Bus.Publish(subjectText+e.id, liveNews{Attempt: e.here, Phase: e.phase.String(), Away: e.away}.encode(nil))
	}
}

// publish tells the other nodes the text from a place on: a delta names the
// text that it goes on from, and is right wherever that is the beginning.
func (e *entry) publish(from mark) {
	if !e.peers() {
		return
	}
	for more := true; more; {
		to := len(e.text.buf)
		if more = to-from.bytes > partBytes; more {
			to = from.bytes + partBytes
			for !utf8.RuneStart(e.text.buf[to]) {
				to--
			}
		}
		n := liveNews{Attempt: e.here, Phase: e.phase.String(), Away: e.away, Base: from.id(), More: more}
		e.hub.o.Bus.Publish(subjectText+e.id, n.encode(e.text.buf[from.bytes:to]))
		from = e.text.advance(from, to)
	}
}

// answer hears a node ask for the text: it gets what it lacks.
func (e *entry) answer(data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.here == 0:
	case e.text == nil || !e.known:
		e.announce()
	default:
		var from mark
		if n, hash, ok := ParseID(string(data)); ok && e.text.Has(n, hash) {
			from = e.text.mark(n)
		}
		e.publish(from)
	}
}

// hear hears the holder of an attempt.
func (e *entry) hear(data []byte) {
	head, text, _ := bytes.Cut(data, []byte("\n"))
	var n liveNews
	if json.Unmarshal(head, &n) != nil || n.Attempt < 1 {
		return
	}
	e.mu.Lock()
	left := e.heard(n, string(text))
	e.mu.Unlock()
	if left {
		e.hub.release(e)
	}
}

func (e *entry) heard(n liveNews, text string) (left bool) {
	if n.Attempt < e.here || e.req != nil && n.Attempt < e.req.Attempt {
		return false
	}
	if e.here != 0 { // its worker came to another node
		e.here, left = 0, true
		e.listen()
	}
	if e.req == nil || e.req.Status != bridge.Executing || e.req.Attempt != n.Attempt {
		if e.req != nil && !e.req.Status.Ended() {
			e.doubt(nil)
		}
		return left
	}
	if told := parsePhase(n.Phase); e.phase != told || e.away != n.Away {
		e.phase, e.away = told, n.Away
		e.changed()
	}
	if n.Base == "" {
		return left
	}
	points, hash, ok := ParseID(n.Base)
	switch {
	case !ok:
		return left
	case e.text == nil:
		e.text = new(Text)
	}
	if !e.text.Has(points, hash) {
		e.ask()
		return left
	}
	rev, known := e.text.rev, e.known
	e.text.apply(points, text, n.More)
	if !n.More {
		e.known, e.asked = true, false
	}
	if e.text.rev != rev || e.known != known {
		e.encoded = nil
		e.changed()
	}
	return left
}
