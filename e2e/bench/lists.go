package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func init() {
	scenarios = append(scenarios, scenario{
		name: "lists", about: "the panel's lists over -requests requests (take 1000000: to fill the store takes minutes), 50 accounts, 20,000 chats",
		defaults: settings{rounds: 1, seconds: 60}, load: listsLoad, limit: fixedLimit(40 * time.Minute), run: runLists,
	})
}

func listsLoad(s settings) string {
	return fmt.Sprintf("%d requests of %d days, messages of %d bytes, answers of %d; each list in turn for %g s", s.requests, listsDays, s.messageBytes, s.answerBytes, s.seconds)
}

// list is one that the panel asks for, and its times.
type list struct {
	path  string
	times []time.Duration
	cpu   time.Duration // the server's, of all calls together
	rows  int
}

// runLists fills the server's store, then asks for each list in turn, one at a time.
func runLists(ctx context.Context, srv *server, s settings) ([]figure, error) {
	if srv.name == "bare" {
		return nil, usageError{errors.New("lists: there is nothing bare to compare with; take -target chatbridge")}
	}
	began := time.Now()
	filled, err := fillStore(ctx, filepath.Join(s.dir, "data", "chatbridge.db"), os.Getenv("CHATBRIDGE_STORE"), s)
	if err != nil {
		return nil, fmt.Errorf("filling the store: %w", err)
	}
	fmt.Printf("       filled in %s\n", time.Since(began).Round(time.Second))
	lists, err := listsOf(ctx, srv, filled)
	if err != nil {
		return nil, err
	}
	profiled := srv.startProfile(ctx, s.profile, s.window())
	for end := time.Now().Add(s.window()); time.Now().Before(end); {
		for _, l := range lists {
			before, _ := cpuTime(srv.pid)
			began := time.Now()
			rows, _, err := srv.list(ctx, l.path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.path, err)
			}
			l.times, l.rows = append(l.times, time.Since(began)), rows
			after, _ := cpuTime(srv.pid)
			l.cpu += after - before
		}
	}
	if err := profiled(); err != nil {
		return nil, err
	}
	var worst time.Duration
	fmt.Printf("       %8s %8s %8s %5s  %s\n", "p50 ms", "p95 ms", "CPU ms", "rows", "GET /api/admin")
	for _, l := range lists {
		p95 := quantile(l.times, 0.95)
		fmt.Printf("       %8.1f %8.1f %8.1f %5d  %s\n", millis(quantile(l.times, 0.5)), millis(p95), millis(l.cpu)/float64(len(l.times)), l.rows, l.path)
		worst = max(worst, p95)
	}
	return []figure{{"calls of each", "", float64(len(lists[0].times)), false}, {"worst p95", "ms", millis(worst), false}}, nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// listsOf are the lists, each also at a page that is far down where one gets there by its Link.
func listsOf(ctx context.Context, srv *server, f filled) ([]*list, error) {
	at := func(days float64) string {
		return url.QueryEscape(f.end.Add(-time.Duration(days * 24 * float64(time.Hour))).Format(time.RFC3339))
	}
	var lists []*list
	for _, path := range []string{
		"/overview/", "/accounts/", "/workers/",
		"/requests/?", "/requests/?status=idle", "/requests/?status=executing", "/requests/?status=done", "/requests/?status=failed",
		"/requests/?code=timeout", "/requests/?code=internal", "/requests/?code=no_such",
		f.account("/requests/?account=%d"), f.account("/requests/?account=%d&status=done"), f.account("/requests/?account=%d&status=failed"),
		f.account("/requests/?account=%d&status=idle"), f.account("/requests/?account=%d&status=executing"),
		f.account("/requests/?account=%d&code=internal"), f.account("/requests/?account=%d&code=no_such"),
		fmt.Sprintf("/requests/?chat=%d", f.chat), fmt.Sprintf("/requests/?chat=%d&status=failed", f.chat),
		"/requests/?from=" + at(1), "/requests/?to=" + at(10), "/requests/?from=" + at(10.5) + "&to=" + at(10), "/requests/?from=" + at(10.5) + "&to=" + at(10) + "&code=internal",
		f.account("/requests/?account=%d") + "&to=" + at(10), "/requests/?status=failed&to=" + at(10), "/requests/?status=idle&to=" + at(10), "/requests/?status=done&to=" + at(19.9),
		"/requests/?q=needle", "/requests/?q=nowhere+to+be+found", "/requests/?q=%C3%A4rger", f.account("/requests/?account=%d&q=nowhere"), "/requests/?status=failed&q=nowhere",
		"/requests/?q=needle&to=" + at(10), "/requests/?q=a",
		"/deliveries/?", "/deliveries/?status=pending", "/deliveries/?status=failing", "/deliveries/?status=dead", "/deliveries/?status=delivered",
		"/deliveries/?status=dead,failing", "/deliveries/?status=pending,failing", "/deliveries/?status=dead,delivered",
		f.account("/deliveries/?account=%d"), f.account("/deliveries/?account=%d&status=dead"), f.account("/deliveries/?account=%d&status=delivered"), f.account("/deliveries/?account=%d&status=pending"),
		fmt.Sprintf("/deliveries/?endpoint=%d", f.endpoint), fmt.Sprintf("/deliveries/?endpoint=%d&status=dead", f.endpoint), fmt.Sprintf("/deliveries/?endpoint=%d&status=delivered", f.deadEndpoint),
		fmt.Sprintf("/deliveries/?endpoint=%d&status=dead", f.deadEndpoint),
		"/deliveries/?from=" + at(1), "/deliveries/?to=" + at(10), "/deliveries/?status=dead&to=" + at(10), "/deliveries/?status=pending&to=" + at(10),
		f.account("/deliveries/?account=%d") + "&to=" + at(10), "/deliveries/?from=" + at(10.5) + "&to=" + at(10),
		"/audit/?", "/audit/?action=endpoint.changed", "/audit/?action=no.such", f.account("/audit/?account=%d"), f.account("/audit/?account=%d&action=key.added"),
		"/audit/?to=" + at(10), f.account("/audit/?account=%d&action=key.added") + "&from=" + at(10.5) + "&to=" + at(10),
		f.account("/accounts/%d/chats/?"), f.account("/accounts/%d/chats/?q=berlin"), f.account("/accounts/%d/chats/?q=nowhere"),
	} {
		lists = append(lists, &list{path: path + "&limit=100"})
		if strings.HasSuffix(path, "/") {
			lists[len(lists)-1].path = path
		}
		for range 3 { // the pages after it
			_, next, err := srv.list(ctx, lists[len(lists)-1].path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if next == "" {
				break
			}
			lists[len(lists)-1].path = next
		}
		if lists[len(lists)-1].path != path+"&limit=100" && !strings.HasSuffix(path, "/") {
			lists = append(lists, &list{path: path + "&limit=100"})
		}
	}
	return lists, nil
}

// list reads one page and says how many rows it has and where the next one is.
func (srv *server) list(ctx context.Context, path string) (rows int, next string, err error) {
	const root = "/api/admin"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+srv.addr+root+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+srv.adminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return 0, "", errors.Join(statusError(res.StatusCode), err)
	}
	var page []json.RawMessage
	if err := json.Unmarshal(data, &page); err != nil && data[0] == '[' {
		return 0, "", err
	}
	link, _, _ := strings.Cut(strings.TrimPrefix(res.Header.Get("Link"), "<"+root), ">")
	return len(page), link, nil
}
