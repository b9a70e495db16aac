package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chatbridge/internal/bridge"
)

// command is a use case of a test.
type command struct {
	needs  bridge.Needs
	decide func(*bridge.Facts) (*bridge.Changes, error)
}

func (c command) Needs() bridge.Needs { return c.needs }

func (c command) Decide(f *bridge.Facts) (*bridge.Changes, error) { return c.decide(f) }

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// db is an open store and the means to fill it.
type db struct {
	bridge.Store
	t    fataler
	ctx  context.Context
	open func() (bridge.Store, error)
	n    int // numbers what must be unique
}

func fresh(t *testing.T, e Engine) *db {
	t.Helper()
	d := &db{t: t, ctx: t.Context(), open: e.New(t)}
	d.reopen()
	t.Cleanup(func() { d.close() })
	return d
}

func (d *db) close() {
	if d.Store == nil {
		return
	}
	if err := d.Close(); err != nil {
		d.t.Fatalf("close: %v", err)
	}
	d.Store = nil
}

func (d *db) reopen() {
	d.t.Helper()
	d.close()
	s, err := d.open()
	if err != nil {
		d.t.Fatalf("open: %v", err)
	}
	d.Store = s
}

// do executes a command and waits for its end.
func (d *db) do(needs bridge.Needs, decide func(*bridge.Facts) (*bridge.Changes, error)) (*bridge.Changes, error) {
	type end struct {
		changes *bridge.Changes
		err     error
	}
	ended := make(chan end, 1)
	d.Post(command{needs, decide}, func(c *bridge.Changes, err error) { ended <- end{c, err} })
	e := <-ended
	return e.changes, e.err
}

// put writes changes that need nothing.
func (d *db) put(c *bridge.Changes) {
	d.t.Helper()
	if err := d.try(c); err != nil {
		d.t.Fatalf("write: %v", err)
	}
}

func (d *db) try(c *bridge.Changes) error {
	_, err := d.do(bridge.Needs{}, func(*bridge.Facts) (*bridge.Changes, error) { return c, nil })
	return err
}

// facts returns what a command with these needs is given.
func (d *db) facts(needs bridge.Needs) (facts *bridge.Facts) {
	d.t.Helper()
	_, err := d.do(needs, func(f *bridge.Facts) (*bridge.Changes, error) {
		facts = f
		return nil, nil
	})
	if err != nil {
		d.t.Fatalf("load %+v: %v", needs, err)
	}
	return facts
}

// change loads a request, changes it and writes it.
func (d *db) change(r *bridge.Request, f func(*bridge.Request)) *bridge.Request {
	d.t.Helper()
	var out *bridge.Request
	_, err := d.do(bridge.Needs{Requests: []string{r.ID}}, func(facts *bridge.Facts) (*bridge.Changes, error) {
		out = facts.Requests[r.ID]
		f(out)
		return &bridge.Changes{Requests: []*bridge.Request{out}}, nil
	})
	if err != nil {
		d.t.Fatalf("change request %s: %v", r.ID, err)
	}
	return out
}

// must unwraps a reader's answer.
func must[T any](v T, err error) func(fataler) T {
	return func(t fataler) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
		return v
	}
}

func same(t fataler, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// day is a time with microseconds, n hours after some day.
func day(n int) time.Time {
	return time.Date(2031, 2, 3, 4, 5, 6, 123456000, time.UTC).Add(time.Duration(n) * time.Hour)
}

func (d *db) unique() int {
	d.n++
	return d.n
}

func (d *db) uuid() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", d.unique()) }

func (d *db) account() *bridge.Account {
	d.t.Helper()
	a := &bridge.Account{Email: fmt.Sprintf("someone%d@example.com", d.unique()), Active: true, CreatedAt: day(0), UpdatedAt: day(0)}
	d.put(&bridge.Changes{Accounts: []*bridge.Account{a}})
	return a
}

func (d *db) newChat(a *bridge.Account) *bridge.Chat {
	return &bridge.Chat{AccountID: a.ID, CreatedAt: day(0), UpdatedAt: day(0)}
}

// newRequest is an idle request of a new chat, or of the given one.
func (d *db) newRequest(a *bridge.Account, chat *bridge.Chat) *bridge.Request {
	if chat == nil {
		chat = d.newChat(a)
	}
	return &bridge.Request{
		ID: d.uuid(), AccountID: a.ID, Chat: chat, ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 60,
		Status: bridge.Idle, QueuedAt: day(0), Body: &bridge.Body{Message: "hello"},
	}
}

func submitted(r *bridge.Request) *bridge.Changes {
	c := &bridge.Changes{Requests: []*bridge.Request{r}}
	if r.Chat.ID == 0 {
		c.Chats = []*bridge.Chat{r.Chat}
	}
	return c
}

func (d *db) request(a *bridge.Account, chat *bridge.Chat) *bridge.Request {
	d.t.Helper()
	r := d.newRequest(a, chat)
	d.put(submitted(r))
	return r
}

// lease hands a request out: it is executing then.
func (d *db) lease(r *bridge.Request, worker string, with func(*bridge.Lease)) *bridge.Lease {
	d.t.Helper()
	var l *bridge.Lease
	_, err := d.do(bridge.Needs{Requests: []string{r.ID}}, func(f *bridge.Facts) (*bridge.Changes, error) {
		q := f.Requests[r.ID]
		q.Status = bridge.Executing
		q.Attempt++
		l = newLease(q, worker)
		if with != nil {
			with(l)
		}
		return &bridge.Changes{Requests: []*bridge.Request{q}, Leases: []*bridge.Lease{l}}, nil
	})
	if err != nil {
		d.t.Fatalf("lease request %s: %v", r.ID, err)
	}
	return l
}

func newLease(r *bridge.Request, worker string) *bridge.Lease {
	return &bridge.Lease{RequestSeq: r.Seq, RequestID: r.ID, Attempt: r.Attempt, AccountID: r.AccountID, ChatID: r.Chat.ID, WorkerID: worker,
		TakenAt: day(0), ExpiresAt: day(0).Add(time.Minute)}
}

func (d *db) endpoint(a *bridge.Account) *bridge.Endpoint {
	d.t.Helper()
	e := &bridge.Endpoint{AccountID: a.ID, URL: "https://example.com/", Format: "guide", Enabled: true, Secret: "whsec_x", CreatedAt: day(0), UpdatedAt: day(0)}
	d.put(&bridge.Changes{Endpoints: []*bridge.Endpoint{e}})
	return e
}

func (d *db) delivery(r *bridge.Request, e *bridge.Endpoint, next time.Time) *bridge.Delivery {
	d.t.Helper()
	v := &bridge.Delivery{WebhookID: fmt.Sprintf("msg_%d", d.unique()), AccountID: r.AccountID, Endpoint: e, Request: r,
		Status: bridge.DeliveryPending, NextTryAt: next, CreatedAt: day(0)}
	d.put(&bridge.Changes{Deliveries: []*bridge.Delivery{v}})
	return v
}

func ids(list []*bridge.Request) string {
	var out []string
	for _, r := range list {
		out = append(out, r.ID[len(r.ID)-4:])
	}
	return strings.Join(out, " ")
}

func deliveryIDs(list []*bridge.Delivery) []int64 {
	out := []int64{}
	for _, d := range list {
		out = append(out, d.ID)
	}
	return out
}
