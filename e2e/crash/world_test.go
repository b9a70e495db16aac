package crash

import (
	"testing"
	"time"

	"chatbridge/e2e/harness/actors"
)

// settleWithin is how long everything may take to end once the load stops: the
// timeout of what is lost, and a second try of its webhook.
const settleWithin = 60 * time.Second

// world is one run: who takes part in it and what they saw.
type world struct {
	*actors.World
	t testing.TB
}

func newWorld(t testing.TB, bases ...string) *world {
	return &world{actors.New(t, actors.Options{Seed: *seedFlag, Bases: bases}), t}
}

// add takes in an account whose webhooks go to the sink, and listens to its feed.
func (w *world) add(key, name, secret string) actors.Account {
	w.sink(name).Trust(secret)
	a := actors.Account{Name: name, Key: key}
	w.Accounts = append(w.Accounts, a)
	w.Feed(a)
	return a
}

// sink is where an account's webhooks go.
func (w *world) sink(name string) *actors.Endpoint {
	for _, e := range w.Sink.Endpoints() {
		if e.Name == name {
			return e
		}
	}
	return w.Sink.Endpoint(name, actors.Hiccup)
}

// undelivered is how many of these requests no endpoint has taken.
func (w *world) undelivered(ids []string) int {
	left := ids
	for _, e := range w.Sink.Endpoints() {
		left = e.Missing(left)
	}
	return len(left)
}

func given(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
