package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"chatbridge/internal/bridge"
)

type auditView struct {
	ID      int64           `json:"id"`
	At      time.Time       `json:"at"`
	Actor   string          `json:"actor" doc:"admin, token and its name, command line, one-time link, or chatbridge itself"`
	Address *string         `json:"address" doc:"The client's, null where there is none"`
	Action  string          `json:"action" example:"account.created"`
	Account *int64          `json:"account"`
	Target  *string         `json:"target" doc:"What was changed; null if it is the account"`
	Detail  json.RawMessage `json:"detail" doc:"What it was changed to. Never a secret"`
}

func (s *Server) adminAudit(ctx context.Context, in *struct {
	Paging
	Account int64     `query:"account" doc:"Only of this account"`
	Action  string    `query:"action" doc:"Only this action, such as endpoint.created"`
	From    time.Time `query:"from" doc:"Only at this time or later"`
	To      time.Time `query:"to" doc:"Only before this time"`
}) (*list[auditView], error) {
	before, err := in.before()
	if err == nil {
		err = checkRange(in.From, in.To)
	}
	if err != nil {
		return nil, err
	}
	entries, err := s.o.Store.Audit(ctx, bridge.AuditFilter{AccountID: in.Account, Action: in.Action, From: in.From, To: in.To, Before: before, Limit: in.Limit + 1})
	out := &list[auditView]{Body: []auditView{}}
	entries, out.Link = page(ctx, in.Paging, entries, func(e *bridge.AuditEntry) int64 { return e.ID })
	for _, e := range entries {
		v := auditView{ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, Detail: json.RawMessage("null")}
		if e.Address != "" {
			v.Address = &e.Address
		}
		if e.AccountID != 0 {
			v.Account = &e.AccountID
		}
		if e.Target != "" {
			v.Target = &e.Target
		}
		if len(e.Detail) > 0 {
			v.Detail = e.Detail
		}
		out.Body = append(out.Body, v)
	}
	return out, err
}

// TokenPrefix begins the admin tokens that chatbridge makes.
const TokenPrefix = "cba_"

// NewToken makes an admin token for scripts: the token, which is shown once, and
// what is stored of it. Errors: Invalid, with the name.
func NewToken(name string) (token string, c *bridge.Credential, err error) {
	if name == "" {
		return "", nil, invalidField("name", "A token needs a name that says what it is for.")
	}
	if err := checkName(name); err != nil {
		return "", nil, err
	}
	token = bridge.NewSecretKey(TokenPrefix)
	return token, &bridge.Credential{Kind: "token", Name: name, Hash: bridge.HashKey(token)}, nil
}

// tokenIDBytes of a token's hash name it: enough to tell tokens apart, and
// nothing that helps to find one.
const tokenIDBytes = 8

// TokenID names a token to people and in URLs.
func TokenID(c *bridge.Credential) string { return hex.EncodeToString(c.Hash[:tokenIDBytes]) }

// TokenView is an admin token as it is shown after it was made.
type TokenView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

func viewToken(c *bridge.Credential) TokenView { return TokenView{TokenID(c), c.Name, c.CreatedAt} }

func (s *Server) adminTokens(ctx context.Context, _ *struct{}) (*body[[]TokenView], error) {
	tokens, err := s.o.Store.Credentials(ctx, "token")
	out := &body[[]TokenView]{[]TokenView{}}
	for _, c := range tokens {
		out.Body = append(out.Body, viewToken(c))
	}
	return out, err
}

type tokenMade struct {
	TokenView
	Token string `json:"token" doc:"Shown this once. Send it as Authorization: Bearer"`
}

func (s *Server) adminCreateToken(ctx context.Context, in *struct {
	Body struct {
		Name string `json:"name" doc:"What it is for"`
	}
}) (*body[tokenMade], error) {
	token, c, err := NewToken(in.Body.Name)
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, &bridge.PutCredential{Credential: c, By: actor(ctx)})
	}
	if err != nil {
		return nil, err
	}
	return &body[tokenMade]{tokenMade{viewToken(c), token}}, nil
}

func (s *Server) adminRevokeToken(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	tokens, err := s.o.Store.Credentials(ctx, "token")
	if err != nil {
		return nil, err
	}
	for _, c := range tokens {
		if TokenID(c) == in.ID {
			return nil, bridge.Do(ctx, s.o.Post, &bridge.DropCredential{Credential: c, By: actor(ctx)})
		}
	}
	return nil, bridge.Errorf(bridge.NotFound, "not_found", "There is no such token.")
}

func (s *Server) adminSettings(context.Context, *struct{}) (*body[[]Setting], error) {
	return &body[[]Setting]{append([]Setting{}, s.o.Settings...)}, nil
}
