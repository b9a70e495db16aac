package postgres

import (
	"cmp"
	"maps"
	"slices"

	"chatbridge/internal/bridge"
)

// loader fills one command's Facts. Its maps see to it that a row that two
// fields hold is the same pointer.
type loader struct {
	*tx
	needs      *bridge.Needs
	facts      *bridge.Facts
	requests   map[int64]*bridge.Request
	chats      map[int64]*bridge.Chat
	leases     map[leaseKey]*bridge.Lease
	workers    map[workerKey]*bridge.Worker
	endpoints  map[int64]*bridge.Endpoint
	deliveries map[int64]*bridge.Delivery
}

// load returns the facts that a command needs, as the commands before it in the
// batch have left them.
func (t *tx) load(n *bridge.Needs) (*bridge.Facts, error) {
	w := &wants{}
	w.add(&t.overlay, n)
	if !w.empty() {
		if err := t.fetch(w); err != nil {
			return nil, err
		}
	}
	t.now = t.clock() // until when something is due
	l := &loader{tx: t, needs: n, facts: &bridge.Facts{}}
	for _, step := range [...]func() error{l.loadDirectory, l.loadRequests, l.loadWorkers, l.loadDeliveries, l.loadSurvey, l.loadCleanUp} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	t.now = t.clock()
	l.facts.Now = t.now
	return l.facts, nil
}

// keep adds to a map that is made when first needed.
func keep[K comparable, V any](m *map[K]V, key K, value V) V {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
	return value
}

// The functions below return a row as this command sees it: the same pointer
// each time, nil if there is none. The row is in the overlay already.

func (l *loader) request(seq int64) *bridge.Request {
	if have := l.requests[seq]; have != nil {
		return have
	}
	row := l.tx.requests.get(seq)
	if row == nil {
		return nil
	}
	r := keep(&l.requests, seq, copyRequest(row.Request))
	r.Chat = l.chat(row.chatID)
	return r
}

func (l *loader) chat(id int64) *bridge.Chat {
	if have := l.chats[id]; have != nil {
		return have
	}
	if row := l.tx.chats.get(id); row != nil {
		return keep(&l.chats, id, copyChat(row))
	}
	return nil
}

func (l *loader) lease(key leaseKey) *bridge.Lease {
	if have := l.leases[key]; have != nil {
		return have
	}
	if row := l.tx.leases.get(key); row != nil {
		return keep(&l.leases, key, copyLease(row))
	}
	return nil
}

func (l *loader) worker(key workerKey) *bridge.Worker {
	if have := l.workers[key]; have != nil {
		return have
	}
	if row := l.tx.workers.get(key); row != nil {
		return keep(&l.workers, key, copyWorker(row))
	}
	return nil
}

func (l *loader) endpoint(id int64) *bridge.Endpoint {
	if have := l.endpoints[id]; have != nil {
		return have
	}
	if row := l.tx.endpoints.get(id); row != nil {
		return keep(&l.endpoints, id, copyEndpoint(row))
	}
	return nil
}

// body gives a request its texts, if the command needs them.
func (l *loader) body(r *bridge.Request) {
	if r != nil && l.needs.Bodies {
		l.text(r)
	}
}

func (l *loader) text(r *bridge.Request) {
	if row := l.bodies.get(r.Seq); row != nil && r.Body == nil {
		r.Body = new(row.Body)
	}
}

