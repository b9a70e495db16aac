package postgres

import (
	"slices"
	"time"

	"chatbridge/internal/bridge"
)

// What protects what, with several nodes that write at once (READ COMMITTED: each
// statement sees what was committed when it began, and what a lock that it waited
// for has changed):
//
//   - a request's row is locked by whoever may change it, and stands for its
//     leases too: these are read behind the lock, by a statement of their own, and
//     changed by nobody who does not hold it;
//   - a chat is locked by who adds a request to it, before the request gets its
//     number: so the numbers of a chat's requests are in the order of their
//     commits, and "the first of its chat" stays so. It is also locked by who
//     renames it or moves what waits in it;
//   - a worker's row is locked by who gives it a request and by who speaks for it:
//     the count of its leases does not grow meanwhile. A worker who says hello
//     elsewhere finds all that it was given;
//   - a delivery's row is locked by who tries, replays or abandons it, and by who
//     cleans up its request;
//   - accounts, endpoints, and the requests of deliveries are read by many and
//     changed by few: they are not locked, but found unchanged when they are
//     written (see verify). That an end reads an endpoint which is switched off in
//     the same moment does no harm: what it owes to it is found by Abandoned;
//   - candidates and due deliveries are locked too, past those that others hold;
//   - whatever is not there yet can't be locked. That two nodes do not put it there
//     at once is a constraint; the second is told 23505 and decides anew.
//
// Locks are taken in one order, to keep deadlocks away: workers, requests, chats,
// deliveries, each by number; the counters of events last, just before the commit.
// Where the order can't be kept a deadlock costs a second and the batch is begun
// anew.
const (
	lockWorkers = `SELECT ` + workerColumns + ` FROM unnest($1::bigint[], $2::text[]) u (account_id, id)
			JOIN workers w ON w.account_id = u.account_id AND w.id = u.id
		ORDER BY w.account_id, w.id FOR UPDATE OF w`

	// these is requests by number or id.
	these = ` = ANY(ARRAY(SELECT unnest($1::bigint[]) UNION ALL SELECT i.seq FROM requests i WHERE i.id = ANY($2::text[])))`

	// The last column: has its chat other unfinished requests?
	lockRequests = `SELECT ` + requestColumns + `, EXISTS (SELECT 1 FROM open_requests o WHERE o.chat_id = r.chat_id AND o.seq <> r.seq)
		FROM requests r WHERE r.seq` + these + ` ORDER BY r.seq FOR UPDATE OF r`

	lockChats = `SELECT ` + chatColumns + ` FROM chats c WHERE c.id = ANY(ARRAY(
			SELECT r.chat_id FROM requests r WHERE r.seq` + these + `
			UNION ALL
			SELECT i.id FROM unnest($3::bigint[], $4::bigint[]) u (account_id, id) JOIN chats i ON i.id = u.id AND i.account_id = u.account_id
			UNION ALL
			SELECT i.id FROM unnest($5::bigint[], $6::text[]) u (account_id, site_id) JOIN chats i ON i.account_id = u.account_id AND i.site_id = u.site_id
		)) ORDER BY c.id FOR UPDATE OF c`

	fetchLeases = `SELECT ` + leaseColumns + ` FROM leases l WHERE l.request_seq` + these

	fetchBodies = `SELECT b.request_seq, ` + bodyColumns + ` FROM bodies b` + withAnswer + ` WHERE b.request_seq` + these
	fetchSent   = `SELECT r.seq, ` + bodyColumns + ` FROM requests r` + withBody + ` WHERE r.seq = ANY(ARRAY(SELECT d.request_seq FROM deliveries d WHERE d.id = ANY($1::bigint[])))`
	// What fetchSmall leaves out stays unknown.
	fetchSmall = `SELECT r.seq, ` + bodyColumns + ` FROM requests r` + withTexts + ` WHERE r.seq = ANY(ARRAY(SELECT d.request_seq FROM deliveries d WHERE d.id = ANY($1::bigint[])))
			AND octet_length(b.message) + coalesce(octet_length(b.metadata), 0) + coalesce(octet_length(s.response) + octet_length(s.partial), 0) <= $2`

	lockDeliveries = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.id = ANY($1::bigint[]) ORDER BY d.id FOR UPDATE OF d`

	// Rows that are not locked come with their version.
	fetchRequests = `SELECT ` + requestColumns + `, r.xmin, ` + chatColumns + `, c.xmin FROM requests r` + withChat
	fetchOwed     = fetchRequests + ` WHERE r.seq = ANY(ARRAY(SELECT d.request_seq FROM deliveries d WHERE d.id = ANY($1::bigint[]))) ORDER BY r.seq`
	fetchKeys     = fetchRequests + ` JOIN unnest($1::bigint[], $2::text[]) u (account_id, idempotency_key) ON r.account_id = u.account_id AND r.idempotency_key = u.idempotency_key ORDER BY r.seq`
	fetchKeyTexts = `SELECT r.seq, ` + bodyColumns + ` FROM unnest($1::bigint[], $2::text[]) u (account_id, idempotency_key)
			JOIN requests r ON r.account_id = u.account_id AND r.idempotency_key = u.idempotency_key` + withBody
	fetchEndpoints = `SELECT ` + endpointColumns + `, e.xmin FROM endpoints e
		WHERE e.account_id = ANY(ARRAY(SELECT unnest($1::bigint[]) UNION ALL SELECT d.account_id FROM deliveries d WHERE d.id = ANY($2::bigint[]))) ORDER BY e.id`
	fetchAccounts = `SELECT ` + accountColumns + `, a.xmin FROM accounts a WHERE a.id = ANY($1::bigint[]) ORDER BY a.id`
	fetchTaken    = `SELECT l.account_id, l.worker_id, count(*) FROM leases l WHERE l.account_id = ANY($1::bigint[]) GROUP BY l.account_id, l.worker_id`

	// lockCandidates finds what may be handed out: the first of its chat that has not
	// ended, of a chat that no lease holds.
	// Requests that a look has found and locked. Their chats are not, to keep the order
	// of the locks.
	fetchLocked = `SELECT ` + requestColumns + `, EXISTS (SELECT 1 FROM open_requests o WHERE o.chat_id = r.chat_id AND o.seq <> r.seq), ` + chatColumns + `, c.xmin
		FROM requests r` + withChat + ` WHERE r.seq` + these + ` ORDER BY c.id`

	// The last column: is it still of that chat, now that it is locked?
	lockCandidates = `SELECT r.id, r.seq, r.chat_id = o.chat_id FROM open_requests o JOIN requests r ON r.seq = o.seq
		WHERE o.account_id = $1 AND r.status = 'idle' AND ($3 = '' OR strpos($3, ' ' || r.response_type || ' ') > 0)
			AND NOT EXISTS (SELECT 1 FROM open_requests p WHERE p.chat_id = o.chat_id AND p.seq < o.seq)
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.chat_id = o.chat_id)
		ORDER BY o.seq LIMIT $2 FOR UPDATE OF r SKIP LOCKED`

	readClock = `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
)

