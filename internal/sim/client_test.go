package sim

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"chatbridge/internal/bridge"
)

// client submits and cancels.
type client struct {
	s    *sim
	dice dice
}

// submit sends the i-th message. With a key it is sent again, by whatever node
// is there, until it is taken.
func (c *client) submit(i int) {
	d := c.dice
	cmd := bridge.Submit{
		AccountID: c.s.account, Message: fmt.Sprintf("r%d: what is the capital of 法国? 👩‍🚀", i+1),
		ResponseType:   pick(d, []string{"auto", "auto", "auto", "thinking", "instant"}),
		TimeoutSeconds: pick(d, []int{60, 300, 300, 900, 900, 3600}),
		ChatRef:        c.chat(),
	}
	if d.chance(0.5) {
		cmd.IdempotencyKey = fmt.Sprintf("key-%d", i)
	}
	c.send(cmd)
	if cmd.IdempotencyKey != "" && d.chance(0.2) {
		c.send(cmd) // at the same time
	}
}

// chat picks a chat to go on with: by our id, by the site's, or a new one.
func (c *client) chat() bridge.ChatRef {
	chats := c.s.ledger.chats
	if len(chats) == 0 || len(chats) < c.s.plan.chats && c.dice.chance(0.4) {
		return ""
	}
	chat := pick(c.dice, chats)
	if site := c.s.ledger.siteIDs[chat]; site != "" && c.dice.chance(0.5) {
		return bridge.ChatRef(site)
	}
	return bridge.ChatRef(strconv.FormatInt(chat, 10))
}

func (c *client) send(cmd bridge.Submit) {
	again := func() {
		c.s.after(c.dice.between(100*time.Millisecond, 2*time.Second), func() { c.send(cmd) })
	}
	l := c.s.someLife(c.dice)
	if l == nil {
		again()
		return
	}
	if err := cmd.Validate(); err != nil {
		panic(err)
	}
	c.s.busy++
	go func() { // ends with the node at the latest; the bubble waits for it
		err := bridge.Do(l.ctx, l.node.Post, &cmd)
		c.s.post("client", func() {
			c.s.busy--
			switch {
			case err == nil:
				c.s.ledger.accepted(&cmd)
			case l.ctx.Err() == nil && !errors.Is(err, errCrashed):
				c.s.failf("submit", "", "%q: %v", cmd.Message, err)
			case cmd.IdempotencyKey != "":
				again()
			}
		})
	}()
}

// cancel cancels a request that the clients know of.
func (c *client) cancel() {
	l := c.s.someLife(c.dice)
	if l == nil || len(c.s.ledger.order) == 0 {
		return
	}
	r := pick(c.dice, c.s.ledger.order)
	c.s.logf(r.label, "a client cancels it")
	c.s.busy++
	r.cancelAsked = true
	go func() { // ends with the node at the latest; the bubble waits for it
		err := bridge.Do(l.ctx, l.node.Post, &bridge.Cancel{AccountID: c.s.account, RequestID: r.id, Here: l.node.Here})
		c.s.post("client", func() {
			c.s.busy--
			switch {
			case err == nil:
				if !r.status.Ended() {
					c.s.failf("cancel ends", r.label, "it is %s after its cancel", r.status)
				}
			case l.ctx.Err() == nil && bridge.AsError(err).Kind != bridge.Conflict:
				c.s.failf("cancel", r.label, "%v", err)
			}
		})
	}()
}
