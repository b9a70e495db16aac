package sqlite

import (
	"fmt"
	"runtime"
	"time"

	"chatbridge/internal/bridge"
)

type job struct {
	cmd  bridge.Command
	done func(*bridge.Changes, error)
}

type result struct {
	changes *bridge.Changes
	err     error
}

// write is the writer's goroutine: it takes what waits and commits it together.
// Nothing is waited for to make a group larger: while one commits, the next
// gathers. Only where many come do those that are ready to run go first, since
// some of them are about to post.
func (s *Store) write() {
	defer close(s.written)
	var batch, last []job
	for first := range s.queue {
		if len(batch) >= manyWait {
			runtime.Gosched()
		}
		batch = append(batch[:0], first)
		for len(batch) < maxBatch && len(s.queue) > 0 {
			batch = append(batch, <-s.queue) // nobody else takes from the queue
		}
		last = yieldingLast(batch, last)
		s.execute(batch)
		clear(batch)
	}
}

// yieldingLast puts a batch's yielding commands behind the rest, each part in its
// order. room is what was returned the last time, to be used again.
func yieldingLast(batch, room []job) []job {
	last, rest := room[:0], batch[:0]
	for _, j := range batch {
		if _, yields := j.cmd.(bridge.Yielding); yields {
			last = append(last, j)
		} else {
			rest = append(rest, j)
		}
	}
	copy(batch[len(rest):], last)
	clear(last)
	return last
}

// execute commits a batch and tells each command what became of it. Where one
// command's rows can't be written, those before it are committed without it, it
// is tried alone and fails alone, and the rest go on.
func (s *Store) execute(batch []job) {
	for len(batch) > 0 {
		failed, err := s.transact(batch)
		switch {
		case err == nil:
			for i, r := range s.w.results {
				batch[i].done(r.changes, r.err)
			}
			clear(s.w.results) // what was written is the receivers' now
			return
		case failed == nobody: // the database itself: nothing was committed
			for _, j := range batch {
				j.done(nil, err)
			}
			return
		case failed == somebody:
			for i := range batch {
				s.execute(batch[i : i+1])
			}
			return
		case failed == 0:
			batch[0].done(nil, err)
			batch = batch[1:]
		default:
			s.execute(batch[:failed])
			batch = batch[failed:]
		}
	}
}

// Whose an error is, if it can't be said of one command.
const (
	nobody   = -1 // the database's
	somebody = -2 // one's of several, whose rows were written together
)

// transact runs a batch in one transaction. Of an error, failed says which
// command it is about: its place in the batch, nobody or somebody.
func (s *Store) transact(batch []job) (failed int, err error) {
	if s.shared {
		c := <-s.readers
		s.w.c = c
		defer func() {
			s.w.c = nil
			s.readers <- c
		}()
	}
	return s.w.transact(batch)
}

// writer is the state of the writer's goroutine.
type writer struct {
	open    func() (*conn, error) // nil in memory, where the connection is the database
	c       *conn                 // nil: to be opened at the next batch
	cache   *cache
	version int64     // PRAGMA data_version under which cache is true
	last    time.Time // the last command's Now
	results []result  // of the batch
	same    same      // this and waiting: room for the next batch's
	waiting [tables][]any
}

func (w *writer) connect() (err error) {
	w.cache.empty()
	w.c, err = w.open()
	return err
}

func (w *writer) close() error {
	if w.c == nil {
		return nil
	}
	c := w.c
	w.c = nil
	return c.close()
}

// tx is one transaction of the writer.
type tx struct {
	*conn
	cache   *cache
	same    same          // empty between two commands
	waiting [tables][]any // rows to be written, column after column
	row     []any         // room for a statement's arguments
	now     time.Time     // of the present command
	loader  loader        // of the present command
}

