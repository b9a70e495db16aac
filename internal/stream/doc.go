// Package stream holds what is live of each request: how far its attempt has
// come, the text so far, and who reads along. A reader is a cursor into the one
// shared text: a slow one gets fewer, larger deltas, and nothing is queued for
// it. What is stored is the truth; the streams hear of each commit, and look
// for those that they did not hear of.
//
// Locks are taken in the order hub, entry, account. No function that the hub
// was given is called with one of them held, but for those of the bus.
package stream
