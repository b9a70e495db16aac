package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
)

// The writer's patience.
const (
	// patience is how long commands wait for a server that is gone: a restart takes
	// about so long. Later ones are told at once until it is back.
	patience = 5 * time.Second
	// backoff is the pause before the second attempt to connect; it doubles, up to
	// maxBackoff.
	backoff, maxBackoff = 20 * time.Millisecond, time.Second
	// maxTries is how often a batch is begun: what other nodes do in the same
	// moment, or a lost connection, may stop it.
	maxTries = 6
	// exchangeWithin bounds one round trip, with the longest wait for a lock in it.
	exchangeWithin = 30 * time.Second
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
// No time is spent on making a group larger: while one commits, the next gathers.
func (s *Store) write() {
	defer close(s.written)
	var batch, kept []job // kept: the first of the next batch
	for {
		batch = append(batch[:0], kept...)
		if kept = kept[:0]; len(batch) == 0 {
			first, ok := <-s.queue
			if !ok {
				return
			}
			batch = append(batch, first)
		}
		for len(batch) < maxBatch && len(s.queue) > 0 { // nobody else takes from the queue
			next := <-s.queue
			if surveys(next) && !surveys(batch[len(batch)-1]) {
				kept = append(kept, next)
				break
			}
			batch = append(batch, next)
		}
		results, err := s.w.execute(batch)
		for i, j := range batch {
			if err != nil {
				j.done(nil, err)
			} else {
				j.done(results[i].changes, results[i].err)
			}
		}
		clear(batch)
		s.gather()
	}
}

// gather lets those who have just been answered say what they have to say next, so
// that it goes into the next batch. It waits for nobody who is not ready to run.
func (s *Store) gather() {
	for before := -1; len(s.queue) > before && len(s.queue) < maxBatch; {
		before = len(s.queue)
		runtime.Gosched()
	}
}

// surveys reports whether a command takes a survey. Nothing but surveys comes before
// it in its batch: events of its own would have to be numbered at once, and their
// counter be locked all the while.
func surveys(j job) bool { return j.cmd.Needs().Survey }

// writer is the state of the writer's goroutine.
type writer struct {
	config *pgx.ConnConfig
	log    *slog.Logger
	c      *pgx.Conn // nil: to be connected
	lostAt time.Time // zero while connected
	spare  [counters][]int64

	numbers numbers // of requests that are in motion

	last   time.Time // the last command's Now
	dbTime time.Time // the database's clock when it was last read
	readAt time.Time // when that was
}

// inDoubt is an error behind which nobody knows whether the transaction was
// committed: its connection broke between COMMIT and the answer. The commands are
// not executed again; who sent them repeats them, with the same names and numbers.
type inDoubt struct{ error }

func (e inDoubt) Unwrap() error { return e.error }

// execute commits a batch. An error is every command's.
//
// A batch that was surely not committed is begun anew, on fresh facts, when
// another node was in its way or its connection was lost. Where one command's rows
// can't be written it is executed again, carefully: command by command, so that
// the one that fails fails alone.
func (w *writer) execute(batch []job) ([]result, error) {
	var careful, lockAll bool
	for try := 1; ; try++ {
		results, err := w.try(batch, careful, lockAll)
		_, doubt := errors.AsType[inDoubt](err)
		switch {
		case err == nil:
			return results, nil
		case doubt || try >= maxTries:
			return nil, anyway(err)
		case lost(err):
			w.gone(err)
			if err := w.back(); err != nil {
				return nil, anyway(err)
			}
		case again(err):
			lockAll = true
			w.log.Debug("a batch is begun anew", "commands", len(batch), "err", err)
		case unavailable(err) != nil || careful:
			return nil, anyway(err)
		default:
			careful = true
			w.log.Debug("a batch is executed command by command", "commands", len(batch), "err", err)
		}
	}
}

// try runs a batch once, and leaves the connection ready for the next, or closed.
func (w *writer) try(batch []job, careful, lockAll bool) ([]result, error) {
	if w.c == nil {
		if err := w.connect(context.Background()); err != nil {
			return nil, err
		}
	}
	t := &tx{writer: w, overlay: newOverlay(), lockAll: lockAll, batch: batch, results: make([]result, len(batch))}
	err := guard(func() error { return t.run(careful) })
	if err == nil {
		return t.results, nil
	}
	t.takeBack(0)
	if lost(err) {
		w.close()
		return nil, err
	}
	if t.exec("ROLLBACK") != nil {
		w.close()
	}
	return nil, err
}

// guard makes a panic an error: what can't be written must not end the writer.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic at writing: %v", p)
		}
	}()
	return f()
}

func (w *writer) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	c, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		w.gone(err)
		return err
	}
	if !w.lostAt.IsZero() {
		w.log.Info("the database is back", "after", time.Since(w.lostAt).Round(time.Millisecond))
	}
	w.c, w.lostAt = c, time.Time{}
	return nil
}

// gone notes that there is no connection.
func (w *writer) gone(err error) {
	if w.lostAt.IsZero() {
		w.lostAt = time.Now()
		w.log.Warn("the database is lost", "err", err)
	}
}

// close gives the connection up.
func (w *writer) close() {
	if w.c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelWithin)
	defer cancel()
	w.c.Close(ctx) // whatever it says
	w.c = nil
}

// back connects again. An error says that the server stays away for too long.
func (w *writer) back() error {
	for pause := backoff; ; pause = min(2*pause, maxBackoff) {
		err := w.connect(context.Background())
		if err == nil || time.Since(w.lostAt)+pause > patience {
			return err
		}
		time.Sleep(pause)
	}
}

// clock is the database's time now, in microseconds, which never goes back.
func (w *writer) clock() time.Time {
	if now := w.dbTime.Add(time.Since(w.readAt)).Truncate(time.Microsecond); now.After(w.last) {
		w.last = now
	}
	return w.last
}
