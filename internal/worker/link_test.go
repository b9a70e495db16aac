package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"
)

func TestPing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		s.send(protocol.Ping{})
		expect[protocol.Pong](s)
		s.send(protocol.Doctor{ID: "d"})
		if got := expect[protocol.DoctorReport](s); got.ID != "d" {
			t.Errorf("%+v", got)
		}
	})
}

func TestASilentBridgeIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		s.quiet(5 * time.Minute) // with pings it stays
		start := time.Now()
		s.waitClosed(2 * time.Minute)
		if took := time.Since(start); took < 2*protocol.PingInterval {
			t.Errorf("left after %v", took)
		}
		s, _ = b.accept() // and no welcome comes
		s.waitClosed(time.Minute)
		b.welcome()
	})
}

func TestBye(t *testing.T) {
	for _, code := range []protocol.ByeCode{protocol.ByeBadKey, protocol.ByeReplaced} {
		t.Run(string(code), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bridge) {
				b.start()
				s, _ := b.accept()
				s.send(protocol.Bye{Code: code, Reason: "because"})
				var bye *worker.ByeError
				if err := <-b.done; !errors.As(err, &bye) || bye.Code != code || !strings.Contains(err.Error(), "because") {
					t.Errorf("Run returned %v", err)
				}
				s.waitClosed(time.Second)
			})
		})
	}
	for _, code := range []protocol.ByeCode{protocol.ByeDraining, protocol.ByeTooOld, protocol.ByeBadHello, protocol.ByeBadMessage, "later"} {
		t.Run(string(code), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bridge) {
				b.start()
				s, _ := b.welcome()
				s.send(protocol.Bye{Code: code})
				s.waitClosed(time.Second)
				b.welcome()
			})
		})
	}
}

func TestReconnectsSlowDown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.refuse = 9
		b.start()
		s, _ := b.welcome()
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second, 30 * time.Second}
		for i, w := range want {
			if got := b.dials[i+1].Sub(b.dials[i]); got != w {
				t.Errorf("wait %d is %v, want %v", i, got, w)
			}
		}
		s.cut() // at once after welcome: still slow
		s, _ = b.welcome()
		if got := b.dials[10].Sub(b.dials[9]); got != 30*time.Second {
			t.Errorf("after a short connection %v", got)
		}
		s.quiet(15 * time.Second)
		before := time.Now()
		s.cut()
		b.welcome()
		if got := time.Since(before); got != 500*time.Millisecond {
			t.Errorf("after a long connection %v", got)
		}
	})
	inBubble(t, func(t *testing.T, b *bridge) {
		b.cfg.Jitter = func() float64 { return 0 }
		b.refuse = 1
		b.start()
		b.welcome()
		if got := b.dials[1].Sub(b.dials[0]); got != 250*time.Millisecond {
			t.Errorf("with the least jitter %v", got)
		}
	})
}

func TestOddMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		for range 3 {
			s.in <- []byte(`{"type":"from_the_future"}`)
			s.in <- []byte(`{"type":"new_request","request_id":"x"}`)
		}
		s.send(protocol.Welcome{}) // a second one
		s.quiet(time.Second)
		if n := strings.Count(b.log.String(), "from_the_future"); n != 1 {
			t.Errorf("an unknown type was logged %d times", n)
		}
		s.in <- []byte(`[]`)
		s.waitClosed(time.Second)
		b.welcome()
		if strings.Contains(b.log.String(), "the-key") {
			t.Error("the key is in the log")
		}
	})
}

func TestRunEndsWhileDialling(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.cfg.Dial = func(ctx context.Context) (worker.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		b.start()
		synctest.Wait()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// checked is a backend that can say how it is.
type checked struct {
	*backend
	state []error // of the next checks; then nil
	mu    sync.Mutex
	asked int
	gate  chan struct{} // where set, a check waits for it
}

func (c *checked) Check(context.Context) error {
	if c.gate != nil {
		<-c.gate
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if len(c.state) == 0 {
		return nil
	}
	err := c.state[0]
	c.state = c.state[1:]
	return err
}

func TestHealth(t *testing.T) {
	loggedOut := &worker.Failure{Code: protocol.CodeLoggedOut}
	t.Run("after each welcome", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			for range 2 {
				s, _ := b.welcome()
				if h := expect[protocol.Health](s); !h.LoggedIn || !h.PageOK || h.LimitedUntil != nil {
					t.Errorf("%+v", h)
				}
				s.cut()
			}
		})
	})
	t.Run("as the backend says, until it is well", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			c := &checked{backend: b.backend, state: []error{loggedOut, &worker.Failure{Code: protocol.CodeChallenge}, errors.New("network"), loggedOut}}
			b.cfg.Backend = c
			b.start()
			s, _ := b.welcome()
			expect[protocol.Health](s)
			s.quietHealth(t, protocol.Health{LoggedIn: true})
			s.quietHealth(t, protocol.Health{LoggedIn: true, PageOK: true})
			s.quiet(5 * time.Minute) // and is not asked again
		})
	})
	t.Run("after an error that pauses", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			c := &checked{backend: b.backend}
			b.cfg.Backend = c
			b.start()
			s, _ := b.welcome()
			expect[protocol.Health](s)
			call := b.running(s, attemptRef(1))
			c.state = []error{loggedOut}
			call.fail(loggedOut)
			expect[protocol.Error](s)
			start := time.Now()
			s.quietHealth(t, protocol.Health{PageOK: true})
			s.quietHealth(t, protocol.Health{LoggedIn: true, PageOK: true})
			if took := time.Since(start); took < 2*time.Minute-protocol.PingInterval {
				t.Errorf("well after %v", took)
			}
			asked := c.asked
			s.quiet(5 * time.Minute)
			if c.asked != asked {
				t.Error("it is asked although it is well")
			}
		})
	})
	t.Run("what was seen before an error does not lift its pause", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			c := &checked{backend: b.backend, gate: make(chan struct{})}
			b.cfg.Backend = c
			b.start()
			s, _ := b.welcome()
			b.running(s, attemptRef(1)).fail(loggedOut)
			expect[protocol.StatusUpdate](s)
			expect[protocol.Error](s)
			c.gate <- struct{}{}
			synctest.Wait()
			s.send(protocol.Ping{})
			if m := s.next(); m != (protocol.Pong{}) {
				t.Errorf("%T %v", m, m)
			}
			close(c.gate)
			s.quietHealth(t, protocol.Health{LoggedIn: true, PageOK: true})
		})
	})
	t.Run("a rate limit needs none", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			expect[protocol.Health](s)
			b.running(s, attemptRef(1)).fail(&worker.Failure{Code: protocol.CodeRateLimited})
			expect[protocol.Error](s)
			s.quiet(5 * time.Minute) // fails on a health
		})
	})
}

// quietHealth pings until the worker says how it is.
func (s *socket) quietHealth(t *testing.T, want protocol.Health) {
	t.Helper()
	for range 100 {
		time.Sleep(protocol.PingInterval)
		s.send(protocol.Ping{})
		switch got := s.next().(type) {
		case protocol.Pong:
			continue
		case protocol.Health:
			if got.LoggedIn != want.LoggedIn || got.PageOK != want.PageOK {
				t.Fatalf("%+v, want %+v", got, want)
			}
			expect[protocol.Pong](s)
			return
		default:
			t.Fatalf("%T", got)
		}
	}
	t.Fatal("no health came")
}
