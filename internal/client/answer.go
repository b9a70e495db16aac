package client

import (
	"fmt"
	"unicode/utf8"
)

// Answer is an answer as it grows by deltas. The zero value is empty.
type Answer struct {
	text  []byte
	runes int
}

// Apply makes the answer its first offset code points and text. It fails where
// the answer is shorter than that.
func (a *Answer) Apply(offset int, text string) error {
	if offset < 0 || offset > a.runes {
		return fmt.Errorf("a delta at %d does not fit an answer of %d code points", offset, a.runes)
	}
	if offset < a.runes {
		end := 0
		for range offset {
			_, size := utf8.DecodeRune(a.text[end:])
			end += size
		}
		a.text = a.text[:end]
	}
	a.text = append(a.text, text...)
	a.runes = offset + utf8.RuneCountInString(text)
	return nil
}

// String is the answer so far.
func (a *Answer) String() string { return string(a.text) }

// Len is its length in code points.
func (a *Answer) Len() int { return a.runes }
