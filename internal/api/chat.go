package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// submitBytes bounds a submit's body: a message of 1 MiB of which every byte is
// written as \u00XX, the metadata, and room for the rest.
const submitBytes = 6*bridge.MaxMessageBytes + 2*bridge.MaxMetadataBytes + 4096

// submitBody is what POST /api/chat/submit/ takes. Unknown fields are ignored.
type submitBody struct {
	Message        string          `json:"message" doc:"What to ask: kept and sent exactly as given. At most 1 MiB of UTF-8" example:"Hello"`
	ResponseType   *string         `json:"response_type,omitempty" enum:"auto,thinking,instant" doc:"auto if left out"`
	ThinkingTime   *string         `json:"thinking_time,omitempty" enum:"standard,extended" doc:"standard if left out"`
	ChatID         chatRef         `json:"chat_id,omitempty" doc:"Continues this chat: the site's id or our integer. Left out, null or empty: a new chat"`
	Temporary      *bool           `json:"temporary,omitempty" doc:"A chat that the site does not keep. Not with chat_id"`
	Metadata       json.RawMessage `json:"metadata,omitempty" doc:"Any JSON, at most 16 KiB; comes back with the request and its webhook"`
	TimeoutSeconds *int            `json:"timeout_seconds,omitempty" minimum:"1" maximum:"86400" doc:"How long the answer may take once the message may have been sent; 3600 if left out"`
	Attachments    json.RawMessage `json:"attachments,omitempty" doc:"Reserved. Not supported yet"`
}

// chatRef is a chat's id: a string of the site's, or our integer.
type chatRef string

// UnmarshalJSON takes a string, an integer or null.
func (c *chatRef) UnmarshalJSON(data []byte) error {
	var text *string
	if json.Unmarshal(data, &text) == nil {
		if text != nil {
			*c = chatRef(*text)
		}
		return nil
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return fmt.Errorf("chat_id must be a string or an integer")
	}
	*c = chatRef(strconv.FormatInt(n, 10))
	return nil
}

// Schema implements huma.SchemaProvider.
func (chatRef) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Nullable: true, OneOf: []*huma.Schema{{Type: "string"}, {Type: "integer"}}}
}

func (b *submitBody) command(account int64, idempotency string) (*bridge.Submit, error) {
	if len(b.Attachments) > 0 && string(b.Attachments) != "null" {
		return nil, &bridge.Error{Kind: bridge.Invalid, Code: "not_supported", Detail: "Attachments are not supported yet. Leave attachments out.",
			Fields: map[string][]string{"attachments": {"Attachments are not supported yet."}}}
	}
	cmd := &bridge.Submit{AccountID: account, Message: b.Message, ChatRef: bridge.ChatRef(b.ChatID), Metadata: b.Metadata, IdempotencyKey: idempotency,
		ResponseType: given(b.ResponseType), ThinkingTime: given(b.ThinkingTime), Temporary: given(b.Temporary), TimeoutSeconds: given(b.TimeoutSeconds)}
	if b.TimeoutSeconds != nil && *b.TimeoutSeconds < 1 {
		cmd.TimeoutSeconds = -1
	}
	return cmd, cmd.Validate()
}

