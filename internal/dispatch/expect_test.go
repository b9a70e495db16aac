package dispatch_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/node"
	"chatbridge/internal/store/sqlite"
	"chatbridge/internal/webhook"
)

// idleSocket is a worker that only counts what it is given.
type idleSocket struct{ handed chan bridge.Signal }

func (s idleSocket) Deliver(sig bridge.Signal) {
	if sig.Kind == bridge.SignalHandOver {
		s.handed <- sig
	}
}
func (idleSocket) Ping(context.Context) error { return nil }
func (idleSocket) Close(string)               {}

// A claim that is posted right behind a submit hands the request out with its
// commit, and the desk's own look afterwards does not hand it out again.
func TestExpectClaimsAlongWithASubmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), sqlite.Options{Path: ":memory:"})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		member := local.New().Node()
		defer member.Close()
		client := webhook.NewClient(webhook.ClientOptions{})
		defer client.Close()
		n := node.New(node.Options{Name: "n", Store: store, Bus: member, Client: client, StreamURL: func(string) string { return "" },
			Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }() // waited for below
		account := &bridge.CreateAccount{Email: "a@example.com", Key: bridge.NewSecretKey("cb_"), Secret: webhook.NewSecret()}
		if err := bridge.Do(ctx, n.Post, account); err != nil {
			t.Fatal(err)
		}
		socket := idleSocket{make(chan bridge.Signal, 10)}
		session, err := n.Dispatch.Join(ctx, &bridge.Hello{Worker: bridge.Worker{AccountID: account.Account.ID, ID: "w", N: 1, Conn: "c", Node: "n", Capacity: 2}}, socket)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()

		submit := &bridge.Submit{AccountID: account.Account.ID, Message: "Hello"}
		if err := submit.Validate(); err != nil {
			t.Fatal(err)
		}
		// The desk hears of the submit only by its commit. A claim of its own comes
		// with the next one at the earliest, and last in it: behind what is posted as
		// soon as the submit is committed.
		claimed, held, posted := make(chan int, 1), make(chan struct{}), make(chan struct{})
		n.Post(&bridge.TakeSurvey{AccountID: account.Account.ID}, func(*bridge.Changes, error) {
			close(held)
			<-posted // so that one commit takes both
		})
		<-held
		n.Post(submit, func(*bridge.Changes, error) {
			n.Post(&bridge.TakeSurvey{AccountID: account.Account.ID}, func(*bridge.Changes, error) { claimed <- len(socket.handed) })
		})
		n.Dispatch.Expect(account.Account.ID)
		close(posted)
		if got := <-claimed; got != 1 {
			t.Errorf("%d hand-overs right behind the submit, want 1", got)
		}
		synctest.Wait()
		if got := len(socket.handed); got != 1 {
			t.Errorf("%d hand-overs in the end, want 1", got)
		}
		session.Leave()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
