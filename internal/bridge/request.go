package bridge

import (
	"encoding/json"
	"time"
)

// Status is where a request stands: idle ⇄ executing → done | failed, and
// idle → failed. Done and failed never change.
type Status string

// The statuses of a request.
const (
	Idle      Status = "idle"
	Executing Status = "executing"
	Done      Status = "done"
	Failed    Status = "failed"
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s == Done || s == Failed }

// FailCode says for programs why a request failed.
type FailCode string

// The codes of a failed request.
const (
	RateLimited      FailCode = "rate_limited"
	LoggedOut        FailCode = "logged_out"
	Challenge        FailCode = "challenge"
	ModeUnavailable  FailCode = "mode_unavailable"
	TooLong          FailCode = "too_long"
	ChatNotFound     FailCode = "chat_not_found"
	PageChanged      FailCode = "page_changed"
	IncompleteAnswer FailCode = "incomplete_answer"
	WorkerLost       FailCode = "worker_lost"
	Timeout          FailCode = "timeout"
	Expired          FailCode = "expired"
	CancelledCode    FailCode = "cancelled"
	WorkerError      FailCode = "worker_error"
	InternalCode     FailCode = "internal"
)

// The clocks and bounds of a request.
const (
	ExpiresAfter          = 24 * time.Hour // from submit to go
	DefaultTimeoutSeconds = 3600           // from go to the answer
	MaxTimeoutSeconds     = 86400
	MaxMessageBytes       = 1 << 20  // UTF-8; a prompt longer than any chat page takes
	MaxMetadataBytes      = 16 << 10 // JSON
	MaxAnswerBytes        = 7 << 20  // UTF-8; a worker's message is at most 8 MiB
	MaxIdempotencyKey     = 255      // bytes; a key is an identifier, not a document
	CapabilityAfterEnd    = 24 * time.Hour
)

// Chat is one conversation on the chat site.
type Chat struct {
	ID        int64  // ours; 0 until stored
	AccountID int64  //
	SiteID    string // the site's; "" until the site has given one
	Title     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Body holds a request's texts. They lie apart from the request's row, because
// most steps of its life need none of them.
type Body struct {
	Message  string
	Metadata json.RawMessage // nil if none
	Response string          // the answer, once done
	Partial  string          // what had arrived, once failed
}

// Request is one message to be answered.
type Request struct {
	Seq            int64  // order of submission; 0 until stored
	ID             string // random UUIDv4, lower case
	AccountID      int64
	Chat           *Chat
	ResponseType   string // auto, thinking, instant
	ThinkingTime   string // standard, extended
	Temporary      bool
	TimeoutSeconds int

	Status   Status
	Rev      int64 // raised with each stored change: orders what observers hear
	Attempt  int   // the last attempt number given out; never used again
	Lost     int   // hand-overs lost before go
	PutBacks int   // errors that put it back
	Late     int   // the last attempt whose late answer was kept

	ErrorMessage string
	ErrorCode    FailCode
	RetryAfter   int // seconds, with rate_limited; 0 if not told
	HasPartial   bool
	TextsGone    bool // its texts were cleaned up: Body is nil however it is loaded
	ModeUsed     string
	Evidence     json.RawMessage

	QueuedAt        time.Time
	StartedAt       time.Time // zero while idle
	MaySendAt       time.Time // the time of go; zero before
	CompletedAt     time.Time
	LastRetrievedAt time.Time

	IdempotencyKey string
	Fingerprint    []byte // of the decoded fields, with IdempotencyKey

	Body *Body // nil where it was not loaded
}

// ReadableBare reports whether the request's id alone is a capability at now:
// until 24 h after its end.
func (r *Request) ReadableBare(now time.Time) bool {
	return !r.Status.Ended() || now.Before(r.CompletedAt.Add(CapabilityAfterEnd))
}

// DueAt is when the request ends by itself: 24 h after submit without go, its
// timeout after go; zero once ended.
func (r *Request) DueAt() time.Time {
	switch {
	case r.Status.Ended():
		return time.Time{}
	case r.MaySendAt.IsZero():
		return r.QueuedAt.Add(ExpiresAfter)
	default:
		return r.MaySendAt.Add(time.Duration(r.TimeoutSeconds) * time.Second)
	}
}

// EventType names what happened to a request.
type EventType string

// The stored events of a request.
const (
	EventMade      EventType = "made"
	EventExecuting EventType = "executing"
	EventGo        EventType = "go"
	EventPutBack   EventType = "put_back"
	EventEnd       EventType = "end"
	EventLate      EventType = "late"
)

// Event is one stored step of a request. Seq is a counter of the account, given
// by the engine in the event's transaction.
type Event struct {
	AccountID int64
	Seq       int64
	Request   *Request
	Type      EventType
	At        time.Time
	Attempt   int
	WorkerID  string
	Reason    FailCode        // of a put back
	Data      json.RawMessage // a late answer
}
