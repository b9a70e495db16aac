package crash

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

const (
	// diskBytes is a disk on which a fresh database has room, and little more.
	diskBytes = 16 << 20
	// room is what a full disk still has: for some messages, but no answer.
	room = 1 << 20
)

// TestFullDisk: where nothing more can be stored, a client hears 503 and when to
// come again, a worker hears no ack; what was acknowledged stays, and all goes
// on by itself once there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if harness.OnPostgres(t) {
		fullPostgres(t)
		return
	}
	t.Run("no space left", func(t *testing.T) {
		t.Parallel()
		dir := mount(t, harness.Folder(t), diskBytes)
		d := fillable(t, dir)
		d.data, d.readable, d.says = filepath.Join(dir, "data"), true, "disk"
		fullDisk(t, d)
	})
	t.Run("files may not grow", func(t *testing.T) {
		t.Parallel()
		fullDisk(t, disk{readable: true, says: "disk",
			fill: func(s *harness.Server) { limitFiles(t, s.PID(), room) }, free: func(s *harness.Server) { limitFiles(t, s.PID(), 1<<40) }})
	})
}

// disk is one that becomes full, and has room again.
type disk struct {
	env        []string // for serve
	data       string   // the data folder, "" for any
	readable   bool     // what is stored, while the disk is full
	says       string   // words of a refusal
	fill, free func(*harness.Server)
}

// fillable is the disk of a folder, which a file fills.
func fillable(t *testing.T, dir string) disk {
	filler := filepath.Join(dir, "filler")
	free := func(*harness.Server) {
		t.Helper()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	return disk{fill: func(*harness.Server) { fill(t, filler) }, free: free}
}

// fill writes a file until its disk is full, but for a little.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 4096); ; {
		if _, err := f.Write(chunk); err != nil {
			break
		}
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		err = f.Truncate(at - room)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// noise is text that can't be pressed into fewer bytes, as PostgreSQL would.
func noise(bytes int) string {
	b := make([]byte, bytes*3/4)
	rand.NewChaCha8([32]byte{}).Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func fullDisk(t *testing.T, d disk) {
	var flags []string
	if d.data != "" {
		flags = []string{"--data", d.data}
	}
	s := harness.StartEnv(t, d.env, flags...)
	if d.data != "" {
		s.Dir = d.data
	}
	c := s.User()
	first := c.Submit("Before")
	hello := harness.Hello(c.Key, "worker", 1)
	w := s.Join(hello)
	ref := w.Take().Ref
	want(t, "the hand-over", ref.RequestID, first.ID)

	d.fill(s)
	acknowledged := map[string]string{first.ID: "Before"}
	const most = 200 // of 100 KiB, more than the disk has
	refused := false
	for i := 0; i < most && !refused; i++ {
		message := fmt.Sprintf("%d %s", i, noise(100<<10))
		r := c.Call("POST", "/api/chat/submit/", harness.Fields{"message": message})
		if refused = r.Status != http.StatusCreated; refused {
			p := r.Problem(http.StatusServiceUnavailable, "store_unavailable")
			if !strings.Contains(p.Detail, d.says) {
				t.Errorf("it does not say why: %s", p.Detail)
			}
			continue
		}
		var made harness.Request
		r.JSON(&made)
		acknowledged[made.ID] = message
	}
	if !refused {
		t.Fatal("the disk never became full")
	}
	if len(acknowledged) < 2 {
		t.Error("nothing was acknowledged before the disk was full: that tests little")
	}
	answer := noise(4 << 20)
	w.Send(protocol.Response{Ref: ref, Response: answer})
	w.Closed() // without an ack
	if d.readable {
		for id, message := range acknowledged {
			want(t, "what was acknowledged, while the disk is full", c.Get(id).Message, message)
		}
		want(t, "the answer that was not acked", c.Get(first.ID).Status, "executing")
	}

	d.free(s)
	harness.Eventually(t, "a submission is taken again", func() bool {
		r := c.Call("POST", "/api/chat/submit/", harness.Fields{"message": "After"})
		if r.Status != http.StatusCreated {
			r.Problem(http.StatusServiceUnavailable, "store_unavailable")
			return false
		}
		var made harness.Request
		r.JSON(&made)
		acknowledged[made.ID] = "After"
		return true
	})
	hello.N, hello.Holding = 2, []protocol.Holding{{Ref: ref, Phase: protocol.PhaseEnded}}
	w = s.Join(hello)
	want(t, "the attempt is kept", len(w.Welcome.Keep), 1)
	w.Answer(ref, answer)
	s.Kill()
	s.Restart()
	hello.N, hello.Holding = 3, nil
	w = s.Join(hello)
	for left := len(acknowledged) - 1; left > 0; {
		r := w.Take()
		if message, ours := acknowledged[r.RequestID]; ours { // else it was refused, and stored all the same
			want(t, "the message", r.Message, message)
			left--
		}
		w.Answer(r.Ref, "Hi")
	}
	for id := range acknowledged {
		want(t, "at the end", c.Get(id).Status, "done")
	}
	want(t, "the first answer", *c.Get(first.ID).Response, answer)
}

// mount makes a small disk in memory, where the system lets us.
func mount(t *testing.T, dir string, bytes int, options ...string) string {
	t.Helper()
	flags := strings.Join(append(options, fmt.Sprintf("size=%d", bytes)), ",")
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", flags, "chatbridge-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no disk can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount %s: %v: %s", dir, err, out)
		}
	})
	return dir
}

// limitFiles bounds how large the files of another process may become.
func limitFiles(t *testing.T, pid int, bytes uint64) {
	t.Helper()
	if err := harness.LimitFiles(pid, bytes); err != nil {
		t.Skip(err)
	}
}
