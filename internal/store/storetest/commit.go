package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// order: done is called in the order in which the commands were posted, also
// for those that write nothing or fail, and what is committed is read then.
func order(t *testing.T, d *db) {
	a := d.account()
	const n = 1000
	var got []int
	all := make(chan struct{})
	for i := range n {
		d.Post(command{bridge.Needs{AccountID: a.ID}, func(f *bridge.Facts) (*bridge.Changes, error) {
			switch i % 4 {
			case 0:
				return nil, nil
			case 1:
				return nil, fmt.Errorf("command %d", i)
			case 2:
				return &bridge.Changes{Accounts: []*bridge.Account{{Email: a.Email}}}, nil // a conflict
			}
			return &bridge.Changes{Settings: map[string]string{"i": fmt.Sprint(i)}}, nil
		}}, func(c *bridge.Changes, err error) {
			switch {
			case (i%4 == 1 || i%4 == 2) != (err != nil), err != nil && c != nil:
				t.Errorf("command %d ended with %v, %v", i, c, err)
			case i%4 == 1 && err.Error() != fmt.Sprintf("command %d", i):
				t.Errorf("command %d ended with another's error: %v", i, err)
			}
			if got = append(got, i); len(got) == n {
				close(all)
			}
		})
	}
	<-all
	for i, g := range got {
		if i != g {
			t.Fatalf("command %d ended as number %d", g, i)
		}
	}
	same(t, "the last", must(d.Setting(d.ctx, "i"))(t), fmt.Sprint(n-1))
}

// groups: many callers at once, some of whom fail; each that was told yes finds
// its row and its event, numbered without gaps.
func groups(t *testing.T, d *db) {
	a := d.account()
	const callers, each = 64, 12
	refused := errors.New("refused")
	var mu sync.Mutex
	stored := map[string]int64{}
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%08d-0000-4000-8000-%012d", caller, i)
				if i%4 == 3 {
					id = "ffffffff-0000-4000-8000-000000000000" // everybody's last: a conflict for all but one
				}
				var r *bridge.Request
				_, err := d.do(bridge.Needs{AccountID: a.ID}, func(f *bridge.Facts) (*bridge.Changes, error) {
					if i%3 == 2 && i%4 != 3 {
						return nil, refused
					}
					chat := &bridge.Chat{AccountID: a.ID, CreatedAt: f.Now, UpdatedAt: f.Now}
					r = &bridge.Request{ID: id, AccountID: a.ID, Chat: chat, Status: bridge.Idle, QueuedAt: f.Now, Body: &bridge.Body{Message: id}}
					return &bridge.Changes{Chats: []*bridge.Chat{chat}, Requests: []*bridge.Request{r},
						Events: []*bridge.Event{{AccountID: a.ID, Request: r, Type: bridge.EventMade, At: f.Now}}}, nil
				})
				switch {
				case i%4 == 3:
					if err != nil && bridge.AsError(err).Kind != bridge.Conflict {
						t.Errorf("%s: %v", id, err)
					}
				case i%3 == 2:
					if !errors.Is(err, refused) {
						t.Errorf("%s: %v", id, err)
					}
				case err != nil:
					t.Errorf("%s: %v", id, err)
				}
				if err == nil {
					mu.Lock()
					if stored[id] != 0 {
						t.Errorf("%s was stored twice", id)
					}
					stored[id] = r.Seq
					mu.Unlock()
					if got, err := d.Request(d.ctx, id); err != nil || got == nil || got.Seq != r.Seq || got.Chat.ID != r.Chat.ID {
						t.Errorf("%s was acknowledged, and read as %+v, %v", id, got, err)
					}
				}
			}
		})
	}
	wg.Wait()
	evs := must(d.Events(d.ctx, a.ID, 0, 10000))(t)
	same(t, "events", len(evs), len(stored))
	for i, e := range evs {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		if stored[e.Request.ID] != e.Request.Seq {
			t.Fatalf("event %d is of request %s, which was not acknowledged", e.Seq, e.Request.ID)
		}
	}
	same(t, "requests", len(must(d.Requests(d.ctx, bridge.RequestFilter{AccountID: a.ID, Limit: 10000}))(t)), len(stored))
}

