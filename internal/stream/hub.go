package stream

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/wire"
)

const (
	// MaxStreams bounds the streams of one node, of all kinds: about 1 KiB each
	// here, and its connection.
	MaxStreams = 100_000
	// DefaultLook is how often a node looks for what no hint told it.
	DefaultLook = 5 * time.Second
	// loadAgain is the wait after the store could not be read for a stream that
	// is open: it must not end for that.
	loadAgain = time.Second
	// grieveEvery is how often a log says that the store fails: thousands of
	// streams may find out at once.
	grieveEvery = 10 * time.Second
	// sweepTime bounds the reads of one look.
	sweepTime = 30 * time.Second
)

// Why a stream ends before its end, or does not open.
var (
	// ErrDraining: come back, here or at another node, and resume.
	ErrDraining error = &bridge.Error{Kind: bridge.Unavailable, Code: "draining", RetryAfter: time.Second,
		Detail: "This server is about to stop. Connect again in a moment; the stream goes on where it was."}
	// ErrRevoked: it will not be let in again.
	ErrRevoked error = &bridge.Error{Kind: bridge.Unauthorized, Code: "revoked",
		Detail: "The key or account of this stream was shut off. Use a valid key."}
	// ErrClosed: by the stream's own Close.
	ErrClosed = errors.New("the stream was closed")
)

// Store is what the streams read: part of bridge.Reader.
type Store interface {
	Request(ctx context.Context, id string) (*bridge.Request, error)
	Unfinished(ctx context.Context, accountID int64) ([]*bridge.Request, error)
	EventRange(ctx context.Context, accountID int64) (first, last int64, err error)
	Events(ctx context.Context, accountID, after int64, limit int) ([]*bridge.Event, error)
}

// Options are what a Hub works with. Store is required.
type Options struct {
	Store Store
	// Waiting says why an idle request waits; nil where it does not. The
	// request comes without its body.
	Waiting func(*bridge.Request) *wire.Waiting
	// RequestJSON is a request as JSON, for the "made" of an account's stream.
	RequestJSON func(*bridge.Request) []byte
	Bus         bus.Bus       // nil: this node is alone
	Look        time.Duration // 0: DefaultLook
	Log         *slog.Logger
}

// Hub is one node's streams.
type Hub struct {
	o       Options
	streams atomic.Int64 // open ones
	grieved atomic.Int64 // when it was last said that the store fails; Unix nanoseconds

	mu       sync.Mutex
	entries  map[string]*entry
	accounts map[int64]*account
	unknown  unknowns
	recent   recent
	draining bool

	kick chan struct{} // there is work for Run
	todo chores
}

// chores is what Run does, because who noticed it may not wait. Its lock is
// taken last.
type chores struct {
	mu      sync.Mutex
	waiting map[*account]struct{} // whose idle requests' waiting may have changed
	stale   map[*entry]struct{}   // to be loaded, as no reader will
}

// account is what the hub has of one account; it is there while anything is.
type account struct {
	id      int64
	entries map[*entry]struct{} // guarded by the hub's lock
	feeds   map[*AccountReader]struct{}
	looked  int64 // the last event up to which nothing was missed; -1 before the first look

	listeners atomic.Int32 // len(feeds)
	mu        sync.Mutex
	news      uint64 // raised when there may be stored events
	wake      chan struct{}
}

// New makes a Hub; Run runs it.
func New(o Options) *Hub {
	if o.Look == 0 {
		o.Look = DefaultLook
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	h := &Hub{o: o, entries: map[string]*entry{}, accounts: map[int64]*account{}, kick: make(chan struct{}, 1)}
	h.todo.waiting, h.todo.stale = map[*account]struct{}{}, map[*entry]struct{}{}
	h.unknown.init()
	h.recent.states = map[string]*bridge.Request{}
	return h
}

// Run listens to the other nodes, looks for what was missed and keeps waiting
// up to date, until ctx ends. Streams work only as long as it runs.
func (h *Hub) Run(ctx context.Context) error {
	if h.o.Bus != nil {
		defer h.o.Bus.Subscribe(subjectCommits, h.hint)()
		defer h.o.Bus.Subscribe(subjectReceived, h.receivedFromBus)()
	}
	look := time.NewTicker(h.o.Look)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.kick:
			h.chores(ctx)
		case <-look.C:
			h.look(ctx)
		}
	}
}

// Committed hears what this node committed, in the order of the commits. It
// never blocks.
func (h *Hub) Committed(c *bridge.Changes) {
	for _, r := range c.Requests {
		if e := h.note(r); e != nil {
			h.apply(e, r, putBackReason(c, r.ID))
		}
	}
	h.mu.Lock()
	for _, ev := range c.Events {
		if a := h.accounts[ev.AccountID]; a != nil {
			if ev.Seq == a.looked+1 {
				a.looked = ev.Seq
			}
			a.tell()
		}
	}
	h.mu.Unlock()
	h.tellNodes(c)
}

