package bridge

import (
	"context"
	"time"
)

// Command is one use case as a store executes it. Needs must not depend on
// anything but the command; Decide must be pure but for the command's own
// result fields, must not keep or change what it is given beyond the entities
// it puts into the Changes, and may be called again (on fresh Facts) when the
// engine had to begin the transaction anew.
type Command interface {
	Needs() Needs
	// Decide returns what is to be written. An error writes nothing and is
	// what Do returns; it fails this command alone, never its neighbours in
	// the same commit.
	Decide(f *Facts) (*Changes, error)
}

// Yielding is a command that an engine may execute behind others that wait with
// it for the same commit, so that it finds what they leave.
type Yielding interface {
	Command
	Yields()
}

// ChatRef names a chat of the account: by the site's id or by ours, whichever
// exists (the site's wins).
type ChatRef string

// Needs names the rows a command reads. An engine locks what it loads against
// other writers until the commit. Zero fields load nothing.
type Needs struct {
	AccountID int64 // Facts.Account
	Endpoints bool  // Facts.Endpoints: all of the account's, primary first

	Requests    []string // by id, whatever account: Facts.Requests with Chat, and their leases in Facts.Leases
	Bodies      bool     // …with their bodies (also of Held, Candidates, Waiting, Deliveries)
	Idempotency string   // Facts.Idempotent: the account's request with this key, with body
	Chat        ChatRef  // Facts.Chat
	SiteChat    string   // Facts.SiteChat: the account's chat with this site id
	// WaitingIn loads Facts.Waiting: the idle requests of the chat of
	// Requests[0], with no live lease, in order of submission; not where a SiteChat
	// was asked for and is not there.
	WaitingIn bool
	NextIdle  bool // Facts.Requests gets the idle request never given out (oldest first), else the one given out longest ago

	Workers     []string // by id, of the account: Facts.Workers
	HeldBy      string   // Facts.Held: all leases of this worker of the account, with requests and chats
	GuideHeld   bool     // Facts.Held: all guide leases of the account that are not cancelled
	AllHeld     bool     // Facts.Held: every lease of every account (a start)
	NodeWorkers string   // Facts.Workers: every worker, of any account, whose Node is this
	Taken       bool     // Facts.Taken: leases per worker of the account
	Survey      bool     // Facts.Survey of the account
	// Candidates loads up to so many idle requests of the account that may be
	// handed out: first unfinished of their chat, no lease on the chat; in
	// order of submission. With several nodes, ones that another transaction
	// has locked are skipped. Facts.Candidates.
	Candidates int
	// CandidateTypes are the only response types of Candidates; nil: all.
	CandidateTypes []string

	DeliveryIDs []int64 // Facts.Deliveries, with Endpoint and Request (with Chat)
	// DueDeliveries loads up to so many due and unclaimed deliveries, oldest due first, of
	// endpoints that are enabled and not on hold (Endpoint.HoldUntil is not in the future).
	// With several nodes, ones that another transaction has locked are skipped.
	DueDeliveries int
	DueSkip       []int64 // …but of none of these endpoints
	DuePerEnd     int     // …and at most so many of one endpoint (0: no bound)
	DueBodyLimit  int     // …and where Bodies is set, only those texts that have at most so many bytes together (0: no bound); larger ones may be there all the same
	ClaimedBy     string  // deliveries that this node has claimed
	// Deliveries selects further ones of Facts.Deliveries, without bodies even where Bodies is set.
	Deliveries *DeliveryFilter
	Replay     int64  // Facts.Replay
	Sweep      *Sweep // Facts.Swept

	AccountEmail string   // Facts.Account by email (lower case) instead of by id
	Keys         bool     // Facts.Keys: all of the account's, oldest first
	KeyHash      []byte   // Facts.KeyTaken: a key, also a revoked one, has this hash
	Settings     []string // Facts.Settings
	Credential   *Credential
}

