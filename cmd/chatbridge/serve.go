package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/node"
	"chatbridge/internal/retention"
	"chatbridge/internal/webhook"
)

type serveCmd struct {
	dataFlags
	Listen       string         `help:"Address to listen on; the default is localhost:8000, on 127.0.0.1 and ::1." placeholder:"ADDR"`
	Demo         bool           `help:"To try everything at once: with an account and a worker that says each message back, in the process."`
	PublicURL    *url.URL       `help:"The server's address as others see it, such as https://bridge.example.com behind a proxy: for the link that it prints, and for cookies that go over https only." name:"public-url" placeholder:"URL"`
	StreamAuth   string         `help:"Who may read a request's stream: whoever has its id (open), or only with its stream_url or a key (required)." enum:"open,required" default:"open"`
	CORSOrigins  []string       `help:"Origins whose pages may call the client API, such as https://app.example.com; all if left out." name:"cors-origins" placeholder:"ORIGIN"`
	WebhookAllow []netip.Prefix `help:"Ranges of addresses that webhooks may go to although they are not public, such as 10.0.0.0/8." placeholder:"CIDR"`
	Bus          string         `help:"How several nodes tell each other news. Not there yet: leave it out." placeholder:"URL"`
	keepFlags
	LogFormat     string `help:"How the log on standard error is written: text, lines to read yourself; json, one object a line, for programs that collect logs." enum:"text,json" default:"text"`
	AdminPassword string `help:"The admin's password, for containers." hidden:""`
	Pprof         string `help:"Serve Go's profiles on this address." hidden:"" placeholder:"ADDR"`

	settings []api.Setting // in force
}

// AfterApply is called by the parser.
func (c *serveCmd) AfterApply(k *kong.Context) error {
	c.settings = settingsOf(k)
	for i := range c.settings {
		if s := &c.settings[i]; s.Name == "listen" && c.Listen == "" {
			var port bool
			if s.Value, port = c.address(); port {
				s.Env, s.Origin = "PORT", "environment"
			}
		}
	}
	return nil
}

// address is where to listen, and whether $PORT alone says so.
func (c *serveCmd) address() (addr string, port bool) {
	if c.Listen != "" {
		return c.Listen, false
	}
	if port := os.Getenv("PORT"); port != "" {
		return ":" + port, true
	}
	return "localhost:8000", false
}

func (serveCmd) Help() string {
	return `Examples:
  chatbridge serve --demo
  chatbridge serve --listen 0.0.0.0:8000 --public-url https://bridge.example.com --stream-auth required
  PORT=10000 chatbridge serve --data /var/lib/chatbridge

Without --listen, a set $PORT means that port on all interfaces. Each flag is also an
environment variable: CHATBRIDGE_STREAM_AUTH=required. The first start prints a link to
set the admin password; CHATBRIDGE_ADMIN_PASSWORD sets it for containers.
Ctrl-C, or SIGTERM, finishes what is being stored and stops within 10 seconds.`
}

const (
	// drainSockets is how long workers and streams may take to hear goodbye.
	drainSockets = 2 * time.Second
	// drainHTTP is how long requests under way may take to end.
	drainHTTP = 5 * time.Second
	// onlyNode names the node of a data folder, which has no other.
	onlyNode = "main"

	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Run serves until ctx ends, then drains.
func (c *serveCmd) Run(ctx context.Context, io *console) error {
	if c.Bus != "" {
		return usageError(fmt.Sprintf("--bus: %q is not supported by this version; leave it out", schemeOf(c.Bus)))
	}
	log := c.logger(io)
	store, err := c.openLogging(ctx, log)
	if err != nil {
		return err
	}
	defer store.Close()
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	listeners, err := c.listen()
	if err != nil {
		return err
	}
	defer closeAll(listeners)

	client := c.webhookClient(listeners)
	defer client.Close()
	member, leave := c.join()
	defer leave()
	name := c.nodeName(listeners)
	directory := api.NewDirectory(store, member, log)
	streamKey, err := streamKey(ctx, store.Post)
	if err != nil {
		return fmt.Errorf("the store cannot be written: %w", told(err))
	}
	n := node.New(node.Options{Name: name, Store: store, Bus: member, Client: client, Log: log,
		StreamURL: api.StreamURLs(streamKey), Listen: []func(*bridge.Changes){directory.Committed}})
	if err := n.Begin(ctx); err != nil {
		return fmt.Errorf("begin on the data of an earlier run: %w", told(err))
	}
	edge, err := api.New(api.Options{Store: store, Post: n.Post, Here: n.Here, Node: name, Dispatch: n.Dispatch, Hub: n.Hub, Directory: directory, Log: log,
		Version: version, StreamKey: streamKey, StreamAuth: c.StreamAuth, CORSOrigins: c.CORSOrigins,
		LoopbackOnly: loopbackOnly(listeners), PublicHost: c.publicHost(), WebhookCheck: client.CheckURL, TestEndpoint: n.Webhooks.Test, Settings: c.settings, Secure: c.PublicURL != nil && c.PublicURL.Scheme == "https"})
	if err != nil {
		return err
	}

	rooms, stopRooms := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRooms()
	running, failed := errgroup.WithContext(rooms)
	running.Go(func() error { return n.Run(rooms) })
	running.Go(func() error { return directory.Run(rooms) })
	running.Go(func() error { return retention.New(n.Post, store, c.retention(), log).Run(rooms) })
	running.Go(func() error { return c.hearKnocks(rooms, directory.Void) })
	running.Go(func() error { return tuneMemory(rooms, n.Hub.Streams) })
	server := &http.Server{Handler: edge.Handler(), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	for _, l := range listeners {
		running.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	if err := c.pprof(rooms, running); err != nil {
		stopRooms()
		server.Close()
		return errors.Join(err, running.Wait())
	}
	base := "http://" + displayAddr(listeners)
	err = c.welcome(ctx, io, store, n, base)
	if err == nil && c.Demo {
		err = c.demo(rooms, running, io, store, n.Post, base, log)
	}
	if ctx.Err() != nil {
		err = nil // told to stop while it was still starting
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case <-failed.Done():
		}
	}
	log.Info("stopping")
	n.Drain()
	edge.Drain(drainSockets)
	shutdown, cancel := context.WithTimeout(context.Background(), drainHTTP)
	defer cancel()
	if server.Shutdown(shutdown) != nil {
		server.Close()
	}
	stopRooms()
	return errors.Join(err, running.Wait())
}

// join takes a place on the bus, until leave is called. Nodes that share a store
// and have no bus hear of each other when they look there.
func (c *serveCmd) join() (member bus.Bus, leave func()) {
	if c.shared() {
		return bus.Silent{}, func() {}
	}
	n := local.New().Node()
	return n, n.Close
}

// nodeName is unique among the nodes of a store, and the same after a restart.
func (c *serveCmd) nodeName(ls []net.Listener) string {
	if !c.shared() {
		return onlyNode
	}
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s:%d", host, addrOf(ls[0]).Port())
}

func (c *serveCmd) logger(io *console) *slog.Logger {
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(io.err, nil))
	}
	return slog.New(slog.NewTextHandler(io.err, nil))
}

