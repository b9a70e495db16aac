package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
)

type accountCmd struct {
	Create  accountCreate  `cmd:"" help:"Create an account with its first key."`
	List    accountList    `cmd:"" help:"List the accounts."`
	Key     accountKey     `cmd:"" help:"Add or revoke a key."`
	Disable accountDisable `cmd:"" help:"Switch an account off (or on again): its sockets and streams close at once."`
}

func (accountCmd) Help() string {
	return `Examples:
  chatbridge account create you@example.com
  chatbridge account create you@example.com --webhook-url https://example.com/hook --json
  chatbridge account list
  chatbridge account key add you@example.com --scopes worker
  chatbridge account key revoke you@example.com cb_Ab3xy
  chatbridge account disable you@example.com

They work beside a running server on the same data folder, which sees the change at once.`
}

// operator is who changes something by a command, in the audit log.
var operator = bridge.Actor{Name: "command line"}

// change opens the store, lets do change it, and knocks.
func (d *dataFlags) change(ctx context.Context, do func(bridge.Store) error) error {
	store, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := do(store); err != nil {
		return told(err)
	}
	d.knock()
	return nil
}

// told is a domain error as a sentence.
func told(err error) error {
	e := bridge.AsError(err)
	if e.Kind == bridge.Internal {
		return err
	}
	if len(e.Fields) == 1 {
		for _, sentences := range e.Fields {
			return fmt.Errorf("%s", strings.Join(sentences, " "))
		}
	}
	return fmt.Errorf("%s", e.Detail)
}

func accountByEmail(ctx context.Context, store bridge.Store, email string) (*bridge.Account, error) {
	a, err := store.AccountByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	if err == nil && a == nil {
		err = bridge.Errorf(bridge.NotFound, "not_found", "There is no account %s. List them with: chatbridge account list", email)
	}
	return a, err
}

type accountCreate struct {
	dataFlags
	Email      string `arg:"" help:"The account's name: an email address."`
	WebhookURL string `help:"Where answers, and failures, are sent by POST." placeholder:"URL"`
	JSON       bool   `help:"Print JSON, for scripts." name:"json"`
}

