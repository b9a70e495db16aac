package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/worker"
	"chatbridge/protocol"
)

func TestEcho(t *testing.T) {
	known := "c7"
	long := strings.Repeat("word ", 5000)
	cases := map[string]struct {
		pace    time.Duration
		request protocol.NewRequest
		pieces  int
		took    time.Duration
		title   string
	}{
		"at once":      {0, protocol.NewRequest{Message: "one  two\nthree "}, 1, 0, "one  two"},
		"word by word": {time.Second, protocol.NewRequest{Message: "one two"}, 4, 3 * time.Second, "one two"},
		"long":         {50 * time.Millisecond, protocol.NewRequest{Message: long}, 193, 192 * 50 * time.Millisecond, strings.Repeat("word ", 12) + "…"},
		"a known chat": {0, protocol.NewRequest{Message: "one", ChatID: &known}, 1, 0, ""},
		"temporary":    {0, protocol.NewRequest{Message: "one", Temporary: true}, 1, 0, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				start := time.Now()
				a, err := worker.Echo{Pace: c.pace}.Answer(t.Context(), c.request, func(p string) { got = append(got, p) })
				if err != nil || a.Text != "You said: "+c.request.Message || strings.Join(got, "") != a.Text {
					t.Errorf("%.100q, %v", a.Text, err)
				}
				if len(got) != c.pieces || time.Since(start) != c.took || a.ChatTitle != c.title {
					t.Errorf("%d pieces in %v, title %q", len(got), time.Since(start), a.ChatTitle)
				}
				switch {
				case c.request.Temporary && a.ChatID != "", c.request.ChatID != nil && a.ChatID != known:
					t.Errorf("chat %q", a.ChatID)
				case !c.request.Temporary && a.ChatID == "":
					t.Error("no chat")
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := (worker.Echo{Pace: time.Minute}).Answer(ctx, protocol.NewRequest{Message: "one two"}, func(string) {}); !errors.Is(err, context.DeadlineExceeded) || time.Now().Second() > 2 {
			t.Errorf("it went on: %v", err)
		}
	})
}
