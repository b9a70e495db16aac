package bridge_test

import (
	"strings"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

func TestEndpoints(t *testing.T) {
	account := &bridge.Account{ID: 1}
	secretHeader := map[string]string{"X-Token": "hush"}
	create := &bridge.CreateEndpoint{AccountID: 1, Secret: "whsec_1", Fields: bridge.EndpointFields{URL: new("https://example.com/"), Headers: &secretHeader,
		Events: &[]string{"request.failed", "request.done", "request.done"}}}
	c, err := create.Decide(&bridge.Facts{Now: noon, Account: account})
	if err != nil || len(c.Endpoints) != 1 || !create.Endpoint.Enabled || len(create.Endpoint.Events) != 2 {
		t.Fatalf("%v, %+v", err, create.Endpoint)
	}
	if said := string(c.Audit[0].Detail); strings.Contains(said, "hush") || !strings.Contains(said, "X-Token") {
		t.Fatalf("the audit log says %s", said)
	}

	var many []*bridge.Endpoint
	for id := range int64(bridge.MaxEndpoints) {
		many = append(many, &bridge.Endpoint{ID: id + 1, AccountID: 1})
	}
	full := &bridge.Facts{Now: noon, Account: account, Endpoints: append(many, &bridge.Endpoint{ID: 99, Primary: true})}
	if _, err := create.Decide(full); err == nil || bridge.AsError(err).Kind != bridge.Conflict {
		t.Fatalf("one too many: %v", err)
	}
	many[0].RemovedAt = noon
	if _, err := create.Decide(full); err != nil {
		t.Fatalf("a removed one counts: %v", err)
	}

	for field, fields := range map[string]bridge.EndpointFields{
		"url":        {URL: new("")},
		"events":     {Events: &[]string{"request.made"}},
		"rate_limit": {RateLimit: new(-1)},
		"enabled":    {Enabled: new(true)},
	} {
		e := &bridge.Endpoint{ID: 5, AccountID: 1}
		_, err := (&bridge.UpdateEndpoint{AccountID: 1, EndpointID: 5, Fields: fields}).Decide(&bridge.Facts{Now: noon, Endpoints: []*bridge.Endpoint{e}})
		if err == nil || bridge.AsError(err).Fields[field] == nil {
			t.Errorf("%s: %v", field, err)
		}
	}

	failing := &bridge.Endpoint{ID: 5, URL: "https://example.com/", DisabledReason: "It answered 410 Gone.", Failures: 9, FailingSince: noon, HoldUntil: noon.Add(time.Hour)}
	facts := &bridge.Facts{Now: noon, Account: account, Endpoints: []*bridge.Endpoint{failing}}
	if _, err := (&bridge.UpdateEndpoint{EndpointID: 5, Fields: bridge.EndpointFields{Enabled: new(true)}}).Decide(facts); err != nil {
		t.Fatal(err)
	}
	if !failing.Enabled || failing.DisabledReason != "" || failing.Failures != 0 || !failing.FailingSince.IsZero() || failing.Open() {
		t.Fatalf("switched on, it is still %+v", failing)
	}
	if _, err := (&bridge.UpdateEndpoint{EndpointID: 5, Fields: bridge.EndpointFields{Enabled: new(false)}}).Decide(facts); err != nil || failing.Enabled || failing.OffForGood() {
		t.Fatalf("switched off for a while: %v, %+v", err, failing)
	}
	if _, err := (&bridge.RemoveEndpoint{EndpointID: 5}).Decide(facts); err != nil || !failing.OffForGood() || failing.RemovedAt.IsZero() {
		t.Fatalf("removed: %v, %+v", err, failing)
	}
	if _, err := (&bridge.RemoveEndpoint{EndpointID: 5}).Decide(facts); err == nil {
		t.Fatal("removed twice")
	}
	primary := &bridge.Endpoint{ID: 6, Primary: true, URL: "https://example.com/", Enabled: true}
	facts.Endpoints = append(facts.Endpoints, primary)
	if _, err := (&bridge.RemoveEndpoint{EndpointID: 6}).Decide(facts); err == nil || bridge.AsError(err).Code != "primary_endpoint" {
		t.Fatalf("the webhook URL was removed: %v", err)
	}
	if _, err := (&bridge.UpdateAccount{AccountID: 1, WebhookURL: new("")}).Decide(facts); err != nil || !primary.OffForGood() {
		t.Fatalf("its URL was taken away: %v, %+v", err, primary)
	}
}