// ask executes a pipeline that loads, and reads the clock behind whatever locks it
// takes: what is decided on what another node has left is later than that.
func (t *tx) ask(p *pipeline) error {
	p.query(readClock, func(r *row) { t.dbTime, t.readAt = time.UnixMicro(r.int64()).UTC(), time.Now() })
	return t.send(p)
}

// pairs splits keys into one array each.
func pairs[K any, A, B any](keys []K, split func(K) (A, B)) (as []A, bs []B) {
	as, bs = make([]A, len(keys)), make([]B, len(keys))
	for i, k := range keys {
		as[i], bs[i] = split(k)
	}
	return as, bs
}

func (k nameKey) split() (int64, string)   { return k.account, k.name }
func (k workerKey) split() (int64, string) { return k.account, k.id }

// fetch loads what is wanted into the overlay: in one round trip, and candidates,
// once they are found, in another. What commands have changed is written first, so
// that no statement misses it.
func (t *tx) fetch(w *wants, more ...func(*pipeline)) error {
	p := t.flushed()
	t.fetchWorkers(p, w)
	t.fetchRequests(p, w)
	t.fetchDeliveries(p, w)
	t.fetchDirectory(p, w)
	t.fetchKeys(p, w)
	t.fetchCandidates(p, w)
	for _, f := range more {
		f(p)
	}
	if err := t.ask(p); err != nil {
		return err
	}
	t.noteAbsent(w)
	next := &wants{}
	for key := range w.candidates {
		for _, id := range t.candidates[key].ids {
			next.addFound(&t.overlay, id, true)
		}
	}
	if next.empty() {
		return nil
	}
	return t.fetch(next)
}