func given[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

type requestBody struct{ Body wire.Request }

type requestPage = list[wire.Request]

type chatPage = list[wire.Chat]

// Paging is what every list takes. (Exported, because huma reads no others.)
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"At most so many"`
	Cursor string `query:"cursor" doc:"From the Link header of the page before"`
}

func (s *Server) registerChat(api huma.API) {
	secured := []map[string][]string{{"apiKey": {}}, {"bearer": {}}}
	tags := []string{"Chat"}
	huma.Register(api, huma.Operation{
		OperationID: "submit", Method: http.MethodPost, Path: "/api/chat/submit/", Summary: "Submit a message", Tags: tags, Security: secured,
		DefaultStatus: http.StatusCreated, MaxBodyBytes: submitBytes, SkipValidateBody: true, Errors: []int{400, 401, 403, 404, 409, 413, 415, 429, 503},
		Description: "Stores the message and answers once it is on the disk. The answer comes on stream_url and to the account's webhook. With an Idempotency-Key a repeat is answered by the same request.",
	}, s.submit)
	huma.Register(api, huma.Operation{
		OperationID: "list-requests", Method: http.MethodGet, Path: "/api/chat/requests/", Summary: "List requests, newest first", Tags: tags, Security: secured, Errors: []int{400, 401, 403},
	}, s.listRequests)
	huma.Register(api, huma.Operation{
		OperationID: "next-idle", Method: http.MethodGet, Path: "/api/chat/requests/next-idle/", Summary: "Look at the next idle request", Tags: tags, Security: secured, Errors: []int{401, 403},
		Description: "The idle request that was never given out here, else the one given out longest ago; 204 if none is idle. Claims nothing.",
		Responses:   map[string]*huma.Response{"204": {Description: "No request is idle"}},
	}, s.nextIdle)
	huma.Register(api, huma.Operation{
		OperationID: "get-request", Method: http.MethodGet, Path: "/api/chat/requests/{id}/", Summary: "Get a request", Tags: tags, Security: append([]map[string][]string{{}}, secured...), Errors: []int{401, 403, 404},
		Description: "Without a key too, wherever that id's stream may be read without one.",
	}, s.getRequest)
	huma.Register(api, huma.Operation{
		OperationID: "cancel", Method: http.MethodPost, Path: "/api/chat/requests/{id}/cancel/", Summary: "Cancel a request", Tags: tags, Security: secured, Errors: []int{401, 403, 404, 409},
	}, s.cancel)
	huma.Register(api, huma.Operation{
		OperationID: "list-chats", Method: http.MethodGet, Path: "/api/chat/chats/", Summary: "List chats, newest activity first", Tags: tags, Security: secured, Errors: []int{400, 401, 403},
	}, s.listChats)
	huma.Register(api, huma.Operation{
		OperationID: "get-chat", Method: http.MethodGet, Path: "/api/chat/chats/{chat_id}/", Summary: "Get a chat", Tags: tags, Security: secured, Errors: []int{401, 403, 404},
	}, s.getChat)
	huma.Register(api, huma.Operation{
		OperationID: "list-chat-requests", Method: http.MethodGet, Path: "/api/chat/chats/{chat_id}/requests/", Summary: "List a chat's messages in order", Tags: tags, Security: secured, Errors: []int{400, 401, 403, 404},
	}, s.chatRequests)
}

func (s *Server) submit(ctx context.Context, in *struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same key and fields make one request, however often they are sent"`
	Body           submitBody
}) (*requestBody, error) {
	account := who(ctx).Account.ID
	cmd, err := in.Body.command(account, in.IdempotencyKey)
	if err == nil {
		err = bridge.Do(ctx, func(cmd bridge.Command, done func(*bridge.Changes, error)) {
			s.o.Post(cmd, done)
			s.o.Dispatch.Expect(account)
		}, cmd)
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &requestBody{s.view(ctx, cmd.Request)}, nil
}

// view shows a request with what is live of it.
func (s *Server) view(ctx context.Context, r *bridge.Request) wire.Request {
	live := wire.Live{StreamURL: s.signer.streamURL(r.ID), Unfinished: s.o.Dispatch.Unfinished(ctx, r.Chat)}
	switch r.Status {
	case bridge.Idle:
		live.Waiting = s.o.Dispatch.Waiting(r)
	case bridge.Executing:
		live.Phase = s.o.Hub.PhaseOf(r)
	}
	return wire.RequestOf(r, live)
}

func (s *Server) listRequests(ctx context.Context, in *struct {
	RequestListing
	Status string `query:"status" enum:"idle,executing,done,failed" doc:"Only these"`
	Chat   string `query:"chat" doc:"Only of this chat: the site's id or our integer"`
	Q      string `query:"q" doc:"Only those whose message or answer contains this, in any case"`
}) (*requestPage, error) {
	f := bridge.RequestFilter{AccountID: who(ctx).Account.ID, Status: bridge.Status(in.Status), Contains: in.Q}
	if in.Chat != "" {
		chat, err := s.chatOf(ctx, in.Chat)
		if err != nil {
			return nil, err
		}
		f.ChatID = chat.ID
	}
	return s.requestPage(ctx, f, in.RequestListing)
}

// requestPage answers with one page of what f selects, and the way to the next.
func (s *Server) requestPage(ctx context.Context, f bridge.RequestFilter, in RequestListing) (*requestPage, error) {
	found, err := s.pageOfRequests(ctx, f, in)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	page := &requestPage{Link: found.link, LookedBackTo: found.lookedBackTo, Body: []wire.Request{}}
	for _, r := range found.requests {
		page.Body = append(page.Body, in.cut(s.view(ctx, r)))
	}
	return page, nil
}

func (s *Server) nextIdle(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	cmd := &bridge.NextIdle{AccountID: who(ctx).Account.ID}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		if cmd.Request == nil {
			c.SetStatus(http.StatusNoContent)
			return
		}
		c.SetHeader("Content-Type", "application/json")
		_ = strictJSON.Marshal(c.BodyWriter(), s.view(ctx, cmd.Request))
	}}, nil
}

