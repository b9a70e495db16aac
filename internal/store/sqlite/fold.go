package sqlite

import (
	"database/sql/driver"
	"unicode"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// addContains gives every connection that is opened afterwards
// chatbridge_contains(text, needle): SQLite's own LIKE knows only the case of
// ASCII.
func addContains() error {
	return sqlite.RegisterFunction("chatbridge_contains", &sqlite.FunctionImpl{
		NArgs: 2, Deterministic: true,
		VolatileArgs: true, // texts of megabytes are not copied; neither is kept
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text, _ := args[0].(string)
			needle, _ := args[1].(string)
			if containsFold(text, needle) {
				return int64(1), nil
			}
			return int64(0), nil
		},
	})
}

// containsFold reports whether s contains sub under Unicode simple case
// folding. It allocates nothing.
func containsFold(s, sub string) bool {
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
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return false
}

func beginsFold(s, prefix string) bool {
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
		a, n := utf8.DecodeRuneInString(s)
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
