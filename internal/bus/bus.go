// Package bus is what the nodes of one bridge tell each other: hints and live
// text. The store is the truth; everything that is said here may be lost, and
// a slow look finds it again.
package bus

// MaxMessage is the most bytes that one message may have. NATS takes 1 MiB by
// default; this leaves room for its head.
const MaxMessage = 1<<20 - 4<<10

// Bus is one node's place on the bus.
//
// Its methods return at once and never run a subscriber's fn on the caller's
// goroutine, nor wait for one: they may be called with locks held that fn takes.
type Bus interface {
	// Publish tells the other nodes' subscribers of subject. Messages of one
	// node to one subscriber come in order, where they come: one that is over
	// MaxMessage, or finds a queue full or nobody there, is dropped. data must
	// not be changed afterwards.
	Publish(subject string, data []byte)
	// Subscribe calls fn for what other nodes publish under exactly this
	// subject, one message after the other; not for what this node publishes.
	// fn must not block nor change data. After cancel, fn may still run
	// once for what was on its way. cancel may be called more than once.
	Subscribe(subject string, fn func(data []byte)) (cancel func())
	// Peers reports whether another node may be listening: without any,
	// nothing need be encoded.
	Peers() bool
}
