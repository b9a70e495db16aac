// Package wire holds the JSON shapes of the domain that several faces share.
package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"chatbridge/internal/bridge"
)

// EndBody returns the end of r as JSON on one line, without HTML escaping: the
// body of a webhook and the last message of a stream, the guide's fields and
// ours beside them, in this order. What is absent is null, and so are texts that
// were cleaned up (Body is nil). r has ended. The caller owns the result.
func EndBody(r *bridge.Request) []byte {
	body, there := r.Body, r.Body != nil
	if !there {
		body = &bridge.Body{}
	}
	b := make([]byte, 0, 640+len(body.Message)+len(body.Response)+len(body.Partial)+len(body.Metadata))
	b = AppendString(append(b, `{"type":`...), string(r.Status))
	b = AppendString(append(b, `,"request_id":`...), r.ID)
	b = AppendString(append(b, `,"status":`...), string(r.Status))
	b = appendText(append(b, `,"message":`...), body.Message, there)
	b = appendText(append(b, `,"response":`...), body.Response, there && r.Status == bridge.Done)
	b = appendText(append(b, `,"error":`...), r.ErrorMessage, r.Status != bridge.Done && r.ErrorMessage != "")
	b = appendText(append(b, `,"error_code":`...), string(r.ErrorCode), r.ErrorCode != "")
	b = append(b, `,"retry_after":`...)
	if r.RetryAfter > 0 {
		b = strconv.AppendInt(b, int64(r.RetryAfter), 10)
	} else {
		b = append(b, "null"...)
	}
	b = appendText(append(b, `,"partial_response":`...), body.Partial, there && r.HasPartial)
	b = appendTime(append(b, `,"may_be_sent_at":`...), r.MaySendAt)
	b = AppendString(append(b, `,"response_type":`...), r.ResponseType)
	b = AppendString(append(b, `,"thinking_time":`...), r.ThinkingTime)
	site, title := "", ""
	if r.Chat != nil {
		site, title = r.Chat.SiteID, r.Chat.Title
	}
	b = appendText(append(b, `,"chat_id":`...), site, site != "")
	b = appendText(append(b, `,"chat_title":`...), title, title != "")
	b = appendJSON(append(b, `,"metadata":`...), body.Metadata)
	return append(appendTime(append(b, `,"completed_at":`...), r.CompletedAt), '}')
}

func appendText(b []byte, s string, there bool) []byte {
	if !there {
		return append(b, "null"...)
	}
	return AppendString(b, s)
}

// appendTime writes t in RFC 3339, UTC, with up to microseconds.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.UTC().AppendFormat(append(b, '"'), "2006-01-02T15:04:05.999999Z07:00"), '"')
}

// appendJSON writes what was valid JSON at submit on one line; a damaged row
// must not lose the answer too.
func appendJSON(b []byte, raw json.RawMessage) []byte {
	var line bytes.Buffer
	if len(raw) == 0 || json.Compact(&line, raw) != nil {
		return append(b, "null"...)
	}
	return append(b, line.Bytes()...)
}
