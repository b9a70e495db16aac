package chaos

import (
	"fmt"
	"io/fs"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
)

// fault is something that goes wrong from outside, or that an operator does. It
// returns once the server serves again.
type fault struct {
	name string
	do   func(*town)
}

// faults come one after the other, in the order of a shuffled deck; what is named
// twice comes twice as often.
var faults = []fault{
	{"SIGKILL", (*town).kill}, {"SIGKILL", (*town).kill}, {"SIGKILL", (*town).kill},
	{"SIGKILL at the start", (*town).stillborn},
	{"SIGTERM", (*town).terminate},
	{"secret rotated", (*town).rotate},
	{"endpoint off and on", (*town).pause},
	{"moods change", (*town).turn}, {"moods change", (*town).turn},
}

const (
	// diskFor is how long a disk stays full.
	diskFor = 500 * time.Millisecond
	// room is what a full disk still takes.
	room = 64 << 10
	// rests are the times between two faults: at least, and at most.
	restsLeast, restsMost = 100 * time.Millisecond, 700 * time.Millisecond
	// hurried is how much longer they are in a long run, so that it comes to an end.
	hurried = 4
	// endsBetween is how many requests end between two faults, where that does not
	// take longer than endsWithin.
	endsBetween, endsWithin = 50, 10 * time.Second
)

// rage lets faults happen until all requests have been made, and each fault once
// at least.
func (w *town) rage() {
	deck := append(append([]fault{}, faults...), w.engine.faults...)
	for round := 0; round == 0 || w.Quota.Load() > 0; round++ {
		w.dice.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for _, f := range deck {
			if round > 0 && w.Quota.Load() <= 0 {
				return
			}
			w.rest(int(w.asked) / (2 * len(deck)))
			f.do(w)
			w.done[f.name]++
		}
	}
}

// rest is the time between two faults. On a slow machine it is longer: some
// requests, at most so many, must end in it, or nothing but faults would happen.
func (w *town) rest(ends int) {
	ended := func() int {
		w.Book.Mu.Lock()
		defer w.Book.Mu.Unlock()
		return len(w.Book.Ends)
	}
	enough := ended() + min(ends, endsBetween)
	rest := actors.Between(w.dice, restsLeast, restsMost)
	if w.asked >= many {
		rest *= hurried
	}
	time.Sleep(rest)
	for deadline := time.Now().Add(endsWithin); ended() < enough && w.Quota.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *town) kill() {
	w.server.Kill()
	w.server.Restart()
	w.restarts++
}

// stillborn kills the server, and then one that has hardly started.
func (w *town) stillborn() {
	w.server.Kill()
	cmd := exec.Command(harness.Binary(w.t), "serve", "--listen", w.server.Addr, "--data", w.server.Dir)
	cmd.Env = append(cmd.Environ(), w.engine.env...)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(actors.Between(w.dice, 5*time.Millisecond, 200*time.Millisecond))
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	w.server.Restart()
	w.restarts++
}

func (w *town) terminate() {
	w.server.Stop()
	w.server.Restart()
	w.restarts++
}

// fillDisk lets the server's files grow by a little only, for a while.
func (w *town) fillDisk() {
	var largest int64
	err := filepath.WalkDir(w.server.Dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				largest = max(largest, info.Size())
			}
		}
		return nil // a file may go while we look
	})
	if err == nil {
		err = harness.LimitFiles(w.server.PID(), uint64(largest+room))
	}
	if err != nil {
		w.t.Logf("the disk cannot be filled here: %v", err)
		return
	}
	time.Sleep(diskFor)
	if err := harness.LimitFiles(w.server.PID(), 1<<40); err != nil {
		w.t.Fatal(err)
	}
}

// rotate gives an endpoint a new secret. Nothing else goes wrong meanwhile: an
// answer that is lost would leave the sink without it.
func (w *town) rotate() {
	e := w.endpoints[w.dice.IntN(len(w.endpoints))]
	var made struct {
		Secret string `json:"webhook_secret"`
	}
	if w.admin("POST", fmt.Sprintf("/api/admin/accounts/%d/endpoints/%d/secret/rotate/", e.account, e.id), nil, &made) {
		e.sink.Trust(made.Secret)
	}
}

// pause switches an endpoint off for a while. What ends meanwhile owes it
// nothing.
func (w *town) pause() {
	e := w.endpoints[w.dice.IntN(len(w.endpoints))]
	if e.mood == actors.Gone {
		return // it is switched off by what it answers
	}
	off := window{from: time.Now()}
	w.patch(e, harness.Fields{"enabled": false})
	time.Sleep(actors.Between(w.dice, restsLeast, restsMost))
	w.patch(e, harness.Fields{"enabled": true})
	off.to = time.Now()
	e.off = append(e.off, off)
}

// patch changes an endpoint.
func (w *town) patch(e *endpoint, fields harness.Fields) {
	if !w.admin("PATCH", fmt.Sprintf("/api/admin/accounts/%d/endpoints/%d/", e.account, e.id), fields, nil) {
		w.t.Fatalf("endpoint %d cannot be changed", e.id)
	}
}

// turn changes how some endpoints answer: those that are to heal are well for a
// time, and ill again; one that says 410 has owed messages by then.
func (w *town) turn() {
	for _, e := range w.endpoints {
		switch {
		case e.mood == actors.Gone:
			e.sink.Turn(e.mood)
		case e.ill || w.dice.IntN(3) != 0:
		case w.dice.IntN(2) == 0:
			e.sink.Turn(actors.Well)
		default:
			e.sink.Turn(e.mood)
		}
	}
}

// admin makes a call of the admin API, again while the store is not there.
func (w *town) admin(method, path string, body, out any) bool {
	w.t.Helper()
	for deadline := time.Now().Add(harness.Patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r := w.server.Admin().Call(method, path, body)
		switch {
		case r.Status == http.StatusServiceUnavailable:
			continue
		case r.Status >= 300:
			w.t.Errorf("%s %s: status %d: %s", method, path, r.Status, r.Body)
			return false
		case out != nil:
			r.JSON(out)
		}
		return true
	}
	w.t.Errorf("%s %s: the store does not come back", method, path)
	return false
}
