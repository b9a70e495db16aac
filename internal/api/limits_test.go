package api

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestSourceOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7:4711":              "192.0.2.7/32",
		"[::ffff:192.0.2.7]:4711":     "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:4711":         "fe80::/64",
		"[::1]:4711":                  "::/64",
		"nonsense":                    "invalid Prefix",
		"":                            "invalid Prefix",
		"192.0.2.7":                   "invalid Prefix",
		"192.0.2.7:4711, 203.0.113.9": "invalid Prefix",
	} {
		if got := sourceOf(addr).String(); got != want {
			t.Errorf("%q: %s, want %s", addr, got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(30)
		one, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
		for range 30 {
			if f.wait(one) != 0 || f.count(one) != 0 {
				t.Fatal("held up too early")
			}
		}
		for range 100 { // what is held up costs nothing more
			if wait := f.count(one); wait != 2*time.Second || f.wait(one) != wait {
				t.Fatalf("wait %v", wait)
			}
		}
		if f.wait(other) != 0 {
			t.Error("another address is held up too")
		}
		time.Sleep(2 * time.Second)
		if f.count(one) != 0 || f.count(one) == 0 {
			t.Error("after two seconds one more may fail, not two")
		}
		f.forgive(one)
		if f.count(one) != 0 || f.count(one) == 0 {
			t.Error("what was none is given back, once")
		}
		time.Sleep(time.Hour)
		for range 30 {
			if f.count(one) != 0 {
				t.Fatal("not all came back")
			}
		}
		if f.count(one) == 0 {
			t.Error("more than a minute's worth was saved up")
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	f := newFailures(30)
	for i := range failingAddresses + 1000 {
		f.count(netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x:%x::/64", i>>8, i&0xff)))
	}
	if len(f.of) > failingAddresses {
		t.Errorf("%d addresses are remembered", len(f.of))
	}
}

func TestGuesses(t *testing.T) {
	p := newPasswords()
	right, wrong := func() bool { return true }, func() bool { return false }
	one := netip.MustParsePrefix("192.0.2.1/32")
	for range 100 {
		if is, err := p.guess(t.Context(), one, right); !is || err != nil {
			t.Fatalf("right ones are counted: %v, %v", is, err)
		}
	}
	for range wrongPasswords {
		if is, err := p.guess(t.Context(), one, wrong); is || err != nil {
			t.Fatalf("%v, %v", is, err)
		}
	}
	if is, err := p.guess(t.Context(), one, right); is || err == nil {
		t.Error("a guess beyond the limit was looked at")
	}
	// Many addresses together have a limit too.
	held := 0
	for i := range 2 * allPasswords {
		if _, err := p.guess(t.Context(), netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", i)), wrong); err != nil {
			held++
		}
	}
	if want := allPasswords + wrongPasswords; held < want-5 || held > want+5 {
		t.Errorf("%d of %d guesses were held up, want about %d", held, 2*allPasswords, want)
	}
}
