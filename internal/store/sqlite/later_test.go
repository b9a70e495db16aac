package sqlite

import (
	"testing"

	"chatbridge/internal/bridge"
)

// Rows of several commands are written together at the end; where one can't be,
// its command fails alone.
func TestConflictAtTheEnd(t *testing.T) {
	s := open(t, memory)
	try := func(numbers ...int) command {
		return command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
			c := &bridge.Changes{}
			for _, n := range numbers {
				c.Tries = append(c.Tries, &bridge.Try{DeliveryID: 1, Number: n})
			}
			return c, nil
		}}
	}
	posted, ended := make(chan struct{}), make(chan error, 3)
	done := func(_ *bridge.Changes, err error) { ended <- err }
	s.Post(command{decide: func(*bridge.Facts) (*bridge.Changes, error) {
		<-posted // so that the next three share a batch
		return nil, nil
	}}, func(*bridge.Changes, error) {})
	s.Post(try(1, 2), done)
	s.Post(try(3, 2), done)
	s.Post(try(3), done)
	close(posted)
	first, second, third := <-ended, <-ended, <-ended
	if first != nil || third != nil || second == nil || bridge.AsError(second).Kind != bridge.Conflict {
		t.Fatalf("ended with %v, %v, %v", first, second, third)
	}
	if tries, err := s.Tries(t.Context(), 1); err != nil || len(tries) != 3 {
		t.Fatalf("%d tries, %v", len(tries), err)
	}
}
