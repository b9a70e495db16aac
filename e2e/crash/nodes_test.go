package crash

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/client"
	"chatbridge/internal/node"
	"chatbridge/internal/store/postgres"
	"chatbridge/internal/store/sqlite"
	"chatbridge/internal/webhook"
)

// deaf is a bus that loses everything, though others are there.
type deaf struct{}

func (deaf) Publish(string, []byte)                    {}
func (deaf) Subscribe(string, func([]byte)) (_ func()) { return func() {} }
func (deaf) Peers() bool                               { return true }

// nodes are two nodes on one store.
type nodes struct {
	lossy bool         // they hear nothing of each other
	store bridge.Store // the last one's
	posts []bridge.Post
	bases []string
}

// startNodes starts them in this process; each is the whole server but for its
// listener. They stop when the test ends.
func startNodes(t *testing.T, lossy bool) *nodes {
	t.Helper()
	n := &nodes{lossy: lossy}
	open := opener(t)
	line := local.New()
	for _, name := range []string{"one", "two"} {
		member := line.Node()
		t.Cleanup(member.Close)
		var b bus.Bus = member
		if lossy {
			b = deaf{}
		}
		n.store = open()
		n.start(t, name, b)
	}
	return n
}

// opener opens a store again and again: with PostgreSQL each node has its own
// connections to the one database, with SQLite they share what is open.
func opener(t *testing.T) func() bridge.Store {
	t.Helper()
	path, url := harness.File(harness.Folder(t)), ""
	if harness.OnPostgres(t) {
		url = harness.Database(t)
	}
	var shared bridge.Store
	return func() bridge.Store {
		t.Helper()
		if shared != nil {
			return shared
		}
		var s bridge.Store
		var err error
		if url != "" {
			s, err = postgres.Open(t.Context(), postgres.Options{URL: url})
		} else {
			s, err = sqlite.Open(t.Context(), sqlite.Options{Path: path})
			shared = s
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
}

func (n *nodes) start(t *testing.T, name string, b bus.Bus) {
	t.Helper()
	out := webhook.NewClient(webhook.ClientOptions{AllowLoopback: true, UserAgent: "chatbridge/test"})
	directory := api.NewDirectory(n.store, b, quiet)
	key := []byte("the key that signs stream URLs")
	one := node.New(node.Options{Name: name, Store: n.store, Bus: b, Client: out, Log: quiet, StreamURL: api.StreamURLs(key),
		Listen: []func(*bridge.Changes){directory.Committed}})
	if err := one.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	edge, err := api.New(api.Options{Store: n.store, Post: one.Post, Here: one.Here, Node: name, Dispatch: one.Dispatch, Hub: one.Hub, Directory: directory,
		Log: quiet, Version: "test", StreamKey: key, StreamAuth: api.StreamAuthOpen, WebhookCheck: out.CheckURL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running errgroup.Group // the cleanup waits for it
	running.Go(func() error { return one.Run(ctx) })
	running.Go(func() error { return directory.Run(ctx) })
	server := httptest.NewServer(edge.Handler())
	t.Cleanup(func() {
		one.Drain()
		edge.Drain(time.Second)
		server.Close()
		stop()
		if err := running.Wait(); err != nil {
			t.Errorf("node %s: %v", name, err)
		}
		out.Close()
	})
	n.posts, n.bases = append(n.posts, one.Post), append(n.bases, server.URL)
}

// open makes an account as world.open does.
func (n *nodes) open(w *world, name string) actors.Account {
	w.t.Helper()
	cmd := &bridge.CreateAccount{Email: name + "@example.com", WebhookURL: w.sink(name).URL, Key: bridge.NewSecretKey(api.KeyPrefix), Secret: webhook.NewSecret()}
	if err := bridge.Do(w.Ctx, n.posts[0], cmd); err != nil {
		w.t.Fatal(err)
	}
	return w.add(cmd.Key, name, cmd.Secret)
}

// late tells the answers that came for a request after its end.
func (n *nodes) late(t testing.TB) func(id string) []actors.Digest {
	return func(id string) (texts []actors.Digest) {
		r, err := n.store.Request(t.Context(), id)
		if err != nil || r == nil {
			t.Fatalf("request %s: %v", id, err)
		}
		events, err := n.store.RequestEvents(t.Context(), r.Seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			var kept client.Event
			if e.Type == bridge.EventLate && json.Unmarshal(e.Data, &kept) == nil {
				texts = append(texts, actors.DigestOf(given(kept.Response)))
			}
		}
		return texts
	}
}

// TestNodes runs what two nodes on one store must do, each with a bus between
// them, and with one that loses everything: then the look finds it.
func TestNodes(t *testing.T) {
	t.Parallel()
	type nodesTest struct {
		name     string
		lossy    bool
		requests int64
		run      func(*world, *nodes, int64)
	}
	tests := []nodesTest{
		{"as one, with a bus", false, 300, asOne},
		{"as one, without", true, 100, asOne}, // each waits for a look
		{"across, with a bus", false, 20, across},
		{"across, without", true, 4, across}, // each waits for two
	}
	started := make([]*nodes, len(tests))
	for i, tc := range tests { // before any serves: making one sets what all share
		started[i] = startNodes(t, tc.lossy)
	}
	for i, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := started[i]
			w := newWorld(t, n.bases...)
			tc.run(w, n, tc.requests)
		})
	}
}

// asOne: clients, readers and workers come to either node, and workers that die
// come back to the other. It holds what one node promises.
func asOne(w *world, n *nodes, requests int64) {
	w.Quota.Store(requests)
	one, two := n.open(w, "v1"), n.open(w, "guide")
	w.Extension(one, "mortal-1", true)
	w.Extension(one, "mortal-2", true)
	w.Headless(one, "headless")
	w.Guide(two)
	w.Guide(two)
	for range 8 {
		w.Client(one)
	}
	w.Client(two)
	w.judge(n.late(w.t))
}

// across: what a client does on one node reaches a worker on the other, and
// back.
func across(here *world, n *nodes, requests int64) {
	there := newWorld(here.t, n.bases[0])
	there.Site, there.Book = here.Site, here.Book
	here.Bases = n.bases[1:]
	a := n.open(here, "v1")
	there.Extension(a, "page", false)

	slow := here.Submit(a, "slow", client.Submission{Message: actors.Slowly + "1"})
	reading := make(chan struct{})
	here.Go(func() { // the cleanup waits for it
		here.Follow(slow, here.Dice())
		close(reading)
	})
	harness.Eventually(here.t, "the other node's worker sends it", func() bool {
		r, err := here.API(a.Key).Get(here.Ctx, slow.ID)
		return err == nil && r.MayBeSentAt != nil
	})
	if !n.lossy {
		harness.Eventually(here.t, "a reader hears its text", func() bool { return here.Book.Times("deltas") > 2 })
	}
	here.Cancel(a, slow.ID)
	harness.Eventually(here.t, "the cancel reaches the worker", func() bool { return here.Book.Times("cancels that reached a worker") == 1 })
	<-reading

	here.Quota.Store(requests)
	here.Client(a)
	here.judge(n.late(here.t))
	if n.lossy && here.Book.Times("deltas") != 0 {
		here.t.Error("deltas came over a bus that loses everything")
	}
}

var quiet = slog.New(slog.DiscardHandler)