// listen opens the listeners: one, or for localhost one each for IPv4 and IPv6.
func (c *serveCmd) listen() ([]net.Listener, error) {
	addr, _ := c.address()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usageError(fmt.Sprintf("--listen: %q is not an address; write one like localhost:8000 or 0.0.0.0:8000", addr))
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, cannotListen(addr, err)
		}
		return []net.Listener{l}, nil
	}
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, cannotListen(addr, err)
	}
	_, port, _ = net.SplitHostPort(four.Addr().String())
	if six, err := net.Listen("tcp6", net.JoinHostPort("::1", port)); err == nil { // else there is no IPv6 here
		return []net.Listener{four, six}, nil
	}
	return []net.Listener{four}, nil
}

func cannotListen(addr string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("cannot listen on %s: %w. Choose another address with --listen", addr, err)
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		l.Close()
	}
}

func addrOf(l net.Listener) netip.AddrPort {
	a := l.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func loopbackOnly(ls []net.Listener) bool {
	for _, l := range ls {
		if !addrOf(l).Addr().IsLoopback() {
			return false
		}
	}
	return true
}

// displayAddr is how a person on this machine reaches the server.
func displayAddr(ls []net.Listener) string {
	a := addrOf(ls[0])
	if a.Addr().IsLoopback() || a.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d", a.Port())
	}
	return a.String()
}

func (c *serveCmd) publicHost() string {
	if c.PublicURL == nil {
		return ""
	}
	return c.PublicURL.Host
}

// webhookClient is the guarded client, which reaches our own receiver by our own
// listener.
func (c *serveCmd) webhookClient(ls []net.Listener) *webhook.Client {
	own := addrOf(ls[0])
	dial := own.String()
	if own.Addr().IsUnspecified() {
		dial = fmt.Sprintf("127.0.0.1:%d", own.Port())
	}
	return webhook.NewClient(webhook.ClientOptions{
		Allow: c.WebhookAllow, AllowLoopback: loopbackOnly(ls), UserAgent: "chatbridge/" + version,
		Own: webhook.OwnReceiver(int(own.Port()), c.PublicURL),
		DialOwn: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", dial)
		},
	})
}

// streamKey is the key that signs stream URLs, made at the first start.
func streamKey(ctx context.Context, post bridge.Post) ([]byte, error) {
	cmd := &bridge.InitSetting{Name: bridge.SettingStreamKey, Value: bridge.NewSecretKey("")}
	err := bridge.Do(ctx, post, cmd)
	return []byte(cmd.Present), err
}

// welcome says where the server is, and how to get into a fresh panel.
func (c *serveCmd) welcome(ctx context.Context, io *console, store bridge.Reader, n *node.Node, base string) error {
	shown := base
	if c.PublicURL != nil {
		shown = c.PublicURL.String()
	}
	hash, err := store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return told(err)
	}
	listens := fmt.Sprintf("chatbridge %s listens on %s\n", version, base)
	switch {
	case c.AdminPassword != "" && !api.CheckPassword(hash, c.AdminPassword):
		hash, err := api.HashPassword(c.AdminPassword)
		if err == nil {
			err = bridge.Do(ctx, n.Post, &bridge.SetPassword{Hash: hash, By: operator})
		}
		if err != nil {
			return usageError("CHATBRIDGE_ADMIN_PASSWORD: " + told(err).Error())
		}
		fmt.Fprint(io.out, listens)
	case hash == "":
		link, err := makeLink(ctx, n.Post, shown)
		if err != nil {
			return told(err)
		}
		fmt.Fprintf(io.out, "%s\nSet the admin password (the link works once, for an hour):\n  %s\n", listens, link)
	default:
		fmt.Fprint(io.out, listens)
	}
	return nil
}

// pprof serves Go's profiles where the operator asked for them.
func (c *serveCmd) pprof(ctx context.Context, running *errgroup.Group) error {
	if c.Pprof == "" {
		return nil
	}
	l, err := net.Listen("tcp", c.Pprof)
	if err != nil {
		return cannotListen(c.Pprof, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout}
	context.AfterFunc(ctx, func() { server.Close() })
	running.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}
