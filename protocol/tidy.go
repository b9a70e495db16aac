package protocol

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The tidy methods make what came safe to store: request ids in lower case, no
// U+0000, names and notes within their limits. An optional field of the wrong
// type was read as a pointer to nothing, so that counts as left out.

func (r *Ref) tidy() { r.RequestID = strings.ToLower(noNUL(r.RequestID)) }

func (m *NewRequest) tidy() {
	m.Ref.tidy()
	m.ChatID = chatID(m.ChatID)
}

func (m *StatusUpdate) tidy() {
	m.Ref.tidy()
	m.ChatID = chatID(m.ChatID)
}

func (m *Delta) tidy() {
	m.Ref.tidy()
	m.Text = noNUL(m.Text)
}

func (m *Response) tidy() {
	m.Ref.tidy()
	m.Response = noNUL(m.Response)
	m.ChatID = chatID(m.ChatID)
	m.ChatTitle = line(m.ChatTitle)
	m.ModeUsed = line(m.ModeUsed)
	if m.Evidence != nil && *m.Evidence == (Evidence{}) {
		m.Evidence = nil
	}
	if m.Evidence != nil {
		cut(&m.Evidence.Source, MaxIDBytes)
		cut(&m.Evidence.Note, MaxNoteBytes)
	}
}

func (m *Error) tidy() {
	m.Ref.tidy()
	cut(&m.Error, MaxNoteBytes)
	cut((*string)(&m.Code), MaxIDBytes)
	if m.PartialResponse != nil {
		*m.PartialResponse = noNUL(*m.PartialResponse)
	}
	if m.RetryAfter != nil && *m.RetryAfter <= 0 {
		m.RetryAfter = nil
	}
}

func (m *Health) tidy() {
	if len(m.Matched) > MaxNoteBytes {
		m.Matched = nil
	}
}

func (m *Welcome) tidy() {
	for i := range m.Keep {
		m.Keep[i].tidy()
	}
	for i := range m.Drop {
		m.Drop[i].tidy()
	}
}

// maxResponseTypes bounds response_types; there are three, and room for more.
const maxResponseTypes = 32

// check returns ErrBadHello with what is missing, and tidies the rest.
func (h *Hello) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBadHello, fmt.Sprintf(format, args...))
	}
	switch {
	case h.WorkerID == "" || len(h.WorkerID) > MaxIDBytes || strings.ContainsRune(h.WorkerID, 0):
		return bad("worker_id must be a name of 1 to %d bytes", MaxIDBytes)
	case h.N < 0:
		return bad("n must not be negative")
	case h.Capacity < 0 || h.Capacity > MaxCapacity:
		return bad("capacity must be 1 to %d", MaxCapacity)
	case len(h.Holding) > MaxHolding:
		return bad("holding names more than %d attempts", MaxHolding)
	case len(h.ResponseTypes) > maxResponseTypes:
		return bad("response_types names more than %d", maxResponseTypes)
	}
	for i := range h.Holding {
		held := &h.Holding[i]
		if held.RequestID == "" || held.Attempt < 1 || !held.Phase.Valid() {
			return bad("holding[%d] needs request_id, attempt from 1 and a phase", i)
		}
		held.tidy()
	}
	if h.Capacity == 0 {
		h.Capacity = 1
	}
	cut(&h.Name, MaxIDBytes)
	cut(&h.Version, MaxIDBytes)
	cut(&h.Site, MaxIDBytes)
	for i := range h.ResponseTypes {
		cut(&h.ResponseTypes[i], MaxIDBytes)
	}
	return nil
}

func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\ufffd") }

// cut takes U+0000 out of s and cuts it, between runes, to limit bytes.
func cut(s *string, limit int) {
	*s = noNUL(*s)
	if len(*s) <= limit {
		return
	}
	for limit > 0 && !utf8.RuneStart((*s)[limit]) {
		limit--
	}
	*s = (*s)[:limit]
}

// line is a title to show: cut, and nil where it is empty.
func line(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	cut(s, MaxTitleBytes)
	return s
}

// chatID drops what cannot be a chat's id: half of one would name another chat.
func chatID(s *string) *string {
	if s == nil || *s == "" || len(*s) > MaxIDBytes || strings.ContainsRune(*s, 0) {
		return nil
	}
	return s
}
