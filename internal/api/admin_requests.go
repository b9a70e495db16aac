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

type adminRequestPage struct {
	Link string `header:"Link" doc:"The next page, with rel=\"next\", if there is one"`
	Body []adminRequest
}

func (s *Server) adminRequests(ctx context.Context, in *struct {
	Paging
	Status  string `query:"status" enum:"idle,executing,done,failed"`
	Account int64  `query:"account" doc:"Only of this account"`
	Q       string `query:"q" doc:"Only those whose message or answer contains this, in any case"`
}) (*adminRequestPage, error) {
	rs, link, err := s.pageOfRequests(ctx, bridge.RequestFilter{AccountID: in.Account, Status: bridge.Status(in.Status), Contains: in.Q}, in.Paging)
	if err != nil {
		return nil, err
	}
	page := &adminRequestPage{Link: link, Body: []adminRequest{}}
	emails := map[int64]string{}
	for _, r := range rs {
		v, err := s.adminView(ctx, r, emails)
		if err != nil {
			return nil, err
		}
		page.Body = append(page.Body, v)
	}
	return page, nil
}

func (s *Server) adminView(ctx context.Context, r *bridge.Request, emails map[int64]string) (adminRequest, error) {
	if _, ok := emails[r.AccountID]; !ok {
		a, err := s.account(ctx, r.AccountID)
		if err != nil {
			return adminRequest{}, err
		}
		emails[r.AccountID] = a.Email
	}
	return adminRequest{s.view(ctx, r), accountRef{r.AccountID, emails[r.AccountID]}}, nil
}

func (s *Server) requestByID(ctx context.Context, id string) (*bridge.Request, error) {
	r, err := s.o.Store.Request(ctx, strings.ToLower(id))
	if err == nil && r == nil {
		err = bridge.RequestNotFound(id)
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return r, nil
}

type requestDetail struct {
	Request adminRequest `json:"request"`
	Events  []eventView  `json:"events"`
}

func (s *Server) adminRequest(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{ Body requestDetail }, error) {
	r, err := s.requestByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.adminView(ctx, r, map[int64]string{})
	if err != nil {
		return nil, err
	}
	events, err := s.o.Store.RequestEvents(ctx, r.Seq)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
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
	return &struct{ Body requestDetail }{out}, nil
}

type deliveryView struct {
	ID        int64      `json:"id"`
	WebhookID string     `json:"webhook_id"`
	RequestID string     `json:"request_id"`
	Endpoint  int64      `json:"endpoint"`
	URL       string     `json:"url"`
	Status    string     `json:"status" enum:"pending,failing,delivered,dead"`
	NextTryAt *time.Time `json:"next_try_at"`
	Tries     []tryView  `json:"tries"`
}

type tryView struct {
	Number          int               `json:"number"`
	At              time.Time         `json:"at"`
	DurationMS      int64             `json:"duration_ms"`
	Status          *int              `json:"status" doc:"The HTTP status, null if there was no answer"`
	Error           *string           `json:"error" doc:"What went wrong, in a sentence"`
	RequestHeaders  map[string]string `json:"request_headers"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body" doc:"Its first 4 KiB"`
}

func (s *Server) adminDeliveries(ctx context.Context, in *struct {
	RequestID string `query:"request_id" required:"true"`
}) (*struct{ Body []deliveryView }, error) {
	r, err := s.requestByID(ctx, in.RequestID)
	if err != nil {
		return nil, err
	}
	deliveries, err := s.o.Store.Deliveries(ctx, r.Seq)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	out := &struct{ Body []deliveryView }{Body: []deliveryView{}}
	for _, d := range deliveries {
		v := deliveryView{ID: d.ID, WebhookID: d.WebhookID, RequestID: r.ID, Endpoint: d.Endpoint.ID, URL: d.Endpoint.URL, Status: d.Status, Tries: []tryView{}}
		if !d.NextTryAt.IsZero() {
			v.NextTryAt = &d.NextTryAt
		}
		tries, err := s.o.Store.Tries(ctx, d.ID)
		if err != nil {
			return nil, problemOf(s.o.Log, err)
		}
		for _, t := range tries {
			shown := tryView{Number: t.Number, At: t.At, DurationMS: t.Duration.Milliseconds(), RequestHeaders: t.RequestHeaders, ResponseHeaders: t.ResponseHeaders, ResponseBody: t.ResponseBody}
			if t.Status != 0 {
				shown.Status = &t.Status
			}
			if t.Error != "" {
				shown.Error = &t.Error
			}
			v.Tries = append(v.Tries, shown)
		}
		out.Body = append(out.Body, v)
	}
	return out, nil
}

type workerView struct {
	WorkerID      string           `json:"worker_id"`
	Name          string           `json:"name"`
	Version       string           `json:"version"`
	Site          string           `json:"site"`
	Dialect       string           `json:"dialect" enum:"chatbridge.v1,guide"`
	Connected     bool             `json:"connected"`
	Node          string           `json:"node"`
	Capacity      int              `json:"capacity"`
	ResponseTypes []string         `json:"response_types" doc:"Empty: all"`
	HelloAt       time.Time        `json:"hello_at"`
	Pause         *bridge.FailCode `json:"pause" doc:"Why it is paused, null if it is not"`
	PausedUntil   *time.Time       `json:"paused_until" doc:"null: until its health is good again"`
	Health        *bridge.Health   `json:"health"`
}

func (s *Server) adminWorkers(ctx context.Context, in *struct {
	Account int64 `query:"account" required:"true"`
}) (*struct{ Body []workerView }, error) {
	workers, err := s.o.Store.Workers(ctx, in.Account)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	out := &struct{ Body []workerView }{Body: []workerView{}}
	for _, w := range workers {
		v := workerView{WorkerID: w.ID, Name: w.Name, Version: w.Version, Site: w.Site, Dialect: "chatbridge.v1", Connected: w.Connected, Node: w.Node,
			Capacity: w.Capacity, ResponseTypes: w.ResponseTypes, HelloAt: w.HelloAt, Health: w.Health}
		if w.Guide {
			v.Dialect = "guide"
		}
		if v.ResponseTypes == nil {
			v.ResponseTypes = []string{}
		}
		if reason, until := w.Pause(time.Now()); reason != "" {
			v.Pause = &reason
			if !until.IsZero() {
				v.PausedUntil = &until
			}
		}
		out.Body = append(out.Body, v)
	}
	return out, nil
}
