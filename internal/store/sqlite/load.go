package sqlite

import (
	"maps"
	"strings"

	"chatbridge/internal/bridge"
)

// loader fills one command's Facts. Its maps see to it that a row that two
// fields hold is the same pointer.
type loader struct {
	*tx
	needs bridge.Needs
	facts *bridge.Facts
	same
}

// same is the rows that a command has been given. Its maps serve one command
// after the other: most hold a row or two, and making them costs more than
// filling them.
type same struct {
	requests   map[int64]*bridge.Request
	chats      map[int64]*bridge.Chat
	leases     map[leaseKey]*bridge.Lease
	workers    map[workerKey]*bridge.Worker
	endpoints  map[int64]*bridge.Endpoint
	deliveries map[int64]bool
}

type leaseKey struct {
	request int64
	attempt int
}

func load(t *tx, needs bridge.Needs) (*bridge.Facts, error) {
	l := &t.loader // it is large, and what the command keeps is facts alone
	*l = loader{tx: t, needs: needs, facts: &bridge.Facts{Now: t.now}, same: t.same}
	defer func() { t.same = l.forget() }()
	for _, step := range [...]func(*loader) error{
		(*loader).loadDirectory, (*loader).loadRequests, (*loader).loadWorkers, (*loader).loadDeliveries, (*loader).loadSurvey, (*loader).loadCleanUp,
	} {
		if err := step(l); err != nil {
			return nil, err
		}
	}
	return l.facts, nil
}

// put adds to a map that is made when first needed.
func put[K comparable, V any](m *map[K]V, key K, value V) V {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
	return value
}

// forget empties the maps. A large one is let go: emptying it takes as long as
// it ever was large.
func (s same) forget() same {
	const large = 64
	if len(s.requests)+len(s.leases)+len(s.deliveries) > large {
		return same{}
	}
	clear(s.requests)
	clear(s.chats)
	clear(s.leases)
	clear(s.workers)
	clear(s.endpoints)
	clear(s.deliveries)
	return s
}

// loadDirectory loads the account and what belongs to it, settings and
// credentials.
func (l *loader) loadDirectory() (err error) {
	n, f := &l.needs, l.facts
	if n.AccountID != 0 || n.AccountEmail != "" {
		if f.Account, err = l.account(); err != nil {
			return err
		}
	}
	if f.Account != nil && n.Endpoints {
		if f.Endpoints, err = l.endpointsOf(f.Account.ID); err != nil {
			return err
		}
	}
	if f.Account != nil && n.Keys {
		if err := l.query(bg, func(r *row) { f.Keys = append(f.Keys, scanKey(r)) }, selectKeys, f.Account.ID); err != nil {
			return err
		}
	}
	if n.KeyHash != nil {
		if err := l.query(bg, func(*row) { f.KeyTaken = true }, hasKey, n.KeyHash); err != nil {
			return err
		}
	}
	for _, name := range n.Settings {
		if err := l.query(bg, func(r *row) { put(&f.Settings, name, r.text()) }, selectSetting, name); err != nil {
			return err
		}
	}
	if n.Credential != nil {
		return l.query(bg, func(r *row) { f.Credential = scanCredential(r) }, selectCredential, n.Credential.Kind, n.Credential.Hash)
	}
	return nil
}

func (l *loader) account() (a *bridge.Account, err error) {
	if l.needs.AccountEmail != "" {
		err = l.query(bg, func(r *row) { a = scanAccount(r) }, selectAccountByEmail, strings.ToLower(l.needs.AccountEmail))
		return a, err
	}
	have := l.cache.accounts[l.needs.AccountID]
	if have == nil {
		if err := l.query(bg, func(r *row) { have = scanAccount(r) }, selectAccount, l.needs.AccountID); err != nil || have == nil {
			return nil, err
		}
		remember(l.cache.accounts, have.ID, have)
	}
	return copyAccount(have), nil
}

// endpointsOf returns the account's endpoints as this command sees them.
func (l *loader) endpointsOf(accountID int64) (out []*bridge.Endpoint, err error) {
	stored, err := l.storedEndpoints(accountID)
	for _, e := range stored {
		out = append(out, l.sameEndpoint(e))
	}
	return out, err
}

