package sqlite

import (
	"maps"
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

// maxCached bounds each of the cache's maps; a full one begins anew. Enough for
// what is in flight on one machine, a few MB at most.
const maxCached = 4096

// cache keeps the rows that command after command asks for, as they are stored.
// It belongs to the writer and is written through, so it is true as long as no
// other process has written the file (PRAGMA data_version tells) and no
// transaction was rolled back; otherwise it is emptied. What it holds is never
// handed out: commands get copies.
type cache struct {
	accounts  map[int64]*bridge.Account
	endpoints map[int64][]*bridge.Endpoint // by account, whole lists
	workers   map[workerKey]*bridge.Worker
	chats     map[int64]*bridge.Chat
	requests  map[string]*requestRow    // those that were written, or are unfinished
	leases    map[int64][]*bridge.Lease // by request, whole lists
	taken     map[int64]taken           // by account
	eventSeqs map[int64]int64           // by account: the last number given
	last      [counters]int64           // the last number given, 0: not known
	// Texts of requests that have not ended, and deliveries that were owed
	// lately: what the next commands ask for. Large texts are read again.
	bodies     map[int64]*bridge.Body
	deliveries map[int64]*cachedDelivery
}

// cachedBody bounds a text in the cache, in bytes: all of them stay below
// 16 MB.
const cachedBody = 4 << 10

// cachedDelivery is a delivery's own row and the id of its request, which is
// looked up each time: request and chat may change after the delivery is owed.
type cachedDelivery struct {
	deliveryRow
	requestID string
}

// taken counts an account's leases by worker.
type taken map[string]int

func (t taken) add(worker string, n int) {
	if t[worker] += n; t[worker] == 0 {
		delete(t, worker)
	}
}

type workerKey struct {
	account int64
	id      string
}

func newCache() *cache {
	return &cache{
		accounts: map[int64]*bridge.Account{}, endpoints: map[int64][]*bridge.Endpoint{}, workers: map[workerKey]*bridge.Worker{},
		chats: map[int64]*bridge.Chat{}, requests: map[string]*requestRow{}, leases: map[int64][]*bridge.Lease{}, eventSeqs: map[int64]int64{}, taken: map[int64]taken{},
		bodies: map[int64]*bridge.Body{}, deliveries: map[int64]*cachedDelivery{},
	}
}

func (c *cache) empty() {
	clear(c.accounts)
	clear(c.endpoints)
	clear(c.workers)
	clear(c.chats)
	clear(c.requests)
	clear(c.leases)
	clear(c.taken)
	clear(c.eventSeqs)
	clear(c.bodies)
	clear(c.deliveries)
	c.last = [counters]int64{}
}

func remember[K comparable, V any](m map[K]V, key K, value V) {
	if len(m) >= maxCached {
		clear(m)
	}
	m[key] = value
}

// The copies below have their times as they will be read again.

func copyAccount(a *bridge.Account) *bridge.Account {
	out := *a
	settle(&out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyEndpoint(e *bridge.Endpoint) *bridge.Endpoint {
	out := *e
	out.Events = cloneList(e.Events)
	out.Headers = nil
	if len(e.Headers) > 0 {
		out.Headers = maps.Clone(e.Headers)
	}
	settle(&out.PreviousUntil, &out.FailingSince, &out.HoldUntil, &out.RemovedAt, &out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyWorker(w *bridge.Worker) *bridge.Worker {
	out := *w
	out.ResponseTypes = cloneList(w.ResponseTypes)
	if w.Health != nil {
		h := *w.Health
		out.Health = &h
	}
	settle(&out.HelloAt, &out.PausedUntil)
	return &out
}

func copyChat(c *bridge.Chat) *bridge.Chat {
	out := *c
	settle(&out.CreatedAt, &out.UpdatedAt)
	return &out
}

func copyLease(l *bridge.Lease) *bridge.Lease {
	out := *l
	settle(&out.TakenAt, &out.GoAt, &out.ExpiresAt)
	return &out
}

// copyRequest copies the row, without chat and body.
func copyRequest(r *bridge.Request) *bridge.Request {
	out := *r
	out.Chat, out.Body = nil, nil
	settle(&out.QueuedAt, &out.StartedAt, &out.MaySendAt, &out.CompletedAt, &out.LastRetrievedAt)
	return &out
}

func settle(times ...*time.Time) {
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
