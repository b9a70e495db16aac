// Package storetest is the conformance suite of the store engines: what the
// domain relies on, whatever the database. It knows no rule of the domain; its
// commands are small ones of its own.
package storetest

import (
	"testing"

	"chatbridge/internal/bridge"
)

// Engine is what the suite runs against.
type Engine struct {
	// New makes an empty database that lives as long as t, and returns how to
	// open it. The suite closes what it opens; it opens a database again, after
	// closing it, unless Volatile is set, and never twice at once.
	New func(t *testing.T) (open func() (bridge.Store, error))
	// Volatile says that the data ends with Close.
	Volatile bool
}

// Run runs the suite.
func Run(t *testing.T, e Engine) {
	for name, test := range map[string]func(*testing.T, *db){
		"EveryField":     everyField,
		"Updates":        updates,
		"Microseconds":   microseconds,
		"Directory":      directory,
		"Credentials":    credentials,
		"NeedsRequests":  needsRequests,
		"NeedsChats":     needsChats,
		"NeedsNextIdle":  needsNextIdle,
		"NeedsWorkers":   needsWorkers,
		"Survey":         survey,
		"Candidates":     needsCandidates,
		"Deliveries":     needsDeliveries,
		"DueDeliveries":  dueDeliveries,
		"DueBodies":      dueBodies,
		"Claims":         claims,
		"HeldEndpoints":  heldEndpoints,
		"DeliveryLists":  deliveryLists,
		"NeedsFiltered":  needsFiltered,
		"Abandoned":      abandoned,
		"Replays":        replays,
		"Audit":          audit,
		"SweepRequests":  sweepRequests,
		"SweepBodies":    sweepBodies,
		"SweepTries":     sweepTries,
		"SweepAudit":     sweepAudit,
		"DropBodies":     dropBodies,
		"DropRequests":   dropRequests,
		"DropTries":      dropTries,
		"DropAtOnce":     dropAtOnce,
		"SamePointers":   samePointers,
		"FactsAreCopies": factsAreCopies,
		"Reading":        reading,
		"Search":         search,
		"RequestLists":   requestLists,
		"ChatLists":      chatLists,
		"Figures":        figures,
		"Unwell":         unwell,
		"Paging":         paging,
		"Clocks":         clocks,
		"Events":         events,
		"Constraints":    constraints,
		"Order":          order,
		"Groups":         groups,
		"Isolation":      isolation,
		"Panic":          panics,
		"Now":            nowNeverGoesBack,
		"Closed":         closed,
		"Cancelled":      cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t, e)) })
	}
	t.Run("Reopen", func(t *testing.T) {
		if e.Volatile {
			t.Skip("the data ends with Close")
		}
		reopen(t, fresh(t, e))
	})
	t.Run("NumbersGoOn", func(t *testing.T) { numbersGoOn(t, fresh(t, e), !e.Volatile) })
	t.Run("Model", func(t *testing.T) { model(t, e) })
}
