package webhook

import (
	"sync"
	"sync/atomic"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// recordWithin is how long the record of a webhook that was taken may wait for
	// others, while more are under way: nobody waits for it, and a commit costs as
	// much for one as for dozens. Killed meanwhile, the webhook is sent again, as it
	// may be at any kill between try and record.
	recordWithin = 20 * time.Millisecond
	// recordBatch leave without waiting any longer.
	recordBatch = 128
)

// records has the outcomes of tries wait for each other, so that they share
// commits.
type records struct {
	post     bridge.Post
	underway atomic.Int64 // tries that have not come to their record yet

	mu      sync.Mutex
	waiting []record
	timer   *time.Timer // runs while something waits
}

type record struct {
	cmd  *bridge.RecordTry
	done chan<- error
}

// do stores a record and waits until that is done. In a hurry, it and all that
// wait leave at once.
func (r *records) do(cmd *bridge.RecordTry, hurry bool) error {
	done := make(chan error, 1)
	r.mu.Lock()
	r.waiting = append(r.waiting, record{cmd, done})
	n := len(r.waiting)
	leave := hurry || n == recordBatch || r.underway.Load() == 0
	switch {
	case leave || n > 1:
	case r.timer == nil:
		r.timer = time.AfterFunc(recordWithin, r.send)
	default:
		r.timer.Reset(recordWithin)
	}
	r.mu.Unlock()
	if leave {
		r.send()
	}
	return <-done
}

// send posts what waits. The timer may come although it was stopped: then what
// waits leaves a little early.
func (r *records) send() {
	r.mu.Lock()
	if r.timer != nil {
		r.timer.Stop()
	}
	list := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, one := range list {
		r.post(one.cmd, func(_ *bridge.Changes, err error) { one.done <- err })
	}
}
