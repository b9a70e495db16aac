package stream

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestApply(t *testing.T) {
	type delta struct {
		offset int
		s      string
	}
	big := strings.Repeat("x", MaxTextBytes)
	for _, c := range []struct {
		name   string
		before string
		delta  delta
		want   string
		from   int
		result Result
	}{
		{"append", "ab", delta{2, "c"}, "abc", 2, Applied},
		{"nothing", "ab", delta{2, ""}, "ab", 2, Applied},
		{"correction", "abc", delta{1, "x"}, "ax", 1, Applied},
		{"correction that adds nothing", "abc", delta{1, ""}, "a", 1, Applied},
		{"repeated", "abc", delta{0, "abc"}, "abc", 3, Applied},
		{"repeated and more", "abc", delta{0, "abcd"}, "abcd", 3, Applied},
		{"repeated and less", "abc", delta{0, "ab"}, "ab", 2, Applied},
		{"differs late", "abcd", delta{0, "abx"}, "abx", 2, Applied},
		{"code points", "日本語", delta{2, "x"}, "日本x", 2, Applied},
		{"first bytes of a code point in common", "aé", delta{0, "aè"}, "aè", 1, Applied},
		{"surrogate pair", "😀😀", delta{1, "😁"}, "😀😁", 1, Applied},
		{"NUL", "a", delta{1, "\x00b"}, "a\uFFFDb", 1, Applied},
		{"not UTF-8", "a", delta{1, "\xffb"}, "a\uFFFDb", 1, Applied},
		{"beyond", "ab", delta{3, "c"}, "ab", 2, Beyond},
		{"negative", "ab", delta{-1, "c"}, "ab", 2, Beyond},
		{"full", "", delta{0, big}, big, 0, Applied},
		{"too long", "ab", delta{1, big}, "ab", 2, TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text Text
			text.Apply(0, c.before)
			from, result := text.Apply(c.delta.offset, c.delta.s)
			if text.String() != c.want || from != c.from || result != c.result {
				t.Errorf("got %.40q, from %d, result %d; want %.40q, from %d, result %d", text.String(), from, result, c.want, c.from, c.result)
			}
			var fresh Text
			fresh.Apply(0, c.want)
			if text.ID() != fresh.ID() {
				t.Errorf("id %s, of the same text at once %s", text.ID(), fresh.ID())
			}
		})
	}
}

// What goes on from a text that was refused as too long is refused too: sent
// again from the start it would be too long again.
func TestTooLongIsNotAskedForAgain(t *testing.T) {
	var text Text
	text.Apply(0, strings.Repeat("x", MaxTextBytes-1))
	if _, r := text.Apply(MaxTextBytes-1, "yy"); r != TooLong {
		t.Fatalf("result %d", r)
	}
	if _, r := text.Apply(MaxTextBytes+1, "z"); r != TooLong {
		t.Errorf("going on: result %d, want TooLong", r)
	}
	text.Apply(0, "short")
	if _, r := text.Apply(6, "z"); r != Beyond {
		t.Errorf("after a correction: result %d, want Beyond", r)
	}
}

// reading is a reader as a client would be: it does what it is told.
type reading struct {
	cursor Cursor
	has    []rune
}

func (r *reading) read(t interface{ Fatalf(string, ...any) }, text *Text) {
	had := len(r.has)
	offset, s, changed := text.Next(&r.cursor)
	if !changed {
		return
	}
	if offset > had {
		t.Fatalf("a delta at %d for a reader that has %d", offset, had)
	}
	r.has = append(r.has[:offset:offset], []rune(s)...)
	if got, want := r.cursor.ID(), idOf(string(r.has)); got != want {
		t.Fatalf("id %s for a reader that has %s", got, want)
	}
}

