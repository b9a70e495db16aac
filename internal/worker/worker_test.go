package worker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"

	"github.com/google/go-cmp/cmp"
)

// inBubble runs a test with a bridge in a bubble and ends the worker after it.
func inBubble(t *testing.T, test func(t *testing.T, b *bridge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t)
		defer func() {
			if b.stop != nil {
				b.stop()
			}
		}()
		test(t, b)
	})
}

func TestHelloIsFirstAndItsNumberRises(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, hello := b.welcome()
		want := protocol.Hello{Key: "the-key", WorkerID: "w1", N: hello.N, Name: "test", Version: "1", Site: "nowhere", Capacity: 3, Holding: []protocol.Holding{}}
		if d := cmp.Diff(want, hello); d != "" {
			t.Error(d)
		}
		last := hello.N
		for range 3 {
			s.cut()
			s, hello = b.welcome()
			kept, err := b.store.Get("worker")
			if hello.N <= last || err != nil || !strings.Contains(string(kept), `"worker_id":"w1"`) {
				t.Fatalf("n %d after %d, kept %s, %v", hello.N, last, kept, err)
			}
			last = hello.N
		}
		b.crash()
		b.start()
		if _, hello = b.accept(); hello.N <= last {
			t.Errorf("n %d after a restart, %d before", hello.N, last)
		}
	})
}

func TestNumberIsKeptBeforeItIsUsed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.store.put = func(string, []byte) error { return errors.New("disk full") }
		b.start()
		if err := <-b.done; err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("Run returned %v", err)
		}
		if len(b.dials) > 0 {
			t.Error("it connected with a number that is not kept")
		}
	})
}

func TestWorkerIDIsMadeOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.cfg.WorkerID = ""
		b.start()
		_, first := b.welcome()
		if err := b.end(); err != nil {
			t.Fatal(err)
		}
		b.start()
		_, second := b.welcome()
		if first.WorkerID == "" || first.WorkerID != second.WorkerID {
			t.Errorf("%q, then %q", first.WorkerID, second.WorkerID)
		}
	})
}

func TestNothingIsSentBeforeGo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		ref := attemptRef(1)
		s.send(request(ref))
		if got := expect[protocol.Ready](s); got.Ref != ref {
			t.Errorf("ready for %v", got)
		}
		if kept := b.store.kept(t); !strings.Contains(kept, `"phase":"typing"`) || !strings.Contains(kept, "Hello") {
			t.Errorf("before go it kept %q", kept)
		}
		b.notCalled("before go")

		s.send(protocol.Go{Ref: attemptRef(2)})
		b.notCalled("for another attempt's go")

		s.send(protocol.Go{Ref: ref})
		c := b.call()
		if kept := b.store.kept(t); !strings.Contains(kept, `"phase":"submitted"`) {
			t.Errorf("when it was called, it had kept %q", kept)
		}
		if d := cmp.Diff(request(ref), c.request); d != "" {
			t.Error(d)
		}
		s.send(protocol.Go{Ref: ref}) // a repeated go
		s.send(request(ref))          // a repeated request
		b.notCalled("twice")

		c.answer("Hi")
		r := expect[protocol.Response](s)
		if r.Ref != ref || r.Response != "Hi" || r.ChatID == nil || *r.ChatID != "c1" {
			t.Errorf("%+v", r)
		}
		s.send(protocol.Ack{Ref: ref})
		synctest.Wait()
		if kept := b.store.kept(t); kept != "" {
			t.Errorf("after ack it keeps %s", kept)
		}
	})
}

func TestWithoutAWrittenSubmittedNothingIsSent(t *testing.T) {
	for name, put := range map[string]func() error{
		"disk full": func() error { return errors.New("disk full") },
		"too slow":  func() error { time.Sleep(protocol.PressWithin + time.Second); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bridge) {
				b.store.put = func(_ string, data []byte) error {
					if strings.Contains(string(data), `"phase":"submitted"}`) {
						return put()
					}
					return nil
				}
				b.start()
				s, _ := b.welcome()
				s.send(request(attemptRef(1)))
				expect[protocol.Ready](s)
				s.send(protocol.Go{Ref: attemptRef(1)})
				if e := expect[protocol.Error](s); e.Code != protocol.CodeWorkerError || !strings.Contains(e.Error, "not sent") {
					t.Errorf("%+v", e)
				}
				b.notCalled("without submitted on the disk")
			})
		})
	}
}

func TestNoGoMeansANewConnectionAndReadyAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		ref := attemptRef(1)
		s.send(request(ref))
		expect[protocol.Ready](s)
		s.quiet(29 * time.Second)
		s.waitClosed(2 * time.Second)

		s, hello := b.accept()
		want := []protocol.Holding{{Ref: ref, Phase: protocol.PhaseTyping}}
		if d := cmp.Diff(want, hello.Holding); d != "" {
			t.Fatal(d)
		}
		s.send(protocol.Go{Ref: ref}) // before keep, so it is none
		b.notCalled("before welcome")
		s.send(protocol.Welcome{PingSeconds: 20, Keep: []protocol.Ref{ref}})
		expect[protocol.Ready](s)
		b.notCalled("before go on the new connection")
		s.send(protocol.Go{Ref: ref})
		b.call()
	})
}

