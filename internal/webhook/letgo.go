package webhook

import (
	"time"

	"chatbridge/internal/bridge"
)

// letGo gives claimed deliveries of which no try was begun back to the store,
// so that they need not wait for their claims to lapse. What is claimed by
// another node, or owed no more, stays as it is.
type letGo struct {
	node string
	ids  []int64
}

// Needs implements [bridge.Command].
func (m *letGo) Needs() bridge.Needs { return bridge.Needs{DeliveryIDs: m.ids} }

// Decide implements [bridge.Command].
func (m *letGo) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	c := &bridge.Changes{Now: f.Now}
	for _, d := range f.Deliveries {
		if d.ClaimedBy == m.node && !d.NextTryAt.IsZero() {
			d.ClaimedBy, d.ClaimedUntil = "", time.Time{}
			c.Deliveries = append(c.Deliveries, d)
		}
	}
	return c, nil
}
