package postgres

import (
	"slices"

	"chatbridge/internal/bridge"
)

// What is found by more than a key is asked of the database when the command's turn
// has come: behind what the commands before it have changed, which is written first
// in the same round trip. Such a question locks what it finds and says which rows
// these are; the rows themselves are then read by their keys, behind the lock.
const (
	// NULLS FIRST: those never given out. Another caller takes the next one meanwhile.
	lockNextIdle = `SELECT r.id FROM requests r WHERE r.seq = ANY(ARRAY(SELECT o.seq FROM open_requests o WHERE o.account_id = $1)) AND r.status = 'idle'
		ORDER BY r.last_retrieved_at NULLS FIRST, r.seq LIMIT 1 FOR UPDATE OF r SKIP LOCKED`
	lockWaiting = `SELECT r.id FROM open_requests o JOIN requests r ON r.seq = o.seq WHERE o.account_id = $1 AND o.chat_id = $2 AND r.status = 'idle'
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.request_seq = r.seq AND NOT l.cancelled)
		ORDER BY r.seq FOR UPDATE OF r`

	// The conditions of Held, on leases l.
	heldByWorker = `l.account_id = $1 AND l.worker_id = $2`
	heldByGuides = `l.account_id = $1 AND l.guide AND NOT l.cancelled`
	heldByAll    = `TRUE`

	lockNodeWorkers = `SELECT ` + workerColumns + ` FROM workers w WHERE w.node = $1 ORDER BY w.account_id, w.id FOR UPDATE OF w`

	// owing walks the endpoints that are owed anything, one step of the index
	// each, however much one of them is owed.
	owing = `WITH RECURSIVE owing (id) AS (
			(SELECT endpoint_id FROM deliveries WHERE due_at IS NOT NULL ORDER BY endpoint_id LIMIT 1)
			UNION ALL
			SELECT (SELECT x.endpoint_id FROM deliveries x WHERE x.due_at IS NOT NULL AND x.endpoint_id > owing.id ORDER BY x.endpoint_id LIMIT 1)
			FROM owing WHERE owing.id IS NOT NULL)`
	// Two nodes that look at once choose the same ones; the second gets what is left
	// of them and looks again.
	lockDue = owing + ` SELECT d.id FROM deliveries d WHERE d.id = ANY(ARRAY(
			SELECT y.id FROM owing JOIN endpoints e ON e.id = owing.id CROSS JOIN LATERAL (SELECT x.id, x.due_at FROM deliveries x
				WHERE x.endpoint_id = owing.id AND x.due_at IS NOT NULL AND x.due_at <= $1 ORDER BY x.due_at, x.id LIMIT $2) y
			WHERE e.enabled AND (e.hold_until IS NULL OR e.hold_until <= $1) AND e.id <> ALL($3::bigint[])
			ORDER BY y.due_at, y.id LIMIT $4)) AND d.due_at <= $1
		ORDER BY d.due_at, d.id FOR UPDATE OF d SKIP LOCKED`
	lockClaimed = `SELECT d.id FROM deliveries d WHERE d.due_at IS NOT NULL AND d.claimed_by = $1 ORDER BY d.id FOR UPDATE OF d`

	lockByEmail    = `SELECT ` + accountColumns + `, a.xmin FROM accounts a WHERE a.email_key = $1 FOR UPDATE OF a`
	lockKeys       = `SELECT ` + keyColumns + ` FROM keys k WHERE k.account_id = $1 ORDER BY k.id FOR UPDATE OF k`
	lockKeysOf     = `SELECT ` + keyColumns + ` FROM keys k WHERE k.account_id = (SELECT a.id FROM accounts a WHERE a.email_key = $1) ORDER BY k.id FOR UPDATE OF k`
	hasKey         = `SELECT k.id FROM keys k WHERE k.hash = $1`
	lockSettings   = `SELECT name, value FROM settings WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE`
	lockCredential = `SELECT ` + credentialColumns + ` FROM credentials WHERE kind = $1 AND hash = $2 FOR UPDATE`
)

