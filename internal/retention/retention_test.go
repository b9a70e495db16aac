package retention

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

// store has so many old rows of each kind, and credentials; it executes no
// command but those that clean up.
type store struct {
	sync.Mutex
	credentials []*bridge.Credential
	rows        map[bridge.SweepKind]int64
	gone        map[bridge.SweepKind]int64
	steps       []time.Time
	broken      error
}

func (s *store) post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	s.Lock()
	defer s.Unlock()
	s.steps = append(s.steps, time.Now())
	if s.broken != nil {
		done(nil, s.broken)
		return
	}
	if c, ok := cmd.(*bridge.DropExpired); ok {
		changes, err := c.Decide(&bridge.Facts{Now: time.Now(), Credential: c.Credential})
		for _, gone := range changes.DropCredential {
			s.credentials = slices.DeleteFunc(s.credentials, func(c *bridge.Credential) bool { return c == gone })
		}
		done(changes, err)
		return
	}
	c := cmd.(*bridge.CleanUp)
	f := &bridge.Facts{Now: time.Now()}
	for at := c.After + 1; at <= s.rows[c.Kind] && len(f.Swept) < c.Limit; at++ {
		f.Swept = append(f.Swept, bridge.Swept{At: at, Since: time.Time{}, Request: &bridge.Request{Status: bridge.Done}})
	}
	changes, err := c.Decide(f)
	s.gone[c.Kind] += int64(c.Removed)
	done(changes, err)
}

func (s *store) Credentials(_ context.Context, kind string) ([]*bridge.Credential, error) {
	s.Lock()
	defer s.Unlock()
	var of []*bridge.Credential
	for _, c := range s.credentials {
		if c.Kind == kind {
			of = append(of, c)
		}
	}
	return of, nil
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		live := &bridge.Credential{Kind: "session", ExpiresAt: now.Add(time.Hour)}
		token := &bridge.Credential{Kind: "token"} // for ever
		s := &store{gone: map[bridge.SweepKind]int64{}, credentials: []*bridge.Credential{
			{Kind: "session", ExpiresAt: now}, live, {Kind: "link", ExpiresAt: now.Add(-time.Second)}, token}}
		New(s.post, s, bridge.Retention{}, slog.New(slog.DiscardHandler)).all(t.Context())
		if want := []*bridge.Credential{live, token}; !slices.Equal(s.credentials, want) {
			t.Fatalf("left are %v, want the session that lasts and the token", s.credentials)
		}
	})
}

func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := 24 * time.Hour
		s := &store{rows: map[bridge.SweepKind]int64{bridge.SweepTries: 250, bridge.SweepBodies: 100, bridge.SweepRequests: 30, bridge.SweepAudit: 7}, gone: map[bridge.SweepKind]int64{}}
		loop := New(s.post, s, bridge.Retention{Bodies: day, Tries: day, Audit: day}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- loop.Run(ctx) }() // waited for below
		time.Sleep(firstAfter - 1)
		synctest.Wait()
		s.Lock() // but while time passes
		if len(s.steps) != 0 {
			t.Fatal("it begins before the start is over")
		}
		pass := func(d time.Duration) {
			s.Unlock()
			time.Sleep(d)
			synctest.Wait()
			s.Lock()
		}
		pass(time.Minute)
		for kind, want := range map[bridge.SweepKind]int64{bridge.SweepTries: 250, bridge.SweepBodies: 100, bridge.SweepRequests: 0, bridge.SweepAudit: 7} {
			if s.gone[kind] != want {
				t.Errorf("kind %d: %d rows are gone, want %d", kind, s.gone[kind], want)
			}
		}
		for i, at := range s.steps[1:3] { // the steps of one kind
			if at.Sub(s.steps[i]) < rest {
				t.Errorf("step %d leaves no room for anybody else", i+1)
			}
		}
		before := len(s.steps)
		s.broken = errors.New("the disk is full")
		pass(every)
		if got := len(s.steps) - before; got != 1 {
			t.Fatalf("after an hour, with a broken store: %d steps", got)
		}
		s.broken = nil
		pass(again)
		if got := len(s.steps) - before; got < 2 {
			t.Fatal("a clean-up that failed is not begun again")
		}
		s.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}
