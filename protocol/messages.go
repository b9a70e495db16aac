package protocol

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Message is one message of either side. Its values are the structs of this
// package, never pointers to them.
type Message interface {
	// Type is the value of the message's "type".
	Type() string
}

// Ref names one attempt: one hand-over of a request to one worker. It is part
// of every message about an attempt and may be used as a map's key.
type Ref struct {
	// RequestID is the request's UUID; decoding makes it lower case.
	RequestID string `json:"request_id"`
	// Attempt counts from 1 and is never used again. In the guide's dialect,
	// which knows no attempts, it is 0 and left out.
	Attempt int `json:"attempt,omitempty"`
}

// Of returns the attempt that a message is about.
func (r Ref) Of() Ref { return r }

// AttemptMessage is a Message about one attempt.
type AttemptMessage interface {
	Message
	Of() Ref
}

// The values of "type". TypeDoctor is a question from the server and a report
// from the worker; TypePing is ignored where a worker sends it.
const (
	TypeHello        = "hello"
	TypeReady        = "ready"
	TypeStatusUpdate = "status_update"
	TypeDelta        = "delta"
	TypeResponse     = "response"
	TypeError        = "error"
	TypeCancelled    = "cancelled"
	TypeHealth       = "health"
	TypePong         = "pong"

	TypeWelcome    = "welcome"
	TypeBye        = "bye"
	TypeNewRequest = "new_request"
	TypeGo         = "go"
	TypeCancel     = "cancel"
	TypeAck        = "ack"
	TypeResync     = "resync"
	TypePing       = "ping"
	TypePack       = "pack"
	TypeDoctor     = "doctor"
)

