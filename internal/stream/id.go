package stream

import (
	"strconv"
	"strings"
)

// EndID is the id of a stream's last event. Who names it has had everything.
const EndID = "end"

// hashDigits is the length of a 64-bit hash in hex.
const hashDigits = 16

// formatID is the event id of a reader that has the first n code points of an
// answer, hash being theirs.
func formatID(n int, hash uint64) string {
	b := strconv.AppendInt(make([]byte, 0, 8+1+hashDigits), int64(n), 10)
	b = append(b, '.')
	h := strconv.FormatUint(hash, 16)
	b = append(b, "0000000000000000"[len(h):]...)
	return string(append(b, h...))
}

// ParseID reads an event id "<n>.<h>": n code points of an answer, and their
// hash in 16 lower-case hex digits. ok is false for whatever formatID does not
// write, EndID among it, and for an n beyond what a text can have.
func ParseID(id string) (n int, hash uint64, ok bool) {
	points, digits, found := strings.Cut(id, ".")
	if !found || len(points) > len("9999999") || len(digits) != hashDigits {
		return 0, 0, false
	}
	n, err := strconv.Atoi(points)
	if err != nil || n < 0 || n > MaxTextBytes {
		return 0, 0, false
	}
	if hash, err = strconv.ParseUint(digits, 16, 64); err != nil || formatID(n, hash) != id {
		return 0, 0, false
	}
	return n, hash, true
}
