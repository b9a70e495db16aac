package postgres

import (
	"unicode"
	"unicode/utf8"
)

// narrow returns the longest part of a needle that a text which contains the
// needle, in whatever case, contains once its ASCII letters are lower: letters that
// have no other forms than their ASCII two (K and S have), and characters without
// case. "" where there is none.
func narrow(needle string) string {
	best, from := "", 0
	out := []byte(needle)
	end := func(at int) {
		if at-from > len(best) {
			best = string(out[from:at])
		}
	}
	for i, r := range needle {
		size := utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError:
		case r < utf8.RuneSelf:
			out[i] = lower(out[i])
			if out[i] != 'k' && out[i] != 's' {
				continue
			}
		case unicode.SimpleFold(r) == r:
			continue
		}
		end(i)
		from = i + max(size, 1)
		if r == utf8.RuneError { // however many bytes it stood for
			_, n := utf8.DecodeRuneInString(needle[i:])
			from = i + n
		}
	}
	end(len(out))
	return best
}

// containsFold reports whether s contains sub under Unicode simple case
// folding. It allocates nothing.
func containsFold(s []byte, sub string) bool {
	if sub == "" {
		return true
	}
	first := lower(sub[0])
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if (lower(c) == first || first >= utf8.RuneSelf) && beginsFold(s[i:], sub) {
				return true
			}
			i++
			continue
		}
		if beginsFold(s[i:], sub) {
			return true
		}
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	return false
}

func beginsFold(s []byte, prefix string) bool {
	for len(prefix) > 0 {
		if len(s) == 0 {
			return false
		}
		if s[0] < utf8.RuneSelf && prefix[0] < utf8.RuneSelf {
			if lower(s[0]) != lower(prefix[0]) {
				return false
			}
			s, prefix = s[1:], prefix[1:]
			continue
		}
		a, n := utf8.DecodeRune(s)
		b, m := utf8.DecodeRuneInString(prefix)
		if !equalFold(a, b) {
			return false
		}
		s, prefix = s[n:], prefix[m:]
	}
	return true
}

func equalFold(a, b rune) bool {
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

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
