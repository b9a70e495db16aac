package api

import (
	"context"
	"net/textproto"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
)

// masked stands for a header's value, which may be a secret.
const masked = "••••"

// EndpointView is an endpoint as it is shown.
type EndpointView struct {
	ID             int64             `json:"id"`
	Primary        bool              `json:"primary" doc:"It is the account's Webhook URL"`
	URL            string            `json:"url" doc:"Empty where the account's Webhook URL was taken away"`
	Events         []string          `json:"events" doc:"request.done, request.failed; empty: both"`
	Headers        map[string]string `json:"headers" doc:"Sent along. Values are shown as ••••"`
	RateLimit      int               `json:"rate_limit" doc:"Tries a minute at most; 0: no limit"`
	Enabled        bool              `json:"enabled"`
	Status         string            `json:"status" enum:"on,off,failing,on_hold" doc:"In one word: on_hold means that it failed again and again, and is probed now and then"`
	DisabledReason *string           `json:"disabled_reason" doc:"Why chatbridge switched it off; what it was owed is dead then. Null where a person did: that waits"`
	FailingSince   *time.Time        `json:"failing_since" doc:"Null while its last try succeeded"`
	HoldUntil      *time.Time        `json:"hold_until" doc:"While on hold: when it is probed next"`
	PreviousUntil  *time.Time        `json:"secret_previous_until" doc:"Until when the secret before the last rotation is valid too"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
	Counts         *deliveryCounts   `json:"counts" doc:"What it is owed or did not get; null in lists"`
}

type deliveryCounts struct {
	Pending int64 `json:"pending"`
	Failing int64 `json:"failing"`
	Dead    int64 `json:"dead"`
}

func viewEndpoint(e *bridge.Endpoint) EndpointView {
	now := time.Now()
	v := EndpointView{ID: e.ID, Primary: e.Primary, URL: e.URL, Events: e.Events, Headers: map[string]string{}, RateLimit: e.RateLimit, Enabled: e.Enabled, Status: "on",
		FailingSince: timeOrNil(e.FailingSince), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt}
	if v.Events == nil {
		v.Events = []string{}
	}
	for name := range e.Headers {
		v.Headers[name] = masked
	}
	if e.DisabledReason != "" {
		v.DisabledReason = &e.DisabledReason
	}
	if e.PreviousSecret != "" && now.Before(e.PreviousUntil) {
		v.PreviousUntil = &e.PreviousUntil
	}
	switch {
	case !e.Enabled:
		v.Status = "off"
	case now.Before(e.HoldUntil):
		v.Status, v.HoldUntil = "on_hold", &e.HoldUntil
	case !e.FailingSince.IsZero():
		v.Status = "failing"
	}
	return v
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// EndpointPath names an endpoint of an account.
type EndpointPath struct {
	AccountPath
	EndpointID int64 `path:"endpoint_id"`
}

// endpoint finds an endpoint that was not removed. Errors: NotFound.
func (s *Server) endpoint(ctx context.Context, at EndpointPath) (*bridge.Endpoint, error) {
	endpoints, err := s.o.Store.Endpoints(ctx, at.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if e.ID == at.EndpointID && e.RemovedAt.IsZero() {
			return e, nil
		}
	}
	return nil, bridge.Errorf(bridge.NotFound, "not_found", "This account has no such endpoint.")
}

func (s *Server) adminEndpoints(ctx context.Context, in *AccountPath) (*body[[]EndpointView], error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	endpoints, err := s.o.Store.Endpoints(ctx, in.ID)
	out := &body[[]EndpointView]{[]EndpointView{}}
	for _, e := range endpoints {
		if e.RemovedAt.IsZero() {
			out.Body = append(out.Body, viewEndpoint(e))
		}
	}
	return out, err
}

func (s *Server) adminEndpoint(ctx context.Context, in *EndpointPath) (*body[EndpointView], error) {
	e, err := s.endpoint(ctx, *in)
	if err != nil {
		return nil, err
	}
	v := viewEndpoint(e)
	v.Counts = &deliveryCounts{}
	for status, count := range map[string]*int64{bridge.DeliveryPending: &v.Counts.Pending, bridge.DeliveryFailing: &v.Counts.Failing, bridge.DeliveryDead: &v.Counts.Dead} {
		if *count, err = s.o.Store.CountDeliveries(ctx, bridge.DeliveryFilter{EndpointID: e.ID, Status: []string{status}}); err != nil {
			return nil, err
		}
	}
	return &body[EndpointView]{v}, nil
}

// endpointFields are what a call sets of an endpoint.
type endpointFields struct {
	URL       *string            `json:"url,omitempty" example:"https://example.com/hooks/chat"`
	Events    *[]string          `json:"events,omitempty" doc:"request.done, request.failed; empty or left out: both"`
	Headers   *map[string]string `json:"headers,omitempty" doc:"Sent along: all that there are to be. At a change, •••• keeps the value that is stored"`
	RateLimit *int               `json:"rate_limit,omitempty" doc:"Tries a minute at most, 1 to 60000; 0 or left out: no limit"`
	Enabled   *bool              `json:"enabled,omitempty" doc:"false: what it is owed waits"`
}

// checked turns what a call sets into what the domain takes. have are the
// headers that are stored, by their canonical names. Errors: Invalid.
func (s *Server) checked(in endpointFields, have map[string]string) (bridge.EndpointFields, error) {
	out := bridge.EndpointFields{URL: in.URL, Events: in.Events, RateLimit: in.RateLimit, Enabled: in.Enabled}
	if err := s.checkWebhook("url", in.URL); err != nil {
		return out, err
	}
	if in.Headers == nil {
		return out, nil
	}
	headers := map[string]string{}
	for given, value := range *in.Headers {
		name := textproto.CanonicalMIMEHeaderKey(given)
		if _, twice := headers[name]; twice {
			return out, invalidField("headers", "The header "+name+" is there twice. Give it once.")
		}
		if value == masked {
			kept, there := have[name]
			if !there {
				return out, invalidField("headers", "The header "+name+" has no value that could be kept. Give it one.")
			}
			value = kept
		}
		headers[name] = value
	}
	out.Headers = &headers
	return out, inField("headers", webhook.CheckHeaders(headers))
}

type endpointMade struct {
	Endpoint      EndpointView `json:"endpoint"`
	WebhookSecret string       `json:"webhook_secret" doc:"Signs what is delivered; shown this once"`
}

func (s *Server) adminCreateEndpoint(ctx context.Context, in *struct {
	AccountPath
	Body endpointFields
}) (*body[endpointMade], error) {
	fields, err := s.checked(in.Body, nil)
	cmd := &bridge.CreateEndpoint{AccountID: in.ID, Fields: fields, Secret: webhook.NewSecret(), By: actor(ctx)}
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, err
	}
	return &body[endpointMade]{endpointMade{viewEndpoint(cmd.Endpoint), cmd.Secret}}, nil
}

func (s *Server) adminUpdateEndpoint(ctx context.Context, in *struct {
	EndpointPath
	Body endpointFields
}) (*body[EndpointView], error) {
	e, err := s.endpoint(ctx, in.EndpointPath)
	if err != nil {
		return nil, err
	}
	fields, err := s.checked(in.Body, e.Headers)
	cmd := &bridge.UpdateEndpoint{AccountID: in.ID, EndpointID: in.EndpointID, Fields: fields, By: actor(ctx)}
	if err == nil {
		err = bridge.Do(ctx, s.o.Post, cmd)
	}
	if err != nil {
		return nil, err
	}
	return &body[EndpointView]{viewEndpoint(cmd.Endpoint)}, nil
}

func (s *Server) adminRemoveEndpoint(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	return nil, bridge.Do(ctx, s.o.Post, &bridge.RemoveEndpoint{AccountID: in.ID, EndpointID: in.EndpointID, By: actor(ctx)})
}

type secretRotated struct {
	WebhookSecret      string    `json:"webhook_secret" doc:"Shown this once"`
	PreviousValidUntil time.Time `json:"previous_valid_until" doc:"Until then both secrets sign"`
}

func (s *Server) adminRotateEndpoint(ctx context.Context, in *EndpointPath) (*body[secretRotated], error) {
	if _, err := s.endpoint(ctx, *in); err != nil {
		return nil, err
	}
	return s.rotate(ctx, in.ID, in.EndpointID)
}

func (s *Server) adminRotate(ctx context.Context, in *AccountPath) (*body[secretRotated], error) {
	return s.rotate(ctx, in.ID, 0)
}

// rotate gives an endpoint a new secret; 0 is the account's Webhook URL.
func (s *Server) rotate(ctx context.Context, account, endpoint int64) (*body[secretRotated], error) {
	cmd := &bridge.RotateSecret{AccountID: account, EndpointID: endpoint, Secret: webhook.NewSecret(), By: actor(ctx)}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, err
	}
	return &body[secretRotated]{secretRotated{cmd.Secret, cmd.Endpoint.PreviousUntil}}, nil
}

func (s *Server) adminEndPreviousOf(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	if _, err := s.endpoint(ctx, *in); err != nil { // 0 would be the Webhook URL's
		return nil, err
	}
	return nil, bridge.Do(ctx, s.o.Post, &bridge.EndPreviousSecret{AccountID: in.ID, EndpointID: in.EndpointID, By: actor(ctx)})
}

func (s *Server) adminEndPrevious(ctx context.Context, in *AccountPath) (*struct{}, error) {
	return nil, bridge.Do(ctx, s.o.Post, &bridge.EndPreviousSecret{AccountID: in.ID, By: actor(ctx)})
}

func (s *Server) adminTestEndpoint(ctx context.Context, in *EndpointPath) (*body[tryView], error) {
	e, err := s.endpoint(ctx, *in)
	switch {
	case err != nil:
		return nil, err
	case e.URL == "":
		return nil, bridge.Errorf(bridge.Conflict, "no_webhook", "This endpoint has no URL. Set one first.")
	}
	try := s.o.TestEndpoint(ctx, e)
	if try.Error == "" {
		err = s.firstAccepted(ctx)
	}
	return &body[tryView]{viewTry(&try)}, err
}
