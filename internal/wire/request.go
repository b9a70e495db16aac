package wire

import (
	"encoding/json"
	"time"

	"chatbridge/internal/bridge"
)

// Request is a request as JSON. What is absent is null, not missing; times are
// RFC 3339 in UTC.
type Request struct {
	ID              string           `json:"id" doc:"The request's id, a random UUIDv4" format:"uuid"`
	RequestID       string           `json:"request_id" doc:"The same as id"`
	Message         *string          `json:"message" doc:"The message, exactly as it was submitted; null once its body was cleaned up"`
	ResponseType    string           `json:"response_type" enum:"auto,thinking,instant"`
	ThinkingTime    string           `json:"thinking_time" enum:"standard,extended"`
	Temporary       bool             `json:"temporary" doc:"Sent in a chat that the site does not keep"`
	TimeoutSeconds  int              `json:"timeout_seconds" doc:"How long the answer may take once the message may have been sent"`
	Status          bridge.Status    `json:"status" enum:"idle,executing,done,failed"`
	Phase           *string          `json:"phase" doc:"While executing: opening, typing, submitted or answering"`
	Waiting         *Waiting         `json:"waiting" doc:"While idle: why it waits"`
	Response        *string          `json:"response" doc:"The answer, once done"`
	PartialResponse *string          `json:"partial_response" doc:"What of the answer had arrived, once failed"`
	ErrorMessage    *string          `json:"error_message" doc:"A sentence for people, with the remedy, once failed"`
	ErrorCode       *bridge.FailCode `json:"error_code" doc:"Why it failed, for programs"`
	RetryAfter      *int             `json:"retry_after" doc:"Seconds, with rate_limited where the site told"`
	Chat            Chat             `json:"chat"`
	Metadata        json.RawMessage  `json:"metadata" doc:"What was given at submit"`
	Attempt         int              `json:"attempt" doc:"The number of the last hand-over to a worker; 0 before the first"`
	ModeUsed        *string          `json:"mode_used" doc:"The mode that the site says it used"`
	Evidence        json.RawMessage  `json:"evidence" doc:"How the worker knows the answer"`
	QueuedAt        time.Time        `json:"queued_at"`
	StartedAt       *time.Time       `json:"started_at"`
	MayBeSentAt     *time.Time       `json:"may_be_sent_at" doc:"From this time on the message may have reached the site; it is never handed out again"`
	CompletedAt     *time.Time       `json:"completed_at"`
	LastRetrievedAt *time.Time       `json:"last_retrieved_at" doc:"When next-idle gave it out last"`
	StreamURL       string           `json:"stream_url" doc:"The request's event stream, relative and signed; works until 24 h after the end"`
}

// Chat is a chat as JSON.
type Chat struct {
	ID         int64     `json:"id" doc:"Ours, an integer, made at submit"`
	ChatID     *string   `json:"chat_id" doc:"The site's, null until the site has given one"`
	Title      *string   `json:"title"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Unfinished int       `json:"unfinished" doc:"Requests of this chat that have not ended"`
}

// Live is what a view of a request shows beside what is stored.
type Live struct {
	Phase      string // while executing
	Waiting    *Waiting
	Unfinished int
	StreamURL  string
}

// RequestOf shows a request. r.Body may be nil where its body is gone.
func RequestOf(r *bridge.Request, live Live) Request {
	v := Request{
		ID: r.ID, RequestID: r.ID, ResponseType: r.ResponseType, ThinkingTime: r.ThinkingTime, Temporary: r.Temporary, TimeoutSeconds: r.TimeoutSeconds,
		Status: r.Status, Waiting: live.Waiting, Chat: ChatOf(r.Chat, live.Unfinished), Attempt: r.Attempt,
		ErrorMessage: optional(r.ErrorMessage), ErrorCode: optional(r.ErrorCode), RetryAfter: optional(r.RetryAfter),
		Metadata: json.RawMessage("null"), ModeUsed: optional(r.ModeUsed), Evidence: orNull(r.Evidence),
		QueuedAt: r.QueuedAt, StartedAt: when(r.StartedAt), MayBeSentAt: when(r.MaySendAt), CompletedAt: when(r.CompletedAt), LastRetrievedAt: when(r.LastRetrievedAt),
		StreamURL: live.StreamURL,
	}
	if r.Status == bridge.Executing {
		v.Phase = optional(live.Phase)
	}
	if b := r.Body; b != nil {
		v.Message, v.Metadata = &b.Message, orNull(b.Metadata)
		if r.Status == bridge.Done {
			v.Response = &b.Response
		}
		if r.HasPartial {
			v.PartialResponse = &b.Partial
		}
	}
	return v
}

// ChatOf shows a chat.
func ChatOf(c *bridge.Chat, unfinished int) Chat {
	return Chat{ID: c.ID, ChatID: optional(c.SiteID), Title: optional(c.Title), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Unfinished: unfinished}
}

func optional[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orNull(m json.RawMessage) json.RawMessage {
	if len(m) == 0 {
		return json.RawMessage("null")
	}
	return m
}
