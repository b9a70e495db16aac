package main

import (
	"testing"
	"time"
)

func TestKeep(t *testing.T) {
	for text, want := range map[string]struct {
		d     time.Duration
		shown string
	}{
		"0": {0, "for ever"}, "30d": {30 * day, "30d"}, "36500d": {36500 * day, "36500d"}, "12h": {12 * time.Hour, "12h0m0s"}, "48h": {48 * time.Hour, "2d"}, "1m": {time.Minute, "1m0s"},
	} {
		var k keep
		if err := k.UnmarshalText([]byte(text)); err != nil || time.Duration(k) != want.d || k.String() != want.shown {
			t.Errorf("%s: %v, shown as %s: %v", text, time.Duration(k), k, err)
		}
	}
	for _, text := range []string{"", "30", "d", "-1d", "0d", "59s", "36501d", "99999999999999d", "1.5d", "for ever"} {
		if err := new(keep).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
