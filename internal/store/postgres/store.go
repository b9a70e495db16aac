// Package postgres is the store for several machines: one PostgreSQL database
// that any number of nodes write at once. Each node has one writer, which commits
// together what waits, and readers beside it.
//
// What a command loads to change it is locked until the commit, or found unchanged
// when it is written; what must be alone is a constraint, and a command that meets
// one is decided anew on fresh facts. See batch.go for how a batch runs, fetch.go
// for what protects what.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"chatbridge/internal/bridge"
)

// The store's bounds.
const (
	// maxQueued commands wait; then Post blocks. Some tenths of a second of work.
	maxQueued = 4096
	// maxBatch commands share a commit: larger ones gain nothing more, make the
	// first of them wait and hold their locks longer.
	maxBatch = 256
	// defaultConns read beside the writer. PostgreSQL has 100 by default for all.
	defaultConns = 8
	// connectWithin is the time for one attempt to connect.
	connectWithin = 5 * time.Second
	// cancelWithin is the time that a cancelled query has to end before its
	// connection is cut.
	cancelWithin = time.Second
)

// Options says where the database is.
type Options struct {
	// URL names the database: postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…,
	// several hosts separated by commas, of which the one that can be written is
	// used. It never stands in an error or a log line.
	URL string
	// MaxConns is how many connections read, beside the one that writes; 0 means 8.
	MaxConns int
	// Log gets a line when the database is lost and when it is back; nil: none.
	Log *slog.Logger
}

// session is what every connection sets.
var session = map[string]string{
	"application_name":   "chatbridge",
	"synchronous_commit": "on", // an acknowledged commit survives a crash, whatever the server's default is
	"timezone":           "UTC",
	"jit":                "off", // our statements are short
}

// writing is what the writer's connection sets beside. Every one of its
// statements finds its rows by an index; the planner must not think otherwise
// because a table was small when it last looked. A transaction that stands still,
// because its node is gone or stopped, must not hold its locks for ever.
var writing = map[string]string{
	"enable_seqscan":                      "off",
	"enable_hashjoin":                     "off",
	"enable_mergejoin":                    "off",
	"enable_bitmapscan":                   "off", // a plain scan has the index forget rows that are gone
	"plan_cache_mode":                     "force_generic_plan",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "10s",
}

// Store is a [bridge.Store] in a PostgreSQL database. Other nodes may write the
// same database.
type Store struct {
	pool    *pgxpool.Pool
	queue   chan job
	mu      sync.RWMutex // held for reading while a job is put into queue
	closed  bool
	written chan struct{} // closed when the writer has ended
	closing chan struct{} // closed behind it: no more queries
	w       *writer
}

var _ bridge.Store = (*Store)(nil)

// Open connects to a PostgreSQL server of version 12 or newer, brings the schema up
// to date and starts the writer. ctx bounds the opening only. The caller closes the
// store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", openError(err))
	}
	return s, nil
}

func open(ctx context.Context, o Options) (*Store, error) {
	if o.MaxConns <= 0 {
		o.MaxConns = defaultConns
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, err
	}
	setUp(config.ConnConfig, session)
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = int32(o.MaxConns), 0
	s := &Store{
		queue: make(chan job, maxQueued), written: make(chan struct{}), closing: make(chan struct{}),
		w: &writer{config: config.ConnConfig.Copy(), log: o.Log, numbers: numbers{}},
	}
	setUp(s.w.config, writing)
	config.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		// Whoever gives up waiting has the server give up too.
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelWithin}
	}
	if err := s.w.connect(ctx); err != nil {
		return nil, err
	}
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		s.w.close()
		return nil, err
	}
	go s.write() // Close waits for it
	return s, nil
}

// setUp puts what we rely on into a configuration, over whatever the URL says.
func setUp(c *pgx.ConnConfig, settings map[string]string) {
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // rows come in binary, see row
	c.ConnectTimeout = connectWithin
	if c.ValidateConnect == nil {
		// Of several servers the one that can be written, for reading too: a
		// standby may be behind what was acknowledged.
		c.ValidateConnect = readWrite
	}
	for name, value := range settings {
		c.RuntimeParams[name] = value
	}
}

// Close implements [bridge.Store]: what is queued is committed, then the
// connections are closed. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.written
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.written
	close(s.closing)
	s.w.close()
	s.pool.Close()
	return nil
}

// Post implements [bridge.Store].
func (s *Store) Post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		go done(nil, errClosed) // ends at once, for done does not block; not called here: the caller may hold what done takes
		return
	}
	s.queue <- job{cmd, done}
}