// Facts is what was loaded. Every pointer is the command's own to change;
// a row that is not there is nil or missing. Two fields that hold the same row
// share the same pointer.
type Facts struct {
	Now time.Time // the store's clock, truncated to microseconds, UTC

	Account   *Account
	Endpoints []*Endpoint

	Requests   map[string]*Request // by id
	Leases     []*Lease            // of Requests
	Idempotent *Request
	Chat       *Chat
	SiteChat   *Chat
	Waiting    []*Request

	Workers    map[string]*Worker // by worker id; for NodeWorkers see NodeWorkers
	OnNode     []*Worker          // for NodeWorkers
	Held       []Held
	Taken      map[string]int // worker id → leases
	Candidates []*Request
	Survey     Survey

	Deliveries []*Delivery
	Replay     *Replay
	Swept      []Swept

	Keys       []*Key
	KeyTaken   bool
	Settings   map[string]string
	Credential *Credential // by kind and hash
}

// Survey is what of an account is in motion. Events is the last Seq that was given.
type Survey struct {
	Workers    []*Worker  // all of the account
	Leases     []*Lease   // all of the account
	Unfinished []*Request // in order of submission, with chats, without bodies
	Events     int64
}

// Changes is what one command writes, and, once committed, what the node's
// rooms hear. An entity whose id is zero is inserted and gets its id; others
// are updated, or inserted where that is their key (leases, workers). A key or
// endpoint with AccountID zero belongs to the account that the same Changes
// insert; the engine sets its AccountID.
type Changes struct {
	Now time.Time

	Chats      []*Chat
	Requests   []*Request // rows without bodies; written after Chats
	Bodies     []*Request // of which the bodies are written too (an inserted request's always is)
	Leases     []*Lease
	DropLeases []*Lease
	Workers    []*Worker
	DropWorker []*Worker
	Events     []*Event // the engine gives each the account's next Seq

	Deliveries []*Delivery
	Tries      []*Try
	Replays    []*Replay

	// DropBodies loses the texts of requests: message, metadata, answer, partial answer,
	// and the data of their events. The requests stay (the domain writes TextsGone beside
	// it), and are read with a nil Body.
	DropBodies []*Request
	// DropRequests deletes requests with their texts, events, deliveries and tries, and
	// a chat that has no request any more. The account's event counter goes on.
	DropRequests []*Request
	DropTries    []int64 // of these deliveries, all of them
	DropAudit    int64   // entries up to this id; 0: none

	Audit []*AuditEntry

	Accounts       []*Account
	Keys           []*Key
	Endpoints      []*Endpoint
	Settings       map[string]string // "" deletes
	Credentials    []*Credential
	DropCredential []*Credential
	DropKinds      []string // drops every credential of these kinds first
	// Directory says that accounts, keys, endpoints or the password changed:
	// what was cached of them is void on every node. The engine raises the
	// counter that Reader.DirectoryVersion reads.
	Directory bool

	// Signals leave for workers after the commit, in order. Not stored.
	Signals []Signal
}

// Empty reports whether nothing is to be written.
func (c *Changes) Empty() bool {
	return c == nil || len(c.Chats)+len(c.Requests)+len(c.Bodies)+len(c.Leases)+len(c.DropLeases)+len(c.Workers)+len(c.DropWorker)+
		len(c.Events)+len(c.Deliveries)+len(c.Tries)+len(c.Replays)+len(c.DropBodies)+len(c.DropRequests)+len(c.DropTries)+int(c.DropAudit)+len(c.Audit)+len(c.Accounts)+len(c.Keys)+len(c.Endpoints)+len(c.Settings)+
		len(c.Credentials)+len(c.DropCredential)+len(c.DropKinds) == 0 && !c.Directory
}

// Store is what the domain asks of an engine.
type Store interface {
	Reader
	// Post queues a command. Commands that wait are executed in order and
	// committed together, [Yielding] ones perhaps last. done is called once, after the commit has reached
	// the disk (or with the error that failed this command), from the store's
	// own goroutine and in the order of the commits: it must not block, nor
	// call Do. A command whose Changes are empty keeps its place in the order.
	// Post blocks while the queue is full.
	Post(cmd Command, done func(*Changes, error))
	// Close finishes what is queued, then closes. Later commands fail with
	// Unavailable.
	Close() error
}

// RequestFilter selects requests, newest first.
type RequestFilter struct {
	AccountID int64     // 0: of every account
	Status    Status    // "": any
	Code      FailCode  // "": any
	ChatID    int64     // 0: any
	From, To  time.Time // QueuedAt is in [From, To); zero: no bound. See ClockSlack
	Contains  string    // in message or answer, any case (Unicode simple folding)
	Before    int64     // only Seq below this; 0: no bound
	DownTo    int64     // only Seq from this on
	Ascending bool      // oldest first instead; Before then means "only Seq above"
	Start     int       // only so many characters of each message, and no other text of it; 0: all texts, whole
	Limit     int
}

