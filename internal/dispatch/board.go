package dispatch

import (
	"context"
	"slices"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// board is what of one account is in motion, kept up by the commits of this
// node and surveyed anew after those of others.
type board struct {
	account int64
	workers map[string]*bridge.Worker
	leases  map[bridge.AttemptID]*bridge.Lease
	taken   map[string]int    // worker id → leases
	held    map[int64]int     // chat → leases that hold it
	open    map[int64]open    // by request seq: not ended
	chats   map[int64][]int64 // chat → its open requests, in order
	idle    int
	events  int64
}

type open struct {
	chat int64
	idle bool
	kind string // the response type
}

func newBoard(account int64, s bridge.Survey) *board {
	b := &board{
		account: account, workers: map[string]*bridge.Worker{}, leases: map[bridge.AttemptID]*bridge.Lease{},
		taken: map[string]int{}, held: map[int64]int{}, open: map[int64]open{}, chats: map[int64][]int64{}, events: s.Events,
	}
	for _, w := range s.Workers {
		b.workers[w.ID] = w
	}
	for _, l := range s.Leases {
		b.putLease(l)
	}
	for _, r := range s.Unfinished {
		b.putRequest(r)
	}
	return b
}

// apply takes in a commit of this node. It reports whether anything that
// waiting or claims depend on moved.
func (b *board) apply(c *bridge.Changes) (stir bool) {
	for _, w := range c.Workers {
		if w.AccountID == b.account {
			b.workers[w.ID] = w
			stir = true
		}
	}
	for _, w := range c.DropWorker {
		if w.AccountID == b.account {
			delete(b.workers, w.ID)
			stir = true
		}
	}
	for _, l := range c.DropLeases {
		if l.AccountID == b.account {
			b.dropLease(bridge.AttemptID{RequestID: l.RequestID, Attempt: l.Attempt})
			stir = true
		}
	}
	for _, l := range c.Leases {
		if l.AccountID == b.account {
			stir = b.putLease(l) || stir
		}
	}
	for _, r := range c.Requests {
		if r.AccountID == b.account {
			stir = b.putRequest(r) || stir
		}
	}
	for _, e := range c.Events {
		if e.AccountID == b.account {
			b.events = max(b.events, e.Seq)
		}
	}
	return stir
}

func (b *board) putLease(l *bridge.Lease) (moved bool) {
	id := bridge.AttemptID{RequestID: l.RequestID, Attempt: l.Attempt}
	before := b.leases[id]
	moved = before == nil || before.ChatID != l.ChatID
	b.dropLease(id)
	kept := *l
	b.leases[id] = &kept
	b.taken[l.WorkerID]++
	if l.ChatID != 0 {
		b.held[l.ChatID]++
	}
	return moved
}

func (b *board) dropLease(id bridge.AttemptID) {
	l := b.leases[id]
	if l == nil {
		return
	}
	delete(b.leases, id)
	decrement(b.taken, l.WorkerID)
	if l.ChatID != 0 {
		decrement(b.held, l.ChatID)
	}
}

func decrement[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

func (b *board) putRequest(r *bridge.Request) (moved bool) {
	was, known := b.open[r.Seq]
	now := open{chat: r.Chat.ID, idle: r.Status == bridge.Idle, kind: r.ResponseType}
	ended := r.Status.Ended()
	if known && !ended && was == now || !known && ended {
		return false
	}
	if known {
		b.remove(r.Seq, was)
	}
	if !ended {
		b.insert(r.Seq, now)
	}
	return true
}

func (b *board) insert(seq int64, o open) {
	b.open[seq] = o
	if o.idle {
		b.idle++
	}
	line := b.chats[o.chat]
	at, _ := slices.BinarySearch(line, seq)
	b.chats[o.chat] = slices.Insert(line, at, seq)
}

func (b *board) remove(seq int64, o open) {
	delete(b.open, seq)
	if o.idle {
		b.idle--
	}
	line := b.chats[o.chat]
	if at, ok := slices.BinarySearch(line, seq); ok {
		line = slices.Delete(line, at, at+1)
	}
	if len(line) == 0 {
		delete(b.chats, o.chat)
		return
	}
	b.chats[o.chat] = line
}

// ready counts, up to most, the requests that may be handed out, to workers of
// any of these kinds: the first of their chat, which no lease holds.
func (b *board) ready(most int, served func(kind string) bool) (n int) {
	if b.idle == 0 {
		return 0
	}
	for chat, line := range b.chats {
		if n >= most {
			break
		}
		if o := b.open[line[0]]; o.idle && b.held[chat] == 0 && served(o.kind) {
			n++
		}
	}
	return n
}

// waiting says why an idle request waits. One that was handed out since r was
// read waited for no more than a worker's hand.
func (b *board) waiting(r *bridge.Request, now time.Time) *wire.Waiting {
	if !b.open[r.Seq].idle {
		return &wire.Waiting{Reason: wire.WaitBusy}
	}
	if b.held[r.Chat.ID] > 0 {
		return &wire.Waiting{Reason: wire.WaitChatBusy}
	}
	if line := b.chats[r.Chat.ID]; len(line) > 0 && line[0] < r.Seq {
		return &wire.Waiting{Reason: wire.WaitChatBusy}
	}
	var paused, openPause bool
	var soonest time.Time
	for _, w := range b.workers {
		if !w.Connected || !w.Serves(r.ResponseType) {
			continue
		}
		reason, until := w.Pause(now)
		switch {
		case reason == "":
			return &wire.Waiting{Reason: wire.WaitBusy}
		case until.IsZero():
			openPause = true
		case soonest.IsZero() || until.Before(soonest):
			soonest = until
		}
		paused = true
	}
	switch {
	case paused && !soonest.IsZero():
		return &wire.Waiting{Reason: wire.WaitPaused, Until: &soonest}
	case paused && openPause:
		return &wire.Waiting{Reason: wire.WaitPaused}
	}
	expiry := r.QueuedAt.Add(bridge.ExpiresAfter)
	return &wire.Waiting{Reason: wire.WaitNoWorker, Until: &expiry}
}

// Waiting says why an idle request waits; nil for any other.
func (d *Dispatch) Waiting(r *bridge.Request) *wire.Waiting {
	if r.Status != bridge.Idle || d.survey(d.ctx, r.AccountID) != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[r.AccountID]
	if a == nil || a.board == nil {
		return nil
	}
	return a.board.waiting(r, time.Now())
}

// Unfinished counts the requests of a chat that have not ended.
func (d *Dispatch) Unfinished(ctx context.Context, c *bridge.Chat) int {
	if d.survey(ctx, c.AccountID) != nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[c.AccountID]
	if a == nil || a.board == nil {
		return 0
	}
	return len(a.board.chats[c.ID])
}
