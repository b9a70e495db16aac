// Package sim is a simulation of the whole core, and nothing but tests: real
// nodes on a real store, with clients, workers, readers and the chat site as
// actors around them, under seeded random schedules of faults. Time is a
// bubble's of testing/synctest, so that hours pass in milliseconds.
//
//	go test ./internal/sim -run Sim -seeds 100000 -seed 1
//
// runs so many seeds from a first one. A seed decides the schedule: who does
// what and when, every delay and every fault. What it does not decide is the
// order in which goroutines of one node run within one instant, the order of
// maps in them, and the random ids of requests (a trace calls them r1, r2 …).
package sim
