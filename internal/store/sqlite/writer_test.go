package sqlite

import (
	"strings"
	"testing"

	"chatbridge/internal/bridge"
)

// A claim that waits for a commit takes what the same commit submits, whichever
// was posted first; the others keep their order.
func TestClaimsComeLastInTheirCommit(t *testing.T) {
	s := open(t, file(t))
	account := &bridge.CreateAccount{Email: "a@example.com", Key: strings.Repeat("k", 40), Secret: "whsec_x"}
	if _, err := do(s, account); err != nil {
		t.Fatal(err)
	}
	id := account.Account.ID
	if _, err := do(s, &bridge.Hello{Worker: bridge.Worker{AccountID: id, ID: "w", N: 1, Conn: "c", Capacity: 2}}); err != nil {
		t.Fatal(err)
	}
	held, posted := make(chan struct{}), make(chan struct{})
	s.Post(&bridge.TakeSurvey{AccountID: id}, func(*bridge.Changes, error) {
		close(held)
		<-posted // so that one commit takes all of what follows
	})
	<-held
	var order []string // of the writer's goroutine until done is closed
	note := func(name string) func(*bridge.Changes, error) {
		return func(_ *bridge.Changes, err error) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			order = append(order, name)
		}
	}
	submit := func() *bridge.Submit {
		return &bridge.Submit{AccountID: id, Message: "Hello", ResponseType: "auto", ThinkingTime: "standard", TimeoutSeconds: 60}
	}
	done := make(chan struct{})
	claim := &bridge.Claim{AccountID: id, Offers: []bridge.Offer{{WorkerID: "w", Conn: "c"}}, Limit: 2}
	s.Post(claim, func(c *bridge.Changes, err error) {
		note("claim")(c, err)
		close(done)
	})
	s.Post(submit(), note("first"))
	s.Post(submit(), note("second"))
	close(posted)
	<-done
	if got := strings.Join(order, " "); got != "first second claim" {
		t.Errorf("the commit told %q, want %q", got, "first second claim")
	}
	if claim.Claimed != 2 {
		t.Errorf("the claim made %d hand-overs, want 2", claim.Claimed)
	}
}
