// Package fold looks for texts in any case: under Unicode simple case folding,
// which no database does by itself. Every store engine compares with it.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxForms is how many characters are one letter in different cases: k, K and the
// Kelvin sign are three, and no letter has more than four.
const maxForms = 4

// Contains reports whether s contains sub in any case. It allocates nothing.
// Bytes that are no UTF-8 equal each other and U+FFFD.
func Contains(s, sub string) bool {
	if sub == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(sub)
	if first == utf8.RuneError {
		return containsError(s, sub)
	}
	// Where each form of the first letter comes next. IndexByte and Index look at many
	// bytes at once, and a form that is rare is looked for once.
	var forms [maxForms]form
	n := 0
	for r := first; ; {
		forms[n].is(r)
		n++
		if r = unicode.SimpleFold(r); r == first || n == maxForms {
			break
		}
	}
	for i := range n {
		forms[i].find(s, 0)
	}
	for {
		next := &forms[0]
		for i := 1; i < n; i++ {
			if forms[i].at < next.at {
				next = &forms[i]
			}
		}
		if next.at >= len(s) {
			return false
		}
		if begins(s[next.at:], sub) {
			return true
		}
		next.find(s, next.at+next.size)
	}
}

// form is a character, and where a text has it next.
type form struct {
	bytes [utf8.UTFMax]byte
	size  int
	at    int // the text's length where it comes no more
}

func (f *form) is(r rune) { f.size = utf8.EncodeRune(f.bytes[:], r) }

func (f *form) find(s string, from int) {
	var i int
	if f.size == 1 {
		i = strings.IndexByte(s[from:], f.bytes[0])
	} else {
		i = strings.Index(s[from:], string(f.bytes[:f.size]))
	}
	f.at = from + i
	if i < 0 {
		f.at = len(s)
	}
}

// containsError looks for what begins with bytes that are no UTF-8.
func containsError(s, sub string) bool {
	for i := range s {
		if begins(s[i:], sub) {
			return true
		}
	}
	return false
}

// begins reports whether s begins with a prefix in any case.
func begins(s, prefix string) bool {
	for len(prefix) > 0 {
		if len(s) == 0 {
			return false
		}
		if s[0] < utf8.RuneSelf && prefix[0] < utf8.RuneSelf {
			if Lower(s[0]) != Lower(prefix[0]) {
				return false
			}
			s, prefix = s[1:], prefix[1:]
			continue
		}
		a, n := utf8.DecodeRuneInString(s)
		b, m := utf8.DecodeRuneInString(prefix)
		if !equal(a, b) {
			return false
		}
		s, prefix = s[n:], prefix[m:]
	}
	return true
}

func equal(a, b rune) bool {
	if a == b {
		return true
	}
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return false
}

// Lower is an ASCII letter in lower case, and any other byte as it is.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
