package protocol

import (
	"bytes"
	"encoding/json"
)

// quickly reads the messages that come most, ready, delta and response, in one
// pass, where they are written as they usually are. ok is false for anything
// else, which is for the careful way: both read the same.
func quickly(data []byte) (_ Message, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"type":"`))
	if !ok || !bytes.HasPrefix(rest, []byte(`ready"`)) && !bytes.HasPrefix(rest, []byte(`delta"`)) && !bytes.HasPrefix(rest, []byte(`response"`)) {
		return nil, false
	}
	var m struct {
		Type      string    `json:"type"`
		RequestID string    `json:"request_id"`
		Attempt   int       `json:"attempt"`
		Offset    *int      `json:"offset"`
		Text      *string   `json:"text"`
		Response  *string   `json:"response"`
		ChatID    *string   `json:"chat_id"`
		ChatTitle *string   `json:"chat_title"`
		ModeUsed  *string   `json:"mode_used"`
		Evidence  *Evidence `json:"evidence"`
	}
	if json.Unmarshal(data, &m) != nil || m.RequestID == "" || m.Attempt < 1 {
		return nil, false
	}
	ref := Ref{RequestID: m.RequestID, Attempt: m.Attempt}
	switch {
	case m.Type == TypeReady:
		ready := Ready{ref}
		ready.tidy()
		return ready, true
	case m.Type == TypeDelta && m.Offset != nil && *m.Offset >= 0 && m.Text != nil:
		delta := Delta{Ref: ref, Offset: *m.Offset, Text: *m.Text}
		delta.tidy()
		return delta, true
	case m.Type == TypeResponse && m.Response != nil:
		response := Response{Ref: ref, Response: *m.Response, ChatID: m.ChatID, ChatTitle: m.ChatTitle, ModeUsed: m.ModeUsed, Evidence: m.Evidence}
		response.tidy()
		return response, true
	}
	return nil, false
}