// loadDirectory loads the account and what belongs to it, settings and
// credentials.
func (l *loader) loadDirectory() error {
	n, f := l.needs, l.facts
	if n.AccountEmail != "" || n.Keys || n.KeyHash != nil || len(n.Settings) > 0 || n.Credential != nil {
		if err := l.askDirectory(); err != nil {
			return err
		}
	}
	account := n.AccountID
	if f.Account != nil { // by email
		account = f.Account.ID
	} else if row := l.accounts.get(account); row != nil && n.AccountEmail == "" {
		f.Account = copyAccount(row)
	}
	if f.Account == nil || !n.Endpoints {
		return nil
	}
	w := &wants{}
	if w.addEndpoints(&l.overlay, account); !w.empty() {
		if err := l.fetch(w); err != nil {
			return err
		}
	}
	for _, id := range l.endpointsOf[account] {
		f.Endpoints = append(f.Endpoints, l.endpoint(id))
	}
	slices.SortFunc(f.Endpoints, func(a, b *bridge.Endpoint) int {
		if a.Primary != b.Primary {
			if a.Primary {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return nil
}

// loadRequests loads requests, with their chats, leases and texts, and chats.
func (l *loader) loadRequests() error {
	n, f := l.needs, l.facts
	if len(n.Requests) > 0 || n.NextIdle {
		f.Requests = map[string]*bridge.Request{}
	}
	for _, id := range n.Requests {
		l.addRequest(l.byID[id])
	}
	if n.NextIdle {
		if err := l.askRequests(func(seqs []int64) {
			for _, seq := range seqs {
				l.addRequest(seq)
			}
		}, lockNextIdle, n.AccountID); err != nil {
			return err
		}
	}
	if n.Idempotency != "" {
		if f.Idempotent = l.request(l.byKey[nameKey{n.AccountID, n.Idempotency}]); f.Idempotent != nil {
			l.text(f.Idempotent)
		}
	}
	if n.Chat != "" {
		f.Chat = l.chat(l.bySite[nameKey{n.AccountID, string(n.Chat)}])
		if f.Chat == nil {
			if c := l.chat(ours(n.Chat)); c != nil && c.AccountID == n.AccountID {
				f.Chat = c
			}
		}
	}
	if n.SiteChat != "" {
		f.SiteChat = l.chat(l.bySite[nameKey{n.AccountID, n.SiteChat}])
	}
	if n.WaitingIn && (n.SiteChat == "" || f.SiteChat != nil) && len(n.Requests) > 0 {
		if r := f.Requests[n.Requests[0]]; r != nil {
			if err := l.askRequests(func(seqs []int64) { f.Waiting = l.list(seqs) }, lockWaiting, r.AccountID, r.Chat.ID); err != nil {
				return err
			}
		}
	}
	if n.Candidates > 0 {
		return l.loadCandidates()
	}
	return nil
}

// addRequest puts a request into Facts.Requests, with its leases and, if
// needed, its texts.
func (l *loader) addRequest(seq int64) {
	r := l.request(seq)
	if r == nil || l.facts.Requests[r.ID] != nil {
		return
	}
	l.facts.Requests[r.ID] = r
	for _, attempt := range l.leasesOf[seq] {
		l.facts.Leases = append(l.facts.Leases, l.lease(leaseKey{seq, attempt}))
	}
	l.body(r)
}

// list returns requests with texts, if needed.
func (l *loader) list(seqs []int64) (out []*bridge.Request) {
	for _, seq := range seqs {
		r := l.request(seq)
		l.body(r)
		out = append(out, r)
	}
	return out
}

// loadCandidates takes what is left of the candidates that an earlier claim, or
// the batch before its first, has found; where that may be too few it looks again.
func (l *loader) loadCandidates() error {
	key := candidatesOf(l.needs)
	left := l.left(key)
	if have := l.candidates[key]; have.full && len(left) < l.needs.Candidates {
		delete(l.candidates, key)
		w := &wants{}
		w.addCandidates(&l.overlay, l.needs)
		if err := l.fetch(w); err != nil {
			return err
		}
		left = l.left(key)
	}
	l.facts.Candidates = l.list(left[:min(len(left), l.needs.Candidates)])
	return nil
}

// left returns those candidates that are still idle.
func (l *loader) left(key candidatesKey) (seqs []int64) {
	have := l.candidates[key]
	have.ids = slices.DeleteFunc(have.ids, func(id string) bool {
		row := l.tx.requests.get(l.byID[id])
		return row == nil || row.Status != bridge.Idle
	})
	for _, id := range have.ids {
		seqs = append(seqs, l.byID[id])
	}
	return seqs
}

// loadWorkers loads workers and leases.
func (l *loader) loadWorkers() error {
	n, f := l.needs, l.facts
	if len(n.Workers) > 0 {
		f.Workers = map[string]*bridge.Worker{}
	}
	for _, id := range n.Workers {
		if w := l.worker(workerKey{n.AccountID, id}); w != nil {
			f.Workers[id] = w
		}
	}
	if n.NodeWorkers != "" {
		if err := l.askNodeWorkers(); err != nil {
			return err
		}
	}
	if n.HeldBy != "" {
		if err := l.askHeld(heldByWorker, n.AccountID, n.HeldBy); err != nil {
			return err
		}
	}
	if n.GuideHeld {
		if err := l.askHeld(heldByGuides, n.AccountID); err != nil {
			return err
		}
	}
	if n.AllHeld {
		if err := l.askHeld(heldByAll); err != nil {
			return err
		}
	}
	if n.Taken {
		f.Taken = maps.Clone(l.taken[n.AccountID])
	}
	return nil
}

// loadDeliveries loads deliveries, each once, with endpoint and request.
func (l *loader) loadDeliveries() error {
	n := l.needs
	l.addDeliveries(n.DeliveryIDs, true)
	if n.DueDeliveries > 0 {
		each := n.DueDeliveries
		if n.DuePerEnd > 0 {
			each = n.DuePerEnd
		}
		if err := l.askDeliveries(true, n.DueBodyLimit, lockDue, l.now.UnixMicro(), int64(each), orEmpty(n.DueSkip), int64(n.DueDeliveries)); err != nil {
			return err
		}
	}
	if n.ClaimedBy != "" {
		if err := l.askDeliveries(true, 0, lockClaimed, n.ClaimedBy); err != nil {
			return err
		}
	}
	if n.Deliveries != nil {
		text, args := listDeliveries(*n.Deliveries, ids{})
		return l.askDeliveries(false, 0, lockListed(text, n.Deliveries.Ascending), args...)
	}
	return nil
}

func (l *loader) addDeliveries(ids []int64, bodies bool) {
	for _, id := range ids {
		row := l.tx.deliveries.get(id)
		if row == nil || l.deliveries[id] != nil {
			continue
		}
		d := keep(&l.deliveries, id, copyDelivery(row.Delivery))
		d.Endpoint, d.Request = l.endpoint(row.endpointID), l.request(row.requestSeq)
		if bodies {
			l.body(d.Request)
		}
		l.facts.Deliveries = append(l.facts.Deliveries, d)
	}
}
