package sqlite

import (
	"encoding/json"
	"fmt"

	"chatbridge/internal/bridge"
)

const (
	// amongThese goes behind a column that is one of a JSON list's.
	amongThese = ` IN (SELECT value FROM json_each($1))`
	// theirEvents are the ids of the events of requests.
	theirEvents = `SELECT (r.account_id << 40) + n.value FROM requests r CROSS JOIN json_each('[' || r.events || '0]') n WHERE r.seq` + amongThese

	dropMessages   = `DELETE FROM bodies WHERE request_seq` + amongThese
	dropAnswers    = `DELETE FROM answers WHERE request_seq` + amongThese
	dropEventData  = `UPDATE events SET data = NULL WHERE id IN (` + theirEvents + `) AND data IS NOT NULL`
	dropEvents     = `DELETE FROM events WHERE id IN (` + theirEvents + `)`
	dropTheirTries = `DELETE FROM tries WHERE delivery_id IN (SELECT d.id FROM deliveries d WHERE d.request_seq` + amongThese + `)`
	dropDeliveries = `DELETE FROM deliveries WHERE request_seq` + amongThese
	dropLeases     = `DELETE FROM leases WHERE request_seq` + amongThese
	dropRequests   = `DELETE FROM requests WHERE seq` + amongThese
	dropChats      = `DELETE FROM chats WHERE id` + amongThese + ` AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.chat_id = chats.id)`
	dropTries      = `DELETE FROM tries WHERE delivery_id` + amongThese
	dropAudit      = `DELETE FROM audit WHERE id <= $1`
)

// drop deletes what the changes drop. It comes last: what the same changes
// write of it goes with it.
func (t *tx) drop(c *bridge.Changes) error {
	if len(c.DropBodies)+len(c.DropRequests)+len(c.DropTries)+int(c.DropAudit) == 0 {
		return nil
	}
	if err := t.flush(); err != nil { // a row that waits would come after its deletion
		return err
	}
	if len(c.DropBodies) > 0 {
		if err := t.dropBodies(c.DropBodies); err != nil {
			return fmt.Errorf("drop the texts of %d requests: %w", len(c.DropBodies), err)
		}
	}
	if len(c.DropRequests) > 0 {
		if err := t.dropRequests(c.DropRequests); err != nil {
			return fmt.Errorf("drop %d requests: %w", len(c.DropRequests), err)
		}
	}
	if len(c.DropTries) > 0 {
		if err := t.dropEach(c.DropTries, dropTries); err != nil {
			return fmt.Errorf("drop the tries of %d deliveries: %w", len(c.DropTries), err)
		}
	}
	if c.DropAudit != 0 {
		if _, err := t.exec(bg, dropAudit, c.DropAudit); err != nil {
			return fmt.Errorf("drop audit entries: %w", err)
		}
	}
	return nil
}

func (t *tx) dropBodies(list []*bridge.Request) error {
	seqs := make([]int64, len(list))
	for i, r := range list {
		seqs[i] = r.Seq
		delete(t.cache.bodies, r.Seq)
	}
	return t.dropEach(seqs, dropMessages, dropAnswers, dropEventData)
}

func (t *tx) dropRequests(list []*bridge.Request) error {
	seqs, chats := make([]int64, len(list)), make([]int64, len(list))
	accounts, dropped := map[int64]bool{}, map[string]bool{}
	for i, r := range list {
		seqs[i], chats[i] = r.Seq, r.Chat.ID
		accounts[r.AccountID], dropped[r.ID] = true, true
		delete(t.cache.bodies, r.Seq)
		delete(t.cache.leases, r.Seq)
		delete(t.cache.requests, r.ID)
		delete(t.cache.chats, r.Chat.ID)
		delete(t.cache.taken, r.AccountID)
	}
	for id, d := range t.cache.deliveries {
		if dropped[d.requestID] {
			delete(t.cache.deliveries, id)
		}
	}
	if err := t.keepNumbers(accounts); err != nil {
		return err
	}
	// The request's own row, which knows its events, goes last; then its chat.
	if err := t.dropEach(seqs, dropTheirTries, dropDeliveries, dropEvents, dropMessages, dropAnswers, dropLeases, dropRequests); err != nil {
		return err
	}
	return t.dropEach(chats, dropChats)
}

// dropEach runs statements on a list of numbers.
func (t *tx) dropEach(numbers []int64, texts ...string) error {
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := t.exec(bg, text, string(list)); err != nil {
			return err
		}
	}
	return nil
}
