package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// stopWithin is how long a server may take to drain.
	stopWithin = 10 * time.Second
	// portAgain is how long a restart tries for a port that a passing
	// connection may have taken in between.
	portAgain = 5 * time.Second
)

// Server is a running `chatbridge serve`.
type Server struct {
	t     testing.TB
	flags []string
	env   []string
	token string

	// Dir is the data folder.
	Dir string
	// Addr is host and port, as the program printed it: localhost:PORT.
	Addr string
	// Stdout and Stderr are what it wrote, over all its lives.
	Stdout, Stderr *Output

	cmd  *exec.Cmd
	done chan struct{} // closed once the process has ended
	err  error         // how; read after done
}

// Start runs `chatbridge serve` on a free port with a data folder and a store of
// its own (see [Store]) and these flags, waits until it listens, and stops it when
// the test ends: it must then end with status 0 within 10 seconds, and no secret
// may be in what it wrote, which is shown if the test failed.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	return StartEnv(t, nil, flags...)
}

// StartEnv is Start with variables ("NAME=value") added to the environment. One
// that names a store decides where to store.
func StartEnv(t testing.TB, env []string, flags ...string) *Server {
	t.Helper()
	noteEnv(env)
	if storeIn(env) == "" {
		env = append(Store(t), env...)
	}
	s := &Server{t: t, flags: flags, env: env, Dir: Folder(t), Addr: "localhost:0", Stdout: &Output{}, Stderr: &Output{}}
	t.Cleanup(func() {
		if s.alive() {
			s.Stop()
		}
		s.noLeaks()
		if t.Failed() {
			t.Logf("the server's stdout:\n%s\nits stderr:\n%s", s.Stdout, s.Stderr)
		}
	})
	s.run()
	return s
}

// On is the same server as another test sees it, such as a subtest: what fails
// there ends that one. Only the one that Start gave may stop and restart it.
func (s *Server) On(t testing.TB) *Server {
	on := *s
	on.t = t
	return &on
}

// environment is ours without what would change the program's defaults.
func environment(env []string) []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "CHATBRIDGE_") || strings.HasPrefix(v, "PORT=")
	})
	return append(own, env...)
}

var listens = regexp.MustCompile(`(?m)^chatbridge \S+ listens on http://(\S+)$`)

// run starts the process and waits for its first line.
func (s *Server) run() {
	s.t.Helper()
	before := len(s.Stdout.String())
	for deadline := time.Now().Add(portAgain); ; {
		s.cmd = exec.Command(Binary(s.t), append([]string{"serve", "--listen", s.Addr, "--data", s.Dir}, s.flags...)...)
		s.cmd.Env = environment(s.env)
		s.cmd.Stdout, s.cmd.Stderr = s.Stdout, s.Stderr
		if err := s.cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		s.done = make(chan struct{})
		go func() { // ends with the process, which Stop, Kill or the cleanup end
			s.err = s.cmd.Wait()
			close(s.done)
		}()
		for s.alive() {
			if m := listens.FindStringSubmatch(s.Stdout.String()[before:]); m != nil {
				s.Addr = m[1]
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		if !strings.Contains(s.Stderr.String(), "address already in use") || time.Now().After(deadline) {
			s.t.Fatalf("serve ended at its start: %v\n%s", s.err, s.Stderr)
		}
	}
}

func (s *Server) alive() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Stop sends SIGTERM; the server must end with status 0 within 10 seconds.
func (s *Server) Stop() {
	s.t.Helper()
	s.Terminate()
	s.Ended()
}

// Terminate sends SIGTERM and does not wait.
func (s *Server) Terminate() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
}

// Ended waits for the end after Terminate: status 0 within 10 seconds.
func (s *Server) Ended() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(stopWithin):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // the stacks of all goroutines
		<-s.done
		s.t.Errorf("the server did not stop within %v of SIGTERM", stopWithin)
		return
	}
	if s.err != nil {
		s.t.Errorf("the server ended with %v, want status 0", s.err)
	}
}

