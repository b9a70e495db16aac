// Package bridge is the domain: accounts, chats, requests, attempts, events
// and deliveries; the state machine of a request; and the use cases that move
// it. It knows no HTTP, no SQL and no socket.
//
// A use case is a [Command]: it names the rows it needs, and decides, purely,
// what becomes of them. An engine (package store/...) loads those rows, runs
// Decide, writes the [Changes] and commits; it holds no rule of its own, so a
// second engine cannot forget one. What was committed is then told to the
// node's rooms (streams, dispatch, webhooks) as the same Changes, in the order
// of the commits: the store is the truth, everything else a hint.
package bridge
