package bus

// Silent is the bus of a node that cannot speak with its peers: they share a
// store and nothing else, and hear of each other when they look there. Nobody
// may trust his own memory beside it, so it always has peers.
type Silent struct{}

var _ Bus = Silent{}

// Publish implements [Bus]: nobody hears it.
func (Silent) Publish(string, []byte) {}

// Subscribe implements [Bus]: nothing ever comes.
func (Silent) Subscribe(string, func([]byte)) (cancel func()) { return func() {} }

// Peers implements [Bus].
func (Silent) Peers() bool { return true }