func (t *tx) fetchWorkers(p *pipeline, w *wants) {
	if len(w.workers.list) > 0 {
		accounts, ids := pairs(w.workers.list, workerKey.split)
		p.query(lockWorkers, func(r *row) {
			worker := scanWorker(r)
			t.workers.load(workerKey{worker.AccountID, worker.ID}, worker, true, 0)
		}, accounts, ids)
	}
	if len(w.taken.list) > 0 {
		for _, account := range w.taken.list {
			t.taken[account] = map[string]int{}
		}
		p.query(fetchTaken, func(r *row) { t.taken[r.int64()][r.text()] = r.int() }, w.taken.list)
	}
}

func (t *tx) fetchRequests(p *pipeline, w *wants) {
	seqs, ids := t.split(w.requests.list)
	some := len(w.requests.list) > 0
	load := func(r *row) {
		q := scanRequest(r)
		t.loadRequest(q, true, 0)
		if t.leasesOf[q.Seq] == nil {
			t.leasesOf[q.Seq] = []int{}
		}
		t.crowd(q.chatID, r.bool())
	}
	if some {
		p.query(lockRequests, load, seqs, ids)
	}
	if some || len(w.chats.list)+len(w.sites.list) > 0 {
		ofAccounts, numbers := pairs(w.chats.list, func(k nameKey) (int64, int64) { return k.account, ours(bridge.ChatRef(k.name)) })
		accounts, sites := pairs(w.sites.list, nameKey.split)
		p.query(lockChats, func(r *row) { t.loadChat(scanChat(r), true, 0) }, seqs, ids, ofAccounts, numbers, accounts, sites)
	}
	if some {
		p.query(fetchLeases, func(r *row) { t.loadLease(scanLease(r)) }, seqs, ids)
	}
	if len(w.found.list) > 0 {
		seqs, ids := t.split(w.found.list)
		p.query(t.orLock(fetchLocked, "c"), func(r *row) {
			load(r)
			c := scanChat(r)
			t.loadChat(c, t.lockAll, r.xid())
		}, seqs, ids)
		p.query(fetchLeases, func(r *row) { t.loadLease(scanLease(r)) }, seqs, ids)
	}
	if len(w.bodies.list) > 0 {
		seqs, ids := t.split(w.bodies.list)
		p.query(fetchBodies, t.loadBody, seqs, ids)
	}
}

// orEmpty is the list, but never nil: nil would be NULL.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (t *tx) fetchDeliveries(p *pipeline, w *wants) {
	if len(w.deliveries.list) > 0 {
		p.query(lockDeliveries, func(r *row) {
			d := scanDelivery(r)
			t.deliveries.load(d.ID, d, true, 0)
		}, w.deliveries.list)
		// Behind the locks: whoever held them may have changed the requests.
		p.query(t.orLock(fetchOwed, "r, c"), func(r *row) { t.loadFound(r) }, w.deliveries.list)
	}
	if len(w.sent.list) > 0 {
		if w.sentBytes > 0 {
			p.query(fetchSmall, t.loadBody, w.sent.list, w.sentBytes)
		} else {
			p.query(fetchSent, t.loadBody, w.sent.list)
		}
	}
}

func (t *tx) fetchDirectory(p *pipeline, w *wants) {
	if len(w.endpoints.list)+len(w.deliveries.list) > 0 {
		p.query(t.orLock(fetchEndpoints, "e"), func(r *row) {
			e := scanEndpoint(r)
			t.loadEndpoint(e, r.xid())
		}, orEmpty(w.endpoints.list), orEmpty(w.deliveries.list))
	}
	if len(w.accounts.list) > 0 {
		p.query(t.orLock(fetchAccounts, "a"), func(r *row) {
			a := scanAccount(r)
			t.accounts.load(a.ID, a, t.lockAll, r.xid())
		}, w.accounts.list)
	}
}

// orLock has a statement lock what it reads, once a batch has met rows that
// changed while it decided on them.
func (t *tx) orLock(text, tables string) string {
	if !t.lockAll {
		return text
	}
	return text + ` FOR UPDATE OF ` + tables
}

func (t *tx) fetchKeys(p *pipeline, w *wants) {
	if len(w.keys.list) > 0 {
		accounts, names := pairs(w.keys.list, nameKey.split)
		p.query(t.orLock(fetchKeys, "r, c"), func(r *row) { t.loadFound(r) }, accounts, names)
		p.query(fetchKeyTexts, t.loadBody, accounts, names)
	}
}

