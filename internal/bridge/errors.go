package bridge

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of trouble an [Error] is. One table in package api maps
// kinds to HTTP statuses.
type Kind int

// The kinds of error a use case returns.
const (
	Internal     Kind = iota // a fault of ours
	Invalid                  // bad input
	Unauthorized             // no or wrong key
	Forbidden                // the key lacks the scope
	NotFound                 // not there, or another account's
	Conflict                 // it cannot be done in the present state
	TooLarge                 // over a limit
	Unavailable              // the store cannot answer now; try again
	TooMany                  // over a rate
	Gone                     // was there once, is no more
)

// Error is a domain error: a kind, a code for programs and a sentence for
// people that says what to do.
type Error struct {
	Kind       Kind
	Code       string              // stable, lower_snake_case
	Detail     string              // a sentence with the remedy
	Fields     map[string][]string // for Invalid: field → sentences
	RetryAfter time.Duration       // for Unavailable and TooMany
	Err        error               // the cause; never shown to a client
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Err)
	}
	return e.Code + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// AsError returns the domain error in err's chain, or an Internal one that
// wraps err.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Detail: "Something went wrong here. Try again; if it stays, look at the server's log.", Err: err}
}

// Errorf makes an Error of a kind with a formatted detail.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(format, args...)}
}

func invalid(field, sentence string) *Error {
	return &Error{Kind: Invalid, Code: "invalid", Detail: sentence, Fields: map[string][]string{field: {sentence}}}
}
