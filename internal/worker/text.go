package worker

import (
	"strings"
	"sync"
	"unicode/utf8"

	"chatbridge/protocol"
)

// text is an answer as it grows, and how it ended. Its methods may be called
// from several goroutines.
type text struct {
	mu      sync.Mutex
	b       strings.Builder
	tooLong bool
	over    bool
	answer  Answer
	err     error
}

// add appends a piece and reports whether the text still has a legal length.
func (t *text) add(piece string) bool {
	piece = strings.ToValidUTF8(piece, "\ufffd") // or offsets would count halves
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tooLong || t.b.Len()+len(piece) > protocol.MaxAnswerBytes {
		t.tooLong = true
		return false
	}
	t.b.WriteString(piece)
	return true
}

func (t *text) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Len()
}

// from returns at most limit bytes from a place on, cut between code points.
func (t *text) from(start, limit int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return head(t.b.String()[start:], limit)
}

// head is the beginning of s, at most limit bytes, cut between code points.
func head(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func (t *text) end(answer Answer, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over, t.answer, t.err = true, answer, err
	if t.tooLong {
		t.err = errTooLong
	}
}

func (t *text) outcome() (answer Answer, err error, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answer, t.err, t.over
}
