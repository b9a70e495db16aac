package sqlite

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"chatbridge/internal/bridge"
)

// loadDeliveries loads deliveries, each once, with endpoint and request.
func (l *loader) loadDeliveries() error {
	n := &l.needs
	for _, id := range n.DeliveryIDs {
		if have := l.cache.deliveries[id]; have != nil {
			if err := l.addCached(have); err != nil {
				return err
			}
			continue
		}
		if err := l.addDeliveries(bound(n.Bodies, 0), false, selectDelivery, id); err != nil {
			return err
		}
	}
	if n.DueDeliveries > 0 {
		skip, err := json.Marshal(append([]int64{}, n.DueSkip...))
		if err != nil {
			return err
		}
		each := int64(n.DueDeliveries)
		if n.DuePerEnd > 0 {
			each = int64(n.DuePerEnd)
		}
		before := len(l.facts.Deliveries)
		if err := l.addDeliveries(bound(n.Bodies, n.DueBodyLimit), true, selectDueDeliveries, micros(l.now), each, micros(l.now), string(skip), int64(n.DueDeliveries)); err != nil {
			return err
		}
		slices.SortFunc(l.facts.Deliveries[before:], func(a, b *bridge.Delivery) int { return cmp.Or(dueAt(a).Compare(dueAt(b)), cmp.Compare(a.ID, b.ID)) })
	}
	if n.ClaimedBy != "" {
		if err := l.addDeliveries(bound(n.Bodies, 0), false, selectClaimedDeliveries, n.ClaimedBy); err != nil {
			return err
		}
	}
	if n.Deliveries != nil {
		text, args := listDeliveries(deliveryColumns, "", *n.Deliveries, ids{})
		return l.addDeliveries(noBodies, false, text, args...)
	}
	return nil
}

// addCached adds a delivery of the cache to Facts.Deliveries.
func (l *loader) addCached(have *cachedDelivery) error {
	if l.deliveries[have.ID] {
		return nil
	}
	put(&l.deliveries, have.ID, true)
	r, err := l.requestByID(have.requestID)
	if err == nil && r == nil {
		err = errNoSuchRow
	}
	if err == nil && l.needs.Bodies {
		err = l.body(r)
	}
	if err != nil {
		return fmt.Errorf("load the request of a delivery: %w", err)
	}
	d := *have.Delivery
	return l.addDelivery(deliveryRow{&d, have.endpointID, have.requestSeq}, r)
}

const noBodies = -1

// bound is how many bytes a request's texts may have to be loaded: noBodies where they are
// not asked for; a limit of 0 means all.
func bound(bodies bool, limit int) int64 {
	switch {
	case !bodies:
		return noBodies
	case limit == 0:
		return math.MaxInt64
	default:
		return int64(limit)
	}
}

// addDeliveries adds what a statement finds to Facts.Deliveries, with the bodies of
// so many bytes. What is expected to change soon is cached, and so is its request.
func (l *loader) addDeliveries(bodies int64, soon bool, text string, args ...any) error {
	var rows []deliveryRow
	var missing []int64 // requests
	err := l.query(bg, func(r *row) {
		d := scanDelivery(r)
		if l.deliveries[d.ID] {
			return
		}
		put(&l.deliveries, d.ID, true)
		rows = append(rows, d)
		if have := l.requests[d.requestSeq]; have == nil || bodies != noBodies && have.Body == nil {
			missing = append(missing, d.requestSeq)
		}
	}, text, args...)
	if err != nil {
		return err
	}
	if err := l.requestsBySeq(missing, bodies); err != nil {
		return fmt.Errorf("load the requests of deliveries: %w", err)
	}
	for _, d := range rows {
		if err := l.addDelivery(d, l.requests[d.requestSeq]); err != nil {
			return err
		}
		if soon {
			l.expectDelivery(d.Delivery)
		}
	}
	return nil
}

// addDelivery adds a delivery to Facts.Deliveries.
func (l *loader) addDelivery(d deliveryRow, r *bridge.Request) error {
	endpoints, err := l.storedEndpoints(d.AccountID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(endpoints, func(e *bridge.Endpoint) bool { return e.ID == d.endpointID })
	if i < 0 || r == nil {
		return errors.New("a delivery's endpoint is not its account's, or its request is gone")
	}
	d.Endpoint, d.Request = l.sameEndpoint(endpoints[i]), r
	l.facts.Deliveries = append(l.facts.Deliveries, d.Delivery)
	return nil
}
