package sqlite

import (
	"encoding/json"
	"slices"
	"strings"

	"chatbridge/internal/bridge"
)

// loadRequests loads requests, with their chats, leases and texts, and chats.
func (l *loader) loadRequests() error {
	n, f := &l.needs, l.facts
	if len(n.Requests) > 0 || n.NextIdle {
		f.Requests = map[string]*bridge.Request{}
	}
	for _, id := range n.Requests {
		r, err := l.requestByID(id)
		if err != nil {
			return err
		}
		if r == nil || f.Requests[id] != nil {
			continue
		}
		if err := l.addRequest(r); err != nil {
			return err
		}
	}
	if n.NextIdle {
		next, err := l.some(nil, selectNextIdle, n.AccountID)
		if err != nil {
			return err
		}
		for _, r := range next {
			if f.Requests[r.ID] == nil {
				if err := l.addRequest(r); err != nil {
					return err
				}
			}
		}
	}
	if n.Idempotency != "" {
		found, err := l.some(nil, selectRequest+` WHERE r.account_id = $1 AND r.idempotency_key = $2`, n.AccountID, n.Idempotency)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			f.Idempotent = found[0]
			if err := l.text(f.Idempotent); err != nil {
				return err
			}
		}
	}
	if err := l.loadChats(); err != nil {
		return err
	}
	var err error
	if n.WaitingIn && (n.SiteChat == "" || f.SiteChat != nil) && len(n.Requests) > 0 {
		if r := f.Requests[n.Requests[0]]; r != nil {
			if f.Waiting, err = l.some(l.body, selectWaiting, r.AccountID, r.Chat.ID); err != nil {
				return err
			}
		}
	}
	if n.Candidates > 0 {
		return l.loadCandidates()
	}
	return nil
}

// loadCandidates finds the candidates' ids; most of their rows are in the cache.
func (l *loader) loadCandidates() error {
	var ids []string
	types := ""
	if len(l.needs.CandidateTypes) > 0 {
		types = " " + strings.Join(l.needs.CandidateTypes, " ") + " "
	}
	if err := l.query(bg, func(r *row) { ids = append(ids, r.text()) }, selectCandidates, l.needs.AccountID, int64(l.needs.Candidates), types); err != nil {
		return err
	}
	for _, id := range ids {
		r, err := l.requestByID(id)
		if err != nil {
			return err
		}
		if err := l.body(r); err != nil {
			return err
		}
		l.facts.Candidates = append(l.facts.Candidates, r)
	}
	return nil
}

func (l *loader) loadChats() (err error) {
	n, f := &l.needs, l.facts
	if n.Chat != "" {
		if f.Chat, err = l.chatOnSite(string(n.Chat)); err != nil {
			return err
		}
		if id := ours(n.Chat); f.Chat == nil && id != 0 {
			if f.Chat, err = l.chat(id, selectChat, n.AccountID, id); err != nil {
				return err
			}
			if f.Chat != nil && f.Chat.AccountID != n.AccountID {
				f.Chat = nil
			}
		}
	}
	if n.SiteChat != "" {
		f.SiteChat, err = l.chatOnSite(n.SiteChat)
	}
	return err
}

func (l *loader) chatOnSite(siteID string) (*bridge.Chat, error) {
	return l.chat(0, selectChatOnSite, l.needs.AccountID, siteID)
}

// chat returns a chat as this command sees it: the cached one of that id, or
// the one that the statement finds.
func (l *loader) chat(id int64, text string, args ...any) (*bridge.Chat, error) {
	if have := l.chats[id]; have != nil {
		return have, nil
	}
	have := l.cache.chats[id]
	if have == nil {
		if err := l.query(bg, func(r *row) { have = scanChat(r) }, text, args...); err != nil || have == nil {
			return nil, err
		}
		remember(l.cache.chats, have.ID, have)
	}
	return l.sameChat(copyChat(have)), nil
}

