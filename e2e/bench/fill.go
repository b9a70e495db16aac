package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres"
	"chatbridge/internal/store/sqlite"
	"chatbridge/internal/webhook"
)

const (
	listsDays     = 20
	listsAccounts = 50
	listsChats    = 20_000
	listsAtOnce   = 500 // rows that one command writes
	listsOpen     = 1500
	listsTaken    = 100
)

// filled says what a list can be asked for.
type filled struct {
	accounts               []int64
	chat                   int64
	endpoint, deadEndpoint int64
	end                    time.Time
}

func (f filled) account(format string) string { return fmt.Sprintf(format, f.accounts[7]) }

// written is a command that writes what it is given.
type written struct{ changes *bridge.Changes }

func (written) Needs() bridge.Needs                             { return bridge.Needs{} }
func (w written) Decide(*bridge.Facts) (*bridge.Changes, error) { return w.changes, nil }

// filler writes the past of an installation, oldest first, beside the server that will be asked for it.
type filler struct {
	s         settings
	store     bridge.Store
	random    *rand.Rand
	endpoints []*bridge.Endpoint // of each account, by its index
	chats     []*bridge.Chat
	f         filled
}

func fillStore(ctx context.Context, path, store string, s settings) (filled, error) {
	x := &filler{s: s, random: rand.New(rand.NewPCG(1, 2)), f: filled{end: time.Now().UTC()}}
	var err error
	if store != "" {
		x.store, err = postgres.Open(ctx, postgres.Options{URL: store})
	} else {
		x.store, err = sqlite.Open(ctx, sqlite.Options{Path: path})
	}
	if err != nil {
		return x.f, err
	}
	err = x.fill(ctx)
	if cerr := x.store.Close(); err == nil {
		err = cerr
	}
	return x.f, err
}

func (x *filler) put(ctx context.Context, c *bridge.Changes) error {
	return bridge.Do(ctx, x.store.Post, written{c})
}

func (x *filler) fill(ctx context.Context) error {
	for i := range listsAccounts {
		cmd := &bridge.CreateAccount{Email: fmt.Sprintf("lists%d@example.com", i), Key: bridge.NewSecretKey("cb_"), WebhookURL: "http://127.0.0.1:9/", Secret: webhook.NewSecret()}
		if err := bridge.Do(ctx, x.store.Post, cmd); err != nil {
			return err
		}
		list, err := x.store.Endpoints(ctx, cmd.Account.ID)
		if err != nil {
			return err
		}
		x.endpoints, x.f.accounts = append(x.endpoints, list[0]), append(x.f.accounts, cmd.Account.ID)
		w := &bridge.Worker{AccountID: cmd.Account.ID, ID: "w", N: 1, Name: "w", Capacity: 1, HelloAt: x.f.end}
		if err := x.put(ctx, &bridge.Changes{Workers: []*bridge.Worker{w}}); err != nil {
			return err
		}
	}
	x.f.endpoint, x.f.deadEndpoint = x.endpoints[7].ID, x.endpoints[8].ID
	if err := x.fillChats(ctx); err != nil {
		return err
	}
	for at := 0; at < x.s.requests; at += listsAtOnce {
		if err := x.fillRequests(ctx, at, min(at+listsAtOnce, x.s.requests)); err != nil {
			return err
		}
	}
	return nil
}

func (x *filler) fillChats(ctx context.Context) error {
	words := []string{"travel", "Berlin", "recipe", "Straße", "invoice", "SQL", "garden", "poem", "tax", "router"}
	for len(x.chats) < listsChats {
		c := &bridge.Changes{}
		for range listsAtOnce {
			i := len(x.chats)
			chat := &bridge.Chat{AccountID: x.f.accounts[i%listsAccounts], SiteID: uuid.NewString(), CreatedAt: x.when(0), UpdatedAt: x.when(x.random.IntN(x.s.requests)),
				Title: fmt.Sprintf("About %s and %s, %d", words[x.random.IntN(len(words))], words[x.random.IntN(len(words))], i)}
			x.chats, c.Chats = append(x.chats, chat), append(c.Chats, chat)
		}
		if err := x.put(ctx, c); err != nil {
			return err
		}
	}
	x.f.chat = x.chats[7].ID
	return nil
}

// when is the time of the i-th request.
func (x *filler) when(i int) time.Time {
	whole := listsDays * 24 * time.Hour
	return x.f.end.Add(-whole + time.Duration(float64(whole)*float64(i)/float64(x.s.requests)))
}

