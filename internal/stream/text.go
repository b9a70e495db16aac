package stream

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"chatbridge/internal/bridge"
)

// MaxTextBytes is the most that a text may have, in UTF-8.
const MaxTextBytes = bridge.MaxAnswerBytes

const (
	// markBytes is the distance of the checkpoints in a text: what is scanned,
	// at most, to find a code point or the hash of what is before it.
	markBytes = 4 << 10
	// maxCuts bounds the corrections that are remembered one by one. Beyond it
	// the older ones are joined in pairs, so that a reader which has seen
	// neither gets a little more of the text again than it needs.
	maxCuts = 256
)

// FNV-1a, 64 bit. Ids go from node to node and outlive a restart, so the hash
// must not be seeded; a collision shows a wrong text until the end replaces it.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// Text is one answer as it comes, shared by all its readers. The zero Text is
// empty. It is not safe for concurrent use: its entry's lock guards it.
type Text struct {
	buf   []byte
	end   mark   // of all of buf
	marks []mark // ascending, about markBytes apart
	cuts  []cut  // ascending in both fields
	seen  uint64 // number of corrections ever made
	rev   uint64 // raised with each change
	over  bool   // the last that came was over the bound
}

// mark is a place in a text: bytes and code points before it, and their hash.
type mark struct {
	bytes, points int
	sum           uint64 // the hash XOR fnvOffset, so that zero is the start
}

func (m mark) hash() uint64 { return m.sum ^ fnvOffset }
func (m mark) id() string   { return formatID(m.points, m.hash()) }

// cut is a correction: the text was cut to its first at code points. Only those
// are kept that no later one goes below: a cursor that has seen all before
// number must go back to the at of the first that it has not seen.
type cut struct {
	number uint64 // from 1
	at     int    // code points
}

// Result says what became of a delta.
type Result int

// The results of Apply.
const (
	Applied Result = iota
	Beyond         // the offset is beyond the text: nothing changed, and all of it must be sent again
	TooLong        // the text would exceed MaxTextBytes: nothing changed
)

// Points is the length of the text in code points.
func (t *Text) Points() int { return t.end.points }

// Len is the length of the text in bytes.
func (t *Text) Len() int { return t.end.bytes }

// String is the text.
func (t *Text) String() string { return string(t.buf) }

// ID is the event id of a reader that has the whole text.
func (t *Text) ID() string { return t.end.id() }

// Has reports whether hash is the hash of the text's first n code points.
func (t *Text) Has(n int, hash uint64) bool {
	return n >= 0 && n <= t.end.points && t.mark(n).hash() == hash
}

// Apply makes the text its first offset code points and s. What is there
// already stays: a repetition changes nothing and readers hear nothing of it.
// U+0000 and what is not UTF-8 become U+FFFD. from is where the text changed,
// in code points; without a change it is the length.
func (t *Text) Apply(offset int, s string) (from int, r Result) { return t.apply(offset, s, false) }

// apply is Apply; with more, s is not all that follows: where the text has it
// already and goes on, the text stays.
func (t *Text) apply(offset int, s string, more bool) (from int, r Result) {
	if offset < 0 || offset > t.end.points {
		if t.over && offset > 0 {
			return t.end.points, TooLong // it goes on from what was refused: sent again, it would be refused again
		}
		return t.end.points, Beyond
	}
	s = clean(s)
	at := t.mark(offset)
	if at.bytes+len(s) > MaxTextBytes {
		t.over = true
		return t.end.points, TooLong
	}
	t.over = false
	same := common(t.buf[at.bytes:], s)
	rest := s[same:]
	if rest == "" && (more || at.bytes+same == len(t.buf)) {
		return t.end.points, Applied
	}
	at = t.advance(at, at.bytes+same)
	if at.bytes < len(t.buf) {
		t.cut(at)
	}
	t.append(rest)
	t.rev++
	return at.points, Applied
}

// common is the length of the longest common beginning that ends between code
// points of s.
func common(a []byte, s string) int {
	n := min(len(a), len(s))
	i := 0
	for i+64 <= n && string(a[i:i+64]) == s[i:i+64] {
		i += 64
	}
	for i < n && a[i] == s[i] {
		i++
	}
	for i > 0 && (i < len(s) && !utf8.RuneStart(s[i]) || i < len(a) && !utf8.RuneStart(a[i])) {
		i--
	}
	return i
}

