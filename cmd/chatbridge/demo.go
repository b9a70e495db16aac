package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
	"chatbridge/internal/worker"
)

const (
	demoEmail    = "demo@example.com"
	demoKeyFile  = "demo.key"
	demoState    = "demo-worker"
	demoCapacity = 4
	demoPace     = 60 * time.Millisecond // readable
)

// demo makes an account with a key and runs a worker that answers, so that the
// whole way can be seen at once.
func (c *serveCmd) demo(ctx context.Context, running *errgroup.Group, io *console, store bridge.Store, post bridge.Post, base string, log *slog.Logger) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil { // with a shared store it may not be there
		return fmt.Errorf("the data folder %s cannot be made: %w. Choose another with --data", c.Data, plain(err))
	}
	key, err := c.demoKey(ctx, store, post, base)
	if err != nil {
		return fmt.Errorf("make the demo account: %w", told(err))
	}
	state, err := worker.OpenFolder(filepath.Join(c.Data, demoState))
	if err != nil {
		return err
	}
	dial, err := worker.WebSocket(base)
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Config{Dial: dial, Key: key, Backend: worker.Echo{Pace: demoPace}, Store: state,
		Name: "demo worker", Version: version, Site: "demo", Capacity: demoCapacity, Logger: log})
	if err != nil {
		return err
	}
	running.Go(func() error {
		if err := w.Run(ctx); err != nil {
			log.Warn("the demo worker has stopped", "err", err)
		}
		return nil
	})
	fmt.Fprintf(io.out, `
Demo: the account %[1]s and a worker that answers.
Open %[2]s/ and log in with this key:

  %[3]s

Or try, in another terminal:

  curl -s %[2]s/api/chat/submit/ -H 'X-API-Key: %[3]s' -H 'Content-Type: application/json' -d '{"message": "Hello"}'
  curl -N %[2]s/api/sse/ -H 'X-API-Key: %[3]s'
  chatbridge ask "What is a lease?" --url %[2]s --key %[3]s

`, demoEmail, base, key)
	return nil
}

// demoKey finds the demo account's key, or makes both. The key lies in the data
// folder, so that a second run has the same one.
func (c *serveCmd) demoKey(ctx context.Context, store bridge.Store, post bridge.Post, base string) (string, error) {
	path := filepath.Join(c.Data, demoKeyFile)
	if data, err := os.ReadFile(path); err == nil {
		key := strings.TrimSpace(string(data))
		who, err := store.Principal(ctx, bridge.HashKey(key))
		if err != nil || who != nil && who.Key.RevokedAt.IsZero() && who.Account.Active {
			return key, err
		}
	}
	key := bridge.NewSecretKey(api.KeyPrefix)
	account, err := store.AccountByEmail(ctx, demoEmail)
	switch {
	case err != nil:
		return "", err
	case account == nil:
		err = bridge.Do(ctx, post, &bridge.CreateAccount{Email: demoEmail, WebhookURL: base + webhook.ReceiverPath, Key: key, Secret: webhook.NewSecret(), By: operator})
	default:
		err = bridge.Do(ctx, post, &bridge.AddKey{AccountID: account.ID, Name: "demo", Key: key, By: operator})
	}
	if err != nil {
		return "", err
	}
	return key, os.WriteFile(path, []byte(key+"\n"), 0o600)
}