func (c *accountCreate) Run(ctx context.Context, io *console) error {
	cmd := &bridge.CreateAccount{Email: c.Email, WebhookURL: c.WebhookURL, Key: bridge.NewSecretKey(api.KeyPrefix), Secret: webhook.NewSecret(), By: operator}
	// The server's own guard, which knows its listener, decides when it dials.
	if c.WebhookURL != "" {
		if err := webhook.NewClient(webhook.ClientOptions{AllowLoopback: true}).CheckURL(c.WebhookURL); err != nil {
			return usageError("--webhook-url: " + bridge.AsError(err).Detail)
		}
	}
	err := c.change(ctx, func(store bridge.Store) error { return bridge.Do(ctx, store.Post, cmd) })
	if err != nil {
		return err
	}
	secret := ""
	if c.WebhookURL != "" {
		secret = cmd.Secret
	}
	if c.JSON {
		return json.NewEncoder(io.out).Encode(map[string]any{"id": cmd.Account.ID, "email": cmd.Account.Email, "key": cmd.Key,
			"webhook_url": orNil(c.WebhookURL), "webhook_secret": orNil(secret)})
	}
	fmt.Fprintf(io.out, "Account %s was created.\n\n  API key         %s\n", cmd.Account.Email, cmd.Key)
	if secret != "" {
		fmt.Fprintf(io.out, "  Webhook URL     %s\n  Webhook secret  %s\n", c.WebhookURL, secret)
	}
	fmt.Fprintln(io.out, "\nThey are not shown again.")
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

type accountList struct {
	dataFlags
	JSON bool `help:"Print JSON, for scripts." name:"json"`
}

func (c *accountList) Run(ctx context.Context, io *console) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	accounts, err := store.Accounts(ctx)
	if err != nil {
		return told(err)
	}
	type row struct {
		ID     int64    `json:"id"`
		Email  string   `json:"email"`
		Active bool     `json:"active"`
		Keys   []string `json:"keys"`
	}
	rows := []row{}
	for _, a := range accounts {
		keys, err := store.Keys(ctx, a.ID)
		if err != nil {
			return told(err)
		}
		r := row{a.ID, a.Email, a.Active, []string{}}
		for _, k := range keys {
			if k.RevokedAt.IsZero() {
				r.Keys = append(r.Keys, k.Prefix)
			}
		}
		rows = append(rows, r)
	}
	if c.JSON {
		return json.NewEncoder(io.out).Encode(rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(io.out, "No accounts yet. Create one with: chatbridge account create you@example.com")
		return nil
	}
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tEMAIL\tACTIVE\tKEYS BEGIN WITH")
	for _, r := range rows {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", r.ID, r.Email, yesNo(r.Active), strings.Join(r.Keys, " "))
	}
	return table.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type accountKey struct {
	Add    keyAdd    `cmd:"" help:"Make a new key."`
	Revoke keyRevoke `cmd:"" help:"Revoke a key: what it opened closes at once."`
}

type keyAdd struct {
	dataFlags
	Email  string         `arg:"" help:"The account, by its email address."`
	Name   string         `help:"What the key is for, such as laptop." default:""`
	Scopes []bridge.Scope `help:"What it may do: client sends messages and reads answers, worker is a browser (or chatbridge worker) that answers; both if left out." default:"client,worker"`
	JSON   bool           `help:"Print JSON, for scripts." name:"json"`
}

func (c *keyAdd) Run(ctx context.Context, io *console) error {
	cmd := &bridge.AddKey{Name: c.Name, Scopes: c.Scopes, Key: bridge.NewSecretKey(api.KeyPrefix), By: operator}
	err := c.change(ctx, func(store bridge.Store) error {
		a, err := accountByEmail(ctx, store, c.Email)
		if err != nil {
			return err
		}
		cmd.AccountID = a.ID
		return bridge.Do(ctx, store.Post, cmd)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(io.out).Encode(map[string]any{"id": cmd.Added.ID, "key": cmd.Key, "scopes": cmd.Added.Scopes})
	}
	fmt.Fprintf(io.out, "%s\n\nIt is not shown again.\n", cmd.Key)
	return nil
}

type keyRevoke struct {
	dataFlags
	Email string `arg:"" help:"The account, by its email address."`
	Key   string `arg:"" help:"The key's first characters, such as cb_Ab3xy, or its number."`
}

func (c *keyRevoke) Run(ctx context.Context, io *console) error {
	cmd := &bridge.RevokeKey{Prefix: bridge.KeyPrefix(c.Key), By: operator}
	if n, err := strconv.ParseInt(c.Key, 10, 64); err == nil {
		cmd.KeyID = n
	}
	err := c.change(ctx, func(store bridge.Store) error {
		a, err := accountByEmail(ctx, store, c.Email)
		if err != nil {
			return err
		}
		cmd.AccountID = a.ID
		return bridge.Do(ctx, store.Post, cmd)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "The key %s… was revoked.\n", cmd.Revoked.Prefix)
	return nil
}

type accountDisable struct {
	dataFlags
	Email string `arg:"" help:"The account, by its email address."`
	Undo  bool   `help:"Switch it on again."`
}

func (c *accountDisable) Run(ctx context.Context, io *console) error {
	err := c.change(ctx, func(store bridge.Store) error {
		a, err := accountByEmail(ctx, store, c.Email)
		if err != nil {
			return err
		}
		return bridge.Do(ctx, store.Post, &bridge.UpdateAccount{AccountID: a.ID, Active: &c.Undo, By: operator})
	})
	if err != nil {
		return err
	}
	if c.Undo {
		fmt.Fprintf(io.out, "%s is switched on.\n", c.Email)
	} else {
		fmt.Fprintf(io.out, "%s is switched off.\n", c.Email)
	}
	return nil
}
