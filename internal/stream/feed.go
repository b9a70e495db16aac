package stream

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

const (
	// feedPage is how many stored events a feed reads at once: they come with
	// their bodies, which may be megabytes.
	feedPage = 16
	// maxWatched bounds the requests whose live side one feed follows: phases,
	// waiting, text. What is stored is told of all.
	maxWatched = 1024
)

// AccountReader is a stream of everything of one account. Its methods are for
// one goroutine. It must be closed.
type AccountReader struct {
	hub     *Hub
	account *account
	closed  atomic.Pointer[error]

	seq     int64 // the last stored event that was told, or lies in the present state
	news    uint64
	unread  bool // there may be stored events after seq
	void    bool // what was told is void: begin anew
	queue   []Event
	page    []*bridge.Event
	present []*bridge.Request // of the present state, still to be told
	watches map[string]*watch
}

// watch is a live request as a feed follows it.
type watch struct {
	e      *entry
	cursor Cursor
	told   shown
	listed bool   // it was told of as part of the present state
	seen   uint64 // 1 + the entry's changes up to which all was told
}

// OpenAccount opens a stream of an account: first the present state of what has
// not ended, then what happens; or, with the id of an event that is still kept,
// what happened since. Stored events have ids, live ones have none. Errors:
// ErrDraining, too_many_streams, and those of the store.
func (h *Hub) OpenAccount(ctx context.Context, accountID int64, lastEventID string) (*AccountReader, error) {
	if err := h.admit(); err != nil {
		return nil, err
	}
	r := &AccountReader{hub: h, watches: map[string]*watch{}}
	h.mu.Lock()
	r.account = h.accountOf(accountID)
	r.account.feeds[r] = struct{}{}
	r.account.listeners.Add(1)
	h.mu.Unlock()
	err := r.begin(ctx, lastEventID)
	if err == nil && h.drains() {
		err = ErrDraining
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the stream here. It may be called more than once.
func (r *AccountReader) Close() {
	h := r.hub
	h.mu.Lock()
	_, open := r.account.feeds[r]
	if open {
		delete(r.account.feeds, r)
		r.account.listeners.Add(-1)
		h.forget(r.account)
	}
	h.mu.Unlock()
	if !open {
		return
	}
	r.closed.Store(&ErrClosed)
	r.unwatchAll()
	h.streams.Add(-1)
}

// begin reads where the account stands.
func (r *AccountReader) begin(ctx context.Context, lastEventID string) error {
	store := r.hub.o.Store
	first, last, err := store.EventRange(ctx, r.account.id)
	if err != nil {
		return err
	}
	unfinished, err := store.Unfinished(ctx, r.account.id)
	if err != nil {
		return err
	}
	r.unwatchAll()
	r.page, r.present, r.unread = nil, nil, true
	if seq, err := strconv.ParseInt(lastEventID, 10, 64); err == nil && seq >= 0 && first-1 <= seq && seq <= last {
		r.seq = seq
		for _, q := range unfinished {
			if w := r.watch(q); w != nil {
				w.told = shownOf(q)
			}
		}
		return nil
	}
	if lastEventID != "" {
		r.queue = append(r.queue, Event{Data: wire.Reset()})
	}
	r.seq, r.present = last, unfinished
	if len(unfinished) == 0 {
		r.queue = append(r.queue, Event{ID: strconv.FormatInt(last, 10)})
	}
	return nil
}

// shownOf is what the stored state alone shows.
func shownOf(q *bridge.Request) shown {
	s := shown{status: idle, attempt: int32(q.Attempt)}
	if q.Status == bridge.Executing {
		s.status, s.phase = executing, phaseOf(q, 0)
	}
	return s
}

// Next waits for the next event. A stream of an account has no end but
// ErrDraining, ErrRevoked and the error of ctx.
func (r *AccountReader) Next(ctx context.Context) (Event, error) {
	ev, _, err := next(ctx, nil, r.poll)
	return ev, err
}

// Until is Next, but no longer than until alarm: then ok is false.
func (r *AccountReader) Until(ctx context.Context, alarm <-chan time.Time) (ev Event, ok bool, err error) {
	return next(ctx, alarm, r.poll)
}

// Poll is Next without waiting; ok is false when there is nothing new.
func (r *AccountReader) Poll(ctx context.Context) (ev Event, ok bool, err error) {
	ev, wake, _, err := r.poll(ctx)
	return ev, err == nil && wake == nil, err
}

func (r *AccountReader) poll(ctx context.Context) (Event, <-chan struct{}, time.Duration, error) {
	wake, news := r.account.waitChan() // before looking, so that nothing is missed
	if news != r.news {
		r.news, r.unread = news, true
	}
	for {
		if why := r.closed.Load(); why != nil {
			return Event{}, nil, 0, *why
		}
		if len(r.queue) > 0 {
			ev := r.queue[0]
			r.queue = slices.Delete(r.queue, 0, 1)
			return ev, nil, 0, nil
		}
		moved, err := r.move(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return Event{}, nil, 0, ctx.Err()
		case err != nil:
			r.hub.grieve(ctx, err)
			return Event{}, wake, loadAgain, nil
		case !moved:
			return Event{}, wake, 0, nil
		}
	}
}

func (a *account) waitChan() (<-chan struct{}, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.wake == nil {
		a.wake = make(chan struct{})
	}
	return a.wake, a.news
}

// move takes one step towards the present: it may queue an event. It returns
// false when there is nothing to tell. What is stored goes before what is live.
func (r *AccountReader) move(ctx context.Context) (moved bool, err error) {
	switch {
	case r.void:
		if err := r.begin(ctx, "void"); err != nil {
			return false, err
		}
		r.void = false
		return true, nil
	case len(r.present) > 0:
		r.tellPresent()
		return true, nil
	case len(r.page) > 0:
		ev := r.page[0]
		if ev.Seq != r.seq+1 { // what lay between is no longer kept
			r.void = true
			return true, nil
		}
		r.tellStored(ev)
		r.page[0] = nil // bodies are large
		r.page, r.seq = r.page[1:], ev.Seq
		return true, nil
	case r.unread:
		page, err := r.hub.o.Store.Events(ctx, r.account.id, r.seq, feedPage)
		if err != nil {
			return false, err
		}
		r.page, r.unread = page, len(page) == feedPage
		return true, nil
	default:
		return r.tellLive(), nil
	}
}

// tellPresent queues the next of the present state; the last bears the id from
// which to go on.
func (r *AccountReader) tellPresent() {
	q := r.present[0]
	w := r.watch(q)
	var ev Event
	if w == nil {
		ev.Data = r.unwatched(q)
	} else {
		w.listed = true
		ev.Data = w.first()
	}
	if r.present = r.present[1:]; len(r.present) == 0 {
		r.present = nil
		ev.ID = strconv.FormatInt(r.seq, 10)
	}
	if ev.ID != "" || ev.Data != nil {
		r.queue = append(r.queue, ev)
	}
}

// first is the state in which a feed finds a request; nil if it has ended: that
// will be told.
func (w *watch) first() []byte {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	w.told = w.e.present()
	if w.told.status == ended {
		return nil
	}
	return w.e.encodeStatus(w.e.id, w.told)
}

// unwatched is the state of a request that is one too many to follow.
func (r *AccountReader) unwatched(q *bridge.Request) []byte {
	if q.Status == bridge.Executing {
		return wire.Executing(q.ID, phaseOf(q, 0).String(), q.Attempt, false)
	}
	return wire.Idle(q.ID, r.hub.waiting(q))
}

// tellStored queues a stored event.
func (r *AccountReader) tellStored(ev *bridge.Event) {
	q := ev.Request
	w := r.watch(q)
	if w != nil {
		r.hub.apply(w.e, q, string(ev.Reason))
	}
	now := shown{status: executing, attempt: int32(ev.Attempt)}
	out := Event{ID: strconv.FormatInt(ev.Seq, 10)}
	switch ev.Type {
	case bridge.EventMade:
		if w != nil && w.listed {
			return
		}
		now.status = idle
		out.Data = wire.Made(q.ID, r.hub.o.RequestJSON(asMade(q)))
	case bridge.EventExecuting, bridge.EventGo:
		if now.phase = opening; ev.Type == bridge.EventGo {
			now.phase = submitted
		}
		out.Data = wire.Executing(q.ID, now.phase.String(), ev.Attempt, false)
	case bridge.EventPutBack:
		now.status = idle
		out.Data = wire.PutBack(q.ID, string(ev.Reason))
	case bridge.EventEnd:
		out.Data = wire.EndBody(q)
		r.unwatch(q.ID)
		w = nil
	default:
		return // a late answer changes nothing
	}
	if w != nil && now.attempt >= w.told.attempt {
		w.told, w.seen = now, 0
	}
	r.queue = append(r.queue, out)
}

// asMade is a request as it was when it was made: an event comes with what the
// store has now.
func asMade(q *bridge.Request) *bridge.Request {
	made := &bridge.Request{
		Seq: q.Seq, ID: q.ID, AccountID: q.AccountID, Chat: q.Chat, ResponseType: q.ResponseType, ThinkingTime: q.ThinkingTime,
		Temporary: q.Temporary, TimeoutSeconds: q.TimeoutSeconds, Status: bridge.Idle, QueuedAt: q.QueuedAt,
	}
	if q.Body != nil {
		made.Body = &bridge.Body{Message: q.Body.Message, Metadata: q.Body.Metadata}
	}
	return made
}

// tellLive queues the next that is live and not told.
func (r *AccountReader) tellLive() bool {
	for _, w := range r.watches {
		if w.seen == w.e.changes.Load()+1 {
			continue
		}
		if data := w.next(); data != nil {
			r.queue = append(r.queue, Event{Data: data})
			return true
		}
	}
	return false
}

// next is what is live and not told; nil if nothing, or if something stored is
// to be told first.
func (w *watch) next() []byte {
	e := w.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.present(); now.status == w.told.status && now.attempt == w.told.attempt {
		w.told.back = false
		if now != w.told && (now.status == executing || now.waiting != 0) {
			w.told = now
			return e.encodeStatus(e.id, now)
		}
		if now.status == executing && e.known && e.text != nil {
			if offset, changed := e.text.next(&w.cursor); changed {
				e.text.reach(&w.cursor)
				return wire.Delta(e.id, offset, e.text.from(offset))
			}
		}
	}
	w.seen = e.changes.Load() + 1
	return nil
}

// watch follows the live side of a request; nil if it has ended, or is one too
// many.
func (r *AccountReader) watch(q *bridge.Request) *watch {
	if w := r.watches[q.ID]; w != nil || q.Status.Ended() || len(r.watches) >= maxWatched {
		return w
	}
	h := r.hub
	e := h.acquire(q.ID)
	w := &watch{e: e}
	r.watches[q.ID] = w
	e.mu.Lock()
	e.watchers++
	found := e.req != nil
	e.listen()
	e.mu.Unlock()
	if !found {
		h.apply(e, q, "")
	}
	e.mu.Lock()
	if !found && e.req.Rev == q.Rev {
		e.unsure = true // this stream hears of commits since q was read as events, others do not
	}
	unwaited := e.req.Status == bridge.Idle && e.waitingRev == 0
	e.mu.Unlock()
	if unwaited {
		h.reconsider(e)
	}
	return w
}

func (r *AccountReader) unwatch(id string) {
	w := r.watches[id]
	if w == nil {
		return
	}
	delete(r.watches, id)
	w.e.mu.Lock()
	w.e.watchers--
	w.e.listen()
	w.e.mu.Unlock()
	r.hub.release(w.e)
}

func (r *AccountReader) unwatchAll() {
	for id := range r.watches {
		r.unwatch(id)
	}
}
