package worker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"
)

// reader puts deltas together as the bridge does.
type reader struct {
	runes []rune
	times []time.Time
}

func (r *reader) take(t *testing.T, d protocol.Delta) {
	t.Helper()
	if d.Offset > len(r.runes) {
		t.Fatalf("a delta at %d after %d code points", d.Offset, len(r.runes))
	}
	r.runes = append(r.runes[:d.Offset], []rune(d.Text)...)
	r.times = append(r.times, time.Now())
}

// until reads deltas until the text is whole.
func (r *reader) until(t *testing.T, s *socket, want string) {
	t.Helper()
	for string(r.runes) != want {
		if !strings.HasPrefix(want, string(r.runes)) {
			t.Fatalf("the text became %q", string(r.runes))
		}
		r.take(t, expect[protocol.Delta](s))
	}
}

func TestDeltasCountCodePointsAndKeepTheirPace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		c := b.running(s, attemptRef(1))
		const piece = "é😀\r\n<b>"
		go func() { // read to the end below
			for range 500 {
				c.emit(piece)
				time.Sleep(2 * time.Millisecond)
			}
		}()
		var r reader
		r.until(t, s, strings.Repeat(piece, 500))
		for i, at := range r.times {
			if j := i + protocol.MaxDeltasPerSecond; j < len(r.times) && r.times[j].Sub(at) < time.Second {
				t.Fatalf("%d deltas in %v", protocol.MaxDeltasPerSecond+1, r.times[j].Sub(at))
			}
		}
		if took := r.times[len(r.times)-1].Sub(r.times[0]); len(r.times) < 15 || took > 2*time.Second {
			t.Errorf("%d deltas in %v", len(r.times), took)
		}
	})
}

func TestPhasesAreTold(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		c := b.running(s, attemptRef(1))
		if got := expect[protocol.StatusUpdate](s); got.Phase != protocol.PhaseSubmitted || got.Status != protocol.StatusExecuting {
			t.Errorf("%+v", got)
		}
		c.emit("H")
		if got := expect[protocol.StatusUpdate](s); got.Phase != protocol.PhaseAnswering {
			t.Errorf("%+v", got)
		}
		expect[protocol.Delta](s)
		s.cut()
		s, hello := b.welcome()
		if hello.Holding[0].Phase != protocol.PhaseAnswering {
			t.Errorf("holding %v", hello.Holding)
		}
		if got := expect[protocol.StatusUpdate](s); got.Phase != protocol.PhaseAnswering {
			t.Errorf("%+v", got)
		}
	})
}

func TestTextBeginsAnewAfterConnectAndResync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		c := b.running(s, attemptRef(1))
		c.emit("Hé")
		if d := expect[protocol.Delta](s); d.Offset != 0 || d.Text != "Hé" {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Second)
		c.emit("llo")
		if d := expect[protocol.Delta](s); d.Offset != 2 || d.Text != "llo" {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Second)
		s.send(protocol.Resync{Ref: attemptRef(1)})
		if d := expect[protocol.Delta](s); d.Offset != 0 || d.Text != "Héllo" {
			t.Errorf("after resync %+v", d)
		}
		s.cut()
		synctest.Wait()
		c.emit("!")
		s, _ = b.welcome()
		if d := expect[protocol.Delta](s); d.Offset != 0 || d.Text != "Héllo!" {
			t.Errorf("after a reconnect %+v", d)
		}
	})
}

func TestLongTextFitsTheMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bridge) {
		b.start()
		s, _ := b.welcome()
		c := b.running(s, attemptRef(1))
		long := "x" + strings.Repeat("\x01\x02é", 1<<19) // 2 MiB, most of it escaped; 1 MiB ends within an é
		c.emit(long)
		var r reader
		r.until(t, s, long) // encode and decode would fail beyond the limit
		if len(r.times) < 2 {
			t.Error("it came in one delta")
		}
	})
}

func TestTooLongAnswers(t *testing.T) {
	limit := strings.Repeat("x", protocol.MaxAnswerBytes)
	cases := map[string]struct {
		emit, answer string
		partial      int // bytes of partial_response at least
	}{
		"returned":                {"", limit + "x", 0},
		"emitted":                 {limit[1:] + "é", "", 0},
		"emitted, then more":      {"half", limit + "x", 4},
		"too long when escaped":   {"", strings.Repeat("\x01", protocol.MaxMessageBytes/6+1), 0},
		"partial too long, too":   {strings.Repeat("\x01", 2<<20), strings.Repeat("\x01", 2<<20), 1 << 20},
		"whole at the very limit": {"", limit, -1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bridge) {
				b.start()
				s, _ := b.welcome()
				call := b.running(s, attemptRef(1))
				s.cut() // the deltas are not the point here
				synctest.Wait()
				if call.emit(c.emit); c.answer != "" {
					call.answer(c.answer)
				}
				synctest.Wait()
				s, _ = b.welcome()
				if c.partial < 0 {
					if r := expect[protocol.Response](s); len(r.Response) != len(c.answer) {
						t.Errorf("%d bytes", len(r.Response))
					}
					return
				}
				e := expect[protocol.Error](s)
				if e.Code != protocol.CodeIncompleteAnswer || (e.PartialResponse == nil) != (c.partial == 0) {
					t.Fatalf("%s %s, partial %v", e.Code, e.Error, e.PartialResponse != nil)
				}
				if e.PartialResponse != nil && len(*e.PartialResponse) < c.partial {
					t.Errorf("%d bytes of partial response", len(*e.PartialResponse))
				}
			})
		})
	}
}

func TestFailures(t *testing.T) {
	cases := map[string]struct {
		end   func(*call)
		code  protocol.ErrorCode
		words string
		retry int
	}{
		"a Failure": {func(c *call) { c.fail(&worker.Failure{Code: protocol.CodeTooLong, Sentence: "Shorten it."}) }, protocol.CodeTooLong, "Shorten it.", 0},
		"a limit": {func(c *call) {
			c.fail(&worker.Failure{Code: protocol.CodeRateLimited, RetryAfter: 1500 * time.Millisecond})
		}, protocol.CodeRateLimited, "", 2},
		"a plain error": {func(c *call) { c.fail(errors.New("no idea")) }, protocol.CodeWorkerError, "no idea", 0},
		"no text":       {func(c *call) { c.answer("") }, protocol.CodeIncompleteAnswer, "without any text", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bridge) {
				b.start()
				s, _ := b.welcome()
				call := b.running(s, attemptRef(1))
				call.emit("Half")
				expect[protocol.Delta](s)
				c.end(call)
				e := expect[protocol.Error](s)
				retry := 0
				if e.RetryAfter != nil {
					retry = *e.RetryAfter
				}
				if e.Code != c.code || !strings.Contains(e.Error, c.words) || retry != c.retry || e.PartialResponse == nil || *e.PartialResponse != "Half" {
					t.Errorf("%+v, retry after %d", e, retry)
				}
				s.cut() // kept until ack
				s, _ = b.welcome()
				expect[protocol.Error](s)
			})
		})
	}
}