func TestAGoThatComesTooLateIsNotUsed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		ref := attemptRef(1)
		s.send(request(ref))
		expect[protocol.Ready](s)
		s.quiet(10 * time.Second)
		time.Sleep(20*time.Second + 500*time.Microsecond) // the worker has not yet looked at its clock
		s.send(protocol.Go{Ref: ref})
		s.waitClosed(time.Second)
		b.notCalled("more than 30 s after its ready")
	})
}

func TestResultsAreKeptUntilAck(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		c := b.running(s, attemptRef(1))
		s.cut()
		synctest.Wait()
		c.answer("Hi") // while nobody is there
		for range 2 {
			var hello protocol.Hello
			s, hello = b.welcome()
			if len(hello.Holding) != 1 || hello.Holding[0].Phase != protocol.PhaseEnded {
				t.Fatalf("holding %v", hello.Holding)
			}
			expect[protocol.Response](s)
			s.cut()
		}
		s, _ = b.welcome()
		expect[protocol.Response](s)
		s.send(protocol.Ack{Ref: attemptRef(1)})
		synctest.Wait()
		s.cut()
		if _, hello := b.welcome(); len(hello.Holding) > 0 {
			t.Errorf("after ack it holds %v", hello.Holding)
		}
	})
}

func TestTakenAway(t *testing.T) {
	ref := attemptRef(1)
	t.Run("while it waits for go", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			s.send(request(ref))
			expect[protocol.Ready](s)
			s.send(protocol.Cancel{Ref: ref})
			if got := expect[protocol.Cancelled](s); got.Ref != ref || b.store.kept(t) != "" {
				t.Errorf("%v, kept %q", got, b.store.kept(t))
			}
			s.send(protocol.Go{Ref: ref})
			b.notCalled("after cancel")
		})
	})
	t.Run("while it runs: cancelled is said when the backend has stopped", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.backend.linger = 5 * time.Second
			b.start()
			s, _ := b.welcome()
			c := b.running(s, ref)
			start := time.Now()
			s.send(protocol.Cancel{Ref: ref})
			synctest.Wait()
			c.emit("late") // is not sent
			expect[protocol.Cancelled](s)
			if time.Since(start) != b.backend.linger || c.ctx.Err() == nil || b.store.kept(t) != "" {
				t.Errorf("said after %v, backend %v, kept %q", time.Since(start), c.ctx.Err(), b.store.kept(t))
			}
		})
	})
	t.Run("while it runs, and it has stopped before the next welcome", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.backend.linger = 5 * time.Second
			b.start()
			s, _ := b.welcome()
			b.running(s, ref)
			s.send(protocol.Cancel{Ref: ref})
			synctest.Wait()
			s.cut()
			s, hello := b.accept()
			if len(hello.Holding) != 1 {
				t.Fatalf("holding %v", hello.Holding)
			}
			time.Sleep(10 * time.Second)
			s.send(protocol.Welcome{PingSeconds: 20, Drop: []protocol.Ref{ref}})
			expect[protocol.Cancelled](s)
		})
	})
	t.Run("when it has ended", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			b.running(s, ref).answer("Hi")
			expect[protocol.Response](s)
			s.send(protocol.Cancel{Ref: ref})
			expect[protocol.Cancelled](s)
			s.cut()
			if _, hello := b.welcome(); len(hello.Holding) > 0 {
				t.Errorf("holding %v", hello.Holding)
			}
		})
	})
	t.Run("what is not known is cancelled too", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			s.send(protocol.Cancel{Ref: ref})
			expect[protocol.Cancelled](s)
		})
	})
	t.Run("by drop, or by silence about it", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			dropped, unnamed, kept := b.running(s, attemptRef(1)), b.running(s, attemptRef(2)), b.running(s, attemptRef(3))
			s.cut()
			s, _ = b.accept()
			s.send(protocol.Welcome{PingSeconds: 20, Drop: []protocol.Ref{attemptRef(1)}, Keep: []protocol.Ref{attemptRef(3)}})
			expect[protocol.Cancelled](s)
			expect[protocol.Cancelled](s)
			if dropped.ctx.Err() == nil || unnamed.ctx.Err() == nil || kept.ctx.Err() != nil {
				t.Error("the wrong ones were stopped")
			}
			kept.answer("Hi")
			expect[protocol.Response](s)
		})
	})
	t.Run("by ack: stopped, forgotten, nothing said", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			c := b.running(s, ref)
			s.send(protocol.Ack{Ref: ref})
			s.quiet(time.Minute)
			if c.ctx.Err() == nil || b.store.kept(t) != "" {
				t.Error("not stopped or not forgotten")
			}
		})
	})
}

func TestSeveralAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		var calls []*call
		for i := range 3 {
			calls = append(calls, b.running(s, attemptRef(i+1)))
		}
		for i := 2; i >= 0; i-- {
			calls[i].answer("Hi")
			if r := expect[protocol.Response](s); r.Ref != attemptRef(i+1) {
				t.Errorf("%v", r.Ref)
			}
		}
	})
}

func TestNewChecksSettings(t *testing.T) {
	for name, change := range map[string]func(*worker.Config){
		"no key":     func(c *worker.Config) { c.Key = "" },
		"no backend": func(c *worker.Config) { c.Backend = nil },
		"capacity":   func(c *worker.Config) { c.Capacity = -1 },
		"worker id":  func(c *worker.Config) { c.WorkerID = strings.Repeat("w", 201) },
	} {
		b := newBridge(t)
		change(&b.cfg)
		if _, err := worker.New(b.cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
