package bridge

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Submit makes a request.
type Submit struct {
	AccountID      int64
	Message        string // kept and sent exactly as given
	ResponseType   string // "" means auto
	ThinkingTime   string // "" means standard
	ChatRef        ChatRef
	Temporary      bool
	Metadata       json.RawMessage
	TimeoutSeconds int // 0 means DefaultTimeoutSeconds
	IdempotencyKey string

	// Request is the result: the new one, or the one that this key made before.
	Request *Request
}

var (
	responseTypes = []string{"auto", "thinking", "instant"}
	thinkingTimes = []string{"standard", "extended"}
)

// Validate checks the fields and fills in the defaults. Errors: Invalid with
// the field, TooLarge.
func (s *Submit) Validate() error {
	switch {
	case len(s.Message) > MaxMessageBytes:
		return Errorf(TooLarge, "message_too_large", "The message has %d bytes; at most %d are taken. Send a shorter one.", len(s.Message), MaxMessageBytes)
	case !utf8.ValidString(s.Message):
		return invalid("message", "The message is not valid UTF-8. Encode it as UTF-8.")
	case strings.TrimSpace(s.Message) == "":
		return invalid("message", "The message is empty. Write something to be answered.")
	case strings.ContainsRune(s.Message, 0):
		return invalid("message", "The message contains U+0000, which no page takes. Remove it.")
	case len(s.Metadata) > MaxMetadataBytes:
		return Errorf(TooLarge, "metadata_too_large", "The metadata has %d bytes; at most %d are taken.", len(s.Metadata), MaxMetadataBytes)
	case s.Temporary && s.ChatRef != "":
		return invalid("temporary", "A temporary chat is always a new one. Leave out chat_id, or temporary.")
	case len(s.IdempotencyKey) > MaxIdempotencyKey:
		return invalid("Idempotency-Key", "The Idempotency-Key has more than 255 bytes. Use a shorter one, a UUID for instance.")
	case s.TimeoutSeconds < 0 || s.TimeoutSeconds > MaxTimeoutSeconds:
		return invalid("timeout_seconds", "timeout_seconds must be from 1 to 86400.")
	}
	if err := oneOf("response_type", &s.ResponseType, responseTypes); err != nil {
		return err
	}
	if err := oneOf("thinking_time", &s.ThinkingTime, thinkingTimes); err != nil {
		return err
	}
	if s.TimeoutSeconds == 0 {
		s.TimeoutSeconds = DefaultTimeoutSeconds
	}
	if string(s.Metadata) == "null" {
		s.Metadata = nil
	}
	return nil
}

// oneOf checks an enum; empty takes the first value.
func oneOf(field string, value *string, allowed []string) error {
	if *value == "" {
		*value = allowed[0]
		return nil
	}
	for _, a := range allowed {
		if *value == a {
			return nil
		}
	}
	return invalid(field, field+" must be one of "+strings.Join(allowed, ", ")+".")
}

// fingerprint is a digest of the decoded fields, by which a repeated
// Idempotency-Key is told from a misused one.
func (s *Submit) fingerprint() []byte {
	h := sha256.New()
	var metadata bytes.Buffer
	_ = json.Compact(&metadata, s.Metadata)
	for _, field := range []string{s.Message, s.ResponseType, s.ThinkingTime, string(s.ChatRef), strconv.FormatBool(s.Temporary), metadata.String(), strconv.Itoa(s.TimeoutSeconds)} {
		h.Write([]byte(strconv.Itoa(len(field)) + ":" + field))
	}
	return h.Sum(nil)
}

// Needs implements [Command].
func (s *Submit) Needs() Needs {
	return Needs{AccountID: s.AccountID, Idempotency: s.IdempotencyKey, Chat: s.ChatRef}
}

// Decide implements [Command]. Errors: Unauthorized, Conflict, NotFound.
func (s *Submit) Decide(f *Facts) (*Changes, error) {
	if f.Account == nil || !f.Account.Active {
		return nil, Errorf(Unauthorized, "unauthorized", "This account is switched off. Ask its operator to enable it.")
	}
	if s.IdempotencyKey != "" && f.Idempotent != nil {
		if !bytes.Equal(f.Idempotent.Fingerprint, s.fingerprint()) {
			return nil, Errorf(Conflict, "idempotency_key_reused", "This Idempotency-Key was used for another message. Use a new key for a new message.")
		}
		s.Request = f.Idempotent
		return &Changes{Now: f.Now}, nil
	}
	c := &Changes{Now: f.Now}
	chat := f.Chat
	if s.ChatRef != "" {
		if chat == nil {
			return nil, Errorf(NotFound, "chat_not_found", "This account has no chat %q. Leave chat_id out to begin a new chat.", string(s.ChatRef))
		}
		chat.UpdatedAt = f.Now
	} else {
		chat = &Chat{AccountID: s.AccountID, CreatedAt: f.Now, UpdatedAt: f.Now}
	}
	c.Chats = append(c.Chats, chat)
	r := &Request{
		ID: uuid.NewString(), AccountID: s.AccountID, Chat: chat,
		ResponseType: s.ResponseType, ThinkingTime: s.ThinkingTime, Temporary: s.Temporary, TimeoutSeconds: s.TimeoutSeconds,
		Status: Idle, QueuedAt: f.Now, IdempotencyKey: s.IdempotencyKey,
		Body: &Body{Message: s.Message, Metadata: s.Metadata},
	}
	if s.IdempotencyKey != "" {
		r.Fingerprint = s.fingerprint()
	}
	c.step(r, EventMade)
	s.Request = r
	return c, nil
}

// NextIdle gives out, without claiming it, the idle request that was never
// given out (oldest first), else the one given out longest ago.
type NextIdle struct {
	AccountID int64
	Request   *Request // the result; nil if none is idle
}

// Needs implements [Command].
func (n *NextIdle) Needs() Needs { return Needs{AccountID: n.AccountID, NextIdle: true, Bodies: true} }

// Decide implements [Command].
func (n *NextIdle) Decide(f *Facts) (*Changes, error) {
	n.Request = nil
	c := &Changes{Now: f.Now}
	for _, r := range f.Requests {
		r.LastRetrievedAt = f.Now
		c.Requests = append(c.Requests, r)
		n.Request = r
	}
	return c, nil
}

// step records that something happened to r: its row is written, with an event.
func (c *Changes) step(r *Request, kind EventType) *Event {
	r.Rev++
	c.touch(r)
	e := &Event{AccountID: r.AccountID, Request: r, Type: kind, At: c.Now, Attempt: r.Attempt}
	c.Events = append(c.Events, e)
	return e
}

// touch has r's row written, once.
func (c *Changes) touch(r *Request) {
	for _, have := range c.Requests {
		if have == r {
			return
		}
	}
	c.Requests = append(c.Requests, r)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
