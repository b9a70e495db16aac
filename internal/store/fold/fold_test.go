package fold_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"chatbridge/internal/store/fold"
)

func TestContains(t *testing.T) {
	long := strings.Repeat("Some text, Ünïcode too. ", 400)
	for _, needle := range []string{"not in it", "Ünicode", "k"} {
		if n := testing.AllocsPerRun(10, func() { fold.Contains(long, needle) }); n != 0 {
			t.Errorf("%q: %v allocations", needle, n)
		}
	}
	for _, c := range []struct {
		s, sub string
		want   bool
	}{
		{"", "", true}, {"a", "", true}, {"", "a", false}, {"abc", "BC", true}, {"abc", "abcd", false}, {"aab", "AB", true},
		{"ä", "Ä", true}, {"xÄ", "ä", true}, {"\u212A", "k", true}, {"K", "\u212A", true}, {"ſ", "S", true}, {"ß", "SS", false}, {"\xff", "\xff", true},
		{"a\xffb", "\uFFFDB", true}, {"x\uFFFDb", "\xffb", true}, {"xax", "\xff", false},
	} {
		if got := fold.Contains(c.s, c.sub); got != c.want {
			t.Errorf("Contains(%q, %q) = %v", c.s, c.sub, got)
		}
	}
}

// Contains finds what a look at each place finds.
func TestContainsAgainstEachPlace(t *testing.T) {
	letters := rapid.SampledFrom([]rune("aAkK\u212AsSſßéÉΣσςθΘϑϴ日 1\uFFFD"))
	rapid.Check(t, func(t *rapid.T) {
		text, needle := string(rapid.SliceOfN(letters, 0, 12).Draw(t, "text")), string(rapid.SliceOfN(letters, 0, 3).Draw(t, "needle"))
		want := false
		n := utf8.RuneCountInString(needle)
		for i := range text {
			for j := i; j <= len(text); j++ {
				want = want || utf8.ValidString(text[i:j]) && utf8.RuneCountInString(text[i:j]) == n && strings.EqualFold(text[i:j], needle)
			}
		}
		if got := fold.Contains(text, needle); got != (want || needle == "") {
			t.Fatalf("Contains(%q, %q) = %v", text, needle, got)
		}
	})
}

// No letter has more forms than Contains takes.
func TestForms(t *testing.T) {
	for r := range unicode.MaxRune {
		n := 1
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			n++
		}
		if n > 4 {
			t.Errorf("%q has %d forms", r, n)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	text := strings.Repeat("the quick brown fox jumps over während lazy dogs Kisten ", 11)
	for _, needle := range []string{"needle", "nowhere to be found", "ärger", "x1"} {
		b.Run(needle, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				fold.Contains(text, needle)
			}
		})
	}
}
