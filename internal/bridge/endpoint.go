package bridge

import (
	"fmt"
	"slices"
	"time"
)

// The bounds of endpoints.
const (
	// MaxEndpoints is how many an account may have beside its webhook URL.
	MaxEndpoints = 20
	// MaxRateLimit is the highest limit of tries a minute that can be set; beyond
	// it a limit limits nothing.
	MaxRateLimit = 60_000

	endpointNoURL   = "The webhook URL was taken away."
	endpointRemoved = "It was removed."
)

// set switches an endpoint on, as if it had never failed, or off. why says that
// it is off for good; "" where it is off for a while and what it is owed waits.
func (e *Endpoint) set(on bool, why string) {
	e.Enabled, e.DisabledReason = on, why
	if on {
		e.DisabledReason, e.FailingSince, e.Failures, e.HoldUntil = "", time.Time{}, 0, time.Time{}
	}
}

// EndpointFields are what a person sets of an endpoint; nil fields stay as they
// are, or as they are by default.
type EndpointFields struct {
	URL       *string            // checked by the caller against the webhook guard
	Events    *[]string          // request.done, request.failed; empty: both
	Headers   *map[string]string // sent along; checked by the caller
	RateLimit *int               // tries a minute, 1 to 60,000; 0: no limit
	Enabled   *bool
}

func (m *EndpointFields) apply(e *Endpoint) error {
	if m.URL != nil {
		if *m.URL == "" {
			return invalid("url", "An endpoint needs a URL. To stop its deliveries, switch it off or remove it.")
		}
		e.URL = *m.URL
	}
	if m.Events != nil {
		for _, event := range *m.Events {
			if event != "request.done" && event != "request.failed" {
				return invalid("events", "An endpoint's events are request.done and request.failed.")
			}
		}
		e.Events = slices.Compact(slices.Sorted(slices.Values(*m.Events)))
	}
	if m.Headers != nil {
		e.Headers = *m.Headers
	}
	if m.RateLimit != nil {
		if *m.RateLimit < 0 || *m.RateLimit > MaxRateLimit {
			return invalid("rate_limit", fmt.Sprintf("rate_limit is in tries a minute, from 1 to %d, or 0 for none.", MaxRateLimit))
		}
		e.RateLimit = *m.RateLimit
	}
	if m.Enabled != nil && *m.Enabled != e.Enabled {
		e.set(*m.Enabled, "")
	}
	return nil
}

// told is what the audit log says of changed fields. Headers may hold secrets:
// their names alone.
func (m *EndpointFields) told() map[string]any {
	out := map[string]any{}
	if m.URL != nil {
		out["url"] = *m.URL
	}
	if m.Events != nil {
		out["events"] = *m.Events
	}
	if m.Headers != nil {
		names := []string{}
		for name := range *m.Headers {
			names = append(names, name)
		}
		slices.Sort(names)
		out["headers"] = names
	}
	if m.RateLimit != nil {
		out["rate_limit"] = *m.RateLimit
	}
	if m.Enabled != nil {
		out["enabled"] = *m.Enabled
	}
	return out
}

// CreateEndpoint adds an endpoint to an account, on unless Fields say otherwise.
type CreateEndpoint struct {
	AccountID int64
	Fields    EndpointFields // with URL
	Secret    string
	By        Actor

	Endpoint *Endpoint // the result
}

// Needs implements [Command].
func (m *CreateEndpoint) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound, Invalid, Conflict.
func (m *CreateEndpoint) Decide(f *Facts) (*Changes, error) {
	if f.Account == nil {
		return nil, accountNotFound()
	}
	more := 0
	for _, e := range f.Endpoints {
		if !e.Primary && e.RemovedAt.IsZero() {
			more++
		}
	}
	if more >= MaxEndpoints {
		return nil, Errorf(Conflict, "too_many_endpoints", "An account takes %d endpoints beside its Webhook URL. Remove one first.", MaxEndpoints)
	}
	if m.Fields.URL == nil {
		m.Fields.URL = new("")
	}
	e := &Endpoint{AccountID: m.AccountID, Format: "guide", Enabled: true, Secret: m.Secret, CreatedAt: f.Now, UpdatedAt: f.Now}
	if err := m.Fields.apply(e); err != nil {
		return nil, err
	}
	m.Endpoint = e
	c := &Changes{Now: f.Now, Directory: true, Endpoints: []*Endpoint{e}}
	c.audit(m.By, "endpoint.created", m.AccountID, "", m.Fields.told())
	return c, nil
}

