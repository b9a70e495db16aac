package actors

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"chatbridge/internal/client"
	"chatbridge/protocol"
)

// maxFaults is how many faults are kept with their words; further ones count.
const maxFaults = 1000

// Digest stands for a text.
type Digest uint64

// DigestOf is a text's digest; that of no text is 0.
func DigestOf(text string) Digest {
	if text == "" {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(text))
	return Digest(h.Sum64())
}

// Book is what the actors saw: the servers' promises, to be compared with what
// they still know at the end. Its methods may be called from everywhere; whoever
// reads its maps does so once the actors have ended, or holds Mu.
type Book struct {
	Mu        sync.Mutex
	Submitted int               // keys that were used
	Made      map[string]string // acknowledged: idempotency key → request id
	Message   map[string]Digest // request id → its message
	Acked     map[protocol.Ref]Digest
	Said      int // answers of guide workers, which nobody acks
	Ends      map[string]Outcome
	Fed       map[string]int        // ends heard on the accounts' feeds
	Handovers map[string]*Handovers // by request id
	count     map[string]int
	faults    []string
	faulty    int
}

// Handovers is what workers heard of a request.
type Handovers struct {
	Last  int // the highest attempt that was handed over; a guide worker's count
	Gone  int // the lowest attempt that may be sent, 0 if none
	Guide int // hand-overs in the guide's dialect
}

// Again reports whether the request was handed over once more after go.
func (h *Handovers) Again() bool {
	return h.Gone != 0 && h.Last > h.Gone || h.Guide > 1 || h.Guide == 1 && h.Gone != 0
}

// Outcome is how a request ended.
type Outcome struct {
	Status            string
	Response, Partial Digest
	Code              string
}

// OutcomeOf is the outcome of a request that has ended.
func OutcomeOf(r client.Request) Outcome {
	return Outcome{r.Status, DigestOf(given(r.Response)), DigestOf(given(r.PartialResponse)), given(r.ErrorCode)}
}

// OutcomeIn is the outcome that an end tells.
func OutcomeIn(e client.Event) Outcome {
	return Outcome{e.Status, DigestOf(given(e.Response)), DigestOf(given(e.PartialResponse)), given(e.ErrorCode)}
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{Made: map[string]string{}, Message: map[string]Digest{}, Acked: map[protocol.Ref]Digest{}, Ends: map[string]Outcome{},
		Fed: map[string]int{}, Handovers: map[string]*Handovers{}, count: map[string]int{}}
}

// Fault notes a promise that was broken on the way.
func (b *Book) Fault(format string, args ...any) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.fault(format, args...)
}

func (b *Book) fault(format string, args ...any) {
	if b.faulty++; len(b.faults) < maxFaults {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// Faults are how many there were, and the words of the first ones.
func (b *Book) Faults() (n int, words []string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return b.faulty, slices.Clone(b.faults)
}

// Tick counts something that happened.
func (b *Book) Tick(what string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.count[what]++
}

// Times is how often something happened.
func (b *Book) Times(what string) int {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return b.count[what]
}

// Counts is how often everything happened.
func (b *Book) Counts() map[string]int {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return maps.Clone(b.count)
}

// Uses notes that a client is about to submit under a key.
func (b *Book) Uses(key string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if _, again := b.Made[key]; !again {
		b.Submitted++
	}
}

// Acknowledged notes a 201.
func (b *Book) Acknowledged(key, id, message string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	before, again := b.Made[key]
	b.Made[key], b.Message[id] = id, DigestOf(message)
	if again && before != id {
		b.fault("key %s made request %s and then %s", key, before, id)
	}
}

// Ended notes that someone saw the end of a request: it is the same for all.
func (b *Book) Ended(id, who string, end Outcome) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	before, known := b.Ends[id]
	b.Ends[id] = end
	if known && before != end {
		b.fault("request %s ended as %+v, and for %s as %+v", id, before, who, end)
	}
}

// Ack notes that a worker's answer was acked.
func (b *Book) Ack(ref protocol.Ref, response string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.Acked[ref] = DigestOf(response)
}

// Handed notes that a worker was handed a request.
func (b *Book) Handed(ref protocol.Ref) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	h := b.handovers(ref.RequestID)
	h.Last = max(h.Last, ref.Attempt)
}

// Went notes that a worker heard go.
func (b *Book) Went(ref protocol.Ref) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if h := b.handovers(ref.RequestID); h.Gone == 0 || ref.Attempt < h.Gone {
		h.Gone = ref.Attempt
	}
}

// HandedToGuide notes a hand-over in the guide's dialect, which is go as well.
func (b *Book) HandedToGuide(id string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.handovers(id).Guide++
}

func (b *Book) handovers(id string) *Handovers {
	h := b.Handovers[id]
	if h == nil {
		h = &Handovers{}
		b.Handovers[id] = h
	}
	return h
}

// HandedAgain are the requests that were handed over once more after go.
func (b *Book) HandedAgain() (ids []string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	for id, h := range b.Handovers {
		if h.Again() {
			ids = append(ids, id)
		}
	}
	return ids
}
