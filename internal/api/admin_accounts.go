package api

import (
	"context"
	"slices"
	"strings"
	"time"

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

func (s *Server) adminAccounts(ctx context.Context, _ *struct{}) (*body[[]accountView], error) {
	accounts, err := s.o.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	out := &body[[]accountView]{[]accountView{}}
	for _, a := range accounts {
		v, err := s.accountView(ctx, a)
		if err != nil {
			return nil, err
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
	return a, err
}

func (s *Server) adminAccount(ctx context.Context, in *AccountPath) (*body[accountView], error) {
	a, err := s.account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.accountView(ctx, a)
	if err != nil {
		return nil, err
	}
	return &body[accountView]{v}, nil
}

func (s *Server) checkWebhook(field string, url *string) error {
	if url == nil || *url == "" {
		return nil
	}
	return inField(field, s.o.WebhookCheck(*url))
}

// maxOwnKey is the most characters of a key that a person brings: it travels in
// a header of each call.
const maxOwnKey = 256

// checkOwnKey refuses keys that a header cannot carry. Errors: Invalid.
func checkOwnKey(key string) error {
	if len(key) > maxOwnKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalidField("key", "An own key has 32 to 256 letters, digits and signs of ASCII, without spaces. Take such a one, or leave it out to get a fresh one.")
	}
	return nil
}

func (s *Server) adminCreateAccount(ctx context.Context, in *struct {
	Body struct {
		Email      string  `json:"email" example:"you@example.com"`
		WebhookURL *string `json:"webhook_url,omitempty"`
		Key        *string `json:"key,omitempty" doc:"An own key of at least 32 characters; left out, a fresh one is made"`
	}
}) (*body[accountSaved], error) {
	cmd := &bridge.CreateAccount{Email: in.Body.Email, WebhookURL: strings.TrimSpace(given(in.Body.WebhookURL)), Key: given(in.Body.Key), Secret: webhook.NewSecret(), By: actor(ctx)}
	if cmd.Key == "" {
		cmd.Key = bridge.NewSecretKey(KeyPrefix)
	}
	err := s.checkWebhook("webhook_url", &cmd.WebhookURL)
	if err == nil {
		err = checkOwnKey(cmd.Key)
	}
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, err
	}
	saved := accountSaved{Key: cmd.Key}
	if cmd.WebhookURL != "" {
		saved.WebhookSecret = &cmd.Secret
	}
	saved.Account, err = s.accountView(ctx, cmd.Account)
	if err != nil {
		return nil, err
	}
	return &body[accountSaved]{saved}, nil
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
}) (*body[accountSaved], error) {
	cmd := &bridge.UpdateAccount{AccountID: in.ID, Email: in.Body.Email, WebhookURL: in.Body.WebhookURL, Active: in.Body.Active, Secret: webhook.NewSecret(), By: actor(ctx)}
	err := s.checkWebhook("webhook_url", cmd.WebhookURL)
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, err
	}
	var saved accountSaved
	if cmd.NewEndpoint {
		saved.WebhookSecret = &cmd.Secret
	}
	saved.Account, err = s.accountView(ctx, cmd.Account)
	if err != nil {
		return nil, err
	}
	return &body[accountSaved]{saved}, nil
}

func viewKey(k *bridge.Key) KeyView {
	v := KeyView{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scopes: k.Scopes, CreatedAt: k.CreatedAt}
	if !k.RevokedAt.IsZero() {
		v.RevokedAt = &k.RevokedAt
	}
	return v
}

func (s *Server) adminKeys(ctx context.Context, in *AccountPath) (*body[[]KeyView], error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	keys, err := s.o.Store.Keys(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &body[[]KeyView]{[]KeyView{}}
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
}) (*body[keyMade], error) {
	cmd := &bridge.AddKey{AccountID: in.ID, Name: in.Body.Name, Scopes: slices.Compact(slices.Sorted(slices.Values(in.Body.Scopes))), Key: in.Body.Key, By: actor(ctx)}
	if cmd.Key == "" {
		cmd.Key = bridge.NewSecretKey(KeyPrefix)
	}
	err := checkName(cmd.Name)
	if err == nil {
		err = checkOwnKey(cmd.Key)
	}
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, err
	}
	return &body[keyMade]{keyMade{viewKey(cmd.Added), cmd.Key}}, nil
}

func (s *Server) adminRevokeKey(ctx context.Context, in *struct {
	AccountPath
	KeyID int64 `path:"key_id"`
}) (*struct{}, error) {
	if err := bridge.Do(ctx, s.o.Post, &bridge.RevokeKey{AccountID: in.ID, KeyID: in.KeyID, By: actor(ctx)}); err != nil {
		return nil, err
	}
	return nil, nil
}