// Hello is a v1 worker's first message, within HelloTimeout.
type Hello struct {
	// Key is the account's API key. It must reach no log; Hello's own log and
	// print forms leave it out.
	Key string `json:"key"`
	// WorkerID is the worker's own lasting name, unique within the account.
	WorkerID string `json:"worker_id"`
	// N is kept in the worker's storage and raised before each connect. Of one
	// worker_id's sockets the highest N counts.
	N       int64  `json:"n"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Site says where the answers come from, such as "chatgpt.com".
	Site string `json:"site"`
	// Capacity is how many requests the worker answers at once, 1 to
	// MaxCapacity; left out it is 1.
	Capacity int `json:"capacity"`
	// ResponseTypes are those that the worker can give; none means all.
	ResponseTypes []string `json:"response_types,omitempty"`
	// Holding names every attempt that the worker has not forgotten. What it
	// leaves out is lost.
	Holding []Holding `json:"holding"`
}

// Holding is one attempt that a worker still has.
type Holding struct {
	Ref
	Phase Phase `json:"phase"`
}

// Type implements Message.
func (Hello) Type() string { return TypeHello }

// String is the hello without its key.
func (h Hello) String() string {
	return fmt.Sprintf("hello{worker_id=%q n=%d name=%q version=%q site=%q capacity=%d holding=%d}",
		h.WorkerID, h.N, h.Name, h.Version, h.Site, h.Capacity, len(h.Holding))
}

// GoString is String: %#v must not show the key either.
func (h Hello) GoString() string { return h.String() }

// LogValue is String, so that logging a hello is safe.
func (h Hello) LogValue() slog.Value { return slog.StringValue(h.String()) }

// Welcome answers Hello. What Holding named is in Keep or in Drop.
type Welcome struct {
	WorkerID string `json:"worker_id"`
	// Account is the account's email address.
	Account string `json:"account"`
	// LeaseSeconds is how long an attempt without go outlives silence.
	LeaseSeconds int `json:"lease_seconds"`
	// PingSeconds is how often Ping comes.
	PingSeconds int `json:"ping_seconds"`
	// Keep are attempts to go on with.
	Keep []Ref `json:"keep"`
	// Drop are attempts to stop and forget, each answered by Cancelled.
	Drop []Ref `json:"drop"`
	// Pack is the newest selector pack, or nil where there is none.
	Pack json.RawMessage `json:"pack"`
}

// Type implements Message.
func (Welcome) Type() string { return TypeWelcome }

// Bye is the server's last message before it closes the socket.
type Bye struct {
	Code ByeCode `json:"code"`
	// Reason is a sentence for a person, with what to do.
	Reason string `json:"reason"`
}

// Type implements Message.
func (Bye) Type() string { return TypeBye }

// NewRequest hands a request over to a v1 worker, as one attempt.
type NewRequest struct {
	Ref
	// Message is what to send, exactly.
	Message      string `json:"message"`
	ResponseType string `json:"response_type"`
	ThinkingTime string `json:"thinking_time"`
	// ChatID is the site's id of the chat to go on with; nil asks for a new one.
	ChatID *string `json:"chat_id"`
	// ChatDBID is the bridge's own id of the chat, always set.
	ChatDBID int64 `json:"chat_db_id"`
	// Temporary asks for a chat that the site does not keep.
	Temporary bool `json:"temporary"`
}

// Type implements Message.
func (NewRequest) Type() string { return TypeNewRequest }

// GuideNewRequest is NewRequest in the guide's dialect: exactly these fields.
type GuideNewRequest struct {
	RequestID    string  `json:"request_id"`
	Message      string  `json:"message"`
	ResponseType string  `json:"response_type"`
	ThinkingTime string  `json:"thinking_time"`
	ChatID       *string `json:"chat_id"`
	ChatDBID     int64   `json:"chat_db_id"`
}

// Type implements Message.
func (GuideNewRequest) Type() string { return TypeNewRequest }

// Ready says: the text is in the composer, no answer runs in that chat, may I
// press? It may be said again, and is answered by Go each time.
type Ready struct{ Ref }

// Type implements Message.
func (Ready) Type() string { return TypeReady }

// Go allows the press. It is stored as "may be sent" before it leaves.
type Go struct{ Ref }

// Type implements Message.
func (Go) Type() string { return TypeGo }

// Cancel asks the worker to stop, to forget and to say Cancelled.
type Cancel struct{ Ref }

// Type implements Message.
func (Cancel) Type() string { return TypeCancel }

// Cancelled answers Cancel and each Drop: stopped and forgotten.
type Cancelled struct{ Ref }

// Type implements Message.
func (Cancelled) Type() string { return TypeCancelled }

// Ack says that what came for this attempt is stored: forget it.
type Ack struct{ Ref }

// Type implements Message.
func (Ack) Type() string { return TypeAck }

// Resync asks for the attempt's text from offset 0.
type Resync struct{ Ref }

// Type implements Message.
func (Resync) Type() string { return TypeResync }

// StatusUpdate tells how far an attempt has come.
type StatusUpdate struct {
	Ref
	// Status is StatusExecuting.
	Status string `json:"status"`
	// Phase is empty in the guide's dialect.
	Phase Phase `json:"phase,omitempty"`
	// ChatID is the site's id of the chat, once known.
	ChatID *string `json:"chat_id,omitempty"`
}

// Type implements Message.
func (StatusUpdate) Type() string { return TypeStatusUpdate }

// Delta is a piece of the answer: the answer becomes its first Offset code
// points and Text. The first one after each connect has Offset 0.
type Delta struct {
	Ref
	// Offset counts Unicode code points and is never negative.
	Offset int    `json:"offset"`
	Text   string `json:"text"`
}

// Type implements Message.
func (Delta) Type() string { return TypeDelta }

// Response is the whole answer. The worker keeps it until Ack.
type Response struct {
	Ref
	Response string `json:"response"`
	// ChatID and ChatTitle are the site's; nil where it gave none.
	ChatID    *string `json:"chat_id"`
	ChatTitle *string `json:"chat_title"`
	// ModeUsed is the model or mode that answered, as the site names it.
	ModeUsed *string   `json:"mode_used,omitempty"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Type implements Message.
func (Response) Type() string { return TypeResponse }

// Evidence says how the worker knows the answer; shown, never required.
type Evidence struct {
	// Source is "stream", "dom" or "both".
	Source string `json:"source"`
	// Complete is true where the site itself said that the answer is whole.
	Complete bool   `json:"complete"`
	Note     string `json:"note,omitempty"`
}

// Error ends an attempt without an answer. The worker keeps it until Ack.
type Error struct {
	Ref
	// Error is a sentence for a person, with the remedy.
	Error string `json:"error"`
	// Code is empty in the guide's dialect, which means CodeWorkerError.
	Code ErrorCode `json:"code,omitempty"`
	// RetryAfter is in seconds, for CodeRateLimited.
	RetryAfter *int `json:"retry_after,omitempty"`
	// PartialResponse is what had arrived.
	PartialResponse *string `json:"partial_response,omitempty"`
}

// Type implements Message.
func (Error) Type() string { return TypeError }

// Health tells whether the worker can answer. With LoggedIn and PageOK it lifts
// the pauses that wait for it.
type Health struct {
	LoggedIn bool `json:"logged_in"`
	// LimitedUntil is when the site's limit ends; nil where there is none.
	LimitedUntil *time.Time `json:"limited_until"`
	PageOK       bool       `json:"page_ok"`
	// Matched says which alternative of each hook the page matched; shown only.
	Matched json.RawMessage `json:"matched,omitempty"`
}

// Type implements Message.
func (Health) Type() string { return TypeHealth }

// Ping comes every PingInterval and is answered by Pong.
type Ping struct{}

// Type implements Message.
func (Ping) Type() string { return TypePing }

// Pong answers Ping.
type Pong struct{}

// Type implements Message.
func (Pong) Type() string { return TypePong }

// Pack brings a new selector pack.
type Pack struct {
	Pack json.RawMessage `json:"pack"`
}

// Type implements Message.
func (Pack) Type() string { return TypePack }

// Doctor asks which hooks the page matches.
type Doctor struct {
	ID string `json:"id"`
}

// Type implements Message.
func (Doctor) Type() string { return TypeDoctor }

// DoctorReport answers Doctor.
type DoctorReport struct {
	ID    string `json:"id"`
	Hooks []Hook `json:"hooks"`
}

// Hook is one hook of the page: whether it was found, and by which alternative.
type Hook struct {
	Name        string `json:"name"`
	Found       bool   `json:"found"`
	Alternative string `json:"alternative"`
	// WantedOn says when the hook is to be there: always, or with a text, an
	// answer, a chat; or sometimes. Empty counts as always.
	WantedOn string `json:"wanted_on,omitempty"`
}

// Type implements Message.
func (DoctorReport) Type() string { return TypeDoctor }

// Unknown is what a side does not act on: an unknown type, or a known one that
// lacks what it needs. The caller ignores it and may log it once per WireType.
type Unknown struct {
	// WireType is what came as "type", cut to 64 bytes; empty where none came.
	WireType string
	// Reason says, for a log, why it is ignored.
	Reason string
}

// Type implements Message.
func (u Unknown) Type() string { return u.WireType }
