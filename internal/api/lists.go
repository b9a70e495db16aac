package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

// How many rows one call looks through for what no index knows, before it answers
// with what it has found, and the way on: some tens of milliseconds.
const (
	lookThrough   = 20_000 // for a status or a title, which lie in the rows
	searchThrough = 5_000  // for a text in messages and answers, each of which is fetched
)

// How much of a message a list has that asks for the start of texts only, in
// characters: more than the widest row has room for.
const (
	startOfTexts = "start"
	textStart    = 200
)

// RequestListing is what every list of requests takes. (Exported, because huma reads no others.)
type RequestListing struct {
	Paging
	Texts string `query:"texts" enum:"whole,start" default:"whole" doc:"With start, message is cut after 200 characters, and response, partial_response and metadata are null"`
}

// requestsFound is one page of requests.
type requestsFound struct {
	requests     []*bridge.Request
	link         string // to the next page, "" if this is the last
	lookedBackTo string // where a search stopped, "" if it came to the end or the page is full
}

// pageOfRequests finds one page of what f selects. Errors: Invalid (the cursor).
func (s *Server) pageOfRequests(ctx context.Context, f bridge.RequestFilter, in RequestListing) (found requestsFound, err error) {
	p := in.Paging
	if in.Texts == startOfTexts {
		f.Start = textStart
	}
	if f.Before, err = p.before(); err != nil {
		return found, err
	}
	if !f.Ascending && (f.Contains != "" || f.Status == bridge.Done) {
		most := lookThrough
		if f.Contains != "" {
			most = searchThrough
		}
		if f.DownTo, err = s.o.Store.RequestsBack(ctx, f, most); err != nil {
			return found, err
		}
	}
	f.Limit = p.Limit + 1
	rs, err := s.o.Store.Requests(ctx, f)
	if err != nil {
		return found, err
	}
	found.requests, found.link = page(ctx, p, rs, func(r *bridge.Request) int64 { return r.Seq })
	if f.DownTo == 0 || found.link != "" {
		return found, nil
	}
	found.link = nextLink(ctx, strconv.FormatInt(f.DownTo, 36))
	last, err := s.o.Store.Requests(ctx, bridge.RequestFilter{DownTo: f.DownTo, Before: f.DownTo + 1, Start: textStart, Limit: 1})
	if len(last) > 0 {
		found.lookedBackTo = last[0].QueuedAt.Format(time.RFC3339)
	}
	return found, err
}

// cut leaves out of a request what a list does not show that asks for the start of
// texts only: pages of whole ones are megabytes.
func (in RequestListing) cut(v wire.Request) wire.Request {
	if in.Texts == startOfTexts {
		v.Response, v.PartialResponse, v.Metadata = nil, nil, json.RawMessage("null")
	}
	return v
}

// chatsFound is one page of chats, as requestsFound is one of requests.
type chatsFound struct {
	chats              []*bridge.Chat
	link, lookedBackTo string
}

// pageOfChats finds one page of an account's chats. Errors: Invalid (the cursor).
func (s *Server) pageOfChats(ctx context.Context, account int64, in ChatListing) (found chatsFound, err error) {
	f := bridge.ChatFilter{AccountID: account, Contains: in.Q, Limit: in.Limit + 1}
	if in.Cursor != "" {
		var ok bool
		if f.Before, f.BeforeID, ok = readChatCursor(in.Cursor); !ok {
			return found, badCursor()
		}
	}
	var last *bridge.Chat // that is looked at
	if f.Contains != "" {
		if last, err = s.o.Store.ChatsBack(ctx, f, lookThrough); err != nil {
			return found, err
		}
		if last != nil {
			f.DownTo, f.DownToID = last.UpdatedAt, last.ID
		}
	}
	if found.chats, err = s.o.Store.Chats(ctx, f); err != nil {
		return found, err
	}
	switch {
	case len(found.chats) > in.Limit:
		found.chats = found.chats[:in.Limit]
		found.link = nextLink(ctx, chatCursor(found.chats[in.Limit-1]))
	case last != nil:
		found.link, found.lookedBackTo = nextLink(ctx, chatCursor(last)), last.UpdatedAt.Format(time.RFC3339)
	}
	return found, nil
}

// chatPage answers with one page of an account's chats.
func (s *Server) chatPage(ctx context.Context, account int64, in ChatListing) (*chatPage, error) {
	found, err := s.pageOfChats(ctx, account, in)
	if err != nil {
		return nil, err
	}
	page := &chatPage{Link: found.link, LookedBackTo: found.lookedBackTo, Body: []wire.Chat{}}
	for _, c := range found.chats {
		page.Body = append(page.Body, wire.ChatOf(c, s.o.Dispatch.Unfinished(ctx, c)))
	}
	return page, nil
}

func chatCursor(c *bridge.Chat) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.UpdatedAt.UnixMicro(), 36) + "." + strconv.FormatInt(c.ID, 36)))
}

func readChatCursor(s string) (before time.Time, id int64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return time.Time{}, 0, false
	}
	at, of, _ := strings.Cut(string(raw), ".")
	micro, err1 := strconv.ParseInt(at, 36, 64)
	id, err2 := strconv.ParseInt(of, 36, 64)
	return time.UnixMicro(micro).UTC(), id, err1 == nil && err2 == nil
}

func badCursor() error {
	return &bridge.Error{Kind: bridge.Invalid, Code: "invalid", Detail: "This cursor is not one of ours. Take it from the Link header of the page before.",
		Fields: map[string][]string{"cursor": {"Take it from the Link header of the page before."}}}
}

// nextLink is the present URL with another cursor, as a Link header (RFC 8288).
func nextLink(ctx context.Context, cursor string) string {
	u := *urlOf(ctx)
	q := u.Query()
	q.Set("cursor", cursor)
	next := url.URL{Path: u.Path, RawQuery: q.Encode()}
	return "<" + next.String() + `>; rel="next"`
}
