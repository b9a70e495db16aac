package postgres

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestContainsFold(t *testing.T) {
	long := []byte(strings.Repeat("Some text, Ünïcode too. ", 400))
	if n := testing.AllocsPerRun(10, func() { containsFold(long, "not in it") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, c := range []struct {
		s, sub string
		want   bool
	}{
		{"", "", true}, {"a", "", true}, {"", "a", false}, {"abc", "BC", true}, {"abc", "abcd", false}, {"aab", "AB", true},
		{"ä", "Ä", true}, {"xÄ", "ä", true}, {"\u212A", "k", true}, {"K", "\u212A", true}, {"ſ", "S", true}, {"ß", "SS", false}, {"\xff", "\xff", true},
	} {
		if got := containsFold([]byte(c.s), c.sub); got != c.want {
			t.Errorf("containsFold(%q, %q) = %v", c.s, c.sub, got)
		}
	}
}

func TestNarrow(t *testing.T) {
	for needle, want := range map[string]string{
		"": "", "Hello": "hello", "Kelvin": "elvin", "ask me": " me", "ЁЛКА 12": " 12", "日本語": "日本語", "sss": "", "a\xffbc": "bc", "x\uFFFDyz": "yz",
	} {
		if got := narrow(needle); got != want {
			t.Errorf("narrow(%q) = %q, want %q", needle, got, want)
		}
	}
}

// Whatever contains a needle contains, its ASCII letters lowered, what the needle
// is narrowed to.
func TestNarrowIsNeverTooNarrow(t *testing.T) {
	letters := []rune("aAkK\u212AsSſßéÉ日 1Σσς\uFFFD")
	rapid.Check(t, func(t *rapid.T) {
		needle := string(rapid.SliceOfN(rapid.SampledFrom(letters), 1, 6).Draw(t, "needle"))
		text := "x" + strings.Map(func(r rune) rune {
			for range rapid.IntRange(0, 3).Draw(t, "fold") {
				r = unicode.SimpleFold(r)
			}
			return r
		}, needle)
		if !containsFold([]byte(text), needle) {
			t.Fatalf("%q does not contain %q", text, needle)
		}
		lowered := []byte(text)
		for i, c := range lowered {
			lowered[i] = lower(c)
		}
		if part := narrow(needle); !strings.Contains(string(lowered), part) {
			t.Fatalf("%q contains %q but not %q", text, needle, part)
		}
	})
}
