package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 20 * time.Second // from the start of a server to its first 200 on /readyz
	stopLimit  = 15 * time.Second // from SIGTERM to the end: a drain may take 10 s
)

// server is a running target.
type server struct {
	name, addr string
	account    account
	adminToken string
	pprof      string // where profiles are served; empty: nowhere
	pid        int
	log        string // the file of its output; empty: none
	stop       func() error
}

// account is what `chatbridge account create --json` prints.
type account struct {
	Key           string `json:"key"`
	WebhookURL    string `json:"webhook_url"`
	WebhookSecret string `json:"webhook_secret"`
}

// build builds the real program into dir.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "chatbridge")
	if err := command(ctx, nil, "go", "build", "-o", binary, "chatbridge/cmd/chatbridge"); err != nil {
		return "", fmt.Errorf("building chatbridge: %w", err)
	}
	return binary, nil
}

// command runs a program to its end, its output (JSON) into out where that is not nil.
func command(ctx context.Context, out any, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, cleanEnv()
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		return fmt.Errorf("%s %s: reading %q: %w", name, strings.Join(args, " "), stdout.String(), err)
	}
	return nil
}

// cleanEnv is our environment without what would configure chatbridge, but for
// where it stores.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if (!strings.HasPrefix(e, "CHATBRIDGE_") || strings.HasPrefix(e, "CHATBRIDGE_STORE=")) && !strings.HasPrefix(e, "PORT=") {
			env = append(env, e)
		}
	}
	return env
}

// start starts a target on a fresh folder and waits until it is ready and has an account. The caller calls stop.
func start(ctx context.Context, target, dir string, s settings) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the target's folder: %w", err)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	srv := &server{name: target, addr: addr, log: filepath.Join(dir, "log")}
	data := filepath.Join(dir, "data")
	binary, args := s.binary, []string{"serve", "--listen", addr, "--data", data}
	if target == "bare" {
		if binary, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("finding ourselves: %w", err)
		}
		args = []string{"-serve-bare", "-listen", addr, "-data", data}
	}
	if s.profile != "" {
		if srv.pprof, err = freeAddr(); err != nil {
			return nil, err
		}
		args = append(args, "--pprof", srv.pprof)
	}
	if err := srv.launch(ctx, binary, args); err != nil {
		return nil, err
	}
	if err := srv.prepare(ctx, binary, data); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, srv.tail()), srv.stop())
	}
	return srv, nil
}

// launch starts the child and sets stop. The end of ctx stops it too.
func (srv *server) launch(ctx context.Context, binary string, args []string) error {
	out, err := os.Create(srv.log)
	if err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	defer out.Close() // the child has its own
	childCtx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(childCtx, binary, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, cleanEnv()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit // then killed
	if err := cmd.Start(); err != nil {
		cancel()
		return fmt.Errorf("starting %s: %w", srv.name, err)
	}
	srv.pid = cmd.Process.Pid
	srv.stop = func() error {
		began := time.Now()
		cancel()
		_ = cmd.Wait() // the error of ctx, mostly: the code says more
		if time.Since(began) >= stopLimit {
			return fmt.Errorf("%s did not stop within %v of SIGTERM and was killed", srv.name, stopLimit)
		}
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("%s exited with %d after SIGTERM\n%s", srv.name, code, srv.tail())
		}
		return nil
	}
	return nil
}

// prepare waits until the server is ready and makes the account.
func (srv *server) prepare(ctx context.Context, binary, data string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := srv.get(ctx, "/readyz", nil)
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready within %v: %w", srv.name, startLimit, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if srv.name == "bare" {
		srv.account = bareAccount(srv.addr)
		return nil
	}
	err := command(ctx, &srv.account, binary, "account", "create", "bench@example.com",
		"--webhook-url", "http://"+srv.addr+"/api/webhooks/chatgpt/", "--json", "--data", data)
	if err != nil {
		return err
	}
	var token struct {
		Token string `json:"token"`
	}
	if err := command(ctx, &token, binary, "admin", "token", "create", "bench", "--json", "--data", data); err != nil {
		fmt.Fprintln(os.Stderr, "bench: the webhooks' results will not be checked:", err)
		return nil
	}
	srv.adminToken = token.Token
	return nil
}

// freeAddr is a loopback address whose port was free a moment ago.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// tail is the end of the server's output, for an error's message.
func (srv *server) tail() string {
	const most = 2000
	data, _ := os.ReadFile(srv.log)
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return fmt.Sprintf("the last output of %s:\n%s", srv.name, data)
}

// statusError is an answer other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(e)) }

// get reads the JSON of a path with the admin token; into nil: only its status counts.
func (srv *server) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+srv.addr+path, nil)
	if err != nil {
		return err
	}
	if srv.adminToken != "" {
		req.Header.Set("Authorization", "Bearer "+srv.adminToken)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return statusError(res.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// settle waits until the webhook of each of these requests has a stored 2xx, and says how long one of them was still seen
// without: 0 where all had theirs when first looked at. It checks nothing where the server has no list of deliveries.
func (srv *server) settle(ctx context.Context, requestIDs []string) (time.Duration, error) {
	if srv.name != "bare" && srv.adminToken == "" {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	began := time.Now()
	var settled time.Duration
	for _, id := range requestIDs {
		for {
			var list []struct {
				Status string `json:"status"`
			}
			err := srv.get(ctx, "/api/admin/deliveries/?request_id="+url.QueryEscape(id), &list)
			if status, ok := errors.AsType[statusError](err); ok && status == http.StatusNotFound {
				fmt.Fprintf(os.Stderr, "bench: %s has no list of deliveries: the webhooks' results are not checked\n", srv.name)
				return 0, nil
			}
			if err == nil && len(list) == 1 && list[0].Status == "delivered" {
				break
			}
			settled = time.Since(began)
			select {
			case <-ctx.Done():
				return 0, fmt.Errorf("the webhook of request %s was not seen delivered (%+v): %w", id, list, errors.Join(err, ctx.Err()))
			case <-time.After(time.Millisecond):
			}
		}
	}
	return settled, nil
}

// startProfile fetches a CPU profile of the next d, where one is asked for. wait gives its error once it is written.
func (srv *server) startProfile(ctx context.Context, file string, d time.Duration) (wait func() error) {
	if file == "" {
		return func() error { return nil }
	}
	ext := filepath.Ext(file)
	file = strings.TrimSuffix(file, ext) + "." + srv.name + ext
	done := make(chan error, 1)
	go func() { done <- srv.fetchProfile(ctx, file, d) }() // waited for by wait; ends with ctx
	return func() error { return <-done }
}

func (srv *server) fetchProfile(ctx context.Context, file string, d time.Duration) error {
	u := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", srv.pprof, max(1, int(d.Seconds())))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("fetching the profile: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching the profile: %w", statusError(res.StatusCode))
	}
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("fetching the profile: %w", err)
	}
	return os.WriteFile(file, data, 0o644)
}
