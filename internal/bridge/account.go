package bridge

import (
	"slices"
	"strconv"
	"time"
)

// Scope is what an API key may do.
type Scope string

// The scopes of a key.
const (
	ScopeClient Scope = "client" // submit, read, stream
	ScopeWorker Scope = "worker" // answer
)

// Account is a "GPT Account": an email address as its name, keys, endpoints.
type Account struct {
	ID        int64
	Email     string // unique, compared in lower case
	Active    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Key is an API key as stored: its hash, never itself.
type Key struct {
	ID        int64
	AccountID int64
	Name      string
	Prefix    string // its first 8 characters, to tell keys apart
	Hash      []byte // SHA-256 of the key
	Scopes    []Scope
	CreatedAt time.Time
	RevokedAt time.Time // zero while valid
}

// Has reports whether the key has scope s.
func (k *Key) Has(s Scope) bool { return slices.Contains(k.Scopes, s) }

// Principal is who a valid key speaks for.
type Principal struct {
	Account *Account
	Key     *Key
}

// Endpoint is a webhook URL of an account. The account's "Webhook URL" is the
// one with Primary set.
type Endpoint struct {
	ID             int64
	AccountID      int64
	Primary        bool
	URL            string
	Events         []string // "request.done", "request.failed"; empty: all
	Format         string   // "guide"
	Headers        map[string]string
	Enabled        bool
	DisabledReason string // why it was switched off for good, for people; "" where a person switched it off for a while
	RateLimit      int    // tries a minute at most, on each node; 0: no limit of its own
	Secret         string // whsec_…
	PreviousSecret string // valid until PreviousUntil, "" if none
	PreviousUntil  time.Time
	FailingSince   time.Time // zero while its last try succeeded
	Failures       int       // failed tries in a row
	// HoldUntil is set while the endpoint's circuit is open: no try begins before it.
	// Once it has passed, one try at a time probes the endpoint; a success closes the
	// circuit (zero again).
	HoldUntil time.Time
	RemovedAt time.Time // zero while it is the account's; what it was sent stays listed
	CreatedAt time.Time
	UpdatedAt time.Time
}

// OffForGood reports whether the endpoint is off and what it is owed will never
// be tried. (What is owed to one that a person has switched off waits.)
func (e *Endpoint) OffForGood() bool { return !e.Enabled && e.DisabledReason != "" }

// Open reports whether the endpoint's circuit is open or half open: fresh
// deliveries wait for a probe.
func (e *Endpoint) Open() bool { return !e.HoldUntil.IsZero() }

func (e *Endpoint) name() string { return "endpoint " + strconv.FormatInt(e.ID, 10) }

// Secrets returns the endpoint's secrets that are valid at now, newest first.
func (e *Endpoint) Secrets(now time.Time) []string {
	out := []string{e.Secret}
	if e.PreviousSecret != "" && now.Before(e.PreviousUntil) {
		out = append(out, e.PreviousSecret)
	}
	return out
}

// Takes reports whether the endpoint's filter takes the end of a request with
// this status.
func (e *Endpoint) Takes(s Status) bool {
	return e.Enabled && (len(e.Events) == 0 || slices.Contains(e.Events, "request."+string(s)))
}

// Credential is a secret of the admin room: a session, a token for scripts or a
// one-time link. Only its hash is stored.
type Credential struct {
	Kind      string // "session", "token", "link"
	Hash      []byte
	Name      string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}