// ClockSlack is how far the times of rows may be out of the order of their
// numbers, where a range of times is asked for: engines look for the range among
// the numbers, and for what lies in it so far before and behind. Nodes commit side
// by side, and clocks are corrected.
const ClockSlack = 10 * time.Minute

// ChatFilter selects chats, newest activity first.
type ChatFilter struct {
	AccountID int64
	Contains  string    // in the title, any case (Unicode simple folding)
	Before    time.Time // only those before (UpdatedAt, ID); zero: no bound
	BeforeID  int64
	DownTo    time.Time // only those from (UpdatedAt, ID) on; zero: no bound
	DownToID  int64
	Limit     int
}

// DeliveryFilter selects deliveries. Zero fields select all.
type DeliveryFilter struct {
	AccountID  int64
	EndpointID int64
	RequestSeq int64
	Status     []string  // any of these
	Owed       bool      // only those with a next try (NextTryAt is set)
	From, To   time.Time // CreatedAt is in [From, To); zero: no bound. Lists see ClockSlack
	UpTo       int64     // ids up to this one
	Before     int64     // only ids below this; 0: no bound
	Ascending  bool      // oldest first instead; Before then means "only ids above"
	Limit      int       // 0: no bound
}

// AuditFilter selects audit entries, newest first.
type AuditFilter struct {
	AccountID int64     // 0: any
	Action    string    // "": any
	From, To  time.Time // At is in [From, To); zero: no bound. See ClockSlack
	Before    int64     // only ids below this; 0: no bound
	Limit     int
}

// Due is something that a clock ends: a lease, or a request's expiry or
// timeout.
type Due struct {
	RequestID string
	AccountID int64
}

