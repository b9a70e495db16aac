package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

func TestEndBody(t *testing.T) {
	at := time.Date(2026, 8, 1, 14, 30, 5, 120_000_000, time.FixedZone("", 2*3600))
	tests := []struct {
		name string
		r    bridge.Request
		want string
	}{
		{"done", bridge.Request{
			ID: "550e8400-e29b-41d4-a716-446655440000", Status: bridge.Done, ResponseType: "auto", ThinkingTime: "standard",
			Chat: &bridge.Chat{ID: 7, SiteID: "c-1", Title: "A & B"}, MaySendAt: at, CompletedAt: at.Add(1500 * time.Microsecond),
			Body: &bridge.Body{Message: "<b>1 & 2</b>", Response: "línea\n\"2\"", Metadata: json.RawMessage(`{"n": [1, 2]}`)},
		}, `{"type":"done","request_id":"550e8400-e29b-41d4-a716-446655440000","status":"done","message":"<b>1 & 2</b>","response":"línea\n\"2\"","error":null,"error_code":null,"retry_after":null,"partial_response":null,"may_be_sent_at":"2026-08-01T12:30:05.12Z","response_type":"auto","thinking_time":"standard","chat_id":"c-1","chat_title":"A & B","metadata":{"n":[1,2]},"completed_at":"2026-08-01T12:30:05.1215Z"}`},
		{"done with an empty answer and nothing else", bridge.Request{
			ID: "x", Status: bridge.Done, ResponseType: "auto", ThinkingTime: "standard", Chat: &bridge.Chat{ID: 7}, Body: &bridge.Body{Message: "m"},
		}, `{"type":"done","request_id":"x","status":"done","message":"m","response":"","error":null,"error_code":null,"retry_after":null,"partial_response":null,"may_be_sent_at":null,"response_type":"auto","thinking_time":"standard","chat_id":null,"chat_title":null,"metadata":null,"completed_at":null}`},
		{"failed", bridge.Request{
			ID: "x", Status: bridge.Failed, ResponseType: "thinking", ThinkingTime: "extended", Chat: &bridge.Chat{ID: 7}, CompletedAt: at,
			ErrorCode: bridge.RateLimited, ErrorMessage: "Wait.", RetryAfter: 60, HasPartial: true, Body: &bridge.Body{Message: "m", Partial: ""},
		}, `{"type":"failed","request_id":"x","status":"failed","message":"m","response":null,"error":"Wait.","error_code":"rate_limited","retry_after":60,"partial_response":"","may_be_sent_at":null,"response_type":"thinking","thinking_time":"extended","chat_id":null,"chat_title":null,"metadata":null,"completed_at":"2026-08-01T12:30:05.12Z"}`},
		{"failed with damaged metadata", bridge.Request{
			ID: "x", Status: bridge.Failed, ResponseType: "auto", ThinkingTime: "standard", ErrorCode: bridge.Expired, ErrorMessage: "Late.",
			Body: &bridge.Body{Message: "m", Metadata: json.RawMessage(`{"n":`)},
		}, `{"type":"failed","request_id":"x","status":"failed","message":"m","response":null,"error":"Late.","error_code":"expired","retry_after":null,"partial_response":null,"may_be_sent_at":null,"response_type":"auto","thinking_time":"standard","chat_id":null,"chat_title":null,"metadata":null,"completed_at":null}`},
		{"with its texts gone", bridge.Request{
			ID: "x", Status: bridge.Done, ResponseType: "auto", ThinkingTime: "standard", TextsGone: true,
		}, `{"type":"done","request_id":"x","status":"done","message":null,"response":null,"error":null,"error_code":null,"retry_after":null,"partial_response":null,"may_be_sent_at":null,"response_type":"auto","thinking_time":"standard","chat_id":null,"chat_title":null,"metadata":null,"completed_at":null}`},
	}
	for _, tt := range tests {
		if got := string(wire.EndBody(&tt.r)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