func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// mark finds the place after n code points; n is within the text.
func (t *Text) mark(n int) mark {
	if n == t.end.points {
		return t.end
	}
	var at mark
	if i := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].points > n }); i > 0 {
		at = t.marks[i-1]
	}
	to := at.bytes
	for left := n - at.points; left > 0; left-- {
		to++
		for to < len(t.buf) && !utf8.RuneStart(t.buf[to]) {
			to++
		}
	}
	return t.step(at, t.buf[at.bytes:to])
}

// advance goes on from at to a byte at the start of a code point.
func (t *Text) advance(at mark, to int) mark {
	if to == t.end.bytes {
		return t.end
	}
	if i := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].bytes > to }); i > 0 && t.marks[i-1].bytes > at.bytes {
		at = t.marks[i-1]
	}
	return t.step(at, t.buf[at.bytes:to])
}

func (t *Text) step(at mark, b []byte) mark {
	h, points := at.hash(), at.points
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
		if utf8.RuneStart(c) {
			points++
		}
	}
	return mark{at.bytes + len(b), points, h ^ fnvOffset}
}

func (t *Text) cut(at mark) {
	t.buf, t.end = t.buf[:at.bytes], at
	t.marks = t.marks[:sort.Search(len(t.marks), func(i int) bool { return t.marks[i].bytes > at.bytes })]
	t.cuts = t.cuts[:sort.Search(len(t.cuts), func(i int) bool { return t.cuts[i].at >= at.points })]
	t.seen++
	t.cuts = append(t.cuts, cut{t.seen, at.points})
	if len(t.cuts) > maxCuts {
		half := t.cuts[:maxCuts/2]
		for i := 0; i < len(half); i += 2 {
			half[i/2] = cut{half[i+1].number, half[i].at}
		}
		t.cuts = slices.Delete(t.cuts, len(half)/2, len(half))
	}
}

func (t *Text) append(s string) {
	for s != "" {
		last := 0
		if n := len(t.marks); n > 0 {
			last = t.marks[n-1].bytes
		}
		size := min(max(1, markBytes-(len(t.buf)-last)), len(s))
		for size < len(s) && !utf8.RuneStart(s[size]) {
			size++
		}
		at := len(t.buf)
		t.buf = append(t.buf, s[:size]...)
		t.end = t.step(t.end, t.buf[at:])
		if t.end.bytes-last >= markBytes {
			t.marks = append(t.marks, t.end)
		}
		s = s[size:]
	}
}

// Cursor is what one reader has of a text: the zero Cursor nothing.
type Cursor struct {
	points int
	unsure bool   // by its own word: to be compared with the text
	sum    uint64 // as in mark
	seen   uint64 // the corrections that it knows of
}

// ResumeCursor is the cursor of a reader that says it has n code points with
// this hash.
func ResumeCursor(n int, hash uint64) Cursor {
	return Cursor{points: n, sum: hash ^ fnvOffset, unsure: true}
}

// ID names what the cursor has.
func (c *Cursor) ID() string { return formatID(c.points, c.sum^fnvOffset) }

// Next moves c to the end of the text. changed is false when that is nothing
// new; else what c had becomes its first offset code points and text.
func (t *Text) Next(c *Cursor) (offset int, text string, changed bool) {
	offset, changed = t.next(c)
	if !changed {
		return offset, "", false
	}
	t.reach(c)
	return offset, string(t.from(offset)), true
}

// next tells from which code point on c must read. It does not move c, but
// believes it where it is right.
func (t *Text) next(c *Cursor) (offset int, changed bool) {
	offset = c.points
	if c.unsure && t.Has(offset, c.sum^fnvOffset) {
		c.unsure, c.seen = false, t.seen
	}
	if c.unsure {
		offset = 0
	} else if i := sort.Search(len(t.cuts), func(i int) bool { return t.cuts[i].number > c.seen }); i < len(t.cuts) {
		offset = min(offset, t.cuts[i].at)
	}
	return offset, offset != c.points || offset != t.end.points
}

// from is the text from a code point on, valid until the next Apply.
func (t *Text) from(offset int) []byte { return t.buf[t.mark(offset).bytes:] }

// reach moves c to the end.
func (t *Text) reach(c *Cursor) {
	*c = Cursor{points: t.end.points, sum: t.end.sum, seen: t.seen}
}
