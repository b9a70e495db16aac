package stream

import (
	"fmt"
	"testing"

	"chatbridge/internal/bridge"
)

func TestRecentIsBoundedAndForgetsWhatEnded(t *testing.T) {
	c := recent{states: map[string]*bridge.Request{}}
	for i := range 3 * maxRecent {
		r := &bridge.Request{ID: fmt.Sprint(i), Status: bridge.Idle}
		c.note(r)
		if kept := c.states[r.ID]; kept != r {
			t.Fatalf("request %d is kept as %+v", i, kept)
		}
		if i%3 == 0 {
			r.Status = bridge.Done
			c.note(r)
			if c.states[r.ID] != nil {
				t.Fatalf("request %d has ended and is kept", i)
			}
		}
		if len(c.states) > maxRecent {
			t.Fatalf("%d are kept", len(c.states))
		}
	}
}

// A stream that opens after its request's last commit sees that commit, not the
// one that was remembered before.
func TestRecentIsTheLastCommit(t *testing.T) {
	w := newWorld()
	h := newHub(w)
	j := w.submit("a", h)
	r := open(t, h, "a", "")
	r.Close()
	j.claim()
	j.mayBeSent()
	again := open(t, h, "a", "")
	defer again.Close()
	for {
		ev, ok, err := again.Poll(t.Context())
		if err != nil || !ok {
			t.Fatalf("no status came: %v", err)
		}
		if string(ev.Data) == `{"type":"status","status":"executing","phase":"submitted","attempt":1,"away":false}` {
			return
		}
	}
}
