package sim

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// world is the schedule: one goroutine runs one event after the other, each
// once everything that the last one stirred has settled. What belongs to an
// actor is touched by events only, and so needs no lock.
type world struct {
	seed  uint64
	begun time.Time

	mu    sync.Mutex // guards what follows
	inbox []letter   // from other goroutines
	fault *failure
	lines []line

	wake   chan struct{}
	events eventHeap
	count  int
}

// letter is an event from another goroutine. Those of one instant are run in
// the order of their senders, so that a seed repeats.
type letter struct {
	from string
	do   func()
}

type event struct {
	at    time.Time
	order int
	do    func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// failure is a promise that was broken.
type failure struct {
	oracle string // which promise
	detail string
	trace  string
}

func (f *failure) Error() string { return f.oracle + ": " + f.detail + "\n" + f.trace }

// line is one line of the trace, formatted only when it is shown.
type line struct {
	at      time.Time
	request string // its label; "" concerns all
	format  string
	args    []any
}

// tracedLines is how many of a request's last events a failure shows.
const tracedLines = 60

func newWorld(seed uint64) *world {
	return &world{seed: seed, begun: time.Now(), wake: make(chan struct{}, 1)}
}

// rand is a source of chance of its own for each actor: one that acts more does
// not shift the luck of the others.
func (w *world) rand(name string) dice {
	h := fnv.New64a()
	h.Write([]byte(name))
	return dice{rand.New(rand.NewPCG(w.seed, h.Sum64()))}
}

// at has do run at a time, now if that is past.
func (w *world) at(t time.Time, do func()) {
	if now := time.Now(); t.Before(now) {
		t = now
	}
	w.count++
	heap.Push(&w.events, event{t, w.count, do})
}

func (w *world) after(d time.Duration, do func()) { w.at(time.Now().Add(d), do) }

// post has do run as an event soon. Any goroutine may call it; it never blocks.
func (w *world) post(from string, do func()) {
	w.mu.Lock()
	w.inbox = append(w.inbox, letter{from, do})
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run lets the world go on until done says so after an event, or for limit. It
// reports whether done did.
func (w *world) run(limit time.Duration, done func() bool) bool {
	until := time.Now().Add(limit)
	for {
		synctest.Wait()
		for _, l := range w.letters() {
			l.do()
		}
		if w.failed() {
			return false
		}
		if done() {
			return true
		}
		next := until
		if len(w.events) > 0 && w.events[0].at.Before(until) {
			next = w.events[0].at
		}
		if wait := time.Until(next); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-w.wake:
			}
			timer.Stop()
			continue
		}
		if next.Equal(until) {
			return false
		}
		heap.Pop(&w.events).(event).do()
	}
}

func (w *world) letters() []letter {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.inbox
	w.inbox = nil
	slices.SortStableFunc(all, func(a, b letter) int { return strings.Compare(a.from, b.from) })
	return all
}

// logf adds a line to the trace of a request ("" for all). Arguments are
// formatted later: they must not change.
func (w *world) logf(request, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line{time.Now(), request, format, args})
}

// failf notes that a promise was broken; the first one counts.
func (w *world) failf(oracle, request, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil {
		return
	}
	f := &failure{oracle: oracle, detail: fmt.Sprintf("%s at %v: ", request, time.Since(w.begun)) + fmt.Sprintf(format, args...)}
	var shown []string
	for i := len(w.lines) - 1; i >= 0 && (*traceFlag || len(shown) < tracedLines); i-- {
		if l := w.lines[i]; *traceFlag || request == "" || l.request == "" || l.request == request {
			shown = append(shown, fmt.Sprintf("%14v %-4s "+l.format, append([]any{l.at.Sub(w.begun), l.request}, l.args...)...))
		}
	}
	slices.Reverse(shown)
	f.trace = strings.Join(shown, "\n")
	w.fault = f
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault != nil
}

// dice is a source of chance.
type dice struct{ *rand.Rand }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func (d dice) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(d.Float64()*float64(hi-lo)).Truncate(time.Microsecond)
}

// seldom is mostly in the first range, sometimes in the second.
func (d dice) seldom(p float64, lo, hi, rareLo, rareHi time.Duration) time.Duration {
	if d.chance(p) {
		return d.between(rareLo, rareHi)
	}
	return d.between(lo, hi)
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }
