package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
)

const (
	// directoryLook is how often the store is asked whether another process or
	// node changed keys or accounts; hints come sooner.
	directoryLook = 5 * time.Second
	// knownKeys bounds the cache of keys; past it the cache begins anew.
	knownKeys = 10_000

	subjectDirectory = "directory"
)

// Directory knows who a key speaks for, and closes what a key or an account
// opened once it is revoked or switched off.
type Directory struct {
	store bridge.Reader
	bus   bus.Bus
	log   *slog.Logger

	mu      sync.Mutex
	version uint64 // raised when what is cached becomes void; from 1
	keys    map[string]*bridge.Principal
	active  map[int64]bool
	hooks   map[int64][]*bridge.Endpoint
	owners  owners
	opened  map[*opening]struct{}
	stale   chan struct{}
	listen  func(context.Context) error // set before Run; called after each change

	wrong  *failures
	proven proven
}

// opening is a socket or a stream, and how it is closed.
type opening struct {
	account int64
	hash    []byte // of the key that opened it; nil for a bare id or a stream URL
	close   func()
}

// NewDirectory makes a Directory; Run runs it.
func NewDirectory(store bridge.Reader, b bus.Bus, log *slog.Logger) *Directory {
	return &Directory{store: store, bus: b, log: log, version: 1, keys: map[string]*bridge.Principal{}, active: map[int64]bool{}, hooks: map[int64][]*bridge.Endpoint{}, owners: owners{of: map[string]int64{}},
		opened: map[*opening]struct{}{}, stale: make(chan struct{}, 1), wrong: newFailures(wrongKeys), proven: proven{hashes: map[string]struct{}{}}}
}

// Run looks for changes that others made, until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	unsubscribe := d.bus.Subscribe(subjectDirectory, func([]byte) { d.Void() })
	defer unsubscribe()
	look := time.NewTicker(directoryLook)
	defer look.Stop()
	seen, _ := d.store.DirectoryVersion(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.stale:
			d.recheck(ctx)
			if d.listen == nil {
				continue
			}
			if err := d.listen(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("look for what changed", "error", err)
			}
		case <-look.C:
			now, err := d.store.DirectoryVersion(ctx)
			if err == nil && now != seen {
				seen = now
				d.Void()
			}
		}
	}
}

// Committed hears what this node committed.
func (d *Directory) Committed(c *bridge.Changes) {
	for _, r := range c.Requests {
		if r.Rev == 1 {
			d.owners.note(r.ID, r.AccountID)
		}
	}
	if !c.Directory {
		return
	}
	d.Void()
	if d.bus.Peers() {
		d.bus.Publish(subjectDirectory, nil)
	}
}

// Void forgets what is cached, and has everything that is open checked again.
func (d *Directory) Void() {
	d.mu.Lock()
	d.version++
	clear(d.keys)
	clear(d.active)
	clear(d.hooks)
	d.mu.Unlock()
	select {
	case d.stale <- struct{}{}:
	default:
	}
}

func (d *Directory) recheck(ctx context.Context) {
	d.mu.Lock()
	all := make([]*opening, 0, len(d.opened))
	for o := range d.opened {
		all = append(all, o)
	}
	d.mu.Unlock()
	for _, o := range all {
		var err error
		var valid bool
		if o.hash != nil {
			var p *bridge.Principal
			p, err = d.byHash(ctx, o.hash)
			valid = p != nil
		} else {
			valid, err = d.Active(ctx, o.account)
		}
		switch {
		case err != nil:
			d.log.Warn("check an open stream's key again", "err", err)
		case !valid:
			o.close()
		}
	}
}

// open notes something that is to be closed once its key or account is no
// longer valid. The caller calls release when it has ended.
func (d *Directory) open(o *opening) (release func()) {
	d.mu.Lock()
	d.opened[o] = struct{}{}
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		delete(d.opened, o)
		d.mu.Unlock()
	}
}

func (d *Directory) byHash(ctx context.Context, hash []byte) (*bridge.Principal, error) {
	d.mu.Lock()
	p, version := d.keys[string(hash)], d.version
	d.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := d.store.Principal(ctx, hash)
	if err != nil || p == nil || !p.Key.RevokedAt.IsZero() || !p.Account.Active {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == version {
		if len(d.keys) >= knownKeys {
			clear(d.keys)
		}
		d.keys[string(hash)] = p
	}
	return p, nil
}

// Active reports whether an account is switched on.
func (d *Directory) Active(ctx context.Context, account int64) (bool, error) {
	d.mu.Lock()
	active, known, version := d.active[account], true, d.version
	if _, ok := d.active[account]; !ok {
		known = false
	}
	d.mu.Unlock()
	if known {
		return active, nil
	}
	a, err := d.store.Account(ctx, account)
	if err != nil {
		return false, err
	}
	active = a != nil && a.Active
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == version {
		d.active[account] = active
	}
	return active, nil
}

// maxOwners is how many requests made here are remembered: their webhooks come
// back to our own receiver soon, if they do. About 1 MB.
const maxOwners = 8192

// owners remembers whose the requests are that were made here lately. That
// never changes.
type owners struct {
	mu    sync.Mutex
	of    map[string]int64
	order [maxOwners]string
	next  int
}

func (o *owners) note(id string, account int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.of, o.order[o.next])
	o.order[o.next], o.of[id] = id, account
	o.next = (o.next + 1) % maxOwners
}

