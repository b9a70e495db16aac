package stream

import "chatbridge/internal/bridge"

// maxRecent is how many requests that have not ended are remembered as this
// node last committed them: a client opens its stream right after its submit,
// and needs no look at the store then. About 2 MB.
const maxRecent = 4096

// recent remembers the last commits of requests that have not ended. The oldest
// to come in leaves first. The hub's lock guards it.
type recent struct {
	states map[string]*bridge.Request
	order  [maxRecent]string // a ring; "" where free
	next   int
}

// note takes in a state without its body.
func (c *recent) note(r *bridge.Request) {
	_, known := c.states[r.ID]
	if r.Status.Ended() {
		delete(c.states, r.ID)
		return
	}
	if !known {
		delete(c.states, c.order[c.next])
		c.order[c.next] = r.ID
		c.next = (c.next + 1) % maxRecent
	}
	c.states[r.ID] = r
}
