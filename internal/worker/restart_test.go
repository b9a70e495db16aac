package worker_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/protocol"

	"github.com/google/go-cmp/cmp"
)

func TestAfterARestart(t *testing.T) {
	t.Run("what was not submitted is ready again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			s.send(request(attemptRef(1)))
			expect[protocol.Ready](s)
			b.crash()
			b.start()
			s, hello := b.welcome()
			if len(hello.Holding) != 1 || hello.Holding[0].Phase != protocol.PhaseTyping {
				t.Fatalf("holding %v", hello.Holding)
			}
			expect[protocol.Ready](s)
			b.notCalled("without go")
			s.send(protocol.Go{Ref: attemptRef(1)})
			if c := b.call(); c.request.Message != "Hello" {
				t.Errorf("the request came back as %+v", c.request)
			}
		})
	})
	t.Run("what was submitted is lost and never sent again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			c := b.running(s, attemptRef(1))
			time.Sleep(3 * time.Second)
			c.emit("Half an ans")
			synctest.Wait()
			b.crash()
			b.start()
			s, hello := b.welcome()
			if len(hello.Holding) != 1 || hello.Holding[0].Phase != protocol.PhaseEnded {
				t.Fatalf("holding %v", hello.Holding)
			}
			e := expect[protocol.Error](s)
			if e.Code != protocol.CodeWorkerLost || e.PartialResponse == nil || *e.PartialResponse != "Half an ans" {
				t.Errorf("%+v", e)
			}
			s.send(protocol.Go{Ref: attemptRef(1)})
			b.notCalled("again")
		})
	})
	t.Run("an answer that was not acked is sent again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			b.running(s, attemptRef(1)).answer("\u2028" + strings.Repeat("<&>", 1<<20)) // must not grow on the disk
			first := expect[protocol.Response](s)
			b.crash()
			b.start()
			s, _ = b.welcome()
			if d := cmp.Diff(first, expect[protocol.Response](s)); d != "" {
				t.Error(d)
			}
		})
	})
	t.Run("a graceful end keeps the text so far", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			b.running(s, attemptRef(1)).emit("Half")
			expect[protocol.Delta](s)
			if err := b.end(); err != nil {
				t.Fatal(err)
			}
			s.waitClosed(time.Second)
			b.start()
			s, _ = b.welcome()
			if e := expect[protocol.Error](s); e.PartialResponse == nil || *e.PartialResponse != "Half" {
				t.Errorf("%+v", e)
			}
		})
	})
	t.Run("an end in the middle of an answer is no failure of it", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			b.running(s, attemptRef(1))
			if err := b.end(); err != nil {
				t.Fatal(err)
			}
			b.start()
			s, _ = b.welcome()
			if e := expect[protocol.Error](s); e.Code != protocol.CodeWorkerLost || e.PartialResponse != nil {
				t.Errorf("%+v", e)
			}
		})
	})
	t.Run("an answer that came as the worker ended is kept", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			b.start()
			s, _ := b.welcome()
			c := b.running(s, attemptRef(1))
			held := make(chan struct{})
			b.store.put = func(string, []byte) error { <-held; return nil } // the loop is busy
			s.send(request(attemptRef(2)))
			synctest.Wait()
			c.answer("Hi")
			synctest.Wait()
			b.stop()
			synctest.Wait()
			b.store.put = nil
			close(held)
			<-b.done
			b.start()
			s, _ = b.welcome()
			for {
				switch m := s.next().(type) {
				case protocol.Response:
					return
				case protocol.Error:
					t.Fatalf("%+v", m)
				}
			}
		})
	})
	t.Run("what cannot be read is left out", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bridge) {
			if err := b.store.Put("attempt-x", []byte("{")); err != nil {
				t.Fatal(err)
			}
			b.start()
			if _, hello := b.welcome(); len(hello.Holding) > 0 || b.store.kept(t) != "" {
				t.Errorf("holding %v", hello.Holding)
			}
		})
	})
}
