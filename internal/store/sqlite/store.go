// Package sqlite is the store for one machine: one SQLite file, written by one
// goroutine that commits together what waits, and read beside it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	driver "modernc.org/sqlite"

	"chatbridge/internal/bridge"
)

// The store's bounds.
const (
	// maxQueued commands wait; then Post blocks. Some tenths of a second of work.
	maxQueued = 4096
	// maxBatch commands share a commit: larger ones gain nothing more and make
	// the first of them wait.
	maxBatch = 512
	// manyWait commands in one commit mean that the processors are busy.
	manyWait = 8
	// defaultReaders read beside the writer, maxReaders at most: readers that
	// saturate the machine starve the writer.
	defaultReaders, maxReaders = 4, 16
)

const memory = ":memory:"

// bg is the context of all writing: a statement of a group must not be
// interrupted because one caller has gone.
var bg = context.Background()

// Options says where the database is.
type Options struct {
	// Path is the database's file, made if it is not there, in a folder that
	// is; or ":memory:" for one that ends with Close.
	Path string
	// Readers is how many queries run at once, 1 to 16; 0 means 4. In memory
	// there is one connection for all.
	Readers int
}

// prepared sets up the driver, once for the process. Syncs are fdatasync where
// the system has it: as durable as fsync, without the timestamps, half the time.
var prepared = sync.OnceValue(func() error {
	if _, err := driver.Fdatasync(true); err != nil && !errors.Is(err, driver.ErrFdatasyncUnavailable) {
		return err
	}
	return addContains()
})

// Store is a [bridge.Store] in one SQLite file. Other processes may open the
// same file: each sees what the others have committed.
type Store struct {
	db      *sql.DB
	queue   chan job
	mu      sync.RWMutex // held for reading while a job is put into queue
	closed  bool
	written chan struct{} // closed when the writer has ended
	w       *writer

	readers chan *conn // those that are free
	count   int        // how many there are
	closing chan struct{}
	shared  bool // in memory: the writer takes the one connection from readers, too
}

var _ bridge.Store = (*Store)(nil)

// Open opens the database, brings its schema up to date and starts the writer.
// ctx bounds the opening only. The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := prepared(); err != nil {
		return nil, fmt.Errorf("prepare the SQLite driver: %w", err)
	}
	if o.Readers <= 0 {
		o.Readers = defaultReaders
	}
	o.Readers = min(o.Readers, maxReaders)
	s := &Store{
		queue: make(chan job, maxQueued), written: make(chan struct{}), closing: make(chan struct{}),
		w: &writer{cache: newCache()}, readers: make(chan *conn, o.Readers), shared: o.Path == memory,
	}
	if err := s.open(ctx, o); err != nil {
		return nil, fmt.Errorf("open the database %s: %w", o.Path, openHint(err, o.Path))
	}
	go s.write() // Close waits for it
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if s.db, err = connect(ctx, o.Path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.shut())
		}
	}()
	if s.shared {
		return s.addReader(take(ctx, s.db))
	}
	s.w.open = func() (*conn, error) {
		return take(bg, s.db, "cache_size = -8192", "journal_size_limit = 67108864", "wal_autocheckpoint = 8000")
	}
	if err := s.w.connect(); err != nil {
		return err
	}
	for range o.Readers {
		if err := s.addReader(s.newReader()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) newReader() (*conn, error) {
	return take(bg, s.db, "query_only = 1", "cache_size = -2048")
}

func (s *Store) addReader(c *conn, err error) error {
	if err == nil {
		s.readers <- c
		s.count++
	}
	return err
}

// dsn names the database for the driver. Pragmas stand in it so that goose's
// connection has them too.
func dsn(path string, pragmas ...string) (string, error) {
	query := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}.Encode()
	if path == memory {
		return "file::memory:?" + query, nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query}).String(), nil
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
	return s.shut()
}

// shut closes the writer's connection, the readers', each when its query has
// ended, and the pool.
func (s *Store) shut() error {
	err := s.w.close()
	for range s.count {
		err = errors.Join(err, (<-s.readers).close())
	}
	return errors.Join(err, s.db.Close())
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

// Ping implements [bridge.Reader].
func (s *Store) Ping(ctx context.Context) error {
	_, err := only(s, ctx, "ping the database", (*row).int64, `SELECT version FROM directory`)
	return err
}

// read lends f a connection to read with. ctx ends the wait for one, and f's
// query.
func (s *Store) read(ctx context.Context, doing string, f func(context.Context, *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *conn
	select {
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case c = <-s.readers:
	}
	if s.shared {
		ctx = context.WithoutCancel(ctx) // the driver's watcher must not touch the one connection that is the database
	}
	// A query's stack is deep. On a goroutine of its own it goes with the query;
	// on the caller's, a stream that opened with one would idle on 16 KB more.
	ran := make(chan error, 1)
	go func() { ran <- c.use(func() error { return f(ctx, c) }) }() // waited for here
	err := <-ran
	if spoils(err) && !s.shared {
		if anew, e := s.newReader(); e == nil {
			c.close() // whatever it says
			c = anew
		}
	}
	s.readers <- c
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := domain(err); !errors.Is(err, e) {
		return e
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// all reads every row of a query.
func all[T any](s *Store, ctx context.Context, doing string, scan func(*row) T, text string, args ...any) ([]T, error) {
	var out []T
	err := s.read(ctx, doing, func(ctx context.Context, c *conn) error {
		return c.query(ctx, func(r *row) { out = append(out, scan(r)) }, text, args...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// one reads the only row of a query, nil if there is none.
func one[T any](s *Store, ctx context.Context, doing string, scan func(*row) *T, text string, args ...any) (*T, error) {
	list, err := all(s, ctx, doing, scan, text, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// only reads the only row of a query, the zero value if there is none.
func only[T any](s *Store, ctx context.Context, doing string, scan func(*row) T, text string, args ...any) (T, error) {
	var out T
	list, err := all(s, ctx, doing, scan, text, args...)
	if err == nil && len(list) > 0 {
		out = list[0]
	}
	return out, err
}
