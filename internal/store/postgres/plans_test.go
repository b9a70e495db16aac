//go:build unix

package postgres

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
)

// What is in flight is few and may be read whole; what only grows never is.
var few = []string{"leases", "open_requests", "workers", "directory", "event_counters"}

// No statement that runs often, or holds locks, may read a large table from end to
// end: each finds its rows by a condition of an index.
func TestPlans(t *testing.T) {
	url, _ := database(t)
	start(t, url)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	setUp(config, session)
	setUp(config, writing)
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())

	texts := map[string]string{
		"workers": lockWorkers, "requests": lockRequests, "chats": lockChats, "leases": fetchLeases, "bodies": fetchBodies, "sent": fetchSent, "small": fetchSmall,
		"deliveries": lockDeliveries, "owed": fetchOwed, "keys": fetchKeys, "texts by key": fetchKeyTexts, "endpoints": fetchEndpoints, "accounts": fetchAccounts,
		"taken": fetchTaken, "candidates": lockCandidates, "candidates' rows": fetchLocked, "next idle": lockNextIdle, "waiting": lockWaiting,
		"due deliveries": lockDue, "by email": lockByEmail, "keys of an account": lockKeys, "a key": hasKey, "credential": lockCredential,
		"events": insertEvents, "counter": selectCounter, "swept requests": lockSweptRequests, "swept texts": lockSweptBodies, "what they owe": lockTheirs, "swept tries": sweptTries,
		"a request": selectRequestBody + ` WHERE r.id = $1`, "several requests": selectRequestBody + ` WHERE r.seq = ANY($1::bigint[])`,
		"unfinished": selectUnfinished, "account": selectAccount, "principal": selectPrincipal, "chat on site": selectChatOnSite,
		"due": selectDue, "next due": selectNextDue, "next try": selectNextTry, "abandoned": selectAbandoned, "delivery": selectDelivery + ` WHERE d.id = $1`,
		"deliveries of a request": selectDelivery + ` WHERE d.request_seq = $1 ORDER BY d.id`, "tries": selectTries,
		"an account's events": selectEvents, "a request's events": selectRequestEvents, "event range": selectEventRange, "drop chats": dropChats,
	}
	for _, m := range []many{updateRequests, putOpen, dropOpen, putMessages, putAnswers, dropLeases, putLeases, moveLeases, dropWorkers, putWorkers, updateDeliveries, updateChats, updateEndpoints} {
		texts[m.text] = m.text
	}
	for _, text := range slices.Concat(dropTexts, dropRequests, dropTriesOf) {
		texts[text] = text
	}
	for i, f := range []bridge.RequestFilter{
		{AccountID: 1}, {AccountID: 1, Before: 9}, {AccountID: 1, Ascending: true}, {AccountID: 1, Status: bridge.Failed}, {Code: bridge.Timeout}, {ChatID: 1}, {AccountID: 1, ChatID: 1, Ascending: true}, {AccountID: 1, Start: 5},
	} { // but for those of an open status: which table is walked there depends on what the planner knows of their sizes
		texts[fmt.Sprint("requests by filter ", i)], _ = listRequests(f).sql(selectListed(f), 10)
	}
	texts["chats of an account"], _ = listChats(bridge.ChatFilter{AccountID: 1, Limit: 9})
	texts["audit of an account"], _ = listAudit(bridge.AuditFilter{AccountID: 1, Limit: 9}, 0, 9)
	for i, f := range []bridge.DeliveryFilter{
		{EndpointID: 1}, {EndpointID: 1, Before: 9}, {EndpointID: 1, Status: []string{"dead"}}, {EndpointID: 1, Owed: true, Ascending: true}, {AccountID: 1}, {RequestSeq: 1},
		{AccountID: 1, Status: []string{"failing", "dead"}}, {Status: []string{"dead"}}, {UpTo: 9},
	} {
		text, _ := listDeliveries(f, ids{})
		texts[fmt.Sprint("deliveries by filter ", i)] = lockListed(text, false)
	}
	for name, text := range texts {
		for _, node := range plan(t, c, text) {
			table, _ := node["Relation Name"].(string)
			kind := node["Node Type"].(string)
			_, byIndex := node["Index Cond"]
			_, filters := node["Filter"]
			ordered := strings.Contains(text, "LIMIT") && strings.HasPrefix(kind, "Index") && (!filters || node["Index Name"] == "deliveries_bad_all") // walks an index from its end
			if table != "" && strings.Contains(kind, "Scan") && !byIndex && !ordered && !slices.Contains(few, table) {
				t.Errorf("%s: %s on %s\n%s", name, kind, table, text)
			}
		}
	}
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// plan returns the nodes of a statement's plan, which does not know its arguments.
func plan(t *testing.T, c *pgx.Conn, text string) (nodes []map[string]any) {
	t.Helper()
	params := 0
	for _, m := range parameter.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		params = max(params, n)
	}
	execute := "EXECUTE plan"
	if params > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", params-1) + ")"
	}
	var out []byte
	ctx := t.Context()
	if _, err := c.Exec(ctx, "PREPARE plan AS "+text, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := c.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+execute, pgx.QueryExecModeSimpleProtocol).Scan(&out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if _, err := c.Exec(ctx, "DEALLOCATE plan"); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan map[string]any }
	if err := json.Unmarshal(out, &plans); err != nil {
		t.Fatal(err)
	}
	var walk func(map[string]any)
	walk = func(node map[string]any) {
		nodes = append(nodes, node)
		children, _ := node["Plans"].([]any)
		for _, child := range children {
			walk(child.(map[string]any))
		}
	}
	walk(plans[0].Plan)
	return nodes
}