func idOf(s string) string {
	h := uint64(fnvOffset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return formatID(utf8.RuneCountInString(s), h)
}

func TestTextProperties(t *testing.T) {
	pieces := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("ab é日😀")), 0, 12, -1),
		rapid.Map(rapid.IntRange(1, 3*markBytes), func(n int) string { return strings.Repeat("é", n) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		var text Text
		var model []rune
		readers := make([]reading, 4)
		var ids []string // every id that was ever a reader's
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				s := pieces.Draw(t, "piece")
				text.Apply(len(model), s)
				model = append(model, []rune(s)...)
			},
			"correct": func(t *rapid.T) {
				at := rapid.IntRange(max(0, len(model)-20), len(model)+1).Draw(t, "at")
				s := pieces.Draw(t, "piece")
				_, r := text.Apply(at, s)
				if (r == Applied) != (at <= len(model)) {
					t.Fatalf("result %d at %d of %d", r, at, len(model))
				}
				if r == Applied {
					model = append(slices.Clone(model[:at]), []rune(s)...)
				}
			},
			"send again": func(t *rapid.T) {
				if _, r := text.Apply(0, string(model)); r != Applied {
					t.Fatalf("result %d", r)
				}
			},
			"read": func(t *rapid.T) {
				r := &readers[rapid.IntRange(0, len(readers)-1).Draw(t, "reader")]
				r.read(t, &text)
				if string(r.has) != string(model) {
					t.Fatalf("a reader has %.60q of %.60q", string(r.has), string(model))
				}
				ids = append(ids, r.cursor.ID())
			},
			"resume": func(t *rapid.T) {
				r := &readers[rapid.IntRange(0, len(readers)-1).Draw(t, "reader")]
				n, hash, ok := ParseID(r.cursor.ID())
				if !ok {
					t.Fatalf("id %s is not one", r.cursor.ID())
				}
				r.cursor = ResumeCursor(n, hash)
			},
			"resume by an old id": func(t *rapid.T) {
				if len(ids) == 0 {
					return
				}
				n, hash, _ := ParseID(rapid.SampledFrom(ids).Draw(t, "id"))
				r := reading{cursor: ResumeCursor(n, hash)}
				offset, s, changed := text.Next(&r.cursor)
				if changed && offset != n && offset != 0 || !changed && n != len(model) {
					t.Fatalf("resumed at %d of %d: offset %d, changed %v", n, len(model), offset, changed)
				}
				if changed && string(model[:offset])+s != string(model) {
					t.Fatalf("resumed at %d: %d and %.60q do not add up", n, offset, s)
				}
			},
			"": func(t *rapid.T) {
				if text.String() != string(model) || text.Points() != len(model) || text.Len() != len(string(model)) {
					t.Fatalf("text %.60q, want %.60q", text.String(), string(model))
				}
				if text.ID() != idOf(string(model)) {
					t.Fatalf("id %s, want %s", text.ID(), idOf(string(model)))
				}
			},
		})
	})
}

// However many corrections a reader missed, it ends up right, and what is kept
// of them is bounded. Each correction takes back the last that some reader had.
func TestManyCorrections(t *testing.T) {
	var text Text
	text.Apply(0, "0123456789")
	early := new(reading)
	early.read(t, &text)
	text.Apply(10, "x")
	readers := []*reading{early}
	for i := range 5 * maxCuts {
		r := new(reading)
		r.read(t, &text)
		readers = append(readers, r)
		text.Apply(text.Points()-1, string(rune('a'+i%26))+"x")
		text.Apply(text.Points()-1, "y")
		if len(text.cuts) > maxCuts {
			t.Fatalf("%d corrections kept", len(text.cuts))
		}
	}
	if offset, _ := text.next(&early.cursor); offset != 10 {
		t.Errorf("a reader of what was never corrected goes on at %d, want 10", offset)
	}
	for i, r := range readers {
		if r.read(t, &text); string(r.has) != text.String() {
			t.Fatalf("reader %d does not have the text", i)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, id := range []string{"", EndID, "0.cbf29ce484222325", "12.0123456789abcdef", "7340032.ffffffffffffffff", "7340033.0000000000000000",
		"-1.0123456789abcdef", "+1.0123456789abcdef", "01.0123456789abcdef", "1.0123456789ABCDEF", "1.123456789abcdef", "1", "1.", ".0123456789abcdef",
		"99999999999999999999.0123456789abcdef", "1.0123456789abcdef.0", "1.+123456789abcdef", "1._123456789abcdef"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		n, hash, ok := ParseID(id)
		if ok && (formatID(n, hash) != id || n < 0 || n > MaxTextBytes) {
			t.Errorf("%q is read as %d, %x", id, n, hash)
		}
		if !ok && (n != 0 || hash != 0) {
			t.Errorf("%q is none, and yet %d, %x", id, n, hash)
		}
	})
}

func TestParseIDReadsItsOwn(t *testing.T) {
	for _, s := range []string{"", "a", "日本", strings.Repeat("x", MaxTextBytes)} {
		if n, _, ok := ParseID(idOf(s)); !ok || n != utf8.RuneCountInString(s) {
			t.Errorf("%s: %d, %v", idOf(s), n, ok)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var text Text
		for text.Len() < 64<<10 {
			text.Apply(text.Points(), "a few words more ")
		}
	}
}

func BenchmarkCorrectNearTheEnd(b *testing.B) {
	var text Text
	text.Apply(0, strings.Repeat("日本語 ", 1<<18))
	b.ReportAllocs()
	for b.Loop() {
		text.Apply(text.Points()-1, "x")
	}
}
