package crash

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"chatbridge/protocol"
)

// book is what the actors saw: the server's promises, to be compared with what
// it still knows at the end.
type book struct {
	mu        sync.Mutex
	submitted int               // keys that were used
	made      map[string]string // acknowledged: idempotency key → request id
	message   map[string]string // request id → its message
	acked     map[protocol.Ref]string
	said      int // answers of guide workers, which nobody acks
	ends      map[string]outcome
	fed       map[string]int // ends heard on the accounts' feeds
	faults    []string
	count     map[string]int
}

// outcome is how a request ended.
type outcome struct{ status, response, partial, code string }

func newBook() *book {
	return &book{made: map[string]string{}, message: map[string]string{}, acked: map[protocol.Ref]string{}, ends: map[string]outcome{},
		fed: map[string]int{}, count: map[string]int{}}
}

// fault notes a promise that was broken on the way.
func (b *book) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

func (b *book) tick(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[what]++
}

func (b *book) times(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count[what]
}

func (b *book) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.count)
}

// acknowledged notes a 201.
func (b *book) acknowledged(key, id, message string) {
	b.mu.Lock()
	before, again := b.made[key]
	b.made[key], b.message[id] = id, message
	b.mu.Unlock()
	if again && before != id {
		b.fault("key %s made request %s and then %s", key, before, id)
	}
}

// ended notes that someone saw the end of a request: it is the same for all.
func (b *book) ended(id, who string, end outcome) {
	b.mu.Lock()
	before, known := b.ends[id]
	b.ends[id] = end
	b.mu.Unlock()
	if known && before != end {
		b.fault("request %s ended as %+v, and for %s as %+v", id, before, who, end)
	}
}

// ack notes that a worker's answer was acked.
func (b *book) ack(ref protocol.Ref, response string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked[ref] = response
}

// worst is the first faults, sorted so that the same ones stand together.
func (b *book) worst() (n int, shown []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown = slices.Clone(b.faults)
	slices.Sort(shown)
	return len(shown), shown[:min(len(shown), 20)]
}

func given(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
