package api

import (
	"context"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

type adminRequest struct {
	wire.Request
	Account accountRef `json:"account"`
}

type accountRef struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
}

type eventView struct {
	ID       int64            `json:"id" doc:"The account's event counter"`
	Type     bridge.EventType `json:"type"`
	At       time.Time        `json:"at"`
	Attempt  int              `json:"attempt"`
	WorkerID *string          `json:"worker_id"`
	Data     any              `json:"data"`
}

func (s *Server) adminRequests(ctx context.Context, in *struct {
	RequestListing
	Status  string    `query:"status" enum:"idle,executing,done,failed"`
	Account int64     `query:"account" doc:"Only of this account"`
	Chat    int64     `query:"chat" doc:"Only of this chat, by our integer"`
	Code    string    `query:"code" doc:"Only those that failed with this error_code"`
	From    time.Time `query:"from" doc:"Only those queued at this time or later"`
	To      time.Time `query:"to" doc:"Only those queued before this time"`
	Q       string    `query:"q" doc:"Only those whose message or answer contains this, in any case"`
}) (*list[adminRequest], error) {
	if err := checkRange(in.From, in.To); err != nil {
		return nil, err
	}
	found, err := s.pageOfRequests(ctx, bridge.RequestFilter{AccountID: in.Account, Status: bridge.Status(in.Status), Code: bridge.FailCode(in.Code), ChatID: in.Chat,
		From: in.From, To: in.To, Contains: in.Q}, in.RequestListing)
	if err != nil {
		return nil, err
	}
	page := &list[adminRequest]{Link: found.link, LookedBackTo: found.lookedBackTo, Body: []adminRequest{}}
	emails := map[int64]string{}
	for _, r := range found.requests {
		v, err := s.adminView(ctx, r, emails)
		if err != nil {
			return nil, err
		}
		v.Request = in.cut(v.Request)
		page.Body = append(page.Body, v)
	}
	return page, nil
}

// accountRef names an account. emails remembers those of a list.
func (s *Server) accountRef(ctx context.Context, id int64, emails map[int64]string) (accountRef, error) {
	if _, ok := emails[id]; !ok {
		a, err := s.account(ctx, id)
		if err != nil {
			return accountRef{}, err
		}
		emails[id] = a.Email
	}
	return accountRef{id, emails[id]}, nil
}

func (s *Server) adminView(ctx context.Context, r *bridge.Request, emails map[int64]string) (adminRequest, error) {
	of, err := s.accountRef(ctx, r.AccountID, emails)
	return adminRequest{s.view(ctx, r), of}, err
}

func (s *Server) requestByID(ctx context.Context, id string) (*bridge.Request, error) {
	r, err := s.o.Store.Request(ctx, strings.ToLower(id))
	if err == nil && r == nil {
		err = bridge.RequestNotFound(id)
	}
	return r, err
}

type requestDetail struct {
	Request adminRequest `json:"request"`
	Events  []eventView  `json:"events"`
}

func (s *Server) adminRequest(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*body[requestDetail], error) {
	r, err := s.requestByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.requestDetail(ctx, r)
}

// adminCancelRequest ends a request of any account.
func (s *Server) adminCancelRequest(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*body[requestDetail], error) {
	r, err := s.requestByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	cmd := &bridge.Cancel{AccountID: r.AccountID, RequestID: r.ID, Here: s.o.Here, By: actor(ctx)}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, err
	}
	return s.requestDetail(ctx, cmd.Request)
}

func (s *Server) requestDetail(ctx context.Context, r *bridge.Request) (*body[requestDetail], error) {
	v, err := s.adminView(ctx, r, map[int64]string{})
	if err != nil {
		return nil, err
	}
	events, err := s.o.Store.RequestEvents(ctx, r.Seq)
	if err != nil {
		return nil, err
	}
	out := requestDetail{Request: v, Events: []eventView{}}
	for _, e := range events {
		shown := eventView{ID: e.Seq, Type: e.Type, At: e.At, Attempt: e.Attempt}
		if e.WorkerID != "" {
			shown.WorkerID = &e.WorkerID
		}
		switch {
		case e.Reason != "":
			shown.Data = map[string]any{"reason": e.Reason}
		case len(e.Data) > 0:
			shown.Data = e.Data
		}
		out.Events = append(out.Events, shown)
	}
	return &body[requestDetail]{out}, nil
}
