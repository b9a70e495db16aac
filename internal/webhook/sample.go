package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// Test sends a signed sample to an endpoint, whether it is on or not, and
// returns what came of it; see [Client.Send]. The sample is the body of an
// answered request but for its type, "test"; its request_id was never issued and
// its webhook-id, "msg_test_…", is a fresh one. Nothing is stored, and neither
// the endpoint's rate limit nor its circuit has a part in it.
func (l *Loop) Test(ctx context.Context, e *bridge.Endpoint) bridge.Try {
	now := time.Now()
	return l.opt.Client.Send(ctx, Message{
		URL: e.URL, ID: "msg_test_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
		Secrets: e.Secrets(now), Headers: e.Headers, Body: sample(now),
	})
}

// sample is the body of a test.
func sample(now time.Time) []byte {
	body := wire.EndBody(&bridge.Request{
		ID: uuid.NewString(), Status: bridge.Done, ResponseType: "auto", ThinkingTime: "standard",
		Chat: &bridge.Chat{SiteID: "test-chat", Title: "A test"}, MaySendAt: now.Add(-2 * time.Second), CompletedAt: now,
		Body: &bridge.Body{Message: "Is this endpoint well?", Response: "This is a test from chatbridge. No request was made.", Metadata: json.RawMessage(`{"test":true}`)},
	})
	return append([]byte(`{"type":"test"`), bytes.TrimPrefix(body, []byte(`{"type":"done"`))...)
}