// addRequest puts a request into Facts.Requests, with its leases and, if
// needed, its texts.
func (l *loader) addRequest(r *bridge.Request) error {
	l.facts.Requests[r.ID] = r
	have, ok := l.cache.leases[r.Seq]
	if !ok {
		if err := l.query(bg, func(row *row) { have = append(have, scanLease(row)) }, selectLeases, r.Seq); err != nil {
			return err
		}
		if !r.Status.Ended() {
			remember(l.cache.leases, r.Seq, have)
		}
	}
	for _, lease := range have {
		l.facts.Leases = append(l.facts.Leases, l.sameLease(copyLease(lease)))
	}
	return l.body(r)
}

// requestByID returns a request as this command sees it.
func (l *loader) requestByID(id string) (*bridge.Request, error) {
	var chat *bridge.Chat
	have := l.cache.requests[id]
	if have != nil {
		chat = l.chats[have.chatID]
		if cached := l.cache.chats[have.chatID]; chat == nil && cached != nil {
			chat = copyChat(cached)
		}
	}
	if chat == nil {
		have = nil
		err := l.query(bg, func(r *row) { have, chat = scanRequest(r), scanChat(r) }, selectRequest+` WHERE r.id = $1`, id)
		if err != nil || have == nil {
			return nil, err
		}
		if !have.Status.Ended() {
			remember(l.cache.requests, id, have)
			remember(l.cache.chats, chat.ID, copyChat(chat))
		}
	}
	return l.sameRequest(&requestRow{copyRequest(have.Request), have.chatID}, chat), nil
}

// requestsBySeq reads requests, some of them more than once in the list, into
// the command's own. The cache knows them then: a try of theirs is to be
// recorded soon. bodies: the largest that are loaded, in bytes, or noBodies.
func (l *loader) requestsBySeq(seqs []int64, bodies int64) error {
	if len(seqs) == 0 {
		return nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return err
	}
	text, args := selectRequest+` WHERE r.seq IN (SELECT value FROM json_each($1))`, []any{string(list)}
	if bodies != noBodies {
		text, args = selectRequestsSmall, []any{bodies, string(list)}
		if err := l.settleTexts(); err != nil {
			return err
		}
	}
	return l.query(bg, func(r *row) {
		row, chat := scanRequest(r), scanChat(r)
		if l.cache.requests[row.ID] == nil {
			remember(l.cache.requests, row.ID, &requestRow{copyRequest(row.Request), row.chatID})
		}
		if l.cache.chats[chat.ID] == nil {
			remember(l.cache.chats, chat.ID, copyChat(chat))
		}
		request := l.sameRequest(row, chat)
		if bodies != noBodies && request.Body == nil {
			request.Body = scanBody(r)
		}
	}, text, args...)
}

// some reads requests with their chats; then is called for each.
func (l *loader) some(then func(*bridge.Request) error, text string, args ...any) (out []*bridge.Request, err error) {
	err = l.query(bg, func(r *row) { out = append(out, l.sameRequest(scanRequest(r), scanChat(r))) }, text, args...)
	if then != nil {
		for _, r := range out {
			if err == nil {
				err = then(r)
			}
		}
	}
	return slices.Clip(out), err
}

func (l *loader) sameRequest(r *requestRow, chat *bridge.Chat) *bridge.Request {
	if have := l.requests[r.Seq]; have != nil {
		return have
	}
	r.Chat = l.sameChat(chat)
	return put(&l.requests, r.Seq, r.Request)
}

func (l *loader) sameChat(c *bridge.Chat) *bridge.Chat {
	if have := l.chats[c.ID]; have != nil {
		return have
	}
	return put(&l.chats, c.ID, c)
}

// body loads a request's texts if the command needs them.
func (l *loader) body(r *bridge.Request) error {
	if !l.needs.Bodies {
		return nil
	}
	return l.text(r)
}

// text loads a request's texts.
func (l *loader) text(r *bridge.Request) error {
	if r.Body != nil {
		return nil
	}
	if have := l.cache.bodies[r.Seq]; have != nil {
		body := *have
		r.Body = &body
		return nil
	}
	if err := l.settleTexts(); err != nil {
		return err
	}
	return l.query(bg, func(row *row) { r.Body = scanBody(row) }, selectBody, r.Seq)
}

func (l *loader) settleTexts() error {
	if err := l.settle(bodies); err != nil {
		return err
	}
	return l.settle(answers)
}