// storedEndpoints returns the account's endpoints as they are in the cache.
func (l *loader) storedEndpoints(accountID int64) ([]*bridge.Endpoint, error) {
	have, ok := l.cache.endpoints[accountID]
	if !ok {
		if err := l.query(bg, func(r *row) { have = append(have, scanEndpoint(r)) }, selectEndpoints, accountID); err != nil {
			return nil, err
		}
		remember(l.cache.endpoints, accountID, have)
	}
	return have, nil
}

func (l *loader) sameEndpoint(stored *bridge.Endpoint) *bridge.Endpoint {
	if have := l.endpoints[stored.ID]; have != nil {
		return have
	}
	return put(&l.endpoints, stored.ID, copyEndpoint(stored))
}

// loadWorkers loads workers and leases.
func (l *loader) loadWorkers() error {
	n, f := &l.needs, l.facts
	if len(n.Workers) > 0 {
		f.Workers = map[string]*bridge.Worker{}
	}
	for _, id := range n.Workers {
		w, err := l.worker(workerKey{n.AccountID, id})
		if err != nil {
			return err
		}
		if w != nil {
			f.Workers[id] = w
		}
	}
	if n.NodeWorkers != "" {
		if err := l.query(bg, func(r *row) { f.OnNode = append(f.OnNode, l.sameWorker(scanWorker(r))) }, selectWorkersOfNode, n.NodeWorkers); err != nil {
			return err
		}
	}
	if n.HeldBy != "" {
		if err := l.held(selectHeldBy, n.AccountID, n.HeldBy); err != nil {
			return err
		}
	}
	if n.GuideHeld {
		if err := l.held(selectHeldByGuide, n.AccountID); err != nil {
			return err
		}
	}
	if n.AllHeld {
		if err := l.held(selectAllHeld); err != nil {
			return err
		}
	}
	if n.Taken {
		return l.loadTaken()
	}
	return nil
}

func (l *loader) loadTaken() error {
	have, ok := l.cache.taken[l.needs.AccountID]
	if !ok {
		have = taken{}
		if err := l.query(bg, func(r *row) { have.add(r.text(), 1) }, selectTaken, l.needs.AccountID); err != nil {
			return err
		}
		remember(l.cache.taken, l.needs.AccountID, have)
	}
	l.facts.Taken = maps.Clone(have)
	return nil
}

func (l *loader) worker(key workerKey) (*bridge.Worker, error) {
	have := l.cache.workers[key]
	if have == nil {
		if err := l.query(bg, func(r *row) { have = scanWorker(r) }, selectWorker, key.account, key.id); err != nil || have == nil {
			return nil, err
		}
		remember(l.cache.workers, key, have)
	}
	return l.sameWorker(copyWorker(have)), nil
}

func (l *loader) sameWorker(w *bridge.Worker) *bridge.Worker {
	key := workerKey{w.AccountID, w.ID}
	if have := l.workers[key]; have != nil {
		return have
	}
	return put(&l.workers, key, w)
}

// held adds leases with their requests to Facts.Held, each once.
func (l *loader) held(text string, args ...any) error {
	f := l.facts
	already := map[*bridge.Lease]bool{}
	for _, h := range f.Held {
		already[h.Lease] = true
	}
	before := len(f.Held)
	err := l.query(bg, func(r *row) {
		lease := l.sameLease(scanLease(r))
		request := l.sameRequest(scanRequest(r), scanChat(r))
		if !already[lease] {
			f.Held = append(f.Held, bridge.Held{Lease: lease, Request: request})
		}
	}, text, args...)
	if err != nil {
		return err
	}
	for _, h := range f.Held[before:] {
		if err := l.body(h.Request); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) sameLease(lease *bridge.Lease) *bridge.Lease {
	key := leaseKey{lease.RequestSeq, lease.Attempt}
	if have := l.leases[key]; have != nil {
		return have
	}
	return put(&l.leases, key, lease)
}