// isolation: commands posted together see each other's changes, and nothing of
// one that failed in its middle.
func isolation(t *testing.T, d *db) {
	a := d.account()
	r := d.request(a, nil)
	w := &bridge.Worker{AccountID: a.ID, ID: "w", N: 1}
	e := d.endpoint(a)
	d.put(&bridge.Changes{Workers: []*bridge.Worker{w}})
	needs := bridge.Needs{AccountID: a.ID, Endpoints: true, Requests: []string{r.ID}, Workers: []string{"w"}, Settings: []string{"s"}}
	all := make(chan error, 3)
	done := func(_ *bridge.Changes, err error) { all <- err }
	change := func(f *bridge.Facts, mark string) *bridge.Changes {
		q := f.Requests[r.ID]
		q.ModeUsed, q.Attempt, q.Chat.Title, f.Endpoints[0].URL, f.Workers["w"].Name, f.Account.Email = mark, q.Attempt+1, mark, mark, mark, mark
		l := newLease(q, mark)
		return &bridge.Changes{Requests: []*bridge.Request{q}, Chats: []*bridge.Chat{q.Chat}, Endpoints: f.Endpoints, Accounts: []*bridge.Account{f.Account},
			Workers: []*bridge.Worker{f.Workers["w"]}, DropLeases: f.Leases, Leases: []*bridge.Lease{l}, Settings: map[string]string{"s": mark},
			Events: []*bridge.Event{{AccountID: a.ID, Request: q, Type: bridge.EventMade, At: f.Now}}}
	}
	d.Post(command{needs, func(f *bridge.Facts) (*bridge.Changes, error) { return change(f, "first"), nil }}, done)
	d.Post(command{needs, func(f *bridge.Facts) (*bridge.Changes, error) {
		c := change(f, "second")
		c.Deliveries = []*bridge.Delivery{ // written last of all, the second a conflict
			{WebhookID: "1", AccountID: a.ID, Endpoint: f.Endpoints[0], Request: f.Requests[r.ID]},
			{WebhookID: "2", AccountID: a.ID, Endpoint: f.Endpoints[0], Request: f.Requests[r.ID]}}
		return c, nil
	}}, done)
	seen := ""
	var leases []string
	d.Post(command{needs, func(f *bridge.Facts) (*bridge.Changes, error) {
		q := f.Requests[r.ID]
		seen = fmt.Sprint(q.ModeUsed, q.Attempt, q.Chat.Title, f.Endpoints[0].URL, f.Workers["w"].Name, f.Account.Email, f.Settings["s"])
		leases = nil
		for _, l := range f.Leases {
			leases = append(leases, l.WorkerID)
		}
		return &bridge.Changes{Events: []*bridge.Event{{AccountID: a.ID, Request: q, Type: bridge.EventEnd, At: f.Now}}}, nil
	}}, done)
	first, second, third := <-all, <-all, <-all
	if first != nil || third != nil || bridge.AsError(second).Kind != bridge.Conflict {
		t.Fatalf("ended with %v, %v, %v", first, second, third)
	}
	same(t, "what the third saw", seen, fmt.Sprint("first", 1, "first", "first", "first", "first", "first"))
	same(t, "its leases", leases, []string{"first"})
	_, last, err := d.EventRange(d.ctx, a.ID)
	same(t, "events", [2]any{last, err}, [2]any{int64(2), nil})
	same(t, "deliveries", len(must(d.Deliveries(d.ctx, r.Seq))(t)), 0)
	same(t, "the endpoint", must(d.Endpoints(d.ctx, a.ID))(t)[0].ID, e.ID)
}

// panics: a command that panics fails alone, and the store goes on.
func panics(t *testing.T, d *db) {
	all := make(chan error, 3)
	for i := range 3 {
		d.Post(command{bridge.Needs{}, func(*bridge.Facts) (*bridge.Changes, error) {
			if i == 1 {
				panic("a bug")
			}
			return &bridge.Changes{Settings: map[string]string{fmt.Sprint(i): "here"}}, nil
		}}, func(_ *bridge.Changes, err error) { all <- err })
	}
	first, second, third := <-all, <-all, <-all
	if first != nil || third != nil || second == nil || bridge.AsError(second).Kind != bridge.Internal {
		t.Fatalf("ended with %v, %v, %v", first, second, third)
	}
	same(t, "the settings", d.facts(bridge.Needs{Settings: []string{"0", "1", "2"}}).Settings, map[string]string{"0": "here", "2": "here"})

	// Changes that can't be written at all are their command's fault, too.
	err := d.try(&bridge.Changes{Events: []*bridge.Event{{AccountID: 1}}})
	if err == nil || bridge.AsError(err).Kind == bridge.Unavailable {
		t.Fatalf("an event without a request: %v", err)
	}
	d.account()
}

func nowNeverGoesBack(t *testing.T, d *db) {
	last := time.Time{}
	for range 100 {
		now := d.facts(bridge.Needs{}).Now
		if now.Before(last) || now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
	c, err := d.do(bridge.Needs{}, func(*bridge.Facts) (*bridge.Changes, error) { return &bridge.Changes{Directory: true}, nil })
	if err != nil || c.Now.Before(last) {
		t.Fatalf("Changes.Now is %v, %v", c, err)
	}
}

// closed: Close finishes what is queued; what comes later is told Unavailable.
func closed(t *testing.T, d *db) {
	const n = 50
	ended := make(chan error, n)
	for i := range n {
		d.Post(command{bridge.Needs{}, func(*bridge.Facts) (*bridge.Changes, error) {
			return &bridge.Changes{Settings: map[string]string{fmt.Sprint(i): "here"}}, nil
		}}, func(_ *bridge.Changes, err error) { ended <- err })
	}
	s := d.Store
	d.close()
	for range n {
		if err := <-ended; err != nil {
			t.Fatalf("queued before Close: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatalf("a second Close: %v", err)
	}
	s.Post(command{bridge.Needs{}, func(*bridge.Facts) (*bridge.Changes, error) { return nil, nil }}, func(_ *bridge.Changes, err error) { ended <- err })
	if err := <-ended; err == nil || bridge.AsError(err).Kind != bridge.Unavailable {
		t.Fatalf("a command after Close: %v", err)
	}
	if err := s.Ping(d.ctx); err == nil || bridge.AsError(err).Kind != bridge.Unavailable {
		t.Fatalf("a query after Close: %v", err)
	}
}

// cancelled: a reader whose context has ended says so, and harms nobody.
func cancelled(t *testing.T, d *db) {
	a := d.account()
	r := d.request(a, nil)
	gone, cancel := context.WithCancel(d.ctx)
	cancel()
	for range 20 {
		if _, err := d.Request(gone, r.ID); !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled reader: %v", err)
		}
	}
	same(t, "the request", must(d.Request(d.ctx, r.ID))(t).ID, r.ID)
}
