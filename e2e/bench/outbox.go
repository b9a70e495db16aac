package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/sqlite"
	"chatbridge/internal/webhook"
)

const (
	outboxAccounts = 5
	outboxPer      = 10 // endpoints of each
	outboxDead     = 2  // of each account's
	outboxSenders  = 64 // what ends requests at once, where that is not measured
)

// outbox is the delivery loop on a store of its own, in this process, and the endpoints that it delivers to.
type outbox struct {
	store     *sqlite.Store
	loop      *webhook.Loop
	client    *webhook.Client
	here      bridge.Here
	accounts  []int64
	looks     atomic.Int64
	committed func(*bridge.Changes) // hears of every commit; nil: nobody
}

// newOutbox makes the store and one account for each list of URLs. It does not deliver yet. The caller closes it.
func newOutbox(ctx context.Context, dir string, urls [][]string) (*outbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the outbox's folder: %w", err)
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "outbox.db")})
	if err != nil {
		return nil, err
	}
	o := &outbox{store: store, client: webhook.NewClient(webhook.ClientOptions{AllowLoopback: true, UserAgent: "bench"})}
	o.loop = webhook.New(webhook.Options{Store: lookCounter{store, &o.looks}, Post: o.post, Node: "bench", Client: o.client})
	o.here = bridge.Here{Node: "bench", Room: o.loop.Room}
	for i, list := range urls {
		cmd := &bridge.CreateAccount{Email: fmt.Sprintf("bench%d@example.com", i), Key: bridge.NewSecretKey("cb_"), WebhookURL: list[0], Secret: webhook.NewSecret()}
		if err := bridge.Do(ctx, o.post, cmd); err != nil {
			return nil, errors.Join(err, o.close())
		}
		o.accounts = append(o.accounts, cmd.Account.ID)
		for _, u := range list[1:] {
			cmd := &bridge.CreateEndpoint{AccountID: cmd.Account.ID, Fields: bridge.EndpointFields{URL: &u}, Secret: webhook.NewSecret()}
			if err := bridge.Do(ctx, o.post, cmd); err != nil {
				return nil, errors.Join(err, o.close())
			}
		}
	}
	return o, nil
}

func (o *outbox) close() error {
	o.client.Close()
	return o.store.Close()
}

// lookCounter counts how often the loop asks when the next try is due.
type lookCounter struct {
	bridge.Reader
	looks *atomic.Int64
}

func (r lookCounter) NextTry(ctx context.Context) (time.Time, error) {
	r.looks.Add(1)
	return r.Reader.NextTry(ctx)
}

// post executes a command and tells the loop, as a node does.
func (o *outbox) post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	o.store.Post(cmd, func(c *bridge.Changes, err error) {
		if err == nil {
			o.loop.Committed(c)
			if o.committed != nil {
				o.committed(c)
			}
		}
		done(c, err)
	})
}

// deliver runs the loop while do runs, with a CPU profile of it into file if that is not empty.
func (o *outbox) deliver(ctx context.Context, file string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx) // waited for below
	group.Go(func() error { return o.loop.Run(ctx) })
	group.Go(func() error {
		defer cancel()
		return profiled(file, func() error { return do(ctx) })
	})
	return group.Wait()
}

func profiled(file string, do func() error) error {
	if file == "" {
		return do()
	}
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("making the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return fmt.Errorf("starting the profile: %w", err)
	}
	defer func() {
		pprof.StopCPUProfile()
		_ = out.Close()
	}()
	return do()
}

// request makes one that can be ended.
func (o *outbox) request(ctx context.Context, account int64, message string) (string, error) {
	cmd := &bridge.Submit{AccountID: account, Message: message}
	if err := cmd.Validate(); err != nil {
		return "", err
	}
	if err := bridge.Do(ctx, o.post, cmd); err != nil {
		return "", err
	}
	return cmd.Request.ID, nil
}

// owe ends n requests of each account, so that each of its endpoints is owed n deliveries.
func (o *outbox) owe(ctx context.Context, n int, message string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(outboxSenders)
	for _, account := range o.accounts {
		for range n {
			group.Go(func() error {
				id, err := o.request(ctx, account, message)
				if err != nil {
					return err
				}
				return bridge.Do(ctx, o.post, &bridge.Cancel{AccountID: account, RequestID: id, Here: o.here})
			})
		}
	}
	return group.Wait()
}

// receiver serves h on a port of its own. stop waits for its end.
func receiver(h http.HandlerFunc) (stop func(), url string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("listening: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }() // stop waits for it
	return func() { _ = srv.Close(); <-done }, "http://" + ln.Addr().String() + "/hook", nil
}

// sinks are the endpoints of several accounts.
type sinks struct {
	urls  [][]string // by account
	stops []func()
}

func (s *sinks) close() {
	for _, stop := range s.stops {
		stop()
	}
}

// dead are the ways in which endpoints do not work: one answers 500, one hangs, one (nil) refuses.
var dead = []http.HandlerFunc{
	func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not see the client go
		<-r.Context().Done()
	},
	nil,
}

// listen starts the endpoints of outboxAccounts accounts; so many of each are dead, and the others are served by h.
func listen(deadOfEach int, h http.HandlerFunc) (*sinks, error) {
	s := &sinks{}
	for account := range outboxAccounts {
		var list []string
		for k := range outboxPer {
			handler := h
			if k < deadOfEach {
				handler = dead[(account*deadOfEach+k)%len(dead)]
			}
			stop, url, err := receiver(handler)
			if err != nil {
				s.close()
				return nil, err
			}
			if handler == nil {
				stop()
			} else {
				s.stops = append(s.stops, stop)
			}
			list = append(list, url)
		}
		s.urls = append(s.urls, list)
	}
	return s, nil
}

// padded is a message of n bytes that begins with a mark.
func padded(mark string, n int) string { return mark + strings.Repeat("x", max(0, n-len(mark))) }

// mark is the first word of the message in the body of a webhook.
func mark(body []byte) string {
	const field = `"message":"`
	s := string(body)
	i := strings.Index(s, field)
	if i < 0 {
		return ""
	}
	s, _, _ = strings.Cut(s[i+len(field):], " ")
	return s
}

// until waits for something that comes soon.
func until(ctx context.Context, come func() bool) error {
	for !come() {
		if err := sleepUntil(ctx, time.Now().Add(time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// profileOf is the file for a profile of this process, if one is asked for.
func profileOf(s settings, target string) string {
	if s.profile == "" {
		return ""
	}
	ext := filepath.Ext(s.profile)
	return strings.TrimSuffix(s.profile, ext) + "." + target + ext
}

// ownCPU is the CPU that this process has used; 0 where the system does not tell.
func ownCPU() time.Duration {
	d, _ := cpuTime(os.Getpid())
	return d
}
