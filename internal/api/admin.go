package api

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
)

type accountView struct {
	ID            int64      `json:"id"`
	Email         string     `json:"email"`
	WebhookURL    *string    `json:"webhook_url"`
	Active        bool       `json:"active"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	KeyCount      int        `json:"key_count" doc:"Keys that are not revoked"`
	PreviousUntil *time.Time `json:"webhook_secret_previous_until" doc:"Until when the secret before the last rotation is valid too"`
}

// KeyView is a key as it is shown after it was made.
type KeyView struct {
	ID        int64          `json:"id"`
	Name      string         `json:"name"`
	Prefix    string         `json:"prefix" doc:"The key's first 8 characters"`
	Scopes    []bridge.Scope `json:"scopes"`
	CreatedAt time.Time      `json:"created_at"`
	RevokedAt *time.Time     `json:"revoked_at"`
}

type accountSaved struct {
	Account       accountView `json:"account"`
	Key           string      `json:"key,omitempty" doc:"The first API key; shown this once"`
	WebhookSecret *string     `json:"webhook_secret" doc:"The new endpoint's signing secret; shown this once"`
}

func (s *Server) registerAdmin(api huma.API) {
	secured := []map[string][]string{{"session": {}}, {"bearer": {}}}
	tags := []string{"Admin"}
	op := func(id, method, path, summary string, status int) huma.Operation {
		return huma.Operation{OperationID: "admin-" + id, Method: method, Path: "/api/admin" + path, Summary: summary, Tags: tags,
			Security: secured, DefaultStatus: status, SkipValidateBody: true, Errors: []int{400, 401, 403, 404, 409}}
	}
	open := func(id, method, path, summary string, status int) huma.Operation {
		o := op(id, method, path, summary, status)
		o.Security = nil
		return o
	}
	huma.Register(api, open("session", "GET", "/session/", "Is anyone logged in?", 200), s.adminSession)
	huma.Register(api, open("login", "POST", "/session/", "Log in with the password", 204), s.adminLogin)
	huma.Register(api, op("logout", "DELETE", "/session/", "Log out", 204), s.adminLogout)
	huma.Register(api, open("setup", "POST", "/setup/", "Set the password with a one-time link", 204), s.adminSetup)
	huma.Register(api, op("accounts", "GET", "/accounts/", "List the GPT Accounts", 200), s.adminAccounts)
	huma.Register(api, op("create-account", "POST", "/accounts/", "Create a GPT Account", 201), s.adminCreateAccount)
	huma.Register(api, op("account", "GET", "/accounts/{id}/", "Get a GPT Account", 200), s.adminAccount)
	huma.Register(api, op("update-account", "PATCH", "/accounts/{id}/", "Change a GPT Account", 200), s.adminUpdateAccount)
	huma.Register(api, op("keys", "GET", "/accounts/{id}/keys/", "List an account's keys", 200), s.adminKeys)
	huma.Register(api, op("add-key", "POST", "/accounts/{id}/keys/", "Make a key", 201), s.adminAddKey)
	huma.Register(api, op("revoke-key", "DELETE", "/accounts/{id}/keys/{key_id}/", "Revoke a key", 204), s.adminRevokeKey)
	huma.Register(api, op("rotate-secret", "POST", "/accounts/{id}/secret/rotate/", "Rotate the webhook secret", 200), s.adminRotate)
	huma.Register(api, op("requests", "GET", "/requests/", "List requests of all accounts, newest first", 200), s.adminRequests)
	huma.Register(api, op("request", "GET", "/requests/{id}/", "Get a request with its events", 200), s.adminRequest)
	huma.Register(api, op("deliveries", "GET", "/deliveries/", "List a request's deliveries with their tries", 200), s.adminDeliveries)
	huma.Register(api, op("workers", "GET", "/workers/", "List an account's workers", 200), s.adminWorkers)
}

// AccountPath names an account. (Exported, because huma reads no others.)
type AccountPath struct {
	ID int64 `path:"id"`
}

func (s *Server) accountView(ctx context.Context, a *bridge.Account) (accountView, error) {
	v := accountView{ID: a.ID, Email: a.Email, Active: a.Active, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
	keys, err := s.o.Store.Keys(ctx, a.ID)
	if err != nil {
		return v, err
	}
	for _, k := range keys {
		if k.RevokedAt.IsZero() {
			v.KeyCount++
		}
	}
	endpoints, err := s.o.Store.Endpoints(ctx, a.ID)
	if err != nil {
		return v, err
	}
	for _, e := range endpoints {
		if !e.Primary {
			continue
		}
		if e.URL != "" {
			v.WebhookURL = &e.URL
		}
		if e.PreviousSecret != "" && e.PreviousUntil.After(time.Now()) {
			v.PreviousUntil = &e.PreviousUntil
		}
	}
	return v, nil
}

func (s *Server) adminAccounts(ctx context.Context, _ *struct{}) (*struct{ Body []accountView }, error) {
	accounts, err := s.o.Store.Accounts(ctx)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	out := &struct{ Body []accountView }{Body: []accountView{}}
	for _, a := range accounts {
		v, err := s.accountView(ctx, a)
		if err != nil {
			return nil, problemOf(s.o.Log, err)
		}
		out.Body = append(out.Body, v)
	}
	return out, nil
}

func (s *Server) account(ctx context.Context, id int64) (*bridge.Account, error) {
	a, err := s.o.Store.Account(ctx, id)
	if err == nil && a == nil {
		err = bridge.Errorf(bridge.NotFound, "not_found", "There is no such account.")
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return a, nil
}

func (s *Server) adminAccount(ctx context.Context, in *AccountPath) (*struct{ Body accountView }, error) {
	a, err := s.account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.accountView(ctx, a)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body accountView }{v}, nil
}

func (s *Server) checkWebhook(url *string) error {
	if url == nil || *url == "" {
		return nil
	}
	if err := s.o.WebhookCheck(*url); err != nil {
		return &bridge.Error{Kind: bridge.Invalid, Code: "invalid", Detail: "The webhook URL cannot be used.", Fields: map[string][]string{"webhook_url": {bridge.AsError(err).Detail}}}
	}
	return nil
}

func (s *Server) adminCreateAccount(ctx context.Context, in *struct {
	Body struct {
		Email      string  `json:"email" example:"you@example.com"`
		WebhookURL *string `json:"webhook_url,omitempty"`
		Key        *string `json:"key,omitempty" doc:"An own key of at least 32 characters; left out, a fresh one is made"`
	}
}) (*struct{ Body accountSaved }, error) {
	cmd := &bridge.CreateAccount{Email: in.Body.Email, WebhookURL: strings.TrimSpace(given(in.Body.WebhookURL)), Key: given(in.Body.Key), Secret: webhook.NewSecret()}
	if cmd.Key == "" {
		cmd.Key = bridge.NewSecretKey(KeyPrefix)
	}
	err := s.checkWebhook(&cmd.WebhookURL)
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	saved := accountSaved{Key: cmd.Key}
	if cmd.WebhookURL != "" {
		saved.WebhookSecret = &cmd.Secret
	}
	saved.Account, err = s.accountView(ctx, cmd.Account)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body accountSaved }{saved}, nil
}

// KeyPrefix begins the API keys that chatbridge makes.
const KeyPrefix = "cb_"

func (s *Server) adminUpdateAccount(ctx context.Context, in *struct {
	AccountPath
	Body struct {
		Email      *string `json:"email,omitempty"`
		WebhookURL *string `json:"webhook_url,omitempty" doc:"Empty takes it away"`
		Active     *bool   `json:"active,omitempty"`
	}
}) (*struct{ Body accountSaved }, error) {
	cmd := &bridge.UpdateAccount{AccountID: in.ID, Email: in.Body.Email, WebhookURL: in.Body.WebhookURL, Active: in.Body.Active, Secret: webhook.NewSecret()}
	err := s.checkWebhook(cmd.WebhookURL)
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	var saved accountSaved
	if cmd.NewEndpoint {
		saved.WebhookSecret = &cmd.Secret
	}
	saved.Account, err = s.accountView(ctx, cmd.Account)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body accountSaved }{saved}, nil
}

func viewKey(k *bridge.Key) KeyView {
	v := KeyView{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scopes: k.Scopes, CreatedAt: k.CreatedAt}
	if !k.RevokedAt.IsZero() {
		v.RevokedAt = &k.RevokedAt
	}
	return v
}

func (s *Server) adminKeys(ctx context.Context, in *AccountPath) (*struct{ Body []KeyView }, error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	keys, err := s.o.Store.Keys(ctx, in.ID)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	out := &struct{ Body []KeyView }{Body: []KeyView{}}
	for _, k := range keys {
		out.Body = append(out.Body, viewKey(k))
	}
	return out, nil
}

type keyMade struct {
	KeyView
	Key string `json:"key" doc:"The key; shown this once"`
}

func (s *Server) adminAddKey(ctx context.Context, in *struct {
	AccountPath
	Body struct {
		Name   string         `json:"name,omitempty"`
		Scopes []bridge.Scope `json:"scopes,omitempty" doc:"client, worker; left out: both"`
		Key    string         `json:"key,omitempty" doc:"An own key of at least 32 characters; left out, a fresh one is made"`
	}
}) (*struct{ Body keyMade }, error) {
	cmd := &bridge.AddKey{AccountID: in.ID, Name: in.Body.Name, Scopes: in.Body.Scopes, Key: in.Body.Key}
	if cmd.Key == "" {
		cmd.Key = bridge.NewSecretKey(KeyPrefix)
	}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body keyMade }{keyMade{viewKey(cmd.Added), cmd.Key}}, nil
}

func (s *Server) adminRevokeKey(ctx context.Context, in *struct {
	AccountPath
	KeyID int64 `path:"key_id"`
}) (*struct{}, error) {
	if err := bridge.Do(ctx, s.o.Post, &bridge.RevokeKey{AccountID: in.ID, KeyID: in.KeyID}); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return nil, nil
}

type secretRotated struct {
	WebhookSecret      string    `json:"webhook_secret" doc:"Shown this once"`
	PreviousValidUntil time.Time `json:"previous_valid_until"`
}

func (s *Server) adminRotate(ctx context.Context, in *AccountPath) (*struct{ Body secretRotated }, error) {
	cmd := &bridge.RotateSecret{AccountID: in.ID, Secret: webhook.NewSecret()}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body secretRotated }{secretRotated{cmd.Secret, cmd.Endpoint.PreviousUntil}}, nil
}