func (s *Server) getRequest(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*requestBody, error) {
	r, err := s.o.Store.Request(ctx, strings.ToLower(in.ID))
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	if p := who(ctx); p != nil {
		if r == nil || r.AccountID != p.Account.ID {
			return nil, problemOf(s.o.Log, bridge.RequestNotFound(in.ID))
		}
		return &requestBody{s.view(ctx, r)}, nil
	}
	if err := s.bareAccess(ctx, r); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &requestBody{s.view(ctx, r)}, nil
}

// bareAccess decides whether a request may be read by its id alone. Errors:
// Unauthorized.
func (s *Server) bareAccess(ctx context.Context, r *bridge.Request) error {
	if r == nil || s.o.StreamAuth == StreamAuthRequired || !r.ReadableBare(time.Now()) {
		return errNeedsKey
	}
	return s.activeAccount(ctx, r.AccountID)
}

func (s *Server) activeAccount(ctx context.Context, id int64) error {
	active, err := s.o.Directory.Active(ctx, id)
	if err == nil && !active {
		return errNeedsKey
	}
	return err
}

var errNeedsKey = bridge.Errorf(bridge.Unauthorized, "unauthorized", "Show the account's API key as X-API-Key, or use the request's stream_url.")

func (s *Server) cancel(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*requestBody, error) {
	cmd := &bridge.Cancel{AccountID: who(ctx).Account.ID, RequestID: strings.ToLower(in.ID), Here: s.o.Here}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &requestBody{s.view(ctx, cmd.Request)}, nil
}

func (s *Server) chatOf(ctx context.Context, ref string) (*bridge.Chat, error) {
	c, err := s.o.Store.Chat(ctx, who(ctx).Account.ID, bridge.ChatRef(ref))
	if err == nil && c == nil {
		err = bridge.Errorf(bridge.NotFound, "chat_not_found", "This account has no chat %q. List them at /api/chat/chats/.", ref)
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return c, nil
}

// ChatListing is what a list of chats takes. (Exported, because huma reads no others.)
type ChatListing struct {
	Paging
	Q string `query:"q" doc:"Only those whose title contains this, in any case"`
}

func (s *Server) listChats(ctx context.Context, in *ChatListing) (*chatPage, error) {
	page, err := s.chatPage(ctx, who(ctx).Account.ID, *in)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return page, nil
}

func (s *Server) adminChats(ctx context.Context, in *struct {
	AccountPath
	ChatListing
}) (*chatPage, error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.chatPage(ctx, in.ID, in.ChatListing)
}

func (s *Server) getChat(ctx context.Context, in *struct {
	ChatID string `path:"chat_id" doc:"The site's id, or our integer"`
}) (*struct{ Body wire.Chat }, error) {
	c, err := s.chatOf(ctx, in.ChatID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Chat }{wire.ChatOf(c, s.o.Dispatch.Unfinished(ctx, c))}, nil
}

func (s *Server) chatRequests(ctx context.Context, in *struct {
	RequestListing
	ChatID string `path:"chat_id" doc:"The site's id, or our integer"`
}) (*requestPage, error) {
	c, err := s.chatOf(ctx, in.ChatID)
	if err != nil {
		return nil, err
	}
	return s.requestPage(ctx, bridge.RequestFilter{AccountID: c.AccountID, ChatID: c.ID, Ascending: true}, in.RequestListing)
}
