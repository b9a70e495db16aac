package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"chatbridge/internal/bridge"
)

type deliveryView struct {
	ID        int64      `json:"id"`
	WebhookID string     `json:"webhook_id" doc:"The same for every try and replay"`
	RequestID string     `json:"request_id"`
	Account   int64      `json:"account"`
	Endpoint  int64      `json:"endpoint"`
	URL       string     `json:"url" doc:"The endpoint's, as it is now"`
	Status    string     `json:"status" enum:"pending,failing,delivered,dead"`
	NextTryAt *time.Time `json:"next_try_at"`
	Error     *string    `json:"error" doc:"Why it is not delivered, in a sentence"`
	Tried     int        `json:"tried" doc:"Tries over its whole life"`
	CreatedAt time.Time  `json:"created_at" doc:"When the request ended"`
	EndedAt   *time.Time `json:"ended_at"`
	Tries     []tryView  `json:"tries" doc:"Null in a list that is not of one request, and where tries were cleaned up fewer than tried"`
}

type tryView struct {
	Number          int               `json:"number"`
	At              time.Time         `json:"at"`
	DurationMS      int64             `json:"duration_ms"`
	Status          *int              `json:"status" doc:"The HTTP status, null if there was no answer"`
	Error           *string           `json:"error" doc:"What went wrong, in a sentence"`
	RequestHeaders  map[string]string `json:"request_headers" doc:"Values of the endpoint's own headers are masked"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body" doc:"Its first 4 KiB"`
}

func viewDelivery(d *bridge.Delivery) deliveryView {
	v := deliveryView{ID: d.ID, WebhookID: d.WebhookID, RequestID: d.Request.ID, Account: d.AccountID, Endpoint: d.Endpoint.ID, URL: d.Endpoint.URL,
		Status: d.Status, NextTryAt: timeOrNil(d.NextTryAt), Tried: d.Tried, CreatedAt: d.CreatedAt, EndedAt: timeOrNil(d.EndedAt)}
	if d.Error != "" {
		v.Error = &d.Error
	}
	return v
}

func viewTry(t *bridge.Try) tryView {
	v := tryView{Number: t.Number, At: t.At, DurationMS: t.Duration.Milliseconds(), RequestHeaders: t.RequestHeaders, ResponseHeaders: t.ResponseHeaders, ResponseBody: t.ResponseBody}
	if t.Status != 0 {
		v.Status = &t.Status
	}
	if t.Error != "" {
		v.Error = &t.Error
	}
	return v
}

// withTries is a delivery's view with its tries.
func (s *Server) withTries(ctx context.Context, d *bridge.Delivery) (deliveryView, error) {
	v := viewDelivery(d)
	tries, err := s.o.Store.Tries(ctx, d.ID)
	v.Tries = []tryView{}
	for _, t := range tries {
		v.Tries = append(v.Tries, viewTry(t))
	}
	return v, err
}

// deliveryFilter is what a call selects, for the domain. Errors: NotFound (the
// request), Invalid.
func (s *Server) deliveryFilter(ctx context.Context, in replayFilter) (bridge.DeliveryFilter, error) {
	f := bridge.DeliveryFilter{AccountID: in.Account, EndpointID: in.Endpoint, Status: in.Status, From: given(in.From), To: given(in.To)}
	for _, status := range in.Status {
		if !slices.Contains(deliveryStatuses, status) {
			return f, invalidField("status", "A delivery's status is one of "+strings.Join(deliveryStatuses, ", ")+".")
		}
	}
	if err := checkRange(f.From, f.To); err != nil {
		return f, err
	}
	if in.RequestID != "" {
		r, err := s.requestByID(ctx, in.RequestID)
		if err != nil {
			return f, err
		}
		f.RequestSeq = r.Seq
	}
	return f, nil
}

// checkRange checks a range of times, of which each may be zero. Errors: Invalid.
func checkRange(from, to time.Time) error {
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return invalidField("to", "to must be later than from.")
	}
	return nil
}

var deliveryStatuses = []string{bridge.DeliveryPending, bridge.DeliveryFailing, bridge.DeliveryDelivered, bridge.DeliveryDead}

func (s *Server) adminDeliveries(ctx context.Context, in *struct {
	Paging
	RequestID string    `query:"request_id" doc:"Only of this request, with tries"`
	Account   int64     `query:"account" doc:"Only of this account"`
	Endpoint  int64     `query:"endpoint" doc:"Only to this endpoint"`
	Status    []string  `query:"status" doc:"Only with one of these: pending, failing, delivered, dead"`
	From      time.Time `query:"from" doc:"Only those owed at this time or later"`
	To        time.Time `query:"to" doc:"Only those owed before this time"`
}) (*list[deliveryView], error) {
	f, err := s.deliveryFilter(ctx, replayFilter{Account: in.Account, Endpoint: in.Endpoint, Status: in.Status, From: &in.From, To: &in.To, RequestID: in.RequestID})
	if err != nil {
		return nil, err
	}
	if f.Before, err = in.before(); err != nil {
		return nil, err
	}
	f.Limit, f.Ascending = in.Limit+1, in.RequestID != ""
	found, err := s.o.Store.DeliveriesBy(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &list[deliveryView]{Body: []deliveryView{}}
	found, out.Link = page(ctx, in.Paging, found, func(d *bridge.Delivery) int64 { return d.ID })
	for _, d := range found {
		v := viewDelivery(d)
		if in.RequestID != "" {
			if v, err = s.withTries(ctx, d); err != nil {
				return nil, err
			}
		}
		out.Body = append(out.Body, v)
	}
	return out, nil
}

// DeliveryPath names a delivery.
type DeliveryPath struct {
	ID int64 `path:"id"`
}

func (s *Server) adminDelivery(ctx context.Context, in *DeliveryPath) (*body[deliveryView], error) {
	d, err := s.o.Store.Delivery(ctx, in.ID)
	if err == nil && d == nil {
		err = bridge.Errorf(bridge.NotFound, "not_found", "There is no such delivery.")
	}
	if err != nil {
		return nil, err
	}
	v, err := s.withTries(ctx, d)
	return &body[deliveryView]{v}, err
}

func (s *Server) adminReplayDelivery(ctx context.Context, in *DeliveryPath) (*body[deliveryView], error) {
	cmd := &bridge.ReplayDelivery{DeliveryID: in.ID, By: actor(ctx)}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, err
	}
	return &body[deliveryView]{viewDelivery(cmd.Delivery)}, nil
}
