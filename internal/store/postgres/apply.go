package postgres

import (
	"errors"
	"fmt"
	"slices"

	"chatbridge/internal/bridge"
)

// The statements of what is changed seldom: one at a time, and not through the
// overlay.
const (
	insertKey = `INSERT INTO keys (id, account_id, name, prefix, hash, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	updateKey = `UPDATE keys SET name = $1, scopes = $2, revoked_at = $3 WHERE id = $4`

	putCredential = `INSERT INTO credentials (kind, hash, name, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, hash) DO UPDATE SET name = excluded.name, created_at = excluded.created_at, expires_at = excluded.expires_at`
	dropCredential  = `DELETE FROM credentials WHERE kind = $1 AND hash = $2`
	dropCredentials = `DELETE FROM credentials WHERE kind = $1`

	insertSetting = `INSERT INTO settings (name, value) VALUES ($1, $2)`
	putSetting    = insertSetting + ` ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	dropSetting   = `DELETE FROM settings WHERE name = $1`

	raiseDirectory = `UPDATE directory SET version = version + 1`

	insertReplay = `INSERT INTO replays (id, filter, status, matching, replayed, skipped, created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	updateReplay = `UPDATE replays SET filter = $1, status = $2, matching = $3, replayed = $4, skipped = $5, ended_at = $6 WHERE id = $7`

	insertAudit = `INSERT INTO audit (id, at, actor, address, action, account_id, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// queue has a statement executed with the next flush; update one that must be
// about one row.
func (t *tx) queue(text string, args ...any) {
	t.direct = append(t.direct, statement{text, args, false})
}
func (t *tx) update(text string, args ...any) {
	t.direct = append(t.direct, statement{text, args, true})
}

// apply takes what a command has decided into the overlay: parents before their
// children, so that these know their numbers. It may stop in the middle; then the
// transaction can't go on.
func (t *tx) apply(c *bridge.Changes) error {
	if err := t.applyDirectory(c); err != nil {
		return err
	}
	if err := t.applyRequests(c); err != nil {
		return err
	}
	t.applyLeases(c)
	for _, w := range c.DropWorker {
		t.workers.drop(workerKey{w.AccountID, w.ID})
	}
	for _, w := range c.Workers {
		t.workers.put(workerKey{w.AccountID, w.ID}, copyWorker(w))
	}
	for _, e := range c.Events {
		if e.Request == nil || e.Request.Seq == 0 {
			return errors.New("write an event: it has no stored request")
		}
		t.events = append(t.events, event{e, e.Request.Seq})
	}
	if err := t.applyDeliveries(c); err != nil {
		return err
	}
	return t.drop(c)
}

// applyDirectory takes accounts and what belongs to them, settings and credentials.
func (t *tx) applyDirectory(c *bridge.Changes) error {
	var made int64 // the account that these changes insert
	for _, a := range c.Accounts {
		if a.ID != 0 {
			t.accounts.put(a.ID, copyAccount(a))
			continue
		}
		if err := t.give(&a.ID, countAccounts); err != nil {
			return err
		}
		made = a.ID
		t.accounts.insert(a.ID, copyAccount(a))
	}
	own := func(account *int64) {
		if *account == 0 && made != 0 {
			*account = made
			t.given = append(t.given, account)
		}
	}
	for _, e := range c.Endpoints {
		own(&e.AccountID)
		if err := t.applyEndpoint(e); err != nil {
			return err
		}
	}
	for _, k := range c.Keys {
		own(&k.AccountID)
		if err := t.applyKey(k); err != nil {
			return err
		}
	}
	for _, e := range c.Audit {
		own(&e.AccountID)
		if err := t.give(&e.ID, countAudit); err != nil {
			return err
		}
		t.queue(insertAudit, e.ID, micros(e.At), e.Actor, e.Address, e.Action, e.AccountID, e.Target, jsonOrNull(e.Detail))
	}
	t.applySettings(c)
	if c.Directory {
		t.queue(raiseDirectory)
	}
	return nil
}

func (t *tx) applyEndpoint(e *bridge.Endpoint) error {
	if e.ID != 0 {
		t.endpoints.put(e.ID, copyEndpoint(e))
		return nil
	}
	if err := t.give(&e.ID, countEndpoints); err != nil {
		return err
	}
	t.endpoints.insert(e.ID, copyEndpoint(e))
	if list, known := t.endpointsOf[e.AccountID]; known {
		t.endpointsOf[e.AccountID] = append(list, e.ID)
	}
	return nil
}

func (t *tx) applyKey(k *bridge.Key) error {
	if k.ID != 0 {
		t.update(updateKey, k.Name, encode(k.Scopes, false), micros(k.RevokedAt), k.ID)
		return nil
	}
	if err := t.give(&k.ID, countKeys); err != nil {
		return err
	}
	t.queue(insertKey, k.ID, k.AccountID, k.Name, k.Prefix, k.Hash, encode(k.Scopes, false), micros(k.CreatedAt), micros(k.RevokedAt))
	return nil
}

func (t *tx) applySettings(c *bridge.Changes) {
	for name, value := range c.Settings {
		switch {
		case value == "":
			t.queue(dropSetting, name)
		case t.unset[name]: // plainly: where another node has set it meanwhile, the command is decided anew
			t.queue(insertSetting, name, value)
		default:
			t.queue(putSetting, name, value)
		}
		t.unset[name] = false
	}
	for _, kind := range c.DropKinds {
		t.queue(dropCredentials, kind)
	}
	for _, d := range c.DropCredential {
		t.queue(dropCredential, d.Kind, d.Hash)
	}
	for _, v := range c.Credentials {
		t.queue(putCredential, v.Kind, v.Hash, v.Name, micros(v.CreatedAt), micros(v.ExpiresAt))
	}
}

// applyRequests takes chats, requests and texts.
func (t *tx) applyRequests(c *bridge.Changes) error {
	for _, chat := range c.Chats {
		if err := t.applyChat(chat); err != nil {
			return err
		}
	}
	for _, r := range c.Bodies {
		if r.Seq != 0 {
			t.applyBody(r)
		}
	}
	for _, r := range c.Requests {
		if err := t.applyRequest(r); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) applyChat(c *bridge.Chat) error {
	if c.ID != 0 {
		before, now := t.chats.get(c.ID), copyChat(c)
		t.chats.put(c.ID, now)
		t.nameChat(before, now)
		return nil
	}
	if err := t.give(&c.ID, countChats); err != nil {
		return err
	}
	now := copyChat(c)
	t.chats.insert(c.ID, now)
	t.nameChat(nil, now)
	t.fresh[c.ID] = true
	return nil
}

func (t *tx) applyRequest(r *bridge.Request) error {
	if r.Chat == nil || r.Chat.ID == 0 {
		return fmt.Errorf("write request %s: it has no stored chat", r.ID)
	}
	if r.Seq != 0 {
		now := &requestRow{copyRequest(r), r.Chat.ID}
		t.noteStep(t.requests.get(r.Seq), now)
		t.requests.put(r.Seq, now)
		t.byID[r.ID] = r.Seq
		return nil
	}
	if err := t.give(&r.Seq, countRequests); err != nil {
		return err
	}
	now := &requestRow{copyRequest(r), r.Chat.ID}
	t.requests.insert(r.Seq, now)
	t.byID[r.ID] = r.Seq
	if r.IdempotencyKey != "" {
		t.byKey[nameKey{r.AccountID, r.IdempotencyKey}] = r.Seq
	}
	t.leasesOf[r.Seq] = nil
	t.noteNew(now)
	body := &bodyRow{message: true}
	if r.Body != nil {
		body.Body = *r.Body
	}
	body.answer = body.Response != "" || body.Partial != ""
	t.bodies.insert(r.Seq, body)
	return nil
}

// applyBody takes the texts of a stored request: the message where it is not known
// to be stored, and the answer.
func (t *tx) applyBody(r *bridge.Request) {
	now := &bodyRow{answer: true}
	if r.Body != nil {
		now.Body = *r.Body
	}
	have := t.bodies.get(r.Seq)
	now.message = have == nil || have.message || have.Message != now.Message || string(have.Metadata) != string(now.Metadata)
	t.bodies.put(r.Seq, now)
}

func (t *tx) applyLeases(c *bridge.Changes) {
	for _, l := range c.DropLeases {
		t.applyLease(leaseKey{l.RequestSeq, l.Attempt}, l, nil)
	}
	for _, l := range c.Leases {
		t.applyLease(leaseKey{l.RequestSeq, l.Attempt}, l, copyLease(l))
	}
}

// applyLease takes a lease as it is now, nil where it is dropped.
func (t *tx) applyLease(key leaseKey, l, now *bridge.Lease) {
	before := t.leases.get(key)
	_, listed := t.leasesOf[key.request]
	known := listed || t.leases.known(key)
	if now == nil {
		t.leases.drop(key)
		if at := slices.Index(t.leasesOf[key.request], key.attempt); at >= 0 {
			t.leasesOf[key.request] = slices.Delete(t.leasesOf[key.request], at, at+1)
		}
	} else {
		t.leases.put(key, now)
		t.listLease(key)
	}
	t.countLease(l.AccountID, before, now, known)
	t.noteLease(l, before, now, known)
}

// countLease keeps the account's count of leases by worker.
func (t *tx) countLease(account int64, before, now *bridge.Lease, known bool) {
	taken := t.taken[account]
	if taken == nil {
		return
	}
	if !known { // whose count falls is not known
		delete(t.taken, account)
		return
	}
	if before != nil {
		if taken[before.WorkerID]--; taken[before.WorkerID] == 0 {
			delete(taken, before.WorkerID)
		}
	}
	if now != nil {
		taken[now.WorkerID]++
	}
}

// applyDeliveries takes deliveries, tries and replays.
func (t *tx) applyDeliveries(c *bridge.Changes) error {
	for _, d := range c.Deliveries {
		row := &deliveryRow{copyDelivery(d), d.Endpoint.ID, d.Request.Seq}
		if d.ID != 0 {
			t.deliveries.put(d.ID, row)
			continue
		}
		if err := t.give(&d.ID, countDeliveries); err != nil {
			return err
		}
		row.ID = d.ID
		t.deliveries.insert(d.ID, row)
	}
	for _, v := range c.Tries {
		t.tries = append(t.tries, []any{v.DeliveryID, int64(v.Number), micros(v.At), int64(v.Duration), int64(v.Status), v.Error,
			encode(v.RequestHeaders, len(v.RequestHeaders) == 0), encode(v.ResponseHeaders, len(v.ResponseHeaders) == 0), v.ResponseBody, int64(v.RetryAfter)})
	}
	for _, p := range c.Replays {
		f := p.Filter
		settleTimes(&f.From, &f.To)
		filter := encode(f, false)
		if p.ID != 0 {
			t.update(updateReplay, filter, p.Status, p.Matching, p.Replayed, p.Skipped, micros(p.EndedAt), p.ID)
			continue
		}
		if err := t.give(&p.ID, countReplays); err != nil {
			return err
		}
		t.queue(insertReplay, p.ID, filter, p.Status, p.Matching, p.Replayed, p.Skipped, micros(p.CreatedAt), micros(p.EndedAt))
	}
	return nil
}