func (t *tx) fetchCandidates(p *pipeline, w *wants) {
	for key, n := range w.candidates {
		have := &candidates{}
		t.candidates[key] = have
		p.query(lockCandidates, func(r *row) {
			id, seq := r.text(), r.int64()
			have.found++
			if r.bool() {
				t.found[id] = seq
				have.ids = append(have.ids, id)
			}
			have.full = have.found == n
		}, key.account, int64(n), key.types)
	}
}

// noteAbsent has the overlay know what was looked for and is not there.
func (t *tx) noteAbsent(w *wants) {
	for _, id := range w.accounts.list {
		t.accounts.load(id, nil, t.lockAll, 0)
	}
	for _, id := range w.endpoints.list {
		if _, ok := t.endpointsOf[id]; !ok {
			t.endpointsOf[id] = nil
		}
	}
	for _, id := range w.requests.list {
		if _, ok := t.byID[id]; !ok {
			t.byID[id] = 0
		}
	}
	for _, id := range w.bodies.list {
		if seq := t.byID[id]; seq != 0 {
			t.bodies.load(seq, nil, true, 0) // the texts are gone
		}
	}
	for _, key := range w.keys.list {
		if _, ok := t.byKey[key]; !ok {
			t.byKey[key] = 0
		}
	}
	for _, key := range w.sites.list {
		if _, ok := t.bySite[key]; !ok {
			t.bySite[key] = 0
		}
	}
	for _, key := range w.chats.list {
		t.noChat[key] = !t.chats.locked(ours(bridge.ChatRef(key.name)))
	}
	for _, key := range w.workers.list {
		t.workers.load(key, nil, true, 0)
	}
	for _, id := range w.deliveries.list {
		t.deliveries.load(id, nil, true, 0)
	}
}

// The functions below take rows into the overlay and its indexes.

func (t *tx) loadRequest(q *requestRow, locked bool, version uint32) {
	t.requests.load(q.Seq, q, locked, version)
	if now := t.requests.get(q.Seq); now != nil {
		t.byID[now.ID] = q.Seq
		if now.IdempotencyKey != "" {
			t.byKey[nameKey{now.AccountID, now.IdempotencyKey}] = q.Seq
		}
	}
}

func (t *tx) loadFound(r *row) (seq int64) {
	q := scanRequest(r)
	t.loadRequest(q, t.lockAll, r.xid())
	c := scanChat(r)
	t.loadChat(c, t.lockAll, r.xid())
	return q.Seq
}

func (t *tx) loadChat(c *bridge.Chat, locked bool, version uint32) {
	before := t.chats.get(c.ID)
	t.chats.load(c.ID, c, locked, version)
	now := t.chats.get(c.ID)
	t.nameChat(before, now)
}

// nameChat keeps the index of the site's ids.
func (t *tx) nameChat(before, now *bridge.Chat) {
	if before != nil && before.SiteID != "" && (now == nil || now.SiteID != before.SiteID) {
		if key := (nameKey{before.AccountID, before.SiteID}); t.bySite[key] == before.ID {
			t.bySite[key] = 0
		}
	}
	if now != nil && now.SiteID != "" {
		t.bySite[nameKey{now.AccountID, now.SiteID}] = now.ID
	}
}

func (t *tx) loadEndpoint(e *bridge.Endpoint, version uint32) {
	t.endpoints.load(e.ID, e, t.lockAll, version)
	if !slices.Contains(t.endpointsOf[e.AccountID], e.ID) {
		t.endpointsOf[e.AccountID] = append(t.endpointsOf[e.AccountID], e.ID)
	}
}

func (t *tx) loadLease(l *bridge.Lease) {
	key := leaseKey{l.RequestSeq, l.Attempt}
	t.leases.load(key, l, true, 0)
	if t.leases.get(key) != nil {
		t.listLease(key)
	}
}

// listLease keeps a request's list of leases in order, where it is known.
func (t *tx) listLease(key leaseKey) {
	list, known := t.leasesOf[key.request]
	if at, found := slices.BinarySearch(list, key.attempt); known && !found {
		t.leasesOf[key.request] = slices.Insert(list, at, key.attempt)
	}
}

func (t *tx) loadBody(r *row) {
	seq := r.int64()
	var have *bodyRow
	if b := scanBody(r); b != nil {
		have = &bodyRow{Body: *b}
	}
	t.bodies.load(seq, have, true, 0)
}

// crowd notes whether a chat has other unfinished requests than the one that was
// loaded; once it may have, it stays so for the batch.
func (t *tx) crowd(chat int64, others bool) {
	t.crowded[chat] = others || t.crowded[chat]
}
