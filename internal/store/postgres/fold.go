package postgres

import (
	"unicode"
	"unicode/utf8"

	"chatbridge/internal/store/fold"
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
			out[i] = fold.Lower(out[i])
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
