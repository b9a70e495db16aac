package bridge

import "context"

// Post is how a node executes a command: the store's Post, with the committed
// Changes told to the node's rooms before done is called.
type Post func(cmd Command, done func(*Changes, error))

// Do posts a command and waits for its commit. If ctx ends first, Do returns
// its error, and the command may still be executed.
func Do(ctx context.Context, post Post, cmd Command) error {
	done := make(chan error, 1)
	post(cmd, func(_ *Changes, err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