// Kill ends the server by SIGKILL.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Restart starts a server that has ended again, on the same data and port.
func (s *Server) Restart() {
	s.t.Helper()
	s.run()
}

// PID is the process's id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// URL is the address of a path, such as "/api/health/".
func (s *Server) URL(path string) string { return "http://" + s.Addr + path }

// WS is the address of a path for WebSockets.
func (s *Server) WS(path string) string { return "ws://" + s.Addr + path }

// CLI runs a command on the server's data, beside it, with its variables.
func (s *Server) CLI(args ...string) Result {
	s.t.Helper()
	return Run(s.t, s.Env(), args...)
}

// Env are the variables with which a command that a test starts by itself works on
// the server's data.
func (s *Server) Env() []string { return append(slices.Clone(s.env), "CHATBRIDGE_DATA="+s.Dir) }

// Account makes an account by `chatbridge account create`; webhookURL may be "".
func (s *Server) Account(email, webhookURL string) (key, secret string) {
	s.t.Helper()
	args := []string{"account", "create", email, "--json"}
	if webhookURL != "" {
		args = append(args, "--webhook-url", webhookURL)
	}
	r := s.CLI(args...)
	var made struct {
		Key    string `json:"key"`
		Secret string `json:"webhook_secret"`
	}
	if r.Status != 0 || json.Unmarshal([]byte(r.Stdout), &made) != nil {
		s.t.Fatalf("account create: %+v", r)
	}
	Secret("an API key", made.Key)
	Secret("a webhook secret", made.Secret)
	return made.Key, made.Secret
}

// Token returns an admin token, made by `chatbridge admin token create`.
func (s *Server) Token() string {
	s.t.Helper()
	if s.token == "" {
		r := s.CLI("admin", "token", "create", "tests", "--json")
		var made struct {
			Token string `json:"token"`
		}
		if r.Status != 0 || json.Unmarshal([]byte(r.Stdout), &made) != nil {
			s.t.Fatalf("admin token create: %+v", r)
		}
		Secret("an admin token", made.Token)
		s.token = made.Token
	}
	return s.token
}

// Receiver is the address of the server's own webhook receiver.
func (s *Server) Receiver() string { return s.URL("/api/webhooks/chatgpt/") }

// Stream is the WebSocket address of a request's stream_url.
func (s *Server) Stream(streamURL string) string {
	u, err := url.Parse(streamURL)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.WS(strings.Replace(u.Path, "/api/sse/", "/ws/stream/", 1) + "?" + u.RawQuery)
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Run runs one command to its end with variables added to the environment. No
// secret may be in what it writes that was known before.
func Run(t testing.TB, env []string, args ...string) Result {
	t.Helper()
	noteEnv(env)
	before := noted()
	program := Binary(t)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment(env)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || ctx.Err() != nil {
		t.Fatalf("chatbridge %s: %v, %v\n%s", strings.Join(args, " "), err, ctx.Err(), &errs)
	}
	leaks(t, before, "what a command wrote", out.String()+errs.String())
	return Result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// String is for a test's message.
func (r Result) String() string {
	return fmt.Sprintf("status %d\nstdout: %s\nstderr: %s", r.Status, r.Stdout, r.Stderr)
}

// Output is what a process writes. It may be read meanwhile.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is all that was written.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Background starts a command that runs on. stop ends it by SIGTERM; it must
// then end with status 0, and no secret may be in what it wrote.
func Background(t testing.TB, env []string, args ...string) (stop func()) {
	t.Helper()
	noteEnv(env)
	var errs Output
	cmd := exec.Command(Binary(t), args...)
	cmd.Env = environment(env)
	cmd.Stdout, cmd.Stderr = &errs, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(stopWithin, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("chatbridge %s: %v\n%s", strings.Join(args, " "), err, &errs)
		}
		leaks(t, noted(), "what a command wrote", errs.String())
	})
	t.Cleanup(ended)
	return ended
}
