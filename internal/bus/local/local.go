// Package local is a bus within one process: for several nodes in one test or
// simulation, and for one node that has nobody to talk to.
package local

import (
	"maps"
	"slices"
	"sync"

	"chatbridge/internal/bus"
)

// queueLength bounds what waits for one node. Hints are small and taken at
// once; a node that is so far behind had better look at the store.
const queueLength = 4096

// Bus joins the nodes of one process.
type Bus struct {
	mu    sync.Mutex
	nodes map[*Node]struct{}
}

// New makes a bus without nodes.
func New() *Bus { return &Bus{nodes: make(map[*Node]struct{})} }

// Node adds a node. Close takes it off again.
func (b *Bus) Node() *Node {
	n := &Node{bus: b, queue: make(chan message, queueLength), done: make(chan struct{}), subs: make(map[string][]*subscription)}
	b.mu.Lock()
	b.nodes[n] = struct{}{}
	b.mu.Unlock()
	n.running.Go(n.run) // Close waits
	return n
}

// Node is one node's place on the bus.
type Node struct {
	bus     *Bus
	queue   chan message
	done    chan struct{}
	closing sync.Once
	running sync.WaitGroup

	mu   sync.Mutex
	subs map[string][]*subscription
}

var _ bus.Bus = (*Node)(nil)

type message struct {
	subject string
	data    []byte
}

type subscription struct{ fn func([]byte) }

// Close takes the node off the bus and waits for a subscriber that is running.
// A subscriber must not call it.
func (n *Node) Close() {
	n.closing.Do(func() {
		n.bus.mu.Lock()
		delete(n.bus.nodes, n)
		n.bus.mu.Unlock()
		close(n.done)
	})
	n.running.Wait()
}

// Publish implements bus.Bus.
func (n *Node) Publish(subject string, data []byte) {
	if len(data) > bus.MaxMessage {
		return
	}
	n.bus.mu.Lock()
	others := slices.Collect(maps.Keys(n.bus.nodes))
	n.bus.mu.Unlock()
	for _, other := range others {
		if other == n || !other.hears(subject) {
			continue
		}
		select {
		case other.queue <- message{subject, data}:
		default:
		}
	}
}

// Subscribe implements bus.Bus.
func (n *Node) Subscribe(subject string, fn func([]byte)) (cancel func()) {
	s := &subscription{fn}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subs[subject] = append(n.subs[subject], s)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		rest := slices.DeleteFunc(slices.Clone(n.subs[subject]), func(o *subscription) bool { return o == s })
		if len(rest) == 0 {
			delete(n.subs, subject)
		} else {
			n.subs[subject] = rest
		}
	}
}

// Peers implements bus.Bus.
func (n *Node) Peers() bool {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	_, in := n.bus.nodes[n]
	return in && len(n.bus.nodes) > 1
}

func (n *Node) hears(subject string) bool { return len(n.subscribers(subject)) > 0 }

// subscribers is never changed in place: it may be walked without the lock.
func (n *Node) subscribers(subject string) []*subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.subs[subject]
}

func (n *Node) run() {
	for {
		select {
		case <-n.done:
			return
		case m := <-n.queue:
			for _, s := range n.subscribers(m.subject) {
				s.fn(m.data)
			}
		}
	}
}