func (x *filler) fillRequests(ctx context.Context, from, to int) error {
	c := &bridge.Changes{}
	for i := from; i < to; i++ {
		x.add(c, i)
	}
	if err := x.put(ctx, c); err != nil {
		return err
	}
	var taken []*bridge.Lease // now that the requests have numbers
	tries := &bridge.Changes{}
	for _, r := range c.Requests {
		if r.Status == bridge.Executing {
			taken = append(taken, &bridge.Lease{RequestSeq: r.Seq, RequestID: r.ID, Attempt: 1, AccountID: r.AccountID, WorkerID: "w", TakenAt: r.StartedAt, ExpiresAt: x.f.end.Add(time.Hour)})
		}
	}
	for _, d := range c.Deliveries {
		for n := range d.Tried {
			tries.Tries = append(tries.Tries, &bridge.Try{DeliveryID: d.ID, Number: n + 1, At: d.CreatedAt, Duration: 12 * time.Millisecond, Status: 200, ResponseBody: "ok",
				RequestHeaders: map[string]string{"Content-Type": "application/json", "Webhook-Id": d.WebhookID}, ResponseHeaders: map[string]string{"Content-Type": "text/plain"}})
		}
	}
	tries.Leases = taken
	return x.put(ctx, tries)
}

// add makes the i-th request and what belongs to it.
func (x *filler) add(c *bridge.Changes, i int) {
	chat := x.chats[x.random.IntN(len(x.chats))]
	at := x.when(i)
	r := &bridge.Request{ID: uuid.NewString(), AccountID: chat.AccountID, Chat: chat, ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 3600, Attempt: 1, Rev: 3,
		QueuedAt: at, StartedAt: at.Add(time.Duration(x.random.IntN(5000)) * time.Millisecond), Status: bridge.Done, Body: &bridge.Body{Message: x.text(i, x.s.messageBytes)}}
	r.MaySendAt, r.CompletedAt = r.StartedAt, r.StartedAt.Add(time.Duration(x.random.IntN(60))*time.Second)
	switch left := x.s.requests - i; {
	case left <= listsOpen:
		r.Status, r.Attempt, r.StartedAt, r.MaySendAt, r.CompletedAt = bridge.Idle, 0, time.Time{}, time.Time{}, time.Time{}
		if left > listsOpen-listsTaken {
			r.Status, r.Attempt, r.StartedAt = bridge.Executing, 1, at
		}
	case i%10 == 0:
		r.Status, r.ErrorMessage = bridge.Failed, "It failed."
		r.ErrorCode = []bridge.FailCode{bridge.Timeout, bridge.RateLimited, bridge.WorkerLost, bridge.CancelledCode, bridge.IncompleteAnswer}[i/10%5]
		if i%10_000 == 0 {
			r.ErrorCode = bridge.InternalCode
		}
	default:
		r.Body.Response = x.text(i, x.s.answerBytes)
	}
	c.Requests = append(c.Requests, r)
	c.Events = append(c.Events, &bridge.Event{AccountID: r.AccountID, Request: r, Type: bridge.EventMade, At: at})
	if i%10 == 5 {
		action := []string{"endpoint.changed", "key.added", "account.changed"}[i/10%3]
		c.Audit = append(c.Audit, &bridge.AuditEntry{At: at, Actor: "admin", Address: "127.0.0.1", Action: action, AccountID: r.AccountID, Detail: json.RawMessage(`{"a":1}`)})
	}
	if !r.Status.Ended() {
		return
	}
	c.Events = append(c.Events, &bridge.Event{AccountID: r.AccountID, Request: r, Type: bridge.EventEnd, At: r.CompletedAt, Attempt: 1})
	c.Deliveries = append(c.Deliveries, x.delivery(r, i))
}

// delivery is what the end of a request was, or is, owed. Nothing of it is due while lists are measured.
func (x *filler) delivery(r *bridge.Request, i int) *bridge.Delivery {
	e := x.endpoints[0]
	for k, id := range x.f.accounts {
		if id == r.AccountID {
			e = x.endpoints[k]
		}
	}
	d := &bridge.Delivery{WebhookID: "msg_" + uuid.NewString(), AccountID: r.AccountID, Endpoint: e, Request: r, Status: bridge.DeliveryDelivered, Tried: 1, CreatedAt: r.CompletedAt, EndedAt: r.CompletedAt}
	left := x.s.requests - i
	switch {
	case left < x.s.requests/100 && i%3 == 0:
		d.Status, d.NextTryAt, d.EndedAt, d.Tried = bridge.DeliveryPending, x.f.end.Add(48*time.Hour), time.Time{}, 0
	case left < x.s.requests/100 && i%3 == 1:
		d.Status, d.NextTryAt, d.EndedAt, d.Tried, d.Error = bridge.DeliveryFailing, x.f.end.Add(48*time.Hour), time.Time{}, 3, "The endpoint answered 500."
	case e.ID == x.f.deadEndpoint || i%50 == 1:
		d.Status, d.Tried, d.Error = bridge.DeliveryDead, 4, "The endpoint answered 500."
	}
	return d
}

// text is n bytes of words. One in 50,000 has a needle in it.
func (x *filler) text(i, n int) string {
	var b strings.Builder
	if i%50_000 == 777 {
		b.WriteString("NEEDLE ")
	}
	for b.Len() < n {
		b.WriteString([]string{"the ", "quick ", "brown ", "fox ", "jumps ", "over ", "lazy ", "dogs ", "während ", "Kisten "}[x.random.IntN(10)])
	}
	return b.String()[:max(0, n)]
}
