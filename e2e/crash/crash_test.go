package crash

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/client"
)

// TestKill kills the server with SIGKILL at random moments under load, starts
// it again at once on the same data and port, and counts at the end: whatever
// was acknowledged is there, has ended, and was sent to the site once at most.
func TestKill(t *testing.T) {
	t.Parallel()
	s, w := underLoad(t)
	dice := w.Dice()
	for range *killsFlag {
		time.Sleep(actors.Between(dice, 50*time.Millisecond, 800*time.Millisecond))
		s.Kill()
		if dice.IntN(4) == 0 {
			stillborn(t, s, dice)
		}
		s.Restart()
	}
	w.Quota.Store(0)
	w.judge(lateAnswers(s))
}

// TestTerminate stops the server with SIGTERM under load: it drains, and ends
// with status 0 within 10 seconds; workers hear bye, and streams end between two
// events.
func TestTerminate(t *testing.T) {
	t.Parallel()
	const stops = 3
	s, w := underLoad(t)
	dice := w.Dice()
	for range stops {
		time.Sleep(actors.Between(dice, 500*time.Millisecond, 1500*time.Millisecond))
		s.Stop()
		s.Restart()
	}
	w.Quota.Store(0)
	w.judge(lateAnswers(s))
	if w.Book.Times("byes") == 0 || w.Book.Times("streams that the server ended") == 0 {
		t.Error("no worker heard bye, or no stream was open")
	}
	if n := w.Book.Times("streams that broke off"); n != 0 {
		t.Errorf("%d streams broke off", n)
	}
}

// underLoad starts a server, and two accounts' worth of clients, readers and
// workers: one with chatbridge.v1, one with the guide's dialect.
func underLoad(t *testing.T) (*harness.Server, *world) {
	var s *harness.Server
	t.Cleanup(func() { // after the server has ended
		if t.Failed() {
			keep(t, s)
		}
	})
	s = harness.Start(t)
	w := newWorld(t, "http://"+s.Addr)
	one, two := w.open(s, "v1"), w.open(s, "guide")
	w.Extension(one, "page", false)
	w.Extension(one, "mortal", true)
	w.Headless(one, "headless")
	w.Guide(two)
	w.Guide(two)
	for range 12 {
		w.Client(one)
	}
	for range 4 {
		w.Client(two)
	}
	return s, w
}

// open makes an account whose webhooks go to the sink, and listens to its feed.
func (w *world) open(s *harness.Server, name string) actors.Account {
	made := s.NewAccount(w.sink(name).URL)
	return w.add(made.Key, name, made.Secret)
}

// judge waits until all is over, counts and compares. late is as for count.
func (w *world) judge(late func(id string) []actors.Digest) {
	w.t.Helper()
	w.settle()
	c := w.count(late)
	w.t.Logf("seed %d: %v", w.Seed, c)
	w.t.Logf("on the way: %v", w.Book.Counts())
	c.check(w.t)
}

// lateAnswers are the answers that came for a request after its end.
func lateAnswers(s *harness.Server) func(id string) []actors.Digest {
	return func(id string) (texts []actors.Digest) {
		for _, e := range s.Events(id) {
			var kept client.Event
			if e.Type == "late" && json.Unmarshal(e.Data, &kept) == nil {
				texts = append(texts, actors.DigestOf(given(kept.Response)))
			}
		}
		return texts
	}
}

// stillborn starts the server and kills it before it is ready, or soon after.
func stillborn(t *testing.T, s *harness.Server, dice *rand.Rand) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), "serve", "--listen", s.Addr)
	cmd.Env = append(cmd.Environ(), s.Env()...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(actors.Between(dice, 5*time.Millisecond, 150*time.Millisecond))
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
}

// keep leaves the data of a failed run for who looks into it, where they are files.
func keep(t *testing.T, s *harness.Server) {
	if s == nil || harness.OnPostgres(t) {
		return
	}
	dir, err := os.MkdirTemp("", "chatbridge-"+strings.ToLower(t.Name())+"-")
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(s.Dir))
	}
	t.Logf("seed %d; the data are kept in %s (%v)", *seedFlag, dir, err)
}
