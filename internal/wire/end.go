// Package wire holds the JSON shapes of the domain that several faces share.
package wire

import (
	"bytes"
	"encoding/json"
	"time"

	"chatbridge/internal/bridge"
)

// end is how the end of a request looks on streams and in webhooks: the
// guide's fields, and ours beside them. The order of the fields is part of it.
type end struct {
	Type            string          `json:"type"`
	RequestID       string          `json:"request_id"`
	Status          bridge.Status   `json:"status"`
	Message         string          `json:"message"`
	Response        *string         `json:"response"`
	Error           *string         `json:"error"`
	ErrorCode       *string         `json:"error_code"`
	RetryAfter      *int            `json:"retry_after"`
	PartialResponse *string         `json:"partial_response"`
	MaySendAt       *string         `json:"may_be_sent_at"`
	ResponseType    string          `json:"response_type"`
	ThinkingTime    string          `json:"thinking_time"`
	ChatID          *string         `json:"chat_id"`
	ChatTitle       *string         `json:"chat_title"`
	Metadata        json.RawMessage `json:"metadata"`
	CompletedAt     *string         `json:"completed_at"`
}

// EndBody returns the end of r as JSON on one line, without HTML escaping: the
// body of a webhook and the last message of a stream. What is absent is null.
// r has ended and its Body is loaded. The caller owns the result.
func EndBody(r *bridge.Request) []byte {
	e := end{
		Type: string(r.Status), RequestID: r.ID, Status: r.Status,
		Message:      r.Body.Message,
		ErrorCode:    absent(string(r.ErrorCode)),
		MaySendAt:    stamp(r.MaySendAt),
		ResponseType: r.ResponseType, ThinkingTime: r.ThinkingTime,
		Metadata:    r.Body.Metadata,
		CompletedAt: stamp(r.CompletedAt),
	}
	if r.Status == bridge.Done {
		e.Response = &r.Body.Response
	} else {
		e.Error = absent(r.ErrorMessage)
	}
	if r.HasPartial {
		e.PartialResponse = &r.Body.Partial
	}
	if r.RetryAfter > 0 {
		e.RetryAfter = &r.RetryAfter
	}
	if r.Chat != nil {
		e.ChatID, e.ChatTitle = absent(r.Chat.SiteID), absent(r.Chat.Title)
	}
	if !json.Valid(e.Metadata) {
		e.Metadata = nil // it was valid at submit; a damaged row must not lose the answer too
	}
	var b bytes.Buffer
	b.Grow(512 + len(r.Body.Message) + len(r.Body.Response) + len(r.Body.Partial) + len(e.Metadata))
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&e); err != nil {
		panic("wire: encoding the end of a request: " + err.Error()) // strings, numbers and valid JSON only: cannot fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// absent is nil, JSON's null, for "".
func absent(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// stamp is t in RFC 3339, UTC, with up to microseconds; nil for the zero time.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	return &s
}