// findEndpoint finds an endpoint of the account; id 0 is the primary one.
func findEndpoint(f *Facts, id int64) (*Endpoint, error) {
	for _, e := range f.Endpoints {
		if e.RemovedAt.IsZero() && (e.ID == id || id == 0 && e.Primary) {
			return e, nil
		}
	}
	if id == 0 {
		return nil, Errorf(NotFound, "no_webhook", "This account has no webhook URL. Set one first.")
	}
	return nil, Errorf(NotFound, "not_found", "This account has no such endpoint.")
}

// UpdateEndpoint changes an endpoint.
type UpdateEndpoint struct {
	AccountID  int64
	EndpointID int64
	Fields     EndpointFields
	By         Actor

	Endpoint *Endpoint // the result
}

// Needs implements [Command].
func (m *UpdateEndpoint) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound, Invalid.
func (m *UpdateEndpoint) Decide(f *Facts) (*Changes, error) {
	e, err := findEndpoint(f, m.EndpointID)
	if err != nil {
		return nil, err
	}
	if err := m.Fields.apply(e); err != nil {
		return nil, err
	}
	if e.Enabled && e.URL == "" {
		return nil, invalid("enabled", "This endpoint has no URL. Set one first.")
	}
	m.Endpoint, e.UpdatedAt = e, f.Now
	c := &Changes{Now: f.Now, Directory: true, Endpoints: []*Endpoint{e}}
	c.audit(m.By, "endpoint.changed", m.AccountID, e.name(), m.Fields.told())
	return c, nil
}

// RemoveEndpoint removes an endpoint; what it is owed is given up.
type RemoveEndpoint struct {
	AccountID  int64
	EndpointID int64
	By         Actor
}

// Needs implements [Command].
func (m *RemoveEndpoint) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound, Conflict.
func (m *RemoveEndpoint) Decide(f *Facts) (*Changes, error) {
	e, err := findEndpoint(f, m.EndpointID)
	if err != nil {
		return nil, err
	}
	if e.Primary {
		return nil, Errorf(Conflict, "primary_endpoint", "This is the account's Webhook URL. Empty it in the account instead.")
	}
	e.RemovedAt, e.UpdatedAt = f.Now, f.Now
	e.set(false, endpointRemoved)
	c := &Changes{Now: f.Now, Directory: true, Endpoints: []*Endpoint{e}}
	c.audit(m.By, "endpoint.removed", m.AccountID, e.name(), map[string]string{"url": e.URL})
	return c, nil
}

// RotateSecret gives an endpoint a new secret; the old one stays valid for 24 h.
type RotateSecret struct {
	AccountID  int64
	EndpointID int64 // 0: the account's webhook URL
	Secret     string
	By         Actor

	Endpoint *Endpoint // the result
}

// Needs implements [Command].
func (m *RotateSecret) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound.
func (m *RotateSecret) Decide(f *Facts) (*Changes, error) {
	e, err := findEndpoint(f, m.EndpointID)
	if err != nil {
		return nil, err
	}
	e.PreviousSecret, e.PreviousUntil, e.Secret, e.UpdatedAt = e.Secret, f.Now.Add(SecretOverlap), m.Secret, f.Now
	m.Endpoint = e
	c := &Changes{Now: f.Now, Directory: true, Endpoints: []*Endpoint{e}}
	c.audit(m.By, "secret.rotated", m.AccountID, e.name(), nil)
	return c, nil
}

// EndPreviousSecret ends the overlap after a rotation now: the old secret is no
// longer valid. Where there is none it changes nothing.
type EndPreviousSecret struct {
	AccountID  int64
	EndpointID int64 // 0: the account's webhook URL
	By         Actor
}

// Needs implements [Command].
func (m *EndPreviousSecret) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound.
func (m *EndPreviousSecret) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	e, err := findEndpoint(f, m.EndpointID)
	if err != nil {
		return nil, err
	}
	if e.PreviousSecret == "" {
		return c, nil
	}
	e.PreviousSecret, e.PreviousUntil, e.UpdatedAt = "", time.Time{}, f.Now
	c.Endpoints, c.Directory = []*Endpoint{e}, true
	c.audit(m.By, "secret.previous_ended", m.AccountID, e.name(), nil)
	return c, nil
}
