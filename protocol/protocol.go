// Package protocol holds the messages between the bridge and its workers: the
// browser extension or a headless worker, each a WebSocket client of Path.
//
// Two dialects share the path. "chatbridge.v1" is spoken where the socket asks
// for Subprotocol; the key then comes in the first message. The guide's dialect
// is spoken where it does not; the key is in the query, and only new_request,
// status_update, response and error exist, without attempts.
//
// Every message is one JSON object in one text message of at most
// MaxMessageBytes. Messages are plain structs, passed by value; Encode writes
// them, and DecodeWorker, DecodeGuide and DecodeServer read what each side may
// send. The package imports nothing but the standard library, so that both ends
// and the TypeScript types can be made from this one source.
package protocol

import "time"

const (
	// Path is where workers connect, of both dialects.
	Path = "/ws/extension/"
	// Subprotocol is the WebSocket subprotocol of a v1 worker; a socket without
	// any speaks the guide's dialect.
	Subprotocol = "chatbridge.v1"
	// KeyParameter is the query parameter that carries the key in the guide's
	// dialect, and only there: a URL ends in logs.
	KeyParameter = "api_key"
)

const (
	// MaxMessageBytes is the most that one message may have, as sent. A larger
	// one closes the socket with 1009. It leaves room for the longest answer
	// and its JSON escapes.
	MaxMessageBytes = 8 << 20
	// MaxAnswerBytes is the most that an answer may have, in bytes of UTF-8.
	MaxAnswerBytes = 7 << 20
	// MaxDeltasPerSecond is how many deltas of one attempt a worker may send in
	// a second; it joins what comes faster.
	MaxDeltasPerSecond = 20
	// MaxIDBytes bounds the names that a worker gives: worker_id, name, version,
	// site, chat_id. Real ones have about 40 bytes; longer ones are not stored.
	MaxIDBytes = 200
	// MaxTitleBytes bounds chat_title and mode_used, which are shown in one line.
	MaxTitleBytes = 1000
	// MaxNoteBytes bounds what is only shown to a person: an error's sentence,
	// evidence's note, health's matched.
	MaxNoteBytes = 64 << 10
	// MaxCapacity bounds how many requests one worker may answer at once, so
	// that one hello cannot claim all that waits.
	MaxCapacity = 1000
	// MaxHolding bounds the attempts that one hello may name: what MaxCapacity
	// allows, and as many again that are only waiting for their ack.
	MaxHolding = 2 * MaxCapacity
)

const (
	// HelloTimeout is how long the server waits for hello after the handshake.
	HelloTimeout = 10 * time.Second
	// PingInterval is how often the server sends Ping. It is a message and not
	// a ping frame because only messages keep an extension's service worker
	// alive, and those die after 30 s.
	PingInterval = 20 * time.Second
	// PressWithin is how long after its Ready a worker may still press send.
	// Later it closes the socket, connects and says Ready again.
	PressWithin = 30 * time.Second
)

// Phase is how far an attempt has come, as told in StatusUpdate and Holding.
type Phase string

// The phases in their order. PhaseEnded is used in Holding only: the attempt's
// Response or Error has not been acked.
const (
	PhaseOpening   Phase = "opening"
	PhaseTyping    Phase = "typing"
	PhaseSubmitted Phase = "submitted"
	PhaseAnswering Phase = "answering"
	PhaseEnded     Phase = "ended"
)

// Valid reports whether p is one of the phases above.
func (p Phase) Valid() bool {
	switch p {
	case PhaseOpening, PhaseTyping, PhaseSubmitted, PhaseAnswering, PhaseEnded:
		return true
	}
	return false
}

// ByeCode says why the server closes a socket.
type ByeCode string

// The codes of Bye. After ByeBadKey, and after ByeReplaced on its newest socket,
// a worker does not come back by itself; after the others it does.
const (
	ByeBadKey     ByeCode = "bad_key"     // the key is wrong, revoked, or lacks the scope
	ByeReplaced   ByeCode = "replaced"    // a socket with a higher n of this worker_id counts now
	ByeDraining   ByeCode = "draining"    // the server stops; come back, perhaps to another
	ByeTooOld     ByeCode = "too_old"     // this version of the worker is no longer served
	ByeBadHello   ByeCode = "bad_hello"   // no hello in time, or one that lacks something
	ByeBadMessage ByeCode = "bad_message" // what came was not a JSON object
)

// ErrorCode says, for a program, why a request failed.
type ErrorCode string

// The error codes of requests. A worker sends those for which FromWorker is
// true; the server alone decides the others.
const (
	CodeRateLimited      ErrorCode = "rate_limited"
	CodeLoggedOut        ErrorCode = "logged_out"
	CodeChallenge        ErrorCode = "challenge"
	CodeModeUnavailable  ErrorCode = "mode_unavailable"
	CodeTooLong          ErrorCode = "too_long"
	CodeChatNotFound     ErrorCode = "chat_not_found"
	CodePageChanged      ErrorCode = "page_changed"
	CodeIncompleteAnswer ErrorCode = "incomplete_answer"
	CodeWorkerLost       ErrorCode = "worker_lost"
	CodeWorkerError      ErrorCode = "worker_error"
	CodeTimeout          ErrorCode = "timeout"
	CodeExpired          ErrorCode = "expired"
	CodeCancelled        ErrorCode = "cancelled"
	CodeInternal         ErrorCode = "internal"
)

// FromWorker reports whether a worker may send this code in Error. The server
// takes any other as CodeWorkerError.
func (c ErrorCode) FromWorker() bool {
	switch c {
	case CodeRateLimited, CodeLoggedOut, CodeChallenge, CodeModeUnavailable, CodeTooLong,
		CodeChatNotFound, CodePageChanged, CodeIncompleteAnswer, CodeWorkerLost, CodeWorkerError:
		return true
	}
	return false
}

// Pauses reports whether an Error with this code pauses its worker: for a time
// (CodeRateLimited), or until a Health that is well.
func (c ErrorCode) Pauses() bool {
	switch c {
	case CodeRateLimited, CodeLoggedOut, CodeChallenge, CodePageChanged:
		return true
	}
	return false
}

// The values of response_type and thinking_time in NewRequest.
const (
	ResponseAuto     = "auto"
	ResponseThinking = "thinking"
	ResponseInstant  = "instant"

	ThinkingStandard = "standard"
	ThinkingExtended = "extended"
)

// StatusExecuting is the only status that StatusUpdate carries.
const StatusExecuting = "executing"
