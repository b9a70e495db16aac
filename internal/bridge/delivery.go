package bridge

import "time"

// Delivery statuses.
const (
	DeliveryPending   = "pending"   // not tried yet
	DeliveryFailing   = "failing"   // tried, and to be tried again
	DeliveryDelivered = "delivered" // a 2xx is stored
	DeliveryDead      = "dead"      // given up; may be replayed
)

// Delivery is the one webhook message that the end of a request owes to one
// endpoint.
type Delivery struct {
	ID           int64
	WebhookID    string // the same for every try and replay
	AccountID    int64
	Endpoint     *Endpoint
	Request      *Request
	Status       string
	Step         int       // place in the schedule; 0 again after a replay
	Tried        int       // tries over its whole life
	NextTryAt    time.Time // zero once delivered or dead, and only then: what is pending or failing is owed
	ClaimedBy    string    // the node that tries it now
	ClaimedUntil time.Time
	Error        string // why it is not delivered: of the last try, or of the end; "" if none failed
	CreatedAt    time.Time
	EndedAt      time.Time
}

// DeliveryCounts counts deliveries by their status.
type DeliveryCounts struct{ Pending, Failing, Dead int64 }

// Try is one HTTP request of a delivery.
type Try struct {
	DeliveryID      int64
	Number          int // from 1, over the delivery's whole life
	At              time.Time
	Duration        time.Duration
	Status          int    // HTTP status, 0 if there was none
	Error           string // in a sentence, "" if none
	RequestHeaders  map[string]string
	ResponseHeaders map[string]string
	ResponseBody    string // its first 4 KiB
	RetryAfter      time.Duration
}

// Replay statuses.
const (
	ReplayRunning = "running"
	ReplayDone    = "done"
	ReplayStopped = "stopped"
)

// Replay is a run that sends many deliveries again, oldest first, in steps: a
// node that dies leaves it to be gone on with.
type Replay struct {
	ID       int64
	Filter   DeliveryFilter // with UpTo set: what is owed later is not part of it; Before is how far it has come
	Status   string
	Matching int64 // as counted at its beginning
	Replayed int64 // sent again so far
	Skipped  int64 // could not be: the texts are gone, or the endpoint is off
	// CreatedAt and EndedAt are when it began and ended; EndedAt is zero while it runs.
	CreatedAt time.Time
	EndedAt   time.Time
}
