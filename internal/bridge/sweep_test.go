package bridge_test

import (
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

func TestCleanUp(t *testing.T) {
	day := 24 * time.Hour
	keep := bridge.Retention{Bodies: 10 * day, Requests: 20 * day, Tries: 5 * day, Audit: 30 * day}
	ended := func(age time.Duration) bridge.Swept {
		return bridge.Swept{Since: noon.Add(-age), Request: &bridge.Request{Status: bridge.Done, CompletedAt: noon.Add(-age)}}
	}
	with := func(s bridge.Swept, f func(*bridge.Swept)) bridge.Swept { f(&s); return s }
	for name, c := range map[string]struct {
		kind    bridge.SweepKind
		rows    []bridge.Swept
		removed int
		next    int64 // with a limit of 2
	}{
		"old texts":          {bridge.SweepBodies, []bridge.Swept{ended(11 * day), ended(11 * day)}, 2, 2},
		"the last of them":   {bridge.SweepBodies, []bridge.Swept{ended(11 * day)}, 1, 0},
		"young":              {bridge.SweepBodies, []bridge.Swept{ended(9 * day), ended(9 * day)}, 0, 0},
		"old and young":      {bridge.SweepBodies, []bridge.Swept{ended(11 * day), ended(9 * day)}, 1, 0},
		"owed":               {bridge.SweepBodies, []bridge.Swept{with(ended(11*day), func(s *bridge.Swept) { s.Owed = true }), ended(11 * day)}, 1, 2},
		"held by a worker":   {bridge.SweepRequests, []bridge.Swept{with(ended(21*day), func(s *bridge.Swept) { s.Leased = true }), ended(21 * day)}, 1, 2},
		"not ended":          {bridge.SweepRequests, []bridge.Swept{with(ended(21*day), func(s *bridge.Swept) { s.Request.Status = bridge.Idle }), ended(21 * day)}, 1, 2},
		"ended lately":       {bridge.SweepRequests, []bridge.Swept{with(ended(21*day), func(s *bridge.Swept) { s.Request.CompletedAt = noon }), ended(21 * day)}, 1, 2},
		"requests":           {bridge.SweepRequests, []bridge.Swept{ended(11 * day), ended(11 * day)}, 0, 0},
		"tries":              {bridge.SweepTries, []bridge.Swept{{Since: noon.Add(-6 * day)}, {Since: noon.Add(-6 * day), Owed: true}}, 1, 2},
		"audit":              {bridge.SweepAudit, []bridge.Swept{{Since: noon.Add(-31 * day)}, {Since: noon.Add(-29 * day)}}, 1, 0},
		"nothing is so long": {bridge.SweepAudit, nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range c.rows {
				c.rows[i].At = int64(i + 1)
			}
			cmd := &bridge.CleanUp{Kind: c.kind, Limit: 2, Retention: keep}
			changes, err := cmd.Decide(&bridge.Facts{Now: noon, Swept: c.rows})
			if err != nil || cmd.Removed != c.removed || cmd.Next != c.next {
				t.Fatalf("removed %d, next %d, %v", cmd.Removed, cmd.Next, err)
			}
			if got := len(changes.DropBodies) + len(changes.DropRequests) + len(changes.DropTries) + int(changes.DropAudit); got != c.removed {
				t.Fatalf("the changes drop %d", got)
			}
			for _, r := range changes.DropBodies {
				if !r.TextsGone {
					t.Error("its texts are gone, and it does not say so")
				}
			}
			for kind := range bridge.SweepAudit + 1 { // zero keeps for ever
				cmd := &bridge.CleanUp{Kind: kind, Limit: 2}
				if changes, _ := cmd.Decide(&bridge.Facts{Now: noon, Swept: c.rows}); !changes.Empty() || cmd.Next != 0 {
					t.Fatal("kept for ever, and yet dropped")
				}
			}
		})
	}
}
