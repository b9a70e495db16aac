package worker

import (
	"context"
	"time"

	"chatbridge/protocol"
)

// Backend answers requests. Answer is called at most once for each attempt,
// after the bridge has allowed it, and from several goroutines at a time where
// the worker's capacity is more than 1.
type Backend interface {
	// Answer sends the message and returns the whole answer. On the way it may
	// call emit with each next piece of the text, from this goroutine only. It
	// returns soon after ctx ends: the bridge is told "cancelled" only then.
	//
	// An error is best a *Failure. Any other is told as worker_error, so its
	// text must be fit for a client's eyes. Answer never sends a message twice:
	// where it is not known whether it was sent, it fails.
	Answer(ctx context.Context, request protocol.NewRequest, emit func(piece string)) (Answer, error)
}

// Checker is a Backend that can tell, without sending anything, whether it
// could answer: nil, or a *Failure with logged_out, challenge or page_changed.
// It is asked after each connect and, after such a failure, until it is well;
// once more, perhaps, while a call whose ctx has ended still runs.
type Checker interface {
	Check(ctx context.Context) error
}

// Answer is a whole answer. Only Text is needed.
type Answer struct {
	Text      string
	ChatID    string // the backend's own name of the chat
	ChatTitle string
	ModeUsed  string
	Evidence  *protocol.Evidence
}

// Failure is why there is no answer.
type Failure struct {
	Code     protocol.ErrorCode
	Sentence string // for a person, with the remedy
	// RetryAfter is for protocol.CodeRateLimited; 0 where it is not known.
	RetryAfter time.Duration
}

// Error implements error.
func (f *Failure) Error() string { return f.Sentence }
