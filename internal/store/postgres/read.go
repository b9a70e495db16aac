package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var readWrite = pgconn.ValidateConnectTargetSessionAttrsReadWrite

// readTries is how often a query is tried whose connection turns out to be dead:
// every one of the pool may be, after the server has been restarted, but a new one
// is not.
const readTries = 2

// Ping implements [bridge.Reader].
func (s *Store) Ping(ctx context.Context) error {
	_, err := only(s, ctx, "ping the database", (*row).int64, `SELECT version FROM directory`)
	return err
}

// read lends f a connection to read with. f may be called again, from its
// beginning.
func (s *Store) read(ctx context.Context, doing string, f func(context.Context, *pgx.Conn) error) error {
	var err error
	for range readTries {
		if err = ctx.Err(); err != nil {
			return err
		}
		var dead bool
		if dead, err = s.readOnce(ctx, f); !dead {
			break
		}
		// The others that are idle were made with it, and are as dead.
		s.pool.Reset()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.ended() {
		return errClosed
	}
	if e := domain(err); !errors.Is(err, e) {
		return e
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (s *Store) readOnce(ctx context.Context, f func(context.Context, *pgx.Conn) error) (dead bool, err error) {
	if s.ended() {
		return false, errClosed
	}
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release()
	err = f(ctx, c.Conn())
	return err != nil && c.Conn().IsClosed() && ctx.Err() == nil, err
}

// ended reports whether the store has closed.
func (s *Store) ended() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// look runs a query on a reader's connection.
func look(ctx context.Context, c *pgx.Conn, f func(*row), text string, args ...any) error {
	rows, err := c.Query(ctx, text, storable(args)...)
	if err != nil {
		return err
	}
	each(rows, f)
	return rows.Err()
}

// all reads every row of a query.
func all[T any](s *Store, ctx context.Context, doing string, scan func(*row) T, text string, args ...any) ([]T, error) {
	var out []T
	err := s.read(ctx, doing, func(ctx context.Context, c *pgx.Conn) error {
		out = nil
		return look(ctx, c, func(r *row) { out = append(out, scan(r)) }, text, args...)
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

// limit takes 0 as no bound.
func limit(n int) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return int64(n)
}
