package postgres

import (
	"chatbridge/internal/bridge"
)

// The functions below keep the candidates that a batch knows in step with what its
// commands do, where that is certain; otherwise they forget them, and the next
// claim asks the database. A candidate missed is found by the next look of a node;
// one too many meets the constraint of one lease per chat.

// noteNew notes a new request: the first of a new chat is a candidate at once. Its
// number is higher than any that a look has found.
func (t *tx) noteNew(r *requestRow) {
	if !t.fresh[r.chatID] {
		t.crowd(r.chatID, true)
		if !r.Status.Ended() {
			t.unsure(r.AccountID)
		}
		return
	}
	delete(t.fresh, r.chatID)
	t.crowd(r.chatID, false)
	if r.Status != bridge.Idle {
		return
	}
	for key, have := range t.candidates {
		if key.account == r.AccountID && key.takes(r.ResponseType) && !have.full {
			have.ids = append(have.ids, r.ID)
		}
	}
}

// noteStep notes that a request has changed. One that is idle again, has ended or
// has left a chat may make room for others of its chat.
func (t *tx) noteStep(before, now *requestRow) {
	switch {
	case before == nil, before.chatID != now.chatID:
		t.crowd(now.chatID, true)
	case now.Status == bridge.Executing, now.Status == before.Status:
		return
	case now.Status.Ended() && t.alone(now.chatID):
		return
	}
	t.unsure(now.AccountID)
}

// noteLease notes that a lease has come, gone or changed. One that is given up
// frees its chat.
func (t *tx) noteLease(l, before, now *bridge.Lease, known bool) {
	switch {
	case known && before == nil && now == nil:
		return
	case known && before != nil && now != nil && before.ChatID == now.ChatID:
		return
	case known && before == nil: // a hand-over: its request is no candidate any more
		if r := t.requests.get(l.RequestSeq); r != nil && r.Status != bridge.Idle && r.chatID == now.ChatID {
			return
		}
	case known && now == nil && t.alone(before.ChatID):
		if r := t.requests.get(l.RequestSeq); r != nil && r.Status.Ended() {
			return
		}
	}
	t.unsure(l.AccountID)
}

// alone reports whether a chat is known to have no other unfinished request than
// the one that was loaded.
func (t *tx) alone(chat int64) bool {
	others, known := t.crowded[chat]
	return known && !others
}

// unsure forgets the account's candidates.
func (t *tx) unsure(account int64) {
	for key := range t.candidates {
		if key.account == account {
			delete(t.candidates, key)
		}
	}
}

// forgetRequest has the overlay know nothing of a request and what belongs to it,
// because it is deleted.
func (t *tx) forgetRequest(r *bridge.Request) {
	t.requests.forget(r.Seq)
	t.bodies.forget(r.Seq)
	t.byID[r.ID] = 0
	delete(t.taken, r.AccountID)
	for key := range t.leases.slots {
		if key.request == r.Seq {
			t.leases.forget(key)
		}
	}
	delete(t.leasesOf, r.Seq)
	for id, have := range t.deliveries.slots {
		if have.now != nil && have.now.requestSeq == r.Seq {
			t.deliveries.forget(id)
		}
	}
	if key := (nameKey{r.AccountID, r.IdempotencyKey}); r.IdempotencyKey != "" {
		t.byKey[key] = 0
	}
	t.unsure(r.AccountID)
}

// forgetChat has the overlay know nothing of a chat, because it is deleted.
func (t *tx) forgetChat(id int64) {
	t.nameChat(t.chats.get(id), nil)
	t.chats.forget(id)
}
