package postgres

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"chatbridge/internal/store/fold"
)

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
		if !fold.Contains(text, needle) {
			t.Fatalf("%q does not contain %q", text, needle)
		}
		lowered := []byte(text)
		for i, c := range lowered {
			lowered[i] = fold.Lower(c)
		}
		if part := narrow(needle); !strings.Contains(string(lowered), part) {
			t.Fatalf("%q contains %q but not %q", text, needle, part)
		}
	})
}
