package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

func TestPositional(t *testing.T) {
	for in, want := range map[string]string{
		"a":                        "a",
		"a = $1 AND b = $2":        "a = ? AND b = ?",
		"a = $1 OR b = $1":         "a = $1 OR b = $1",
		"a = $2 AND b = $1":        "a = $2 AND b = $1",
		"$1$2$3$4$5$6$7$8$9$10$11": "???????????",
		"a = $1 AND b = $20":       "a = $1 AND b = $20",
		"a = $10":                  "a = $10",
	} {
		if got := positional(in); got != want {
			t.Errorf("positional(%q) = %q, want %q", in, got, want)
		}
	}
}

// No statement that runs often, or waits for its answer with the writer's lock
// held, may read a table from end to end or sort it.
func TestPlans(t *testing.T) {
	s := open(t, memory)
	texts := map[string]string{
		"account": selectAccount, "email": selectAccountByEmail, "keys": selectKeys, "key": hasKey, "endpoints": selectEndpoints,
		"chat": selectChat, "chat on site": selectChatOnSite, "in motion": countInMotion, "outcomes": selectOutcomes,
		"request": selectRequest + " WHERE r.id = $1", "body": selectBody, "idempotency": selectRequest + ` WHERE r.account_id = $1 AND r.idempotency_key = $2`,
		"candidates": selectCandidates, "next idle": selectNextIdle, "unfinished": selectUnfinished, "workers": selectWorkersOfAccount, "waiting": selectWaiting,
		"worker": selectWorker, "leases": selectLeases, "held by": selectHeldBy, "taken": selectTaken,
		"delivery": selectDelivery, "next due": selectNextDue,
		"lease step": moveLease, "lease drop": dropLease, "delivery update": updateDelivery, "tries": selectTries,
		"event number": selectEventSeq, "first event": selectFirstEvent, "last chat": lastNumbers[countChats], "last request": lastNumbers[countRequests], "last delivery": lastNumbers[countDeliveries],
		"replay":         selectReplay,
		"sweep requests": sweepRequests, "sweep bodies": sweepBodies, "sweep tries": sweepTries, "sweep audit": sweepAudit,
		"drop tries": dropTries, "drop requests' tries": dropTheirTries, "drop requests": dropRequests, "drop deliveries": dropDeliveries, "drop events": dropEvents, "drop data": dropEventData,
		"drop chats": dropChats, "drop messages": dropMessages, "drop answers": dropAnswers, "drop leases": dropLeases, "drop audit": dropAudit,
	}
	for i, f := range []bridge.RequestFilter{
		{AccountID: 1}, {AccountID: 1, Before: 9}, {AccountID: 1, Ascending: true}, {AccountID: 1, Status: bridge.Idle}, {AccountID: 1, Status: bridge.Executing, Before: 9},
		{AccountID: 1, Status: bridge.Failed}, {ChatID: 1}, {AccountID: 1, ChatID: 1, Ascending: true}, {AccountID: 1, Contains: "x"}, {AccountID: 1, Start: 5},
	} {
		texts[fmt.Sprint("filter ", i)], _ = listRequests(f)
	}
	for i, f := range []bridge.AuditFilter{{}, {AccountID: 1, Before: 9}, {Action: "x"}, {AccountID: 1, Action: "x"}, {From: time.Unix(1, 0), To: time.Unix(2, 0)}} {
		texts[fmt.Sprint("audit ", i)], _ = listAudit(f, 5, 9)
	}
	for i, f := range []bridge.ChatFilter{{AccountID: 1}, {AccountID: 1, Before: time.Unix(1, 0), DownTo: time.Unix(2, 0), Contains: "x"}} {
		texts[fmt.Sprint("chats ", i)], _ = listChats(f)
	}
	for name, text := range map[string]string{"queued at": span.QueuedAt, "created at": span.CreatedAt, "audited at": span.AuditedAt} {
		texts[name] = text
	}
	// What is in flight or waits is read whole and sorted, and so are the few of a list that a parameter names; what only grows never is.
	few := map[string]bool{"next idle": true, "unfinished": true, "filter 4": true, "taken": true, "held by": true, "sweep tries": true, "in motion": true}
	for name, text := range texts {
		for _, step := range plan(t, s, text) {
			if few[name] && (strings.HasPrefix(step, "SCAN l") || strings.HasPrefix(step, "SCAN r USING COVERING INDEX requests_idle") || strings.Contains(step, "TEMP B-TREE")) {
				continue
			}
			if strings.Contains(step, " VIRTUAL TABLE ") || step == "SCAN tried" || step == "SCAN half" { // a list that is given or made
				continue
			}
			if strings.HasPrefix(step, "SCAN") && !strings.HasPrefix(step, "SCAN (subquery") && !strings.Contains(step, "CONSTANT") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
	for name, text := range map[string]string{"due deliveries": selectDueDeliveries, "next try": selectNextTry, "due": selectDue, "claimed": selectClaimedDeliveries} { // they sort, but only what they return; d is a table in one and a subquery in another
		for _, step := range plan(t, s, text) {
			for _, table := range []string{"requests", "deliveries", "endpoints", "r", "e", "x", "c"} {
				if strings.HasPrefix(step+" ", "SCAN "+table+" ") && !strings.Contains(step, "INDEX deliveries_due") {
					t.Errorf("%s: %s", name, step)
				}
			}
		}
	}
}

// Whatever a list of deliveries is asked for, it is read along an index; only a
// list of no endpoint, account or request is read along the table.
func TestDeliveryListPlans(t *testing.T) {
	s := open(t, memory)
	for bits := range 1 << 5 {
		set := func(bit int) int64 { return int64(bits >> bit & 1) }
		f := bridge.DeliveryFilter{AccountID: set(0), EndpointID: set(1), RequestSeq: set(2), Owed: set(3) == 1, Ascending: set(4) == 1, Before: 5, Limit: 9}
		for _, f.Status = range [][]string{nil, {"dead"}, {"failing"}, {"pending"}, {"dead", "failing"}, {"pending", "failing"}, {"delivered"}, {"dead", "pending"}, {"x"}} {
			list, _ := listDeliveries(deliveryEndpoint, withEndpoint, f, ids{2, 9})
			count, _ := countDeliveriesBy(f, ids{2, 9})
			for _, text := range []string{list, count} {
				for _, step := range plan(t, s, text) {
					whole := strings.HasPrefix(step, "SCAN x") && !strings.Contains(step, "deliveries_bad_all") && f.AccountID+f.EndpointID+f.RequestSeq != 0
					if whole || strings.HasPrefix(step, "SCAN d") || strings.HasPrefix(step, "SCAN y") || strings.HasPrefix(step, "SCAN r") {
						t.Errorf("%+v: %s", f, step)
					}
				}
			}
		}
	}
}

func plan(t *testing.T, s *Store, text string) []string {
	t.Helper()
	// Parameters that stand in the plan only: NULL for each.
	args := make([]any, strings.Count(positional(text), "?")+strings.Count(text, "$"))
	steps, err := all(s, t.Context(), "explain", func(r *row) string { r.at = 3; return r.text() }, "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if testing.Verbose() {
		t.Logf("%s\n\t%s", text, strings.Join(steps, "\n\t"))
	}
	return steps
}
