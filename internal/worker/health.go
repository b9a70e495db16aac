package worker

import (
	"context"
	"errors"
	"time"

	"chatbridge/protocol"
)

// checkEvery is how long after trouble, and how often, the backend is asked
// whether it works again: soon enough for a person, no burden for a site.
const checkEvery = time.Minute

// checkHealth tells the bridge how the backend is, after a wait and then until
// it is well. A check under way is given up: what it saw may be older than an
// error that has been sent since.
func (w *Worker) checkHealth(wait time.Duration) {
	w.stopCheck()
	if w.link == nil {
		return // the next welcome asks
	}
	checker, ok := w.cfg.Backend.(Checker)
	if !ok && wait == 0 {
		w.send(health(nil))
		return
	}
	ctx, stop := context.WithCancel(w.ctx)
	w.stopCheck = stop // called by the next check
	w.all.Go(func() {  // Run waits; stopCheck or the end of Run ends it
		for {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			var f *Failure
			if ok {
				_ = errors.As(checker.Check(ctx), &f) // other errors are nothing that a pause would mend
			}
			told := w.post(func() {
				if ctx.Err() == nil {
					w.send(health(f))
				}
			})
			if f == nil || !told {
				return
			}
			wait = checkEvery
		}
	})
}

// health says in the protocol's words what a Checker found; nil is well.
func health(f *Failure) protocol.Health {
	if f == nil {
		return protocol.Health{LoggedIn: true, PageOK: true}
	}
	return protocol.Health{
		LoggedIn: f.Code != protocol.CodeLoggedOut,
		PageOK:   f.Code != protocol.CodePageChanged && f.Code != protocol.CodeChallenge,
	}
}
