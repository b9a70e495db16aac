package wire

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Why a request waits; the first that applies is told.
const (
	WaitChatBusy = "chat_busy" // its chat is answering another message
	WaitBusy     = "busy"      // every worker that could take it has its hands full
	WaitPaused   = "paused"    // every worker that could take it pauses
	WaitNoWorker = "no_worker" // none is connected
)

// Waiting says why an idle request waits.
type Waiting struct {
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until"` // the pause's end; with no_worker the request's expiry; else nil
}

// MarshalJSON writes Until as RFC 3339 in UTC with at most microseconds, as
// every time on the wire.
func (w Waiting) MarshalJSON() ([]byte, error) { return w.append(nil), nil }

func (w Waiting) append(b []byte) []byte {
	b = AppendString(append(b, `{"reason":`...), w.Reason)
	b = append(b, `,"until":`...)
	if w.Until == nil {
		return append(b, "null}"...)
	}
	b = w.Until.UTC().Truncate(time.Microsecond).AppendFormat(append(b, '"'), time.RFC3339Nano)
	return append(b, `"}`...)
}

// Equal reports whether both say the same; nil says nothing.
func (w *Waiting) Equal(v *Waiting) bool {
	if w == nil || v == nil {
		return w == v
	}
	if w.Until == nil || v.Until == nil {
		return w.Reason == v.Reason && w.Until == v.Until
	}
	return w.Reason == v.Reason && w.Until.Equal(*v.Until)
}

// The functions below write the events of a stream, each a JSON object in one
// line. Those that take a requestID leave the field out where it is "": a
// stream of one request has no need of it, a stream of an account has.

// Connected is the first event of a request's stream, with spaces where the
// guide prints them.
func Connected(requestID string) []byte {
	return append(AppendString([]byte(`{"type": "connected", "request_id": `), requestID), '}')
}

// Executing is the status of a request that a worker has.
func Executing(requestID, phase string, attempt int, away bool) []byte {
	b := AppendString(append(head("status", requestID), `,"status":"executing","phase":`...), phase)
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(attempt), 10)
	b = strconv.AppendBool(append(b, `,"away":`...), away)
	return append(b, '}')
}

// PutBack is the status of a request that became idle again. A reason of ""
// is not known, and null.
func PutBack(requestID, reason string) []byte {
	b := append(head("status", requestID), `,"status":"idle","phase":null,"reason":`...)
	if reason == "" {
		return append(b, "null}"...)
	}
	return append(AppendString(b, reason), '}')
}

// Idle is the status of a request that waits; w may be nil.
func Idle(requestID string, w *Waiting) []byte {
	b := append(head("status", requestID), `,"status":"idle","waiting":`...)
	if w == nil {
		return append(b, "null}"...)
	}
	return append(w.append(b), '}')
}

// Delta says that the answer becomes its first offset code points and text.
func Delta[T string | []byte](requestID string, offset int, text T) []byte {
	b := head("delta", requestID)
	b = append(make([]byte, 0, len(b)+len(text)+len(text)/16+64), b...)
	b = strconv.AppendInt(append(b, `,"offset":`...), int64(offset), 10)
	return append(AppendString(append(b, `,"text":`...), text), '}')
}

// Made says that a request was submitted; request is its JSON.
func Made(requestID string, request json.RawMessage) []byte {
	return append(append(append(head("made", requestID), `,"request":`...), request...), '}')
}

// Reset says that what was heard so far is void: the present state follows.
func Reset() []byte { return []byte(`{"type":"reset"}`) }

func head(kind, requestID string) []byte {
	b := append(append(make([]byte, 0, 160), `{"type":"`...), kind...)
	b = append(b, '"')
	if requestID != "" {
		b = AppendString(append(b, `,"request_id":`...), requestID)
	}
	return b
}

// AppendString appends s as a JSON string. Unlike encoding/json it takes bytes
// without a copy and leaves <, > and & as they are; like it, it writes U+FFFD
// for what is not UTF-8.
func AppendString[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[done:i]...), "\ufffd"...)
				done = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[done:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