func putBackReason(c *bridge.Changes, id string) string {
	for _, ev := range c.Events {
		if ev.Type == bridge.EventPutBack && ev.Request.ID == id {
			return string(ev.Reason)
		}
	}
	return ""
}

// tell wakes the account's feeds: there may be stored events.
func (a *account) tell() {
	if a.listeners.Load() == 0 {
		return
	}
	a.mu.Lock()
	a.news++
	a.mu.Unlock()
	a.stir()
}

// stir wakes the account's feeds: something moved.
func (a *account) stir() {
	if a.listeners.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.wake != nil {
		close(a.wake)
		a.wake = nil
	}
}

// grieve says that a store which fails keeps streams waiting.
func (h *Hub) grieve(ctx context.Context, err error) {
	now, last := time.Now().UnixNano(), h.grieved.Load()
	if ctx.Err() == nil && now-last >= int64(grieveEvery) && h.grieved.CompareAndSwap(last, now) {
		h.o.Log.Warn("streams wait for the store", "err", err)
	}
}

// note remembers a commit, and finds the request's entry, nil if it has none.
func (h *Hub) note(r *bridge.Request) *entry {
	kept := strip(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.o.Bus != nil && h.o.Bus.Peers() {
		clear(h.recent.states) // another node may commit next, and be gone before anyone asks
	} else {
		h.recent.note(kept)
	}
	return h.entries[r.ID]
}

func (h *Hub) find(id string) *entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.entries[id]
}

// acquire gives the entry of a request, made if need be; release lets go of it.
func (h *Hub) acquire(id string) *entry {
	h.mu.Lock()
	e := h.entries[id]
	var last *bridge.Request
	if e == nil {
		e = &entry{hub: h, id: id}
		h.entries[id] = e
		last = h.recent.states[id]
	}
	e.refs++
	h.mu.Unlock()
	if last != nil {
		h.apply(e, last, "") // ignored where a commit came in between
	}
	return e
}

func (h *Hub) release(e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.refs--; e.refs > 0 {
		return
	}
	delete(h.entries, e.id)
	if a := e.account.Load(); a != nil {
		delete(a.entries, e)
		h.forget(a)
	}
}

// enlist notes the account of an entry that was loaded.
func (h *Hub) enlist(e *entry, accountID int64) {
	if e.account.Load() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.account.Load() != nil || e.refs == 0 {
		return
	}
	a := h.accountOf(accountID)
	a.entries[e] = struct{}{}
	e.account.Store(a)
}

// accountOf gives an account, made if need be. The caller holds the lock.
func (h *Hub) accountOf(id int64) *account {
	a := h.accounts[id]
	if a == nil {
		a = &account{id: id, entries: map[*entry]struct{}{}, feeds: map[*AccountReader]struct{}{}, looked: -1}
		h.accounts[id] = a
	}
	return a
}

// forget drops an account that nothing needs. The caller holds the lock.
func (h *Hub) forget(a *account) {
	if len(a.entries)+len(a.feeds) == 0 {
		delete(h.accounts, a.id)
	}
}

// WaitingChanged says that the workers or chats of an account moved: the
// waiting of its idle requests is computed anew, soon, where anyone reads it.
func (h *Hub) WaitingChanged(accountID int64) {
	h.mu.Lock()
	a := h.accounts[accountID]
	h.mu.Unlock()
	if a == nil {
		return
	}
	h.todo.mu.Lock()
	h.todo.waiting[a] = struct{}{}
	h.todo.mu.Unlock()
	h.wakeRun()
}

func (h *Hub) wakeRun() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// reloadLater has Run load the entry.
func (e *entry) reloadLater() {
	h := e.hub
	h.todo.mu.Lock()
	h.todo.stale[e] = struct{}{}
	h.todo.mu.Unlock()
	h.wakeRun()
}

func (h *Hub) chores(ctx context.Context) {
	h.todo.mu.Lock()
	accounts := slices.Collect(maps.Keys(h.todo.waiting))
	stale := slices.Collect(maps.Keys(h.todo.stale))
	clear(h.todo.waiting)
	clear(h.todo.stale)
	h.todo.mu.Unlock()
	for _, a := range accounts {
		for _, e := range h.entriesOf(a) {
			h.reconsider(e)
		}
	}
	for _, e := range stale {
		if err := h.reload(ctx, e); err != nil {
			h.grieve(ctx, err)
			return // the next look finds the rest
		}
	}
}

func (h *Hub) entriesOf(a *account) []*entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(a.entries))
}

// reconsider computes why an idle request waits, if anyone reads it.
func (h *Hub) reconsider(e *entry) {
	e.mu.Lock()
	r := e.req
	wanted := r != nil && r.Status == bridge.Idle && e.watchers > 0
	e.mu.Unlock()
	if !wanted {
		return
	}
	w := h.waiting(r)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.req == r && (e.waitingRev == 0 || !w.Equal(e.waiting)) {
		e.waiting = w
		e.waitingRev++
		e.changed()
	}
}

func (h *Hub) waiting(r *bridge.Request) *wire.Waiting {
	if h.o.Waiting == nil {
		return nil
	}
	return h.o.Waiting(r)
}
