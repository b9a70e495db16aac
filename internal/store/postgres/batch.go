package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"chatbridge/internal/bridge"
)

// begin names the isolation level, whatever the server's default is.
const (
	begin  = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
	commit = "COMMIT"
)

// carefulTries is how often one command is decided that meets a constraint: another
// node has just taken the place, and fresh facts tell.
const carefulTries = 3

// tx is one transaction of the writer: a batch of commands. What all of them need
// is loaded at once; then they are decided one after the other, each on what the
// ones before it have left in the overlay; what they have changed is written at
// once. So the number of round trips is the batch's, not the commands': one to
// begin and load, one more for candidates, one to write, one for events and commit.
type tx struct {
	*writer
	overlay
	batch   []job
	results []result
	lockAll bool // lock also what is not locked at first

	begun  bool
	now    time.Time   // of the present command
	direct []statement // to be written as they are, behind the rows of the overlay
	tries  [][]any
	events []event  // to be numbered and written last
	given  []*int64 // numbers that were given to entities, to be taken back if all is undone
}

// statement is one that is not made of the overlay's rows.
type statement struct {
	text string
	args []any
	one  bool // it must be about exactly one row
}

// send executes a pipeline.
func (t *tx) send(p *pipeline) error {
	_, err := t.exchange(p)
	return err
}

func (t *tx) exchange(p *pipeline) (at int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), exchangeWithin)
	defer cancel()
	return p.send(ctx, t.c)
}

func (t *tx) exec(text string) error {
	p := &pipeline{}
	p.exec(text)
	return t.send(p)
}

// run executes the batch. Carefully, each command is written before the next is
// decided, and undone alone if that fails.
func (t *tx) run(careful bool) error {
	if err := t.prefetch(0); err != nil {
		return fmt.Errorf("load for %d commands: %w", len(t.batch), err)
	}
	for i, j := range t.batch {
		var err error
		if careful {
			err = t.carefully(i)
		} else {
			t.results[i], err = t.step(j.cmd)
		}
		if err != nil {
			return fmt.Errorf("execute %T: %w", j.cmd, err)
		}
	}
	if err := t.flush(); err != nil {
		return fmt.Errorf("write what %d commands change: %w", len(t.batch), err)
	}
	return t.commit()
}

// prefetch loads what the commands from number first on need, as far as that can
// be told before they are decided.
func (t *tx) prefetch(first int) error {
	w := &wants{}
	var draw [counters]int
	for _, j := range t.batch[first:] {
		n := j.cmd.Needs()
		w.add(&t.overlay, &n)
		foresee(&draw, &n)
	}
	// The order of a chat's requests is that of their numbers: they are drawn behind
	// the chats' locks, and none is left for the next batch.
	t.spare[countRequests] = nil
	return t.fetch(w, func(p *pipeline) {
		for of, n := range draw {
			t.draw(p, counter(of), n-len(t.spare[of]))
		}
	})
}

// step decides a command and takes its changes into the overlay. An error is one
// that the transaction can't go on after; the command's own is in the result.
func (t *tx) step(cmd bridge.Command) (result, error) {
	changes, refused, err := t.decide(cmd)
	if err != nil || refused != nil {
		return result{nil, refused}, err
	}
	if changes.Empty() {
		return result{changes, nil}, nil
	}
	if err := t.apply(changes); err != nil {
		return result{}, err
	}
	return result{changes, nil}, nil
}

// decide loads what the command needs and lets it decide. A panic in the
// command is its own error: nothing has been written for it yet.
func (t *tx) decide(cmd bridge.Command) (changes *bridge.Changes, refused, err error) {
	defer func() {
		if p := recover(); p != nil {
			changes, err = nil, nil
			refused = &bridge.Error{Kind: bridge.Internal, Code: "internal", Detail: "Something went wrong here. Try again; if it stays, look at the server's log.",
				Err: fmt.Errorf("panic in %T: %v", cmd, p)}
		}
	}()
	needs := cmd.Needs()
	facts, err := t.load(&needs)
	if err != nil {
		return nil, nil, err
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

// carefully executes command number i alone within the transaction. One that
// can't be written leaves nothing behind but its result.
func (t *tx) carefully(i int) error {
	for try := 1; ; try++ {
		if err := t.exec("SAVEPOINT command"); err != nil {
			return err
		}
		events, given := len(t.events), len(t.given)
		var res result
		err := guard(func() (err error) {
			if res, err = t.step(t.batch[i].cmd); err != nil {
				return err
			}
			if err := t.flush(); err != nil {
				return err
			}
			return t.exec("RELEASE SAVEPOINT command") // not with the flush: one that wrote too few rows is to be undone
		})
		if err == nil {
			t.results[i] = res
			return nil
		}
		if lost(err) || unavailable(err) != nil && !errors.Is(err, errStale) {
			return err
		}
		t.takeBack(given)
		t.events, t.direct, t.tries = t.events[:events], nil, nil
		t.overlay = newOverlay()
		if err := t.exec("ROLLBACK TO SAVEPOINT command"); err != nil {
			return err
		}
		t.lockAll = t.lockAll || errors.Is(err, errStale)
		taken := state(err) == uniqueViolation || errors.Is(err, errStale)
		last := !taken || try >= carefulTries
		if last {
			t.results[i] = result{nil, domain(err)}
			i++
		}
		if e := t.prefetch(min(i, len(t.batch)-1)); e != nil {
			return e
		}
		if last {
			return nil
		}
	}
}

// takeBack takes the numbers back that entities were given: none of them is
// stored.
func (t *tx) takeBack(from int) {
	for _, n := range t.given[from:] {
		*n = 0
	}
	t.given = t.given[:from]
}

// commit writes the events and commits, in one round trip: the counters that all
// writers of an account meet at are locked for no longer than the commit takes.
func (t *tx) commit() error {
	p := &pipeline{}
	numbered := t.writeEvents(p)
	p.exec(commit)
	at, err := t.exchange(p)
	if err == nil {
		numbered()
		t.learn()
		return nil
	}
	if _, told := errors.AsType[*pgconn.PgError](err); lost(err) && (!told || at == len(p.each)-1) {
		return inDoubt{fmt.Errorf("commit %d commands: %w", len(t.batch), err)}
	}
	return fmt.Errorf("commit %d commands: %w", len(t.batch), err)
}
