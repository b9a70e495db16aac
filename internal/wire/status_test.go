package wire

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

func TestStatusShapes(t *testing.T) {
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for _, c := range []struct{ got, want string }{
		{string(Connected(`a"b`)), `{"type": "connected", "request_id": "a\"b"}`},
		{string(Executing("", "typing", 2, true)), `{"type":"status","status":"executing","phase":"typing","attempt":2,"away":true}`},
		{string(Executing("a", "typing", 2, false)), `{"type":"status","request_id":"a","status":"executing","phase":"typing","attempt":2,"away":false}`},
		{string(PutBack("", "challenge")), `{"type":"status","status":"idle","phase":null,"reason":"challenge"}`},
		{string(PutBack("a", "")), `{"type":"status","request_id":"a","status":"idle","phase":null,"reason":null}`},
		{string(Idle("", nil)), `{"type":"status","status":"idle","waiting":null}`},
		{string(Idle("a", &Waiting{WaitPaused, &until})), `{"type":"status","request_id":"a","status":"idle","waiting":{"reason":"paused","until":"2030-01-02T02:04:05Z"}}`},
		{string(Delta("", 3, "a\n<&>")), `{"type":"delta","offset":3,"text":"a\n<&>"}`},
		{string(Delta("a", 0, []byte{})), `{"type":"delta","request_id":"a","offset":0,"text":""}`},
		{string(Made("a", json.RawMessage(`{"id":1}`))), `{"type":"made","request_id":"a","request":{"id":1}}`},
		{string(Reset()), `{"type":"reset"}`},
	} {
		if c.got != c.want {
			t.Errorf("\n got %s\nwant %s", c.got, c.want)
		}
		if !json.Valid([]byte(c.got)) {
			t.Errorf("not JSON: %s", c.got)
		}
	}
}

func TestWaitingEqual(t *testing.T) {
	a, b := time.Unix(1, 0), time.Unix(1, 0).UTC()
	c := time.Unix(2, 0)
	for _, x := range []struct {
		v, w *Waiting
		want bool
	}{
		{nil, nil, true},
		{nil, &Waiting{}, false},
		{&Waiting{Reason: WaitBusy}, &Waiting{Reason: WaitBusy}, true},
		{&Waiting{Reason: WaitBusy}, &Waiting{Reason: WaitChatBusy}, false},
		{&Waiting{WaitPaused, &a}, &Waiting{WaitPaused, &b}, true},
		{&Waiting{WaitPaused, &a}, &Waiting{WaitPaused, &c}, false},
		{&Waiting{WaitPaused, &a}, &Waiting{WaitPaused, nil}, false},
	} {
		if x.v.Equal(x.w) != x.want || x.w.Equal(x.v) != x.want {
			t.Errorf("%+v and %+v: want %v", x.v, x.w, x.want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "\x00\x1f\n\r\t\x7f", "日本語😀", "\xff", "a\xe6\x97", "\u2028<&>", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		std, _ := json.Marshal(s)
		var want string
		json.Unmarshal(std, &want)
		if back != want {
			t.Errorf("%q comes back as %q, want %q", s, back, want)
		}
		if !utf8.Valid(got) || string(AppendString(nil, []byte(s))) != string(got) {
			t.Errorf("%q: %q", s, got)
		}
		for _, c := range got {
			if c < ' ' {
				t.Errorf("%q breaks the line: %q", s, got)
			}
		}
	})
}

func BenchmarkAppendString(b *testing.B) {
	text := []byte("Some words, ”quoted“ — 日本語 and \"more\"\n")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	buf := make([]byte, 0, 256)
	for b.Loop() {
		buf = AppendString(buf[:0], text)
	}
}