// Owner is the account of a request, 0 for an id that was never issued.
func (d *Directory) Owner(ctx context.Context, requestID string) (int64, error) {
	d.owners.mu.Lock()
	account := d.owners.of[requestID]
	d.owners.mu.Unlock()
	if account != 0 {
		return account, nil
	}
	return d.store.RequestAccount(ctx, requestID)
}

// Secrets are the webhook secrets of an account that are valid at now; those of
// endpoints that were removed are not.
func (d *Directory) Secrets(ctx context.Context, account int64, now time.Time) ([]string, error) {
	d.mu.Lock()
	endpoints, known := d.hooks[account]
	version := d.version
	d.mu.Unlock()
	if !known {
		var err error
		if endpoints, err = d.store.Endpoints(ctx, account); err != nil {
			return nil, err
		}
		d.mu.Lock()
		if d.version == version {
			d.hooks[account] = endpoints
		}
		d.mu.Unlock()
	}
	var secrets []string
	for _, e := range endpoints {
		if e.RemovedAt.IsZero() {
			secrets = append(secrets, e.Secrets(now)...)
		}
	}
	return secrets, nil
}

// Who finds out whom a key speaks for that came from this source. Errors:
// Unauthorized, Forbidden; TooMany, where the source has sent so many wrong keys
// that this one was not even looked up.
func (d *Directory) Who(ctx context.Context, from source, key string, scope bridge.Scope) (*bridge.Principal, error) {
	if key == "" {
		return nil, bridge.Errorf(bridge.Unauthorized, "unauthorized", "Send the account's API key as X-API-Key or as Authorization: Bearer.")
	}
	hash := bridge.HashKey(key)
	if wait := d.wrong.wait(from); wait > 0 && !d.isProven(ctx, hash) {
		return nil, tooMany("keys", wait)
	}
	p, err := d.byHash(ctx, hash)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		d.wrong.count(from)
		return nil, bridge.Errorf(bridge.Unauthorized, "unauthorized", "This key is not known, was revoked, or its account is switched off. Copy the account's key from the admin panel.")
	}
	d.proven.add(hash)
	if !p.Key.Has(scope) {
		return nil, bridge.Errorf(bridge.Forbidden, "forbidden", "This key lacks the scope %q. Use a key that has it.", scope)
	}
	return p, nil
}

// proven are the hashes of keys that are looked up whatever else comes from
// their address: behind one address, a proxy's for instance, there may be many
// clients, and one that guesses must not lock out the others. A key is proven
// once it was valid in this process's life, or because we made it: nobody finds
// 256 random bits by guessing. What remains to be guessed are keys that people
// brought. There are no more proven ones than keys.
type proven struct {
	mu     sync.Mutex
	hashes map[string]struct{}
	loaded uint64 // the directory's version of which all keys that we made are in it
}

func (p *proven) add(hash []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.hashes[string(hash)]; !there {
		p.hashes[string(hash)] = struct{}{}
	}
}

// isProven looks without the store, but for once after each change of keys.
func (d *Directory) isProven(ctx context.Context, hash []byte) bool {
	d.mu.Lock()
	version := d.version
	d.mu.Unlock()
	p := &d.proven
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.hashes[string(hash)]; ok || p.loaded == version {
		return ok
	}
	if err := p.load(ctx, d.store); err != nil {
		d.log.Warn("list the keys that are never held up", "err", err)
		return false
	}
	p.loaded = version
	_, ok := p.hashes[string(hash)]
	return ok
}

func (p *proven) load(ctx context.Context, store bridge.Reader) error {
	accounts, err := store.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		keys, err := store.Keys(ctx, a.ID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.RevokedAt.IsZero() && strings.HasPrefix(k.Prefix, KeyPrefix) {
				p.hashes[string(k.Hash)] = struct{}{}
			}
		}
	}
	return nil
}

// keyOf reads the API key of an HTTP request, "" if it shows none.
func keyOf(h http.Header) string {
	if key := h.Get("X-API-Key"); key != "" {
		return key
	}
	scheme, key, ok := strings.Cut(h.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	return ""
}