// Reader answers queries, beside the writer, from what is committed. A row that
// is not there is (nil, nil).
type Reader interface {
	Ping(ctx context.Context) error
	Account(ctx context.Context, id int64) (*Account, error)
	AccountByEmail(ctx context.Context, email string) (*Account, error)
	Accounts(ctx context.Context) ([]*Account, error)
	// Endpoints lists an account's endpoints, removed ones too, primary first, then
	// by id. (So does Facts.Endpoints.)
	Endpoints(ctx context.Context, accountID int64) ([]*Endpoint, error)
	// Unwell lists endpoints of any account that failed at their last try, are on hold or
	// off for good, those that took ill last first. Ones without a URL or removed are not
	// among them.
	Unwell(ctx context.Context, limit int) ([]*Endpoint, error)
	Keys(ctx context.Context, accountID int64) ([]*Key, error)
	// Principal finds a key by its hash, revoked or not, with its account.
	Principal(ctx context.Context, hash []byte) (*Principal, error)
	// DirectoryVersion is raised by each change with Directory set.
	DirectoryVersion(ctx context.Context) (int64, error)
	Credential(ctx context.Context, kind string, hash []byte) (*Credential, error)
	// Credentials lists those of a kind, oldest first.
	Credentials(ctx context.Context, kind string) ([]*Credential, error)
	Setting(ctx context.Context, name string) (string, error)

	// Request finds a request by id with chat and body (nil once the texts are gone).
	Request(ctx context.Context, id string) (*Request, error)
	// RequestAccount finds the account of a request by its id, 0 if there is no
	// such request.
	RequestAccount(ctx context.Context, id string) (int64, error)
	Requests(ctx context.Context, f RequestFilter) ([]*Request, error)
	// RequestsBack is how far back a search may look at once: the Seq of the n-th newest
	// request that the filter selects, whatever its Contains, Status done and times say;
	// 0 if there are fewer.
	RequestsBack(ctx context.Context, f RequestFilter, n int) (int64, error)
	// Outcomes lists what became of the newest requests, at most limit, that were queued
	// at since or later, newest first.
	Outcomes(ctx context.Context, since time.Time, limit int) ([]Outcome, error)
	// InMotion counts the requests that wait and those that a worker has.
	InMotion(ctx context.Context) (idle, executing int64, err error)
	// Unfinished lists seq, id, chat, status of all requests of the account
	// that have not ended, in order of submission, without bodies.
	Unfinished(ctx context.Context, accountID int64) ([]*Request, error)
	Chat(ctx context.Context, accountID int64, ref ChatRef) (*Chat, error)
	Chats(ctx context.Context, f ChatFilter) ([]*Chat, error)
	// ChatsBack is the n-th chat that the filter selects, whatever it Contains; nil if
	// there are fewer.
	ChatsBack(ctx context.Context, f ChatFilter, n int) (*Chat, error)

	// Workers lists an account's workers by id; with account 0 those of all, by account and id.
	Workers(ctx context.Context, accountID int64) ([]*Worker, error)
	Leases(ctx context.Context, accountID int64) ([]*Lease, error)

	// Due lists, earliest first, the requests of which a clock has run out by
	// now: Request.DueAt, or Lease.DueAt of one of its leases. Engines store
	// both beside the row, indexed.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// NextDue is the earliest of those clocks, zero if there is none.
	NextDue(ctx context.Context) (time.Time, error)
	// NextTry is the earliest time at which DueDeliveries finds one: the next try (or
	// lapsed claim) of an owed delivery of an enabled endpoint, not before the endpoint's
	// HoldUntil. Zero if there is none.
	NextTry(ctx context.Context) (time.Time, error)

	// EventRange returns the account's first kept event and the last number that
	// was given, also where that event is gone: then first is last+1. 0 and 0 if
	// there never was one. Numbers may have gaps.
	EventRange(ctx context.Context, accountID int64) (first, last int64, err error)
	// Events lists the account's events after seq, in order, with requests,
	// chats and bodies.
	Events(ctx context.Context, accountID, after int64, limit int) ([]*Event, error)
	// RequestEvents lists the events of one request in order.
	RequestEvents(ctx context.Context, requestSeq int64) ([]*Event, error)
	// Deliveries lists a request's deliveries with their endpoints.
	Deliveries(ctx context.Context, requestSeq int64) ([]*Delivery, error)
	// Delivery finds a delivery with its endpoint and its request (with chat, without body).
	Delivery(ctx context.Context, id int64) (*Delivery, error)
	// DeliveriesBy lists deliveries like Delivery finds one, newest first unless the
	// filter is Ascending.
	DeliveriesBy(ctx context.Context, f DeliveryFilter) ([]*Delivery, error)
	// CountDeliveries counts what the filter selects, whatever its Limit.
	CountDeliveries(ctx context.Context, f DeliveryFilter) (int64, error)
	// DeliveryCounts counts the deliveries of all accounts that are not delivered.
	DeliveryCounts(ctx context.Context) (DeliveryCounts, error)
	// Tries lists a delivery's tries in order.
	Tries(ctx context.Context, deliveryID int64) ([]*Try, error)
	// Abandoned lists the endpoints that are off for good (Endpoint.OffForGood) and are
	// still owed deliveries.
	Abandoned(ctx context.Context) ([]int64, error)

	Replay(ctx context.Context, id int64) (*Replay, error)
	// Replays lists replays, newest first; with running only those that run.
	Replays(ctx context.Context, running bool, limit int) ([]*Replay, error)
	// Audit lists audit entries, newest first.
	Audit(ctx context.Context, f AuditFilter) ([]*AuditEntry, error)
}

// SignalKind is what a worker is to be told.
type SignalKind int

// The signals.
const (
	SignalWelcome  SignalKind = iota // with Keep and Drop
	SignalReplaced                   // bye replaced, to Conn
	SignalHandOver                   // new_request
	SignalGo
	SignalCancel
	SignalAck
	SignalSilence // its lease ended by silence: close the socket
)

// Signal is a message for a worker that leaves after its commit.
type Signal struct {
	Kind      SignalKind
	AccountID int64
	WorkerID  string
	Conn      string // the socket it is for; "" the one that counts
	RequestID string
	Attempt   int
	Request   *Request // with SignalHandOver: with body
	Keep      []Kept
	Drop      []AttemptID
}

// AttemptID names an attempt.
type AttemptID struct {
	RequestID string
	Attempt   int
}

// Kept is an attempt that a worker goes on with.
type Kept struct {
	AttemptID
	Go bool // may be sent
}