func (w *writer) transact(batch []job) (failed int, err error) {
	if w.c == nil {
		if err := w.connect(); err != nil {
			return nobody, anyway(err)
		}
	}
	failed = nobody
	err = w.c.use(func() error {
		if err := w.begin(); err != nil {
			return err
		}
		t := &tx{conn: w.c, cache: w.cache, same: w.same}
		for name, rows := range w.waiting {
			t.waiting[name] = rows[:0]
		}
		defer func() { w.same, w.waiting = t.same, t.waiting }()
		w.results = w.results[:0]
		for i, j := range batch {
			changes, refused, err := w.run(t, j.cmd)
			if err != nil {
				failed = i
				return err
			}
			w.results = append(w.results, result{changes, refused})
		}
		if err := t.flush(); err != nil {
			failed = somebody
			if len(batch) == 1 {
				failed = 0
			}
			return err
		}
		_, err := t.exec(bg, "COMMIT")
		return err
	})
	if err == nil {
		return nobody, nil
	}
	w.rollback(err)
	if unavailable(err) != nil || failed == nobody {
		return nobody, anyway(err)
	}
	return failed, domain(err)
}

// anyway is the error of a whole batch: Unavailable whatever happened.
func anyway(err error) error {
	if e := unavailable(err); e != nil {
		return e
	}
	return &bridge.Error{Kind: bridge.Unavailable, Code: "store_unavailable", Detail: "The database does not answer. Look at the server's log.", RetryAfter: 5 * time.Second, Err: err}
}

// begin takes the write lock, then looks whether another process has written
// since: what it reads from then on stays true until the commit.
func (w *writer) begin() error {
	if _, err := w.c.exec(bg, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	var version int64
	if err := w.c.query(bg, func(r *row) { version = r.int64() }, "PRAGMA data_version"); err != nil {
		return fmt.Errorf("look for other writers: %w", err)
	}
	if version != w.version {
		w.cache.empty()
		w.version = version
	}
	return nil
}

// rollback undoes the transaction, if SQLite has not done so itself, and what
// the cache took from it.
func (w *writer) rollback(cause error) {
	w.cache.empty()
	err := w.c.use(func() error {
		_, err := w.c.exec(bg, "ROLLBACK")
		return err
	})
	inTransaction := err != nil && code(err) != 1 // 1, SQLITE_ERROR: there is none, it was rolled back
	if w.open != nil && (inTransaction || spoils(cause)) {
		w.close() // whatever it says: the next batch opens a new one
	}
}

// run executes one command. refused is the command's own error: it has written
// nothing. err is one that the transaction can't go on after.
func (w *writer) run(t *tx, cmd bridge.Command) (changes *bridge.Changes, refused, err error) {
	t.now = w.clock()
	changes, refused, err = decide(t, cmd)
	if refused != nil || err != nil || changes.Empty() {
		return changes, refused, err
	}
	return changes, nil, write(t, changes)
}

// clock is the time now in microseconds, which never goes back.
func (w *writer) clock() time.Time {
	if now := time.Now().UTC().Truncate(time.Microsecond); now.After(w.last) {
		w.last = now
	}
	return w.last
}

// decide loads what the command needs and lets it decide. A panic in the
// command is its own error: nothing has been written for it yet.
func decide(t *tx, cmd bridge.Command) (changes *bridge.Changes, refused, err error) {
	defer func() {
		if p := recover(); p != nil {
			changes, err = nil, nil
			refused = &bridge.Error{Kind: bridge.Internal, Code: "internal", Detail: "Something went wrong here. Try again; if it stays, look at the server's log.",
				Err: fmt.Errorf("panic in %T: %v", cmd, p)}
		}
	}()
	facts, err := load(t, cmd.Needs())
	if err != nil {
		return nil, nil, fmt.Errorf("load for %T: %w", cmd, err)
	}
	changes, refused = cmd.Decide(facts)
	if refused != nil {
		return nil, refused, nil
	}
	if changes != nil && changes.Now.IsZero() {
		changes.Now = t.now
	}
	return changes, nil, nil
}
