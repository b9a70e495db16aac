package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// head is what decides whether a message is acted on: its type, and whether the
// fields that some type cannot do without are there and of the right kind.
type head struct {
	Kind      textField  `json:"type"`
	RequestID textField  `json:"request_id"`
	Attempt   countField `json:"attempt"`
	Offset    countField `json:"offset"`
	Text      textField  `json:"text"`
	Message   textField  `json:"message"`
	Response  textField  `json:"response"`
	LoggedIn  boolField  `json:"logged_in"`
	PageOK    boolField  `json:"page_ok"`
}

// textField notes that a field is a string, and the beginning of it.
type textField struct {
	ok    bool
	start string // at most maxShown bytes
}

// countField notes that a field is an integer from 0.
type countField struct {
	ok bool
	n  int
}

// boolField notes that a field is true or false.
type boolField struct{ ok bool }

// maxShown bounds how much of a foreign "type" may reach a log.
const maxShown = 64

// UnmarshalJSON implements json.Unmarshaler. It takes any value: what is no
// string is not there.
func (f *textField) UnmarshalJSON(b []byte) error {
	f.ok = b[0] == '"'
	switch {
	case !f.ok:
		f.start = ""
	case len(b) <= maxShown:
		_ = json.Unmarshal(b, &f.start) // a valid string, or the decoder had not called
	default:
		f.start = string(bytes.ToValidUTF8(b[1:maxShown], nil))
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler; null is no count.
func (f *countField) UnmarshalJSON(b []byte) error {
	f.n = -1
	f.ok = json.Unmarshal(b, &f.n) == nil && f.n >= 0
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *boolField) UnmarshalJSON(b []byte) error {
	f.ok = b[0] == 't' || b[0] == 'f'
	return nil
}

// need names a field unless it is there.
func need(name string, there bool) string {
	if there {
		return ""
	}
	return name
}

func (h head) unknown(reason string) Unknown {
	return Unknown{WireType: h.Kind.start, Reason: reason}
}

// without is Unknown for a message that lacks the fields named; "" names none.
func (h head) without(names []string) (Unknown, bool) {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	return h.unknown("without " + strings.Join(names, ", ")), len(names) > 0
}

func readHead(data []byte) (head, error) {
	var h head
	body := bytes.TrimLeft(data, " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return h, ErrNotObject
	}
	if err := json.Unmarshal(body, &h); err != nil {
		return h, fmt.Errorf("%w: %w", ErrNotObject, err)
	}
	return h, nil
}

// lenient reads data, whose syntax is checked already, into a T. A field of the
// wrong type stays zero: what cannot be done without is asked for by need.
func lenient[T Message](data []byte, h head, needs ...string) Message {
	if u, lacking := h.without(needs); lacking {
		return u
	}
	var m T
	_ = json.Unmarshal(data, &m)
	if t, ok := any(&m).(interface{ tidy() }); ok {
		t.tidy()
	}
	return m
}

// aboutAttempt is lenient for a message that needs request_id and attempt.
func aboutAttempt[T AttemptMessage](data []byte, h head, needs ...string) Message {
	return lenient[T](data, h, append(needs,
		need("request_id", h.RequestID.ok && h.RequestID.start != ""),
		need("attempt", h.Attempt.ok && h.Attempt.n > 0))...)
}

// strict is lenient, but a field of the wrong type makes the message Unknown.
func strict[T Message](data []byte, h head, needs ...string) Message {
	if err := json.Unmarshal(data, new(T)); err != nil {
		return h.unknown(err.Error())
	}
	return lenient[T](data, h, needs...)
}
