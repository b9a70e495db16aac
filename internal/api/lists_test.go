package api

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// many is a store with many requests and chats, the newest first.
type many struct {
	bridge.Reader
	requests []*bridge.Request
	chats    []*bridge.Chat
	asked    int // the most requests that a list might have looked at
}

func (m *many) Requests(_ context.Context, f bridge.RequestFilter) (out []*bridge.Request, _ error) {
	looked := 0
	for _, r := range m.requests {
		if len(out) == f.Limit || f.Before != 0 && r.Seq >= f.Before || r.Seq < f.DownTo {
			continue
		}
		looked++
		if (f.Status == "" || r.Status == f.Status) && strings.Contains(r.Body.Message, f.Contains) {
			out = append(out, r)
		}
	}
	m.asked = max(m.asked, looked)
	return out, nil
}

func (m *many) RequestsBack(_ context.Context, f bridge.RequestFilter, n int) (int64, error) {
	for _, r := range m.requests {
		if f.Before == 0 || r.Seq < f.Before {
			if n--; n == 0 {
				return r.Seq, nil
			}
		}
	}
	return 0, nil
}

func (m *many) Chats(_ context.Context, f bridge.ChatFilter) (out []*bridge.Chat, _ error) {
	for _, c := range m.chats {
		if len(out) < f.Limit && (f.BeforeID == 0 || c.ID < f.BeforeID) && c.ID >= f.DownToID && strings.Contains(c.Title, f.Contains) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (m *many) ChatsBack(_ context.Context, f bridge.ChatFilter, n int) (*bridge.Chat, error) {
	for _, c := range m.chats {
		if f.BeforeID == 0 || c.ID < f.BeforeID {
			if n--; n == 0 {
				return c, nil
			}
		}
	}
	return nil, nil
}

// cursorOf is where a Link leads.
func cursorOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("cursor")
}

// A search looks through a bounded number of rows a call, and comes to the end
// without leaving anything out.
func TestSearchInSteps(t *testing.T) {
	const n = 2*searchThrough + 10
	m := &many{}
	for i := range int64(n) {
		r := &bridge.Request{Seq: n - i, QueuedAt: time.Unix(n-i, 0), Status: bridge.Failed, Body: &bridge.Body{Message: "hay"}}
		if slices.Contains([]int64{0, 7, 8, searchThrough - 1, searchThrough, n - 1}, i) { // around the ends of the steps
			r.Body.Message = "needle"
		}
		m.requests = append(m.requests, r)
	}
	s := &Server{o: Options{Store: m}}
	ctx := context.WithValue(t.Context(), urlKey, &url.URL{Path: "/x/", RawQuery: "q=needle"})
	type step struct {
		found  []int64
		backTo time.Time
		goesOn bool
	}
	var got []step
	for p := (RequestListing{Paging: Paging{Limit: 2}}); ; {
		found, err := s.pageOfRequests(ctx, bridge.RequestFilter{Contains: "needle"}, p)
		if err != nil {
			t.Fatal(err)
		}
		one := step{goesOn: found.link != ""}
		for _, r := range found.requests {
			one.found = append(one.found, r.Seq)
		}
		if found.lookedBackTo != "" {
			if one.backTo, err = time.Parse(time.RFC3339, found.lookedBackTo); err != nil {
				t.Fatal(err)
			}
		}
		if got = append(got, one); !one.goesOn || len(got) > 9 {
			break
		}
		p.Cursor = cursorOf(t, found.link)
	}
	want := []step{
		{[]int64{n, n - 7}, time.Time{}, true}, // a full page
		{[]int64{n - 8, n - searchThrough + 1}, time.Time{}, true},
		{[]int64{n - searchThrough}, time.Unix(n-2*searchThrough+1, 0), true},
		{[]int64{1}, time.Time{}, false},
	}
	if !slices.EqualFunc(got, want, func(a, b step) bool {
		return slices.Equal(a.found, b.found) && a.backTo.Equal(b.backTo) && a.goesOn == b.goesOn
	}) {
		t.Errorf("got %+v,\nwant %+v", got, want)
	}
	if m.asked > searchThrough {
		t.Errorf("one call looked at %d", m.asked)
	}
	found, err := s.pageOfRequests(ctx, bridge.RequestFilter{Status: bridge.Done}, RequestListing{Paging: Paging{Limit: 2}})
	if err != nil || found.link != "" || len(found.requests) != 0 {
		t.Errorf("what is done, of few: %+v, %v", found, err)
	}
}

func TestSearchChatsInSteps(t *testing.T) {
	const n = lookThrough + 5
	m := &many{}
	for i := range int64(n) {
		m.chats = append(m.chats, &bridge.Chat{ID: n - i, UpdatedAt: time.Unix(n-i, 0), Title: "hay"})
	}
	m.chats[1].Title, m.chats[lookThrough-1].Title, m.chats[n-1].Title = "needle", "needle", "needle"
	s := &Server{o: Options{Store: m}}
	ctx := context.WithValue(t.Context(), urlKey, &url.URL{Path: "/x/", RawQuery: "q=needle"})
	in := ChatListing{Paging: Paging{Limit: 5}, Q: "needle"}
	first, err := s.pageOfChats(ctx, 1, in)
	if err != nil || len(first.chats) != 2 || first.link == "" || first.lookedBackTo != time.Unix(6, 0).Format(time.RFC3339) {
		t.Fatalf("%+v, %v", first, err)
	}
	in.Cursor = cursorOf(t, first.link)
	second, err := s.pageOfChats(ctx, 1, in)
	if err != nil || len(second.chats) != 1 || second.chats[0].ID != 1 || second.link != "" || second.lookedBackTo != "" {
		t.Fatalf("%+v, %v", second, err)
	}
}
