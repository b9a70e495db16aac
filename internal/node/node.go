// Package node wires the rooms of one node together around a store: what a
// command commits is told, in the order of the commits, to the streams, the
// dispatch, the webhooks and whoever else listens. It has no rule of its own.
package node

import (
	"context"
	"encoding/json"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
	"chatbridge/internal/dispatch"
	"chatbridge/internal/stream"
	"chatbridge/internal/webhook"
	"chatbridge/internal/wire"
)

// Options are what a node is made of. The caller owns Store, Bus and Client,
// and closes them after Run has returned.
type Options struct {
	Name   string // unique among live nodes, and the same after a restart
	Store  bridge.Store
	Bus    bus.Bus
	Client *webhook.Client // dials the webhooks' endpoints
	// StreamURL is the signed stream URL of a request, for the requests that
	// an account's stream shows.
	StreamURL func(requestID string) string
	Log       *slog.Logger
	// Listen hears what this node commits, in order, and must not block.
	Listen []func(*bridge.Changes)
}

// Node is one node's rooms.
type Node struct {
	o        Options
	outcomes chan outcome
	Hub      *stream.Hub
	Dispatch *dispatch.Dispatch
	Webhooks *webhook.Loop
	Here     bridge.Here
}

// New makes a node; Run runs it.
func New(o Options) *Node {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	n := &Node{o: o, outcomes: make(chan outcome, maxOutcomes)}
	n.Hub = stream.New(stream.Options{
		Store: o.Store, Bus: o.Bus, Log: o.Log,
		Waiting:     func(r *bridge.Request) *wire.Waiting { return n.Dispatch.Waiting(r) },
		RequestJSON: n.requestJSON,
	})
	n.Webhooks = webhook.New(webhook.Options{Store: o.Store, Post: n.Post, Node: o.Name, Client: o.Client, Log: o.Log})
	n.Here = bridge.Here{Node: o.Name, Room: n.Webhooks.Room, Partial: n.Hub.Partial}
	n.Dispatch = dispatch.New(dispatch.Options{Store: o.Store, Post: n.Post, Here: n.Here, Live: n.Hub, Bus: o.Bus, Log: o.Log})
	return n
}

// Post executes a command and tells the rooms what was committed.
func (n *Node) Post(cmd bridge.Command, done func(*bridge.Changes, error)) {
	n.o.Store.Post(cmd, func(c *bridge.Changes, err error) {
		if err == nil {
			n.committed(c)
		}
		done(c, err)
	})
}

func (n *Node) committed(c *bridge.Changes) {
	n.Webhooks.Committed(c) // first: what it begins has the longest way
	n.Dispatch.Observe(c)
	n.Hub.Committed(c)
	n.Dispatch.Committed(c)
	n.note(c)
	for _, listen := range n.o.Listen {
		listen(c)
	}
}

// Begin is a node's first act: leases get their full time, and what an earlier
// life of the node had claimed is free again.
func (n *Node) Begin(ctx context.Context) error {
	return bridge.Do(ctx, n.Post, &bridge.Start{Node: n.o.Name})
}

// Run runs the rooms until ctx ends.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Hub.Run(ctx) })
	g.Go(func() error { return n.Dispatch.Run(ctx) })
	g.Go(func() error { return n.Webhooks.Run(ctx) })
	g.Go(func() error { return n.logOutcomes(ctx) })
	return g.Wait()
}

// Drain takes no new work: streams end before their end, and workers are told to
// come back elsewhere; in this order, so that no stream tells of workers leaving.
func (n *Node) Drain() {
	n.Hub.Drain()
	n.Dispatch.Drain()
}

func (n *Node) requestJSON(r *bridge.Request) []byte {
	live := wire.Live{Unfinished: n.Dispatch.Unfinished(context.Background(), r.Chat), StreamURL: n.o.StreamURL(r.ID)}
	switch r.Status {
	case bridge.Idle:
		live.Waiting = n.Dispatch.Waiting(r)
	case bridge.Executing:
		live.Phase = n.Hub.PhaseOf(r)
	}
	data, err := json.Marshal(wire.RequestOf(r, live))
	if err != nil {
		panic(err) // strings, numbers and checked JSON always encode
	}
	return data
}
