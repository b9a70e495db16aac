package postgres

import (
	"fmt"
	"slices"

	"chatbridge/internal/bridge"
)

// The statements of a clean-up; each takes numbers, of what it deletes or of whom.
var (
	dropTexts = []string{
		`DELETE FROM bodies WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM answers WHERE request_seq = ANY($1::bigint[])`,
		`UPDATE events SET data = NULL WHERE request_seq = ANY($1::bigint[]) AND data IS NOT NULL`,
	}
	dropRequests = []string{
		`DELETE FROM tries WHERE delivery_id = ANY(ARRAY(SELECT d.id FROM deliveries d WHERE d.request_seq = ANY($1::bigint[])))`,
		`DELETE FROM deliveries WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM events WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM bodies WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM answers WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM leases WHERE request_seq = ANY($1::bigint[])`,
		`DELETE FROM open_requests WHERE seq = ANY($1::bigint[])`,
		`DELETE FROM requests WHERE seq = ANY($1::bigint[])`,
	}
	dropTriesOf = []string{`DELETE FROM tries WHERE delivery_id = ANY($1::bigint[])`}
)

const (
	// dropChats deletes chats that have no request any more. The chats are locked
	// with their requests, so that none is submitted to one meanwhile.
	dropChats = `DELETE FROM chats c WHERE c.id = ANY($1::bigint[]) AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.chat_id = c.id) RETURNING c.id`
	dropAudit = `DELETE FROM audit WHERE id <= $1`
)

// drop deletes what the changes drop. It comes last: what the same changes
// write of it goes with it.
func (t *tx) drop(c *bridge.Changes) error {
	if len(c.DropBodies)+len(c.DropRequests)+len(c.DropTries)+int(c.DropAudit) == 0 {
		return nil
	}
	p := t.flushed()
	numbered := func() {}
	if slices.ContainsFunc(t.events, func(e event) bool {
		return dropped(c.DropBodies, e.requestSeq) || dropped(c.DropRequests, e.requestSeq)
	}) {
		numbered = t.writeEvents(p)
	}
	each := func(numbers []int64, texts []string) {
		for _, text := range texts {
			if len(numbers) > 0 {
				p.exec(text, numbers)
			}
		}
	}
	each(seqs(c.DropBodies), dropTexts)
	each(seqs(c.DropRequests), dropRequests)
	var chats []int64
	for _, r := range c.DropRequests {
		chats = append(chats, r.Chat.ID)
	}
	var gone []int64
	if len(chats) > 0 {
		p.query(dropChats, func(r *row) { gone = append(gone, r.int64()) }, chats)
	}
	each(c.DropTries, dropTriesOf)
	if c.DropAudit != 0 {
		p.exec(dropAudit, c.DropAudit)
	}
	if err := t.send(p); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	numbered()
	for _, r := range c.DropBodies {
		t.bodies.forget(r.Seq)
	}
	for _, r := range c.DropRequests {
		t.forgetRequest(r)
	}
	for _, id := range gone {
		t.forgetChat(id)
	}
	return nil
}

func seqs(list []*bridge.Request) (out []int64) {
	for _, r := range list {
		out = append(out, r.Seq)
	}
	return out
}

func dropped(list []*bridge.Request, seq int64) bool {
	return slices.ContainsFunc(list, func(r *bridge.Request) bool { return r.Seq == seq })
}