// askDirectory loads what of the directory is looked up by more than the account's
// number.
func (l *loader) askDirectory() error {
	n, f := l.needs, l.facts
	p := l.flushed()
	email := emailKey(n.AccountEmail)
	if email != "" {
		p.query(lockByEmail, func(r *row) {
			a := scanAccount(r)
			l.accounts.load(a.ID, a, true, r.xid())
			f.Account = copyAccount(l.accounts.get(a.ID))
		}, email)
	}
	if n.Keys {
		add := func(r *row) { f.Keys = append(f.Keys, scanKey(r)) }
		if email != "" {
			p.query(lockKeysOf, add, email)
		} else {
			p.query(lockKeys, add, n.AccountID)
		}
	}
	if n.KeyHash != nil {
		p.query(hasKey, func(*row) { f.KeyTaken = true }, n.KeyHash)
	}
	if len(n.Settings) > 0 {
		for _, name := range n.Settings {
			l.unset[name] = true
		}
		p.query(lockSettings, func(r *row) {
			name := r.text()
			keep(&f.Settings, name, r.text())
			l.unset[name] = false
		}, slices.Clone(n.Settings))
	}
	if n.Credential != nil {
		p.query(lockCredential, func(r *row) { f.Credential = scanCredential(r) }, n.Credential.Kind, n.Credential.Hash)
	}
	return l.ask(p)
}

// askRequests locks the requests that a statement finds, and gives their numbers.
func (l *loader) askRequests(then func([]int64), text string, args ...any) error {
	var ids []string
	p := l.flushed()
	p.query(text, func(r *row) { ids = append(ids, r.text()) }, args...)
	if err := l.ask(p); err != nil {
		return err
	}
	if err := l.fetchFound(ids); err != nil {
		return err
	}
	seqs := make([]int64, len(ids))
	for i, id := range ids {
		seqs[i] = l.byID[id]
	}
	then(seqs)
	return nil
}

// fetchFound loads requests that are locked already. Where they are to be deleted
// their chats are locked, too: to none that goes with them is a request added.
func (l *loader) fetchFound(ids []string) error {
	w := &wants{}
	for _, id := range ids {
		if l.needs.Sweep != nil {
			w.addRequest(&l.overlay, id, l.needs.Bodies)
		} else {
			w.addFound(&l.overlay, id, l.needs.Bodies)
		}
	}
	if w.empty() {
		return nil
	}
	return l.fetch(w)
}

// askHeld adds leases with their requests to Facts.Held, each once. The requests
// are locked first; then their leases stand still.
func (l *loader) askHeld(where string, args ...any) error {
	var ids []string
	p := l.flushed()
	p.query(`SELECT r.id FROM requests r WHERE r.seq = ANY(ARRAY(SELECT l.request_seq FROM leases l WHERE `+where+`)) ORDER BY r.seq FOR UPDATE OF r`,
		func(r *row) { ids = append(ids, r.text()) }, args...)
	if err := l.ask(p); err != nil {
		return err
	}
	if err := l.fetchFound(ids); err != nil {
		return err
	}
	var keys []leaseKey
	p = l.flushed()
	p.query(`SELECT l.request_seq, l.attempt FROM leases l WHERE `+where+` ORDER BY l.request_seq, l.attempt`, func(r *row) {
		keys = append(keys, leaseKey{r.int64(), r.int()})
	}, args...)
	if err := l.ask(p); err != nil {
		return err
	}
	already := map[*bridge.Lease]bool{}
	for _, h := range l.facts.Held {
		already[h.Lease] = true
	}
	for _, key := range keys {
		lease := l.lease(key)
		if lease == nil {
			return errStale // given out between the two questions
		}
		if !already[lease] {
			r := l.request(key.request)
			l.body(r)
			l.facts.Held = append(l.facts.Held, bridge.Held{Lease: lease, Request: r})
		}
	}
	return nil
}

func (l *loader) askNodeWorkers() error {
	p := l.flushed()
	var keys []workerKey
	p.query(lockNodeWorkers, func(r *row) {
		w := scanWorker(r)
		key := workerKey{w.AccountID, w.ID}
		l.tx.workers.load(key, w, true, 0)
		keys = append(keys, key)
	}, l.needs.NodeWorkers)
	if err := l.ask(p); err != nil {
		return err
	}
	for _, key := range keys {
		l.facts.OnNode = append(l.facts.OnNode, l.worker(key))
	}
	return nil
}

// askDeliveries adds the deliveries that a statement finds and locks. limit bounds
// the bodies that are fetched, in bytes; 0: all are.
func (l *loader) askDeliveries(bodies bool, limit int, text string, args ...any) error {
	var ids []int64
	p := l.flushed()
	p.query(text, func(r *row) { ids = append(ids, r.int64()) }, args...)
	if err := l.ask(p); err != nil {
		return err
	}
	w := &wants{sentBytes: int64(limit)}
	for _, id := range ids {
		w.addDelivery(&l.overlay, id, bodies && l.needs.Bodies)
	}
	if !w.empty() {
		if err := l.fetch(w); err != nil {
			return err
		}
	}
	l.addDeliveries(ids, bodies)
	return nil
}
