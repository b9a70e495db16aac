package postgres

import (
	"maps"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

// slot is one row as the commands of a batch see it.
type slot[V any] struct {
	now     *V     // what the commands so far have made of it; nil: there is no such row
	was     *V     // as it is stored; nil: it is not, or that is not known
	stored  bool   // the database has it, perhaps in an older state
	changed bool   // it is to be written
	locked  bool   // nobody else changes it before the commit
	version uint32 // its xmin, where it was read without a lock
}

// shelf is the rows of one table that a batch has read or written. It belongs to
// one transaction. What it holds is never handed out: commands get copies.
type shelf[K comparable, V any] struct {
	slots   map[K]*slot[V]
	changed []K // in the order in which they were first changed
}

// known reports whether the row, or that there is none, has been read or written.
func (s *shelf[K, V]) known(key K) bool { return s.slots[key] != nil }

func (s *shelf[K, V]) locked(key K) bool { have := s.slots[key]; return have != nil && have.locked }

// get returns the row, nil if there is none or it is not known.
func (s *shelf[K, V]) get(key K) *V {
	if have := s.slots[key]; have != nil {
		return have.now
	}
	return nil
}

// load takes a row as it was read, nil for none. A row that is here already
// stays: it is locked, or newer, or what earlier commands have decided on; but one
// read without a lock makes way for one read with it.
func (s *shelf[K, V]) load(key K, row *V, locked bool, version uint32) {
	have := s.slots[key]
	if have == nil {
		have = &slot[V]{}
		s.add(key, have)
	} else if have.locked || have.changed || !locked {
		return
	}
	*have = slot[V]{now: row, was: row, stored: row != nil, locked: locked, version: version}
}

func (s *shelf[K, V]) add(key K, new *slot[V]) {
	if s.slots == nil {
		s.slots = map[K]*slot[V]{}
	}
	s.slots[key] = new
}

// put has a row written: inserted where there is none, else changed. A row that
// is not known is taken to be stored.
func (s *shelf[K, V]) put(key K, row *V) {
	have := s.slots[key]
	if have == nil {
		have = &slot[V]{stored: true}
		s.add(key, have)
	}
	have.now = row
	s.touch(key, have)
}

// insert has a new row written.
func (s *shelf[K, V]) insert(key K, row *V) {
	have := &slot[V]{now: row, locked: true} // nobody else sees it yet
	s.add(key, have)
	s.touch(key, have)
}

// drop has a row deleted.
func (s *shelf[K, V]) drop(key K) { s.put(key, nil) }

func (s *shelf[K, V]) touch(key K, have *slot[V]) {
	if !have.changed {
		have.changed = true
		s.changed = append(s.changed, key)
	}
}

// settle calls f for each row that is to be written, and takes it to be written
// then, and so locked.
func (s *shelf[K, V]) settle(f func(K, *slot[V])) {
	for _, key := range s.changed {
		have := s.slots[key]
		if have == nil || !have.changed {
			continue
		}
		f(key, have)
		*have = slot[V]{now: have.now, was: have.now, stored: have.now != nil, locked: true}
	}
	s.changed = s.changed[:0]
}

// forget has the shelf know nothing of a row.
func (s *shelf[K, V]) forget(key K) { delete(s.slots, key) }

// requestRow is a request's own row: Request has neither Chat nor Body.
type requestRow struct {
	*bridge.Request
	chatID int64
}

// deliveryRow is a delivery's own row: Delivery has neither Endpoint nor Request.
type deliveryRow struct {
	*bridge.Delivery
	endpointID int64
	requestSeq int64
}

// bodyRow is a request's texts, and what of them is to be written.
type bodyRow struct {
	bridge.Body
	message, answer bool
}

type (
	leaseKey struct {
		request int64
		attempt int
	}
	workerKey struct {
		account int64
		id      string
	}
	// nameKey is what an account has one of: a chat of the site, an idempotency key.
	nameKey struct {
		account int64
		name    string
	}
)

// overlay is what a batch knows: rows, and by what else than their keys they are
// found. In its indexes 0 says that there is none.
type overlay struct {
	accounts   shelf[int64, bridge.Account]
	endpoints  shelf[int64, bridge.Endpoint]
	chats      shelf[int64, bridge.Chat]
	requests   shelf[int64, requestRow]
	bodies     shelf[int64, bodyRow]
	leases     shelf[leaseKey, bridge.Lease]
	workers    shelf[workerKey, bridge.Worker]
	deliveries shelf[int64, deliveryRow]

	endpointsOf map[int64][]int64 // by account: all, in no order
	byID        map[string]int64  // requests
	found       map[string]int64  // requests that a look has found, and that are not loaded yet
	bySite      map[nameKey]int64 // chats
	byKey       map[nameKey]int64 // requests by idempotency key
	noChat      map[nameKey]bool  // accounts that have no chat of this number
	leasesOf    map[int64][]int   // by request: the attempts of all its leases, in order
	taken       map[int64]map[string]int
	candidates  map[candidatesKey]*candidates
	crowded     map[int64]bool  // by chat: may have other unfinished requests than the one that was loaded
	fresh       map[int64]bool  // chats that are new and have no request yet
	unset       map[string]bool // settings that are not there
}

func newOverlay() overlay {
	return overlay{
		endpointsOf: map[int64][]int64{}, byID: map[string]int64{}, found: map[string]int64{}, bySite: map[nameKey]int64{}, byKey: map[nameKey]int64{}, noChat: map[nameKey]bool{}, leasesOf: map[int64][]int{},
		taken: map[int64]map[string]int{}, candidates: map[candidatesKey]*candidates{}, crowded: map[int64]bool{}, fresh: map[int64]bool{}, unset: map[string]bool{},
	}
}

// The copies below have their times as they will be read again.

func copyAccount(a *bridge.Account) *bridge.Account {
	out := *a
	settleTimes(&out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyEndpoint(e *bridge.Endpoint) *bridge.Endpoint {
	out := *e
	out.Events = cloneList(e.Events)
	out.Headers = nil
	if len(e.Headers) > 0 {
		out.Headers = maps.Clone(e.Headers)
	}
	settleTimes(&out.PreviousUntil, &out.FailingSince, &out.HoldUntil, &out.RemovedAt, &out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyWorker(w *bridge.Worker) *bridge.Worker {
	out := *w
	out.ResponseTypes = cloneList(w.ResponseTypes)
	if w.Health != nil {
		h := *w.Health
		out.Health = &h
	}
	settleTimes(&out.HelloAt, &out.PausedUntil)
	return &out
}

func copyChat(c *bridge.Chat) *bridge.Chat {
	out := *c
	settleTimes(&out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyLease(l *bridge.Lease) *bridge.Lease {
	out := *l
	settleTimes(&out.TakenAt, &out.GoAt, &out.ExpiresAt)
	return &out
}

// copyRequest copies the row, without chat and body.
func copyRequest(r *bridge.Request) *bridge.Request {
	out := *r
	out.Chat, out.Body = nil, nil
	settleTimes(&out.QueuedAt, &out.StartedAt, &out.MaySendAt, &out.CompletedAt, &out.LastRetrievedAt)
	return &out
}

// copyDelivery copies the row, without endpoint and request.
func copyDelivery(d *bridge.Delivery) *bridge.Delivery {
	out := *d
	out.Endpoint, out.Request = nil, nil
	settleTimes(&out.NextTryAt, &out.ClaimedUntil, &out.CreatedAt, &out.EndedAt)
	return &out
}

func settleTimes(times ...*time.Time) {
	for _, t := range times {
		*t = stored(*t)
	}
}

// cloneList copies a list; an empty one is nil, as it will be read again.
func cloneList[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}
