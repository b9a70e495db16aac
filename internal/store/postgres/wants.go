package postgres

import (
	"strconv"
	"strings"

	"chatbridge/internal/bridge"
)

// set is a list without repeats.
type set[K comparable] struct {
	list []K
	has  map[K]struct{}
}

func (s *set[K]) add(key K) {
	if _, ok := s.has[key]; ok {
		return
	}
	if s.has == nil {
		s.has = map[K]struct{}{}
	}
	s.has[key] = struct{}{}
	s.list = append(s.list, key)
}

// wants is the keys of what commands need and the overlay does not know yet.
type wants struct {
	accounts   set[int64]
	endpoints  set[int64]   // by account
	requests   set[string]  // by id, to be locked, with chat and leases
	bodies     set[string]  // by request id
	keys       set[nameKey] // requests by idempotency key, with bodies
	chats      set[nameKey] // by our own number: the account and the number
	sites      set[nameKey] // chats by the site's id
	workers    set[workerKey]
	taken      set[int64] // by account
	deliveries set[int64]
	sent       set[int64] // deliveries of which the bodies are wanted
	sentBytes  int64      // …where they have at most so many bytes; 0: all
	candidates map[candidatesKey]int
	found      set[string] // requests by id that are locked already
}

func (w *wants) empty() bool {
	return len(w.accounts.list)+len(w.endpoints.list)+len(w.requests.list)+len(w.bodies.list)+len(w.keys.list)+len(w.chats.list)+len(w.sites.list)+
		len(w.workers.list)+len(w.taken.list)+len(w.deliveries.list)+len(w.sent.list)+len(w.candidates)+len(w.found.list) == 0
}

// ours reads a reference as our own integer, 0 if it is none.
func ours(ref bridge.ChatRef) int64 {
	n, err := strconv.ParseInt(string(ref), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(ref) {
		return 0
	}
	return n
}

// add adds what of a command's needs is found by a key. What takes more than a
// key is asked for when the command's turn has come, see load.go.
func (w *wants) add(o *overlay, n *bridge.Needs) {
	if n.AccountID != 0 && n.AccountEmail == "" {
		if !o.accounts.known(n.AccountID) {
			w.accounts.add(n.AccountID)
		}
		if n.Endpoints {
			w.addEndpoints(o, n.AccountID)
		}
	}
	for _, id := range n.Requests {
		w.addRequest(o, id, n.Bodies)
	}
	if key := (nameKey{n.AccountID, n.Idempotency}); n.Idempotency != "" {
		if seq, known := o.byKey[key]; !known || seq != 0 && !o.bodies.known(seq) {
			w.keys.add(key)
		}
	}
	for _, site := range [...]string{string(n.Chat), n.SiteChat} {
		key := nameKey{n.AccountID, site}
		if site == "" {
			continue
		}
		if id, known := o.bySite[key]; !known || id != 0 && !o.chats.locked(id) {
			w.sites.add(key)
		}
	}
	if key := (nameKey{n.AccountID, string(n.Chat)}); ours(n.Chat) != 0 && !o.chats.locked(ours(n.Chat)) && !o.noChat[key] {
		w.chats.add(key)
	}
	for _, id := range n.Workers {
		if key := (workerKey{n.AccountID, id}); !o.workers.locked(key) {
			w.workers.add(key)
		}
	}
	if n.Taken && o.taken[n.AccountID] == nil {
		w.taken.add(n.AccountID)
	}
	if n.Candidates > 0 {
		w.addCandidates(o, n)
	}
	for _, id := range n.DeliveryIDs {
		w.addDelivery(o, id, n.Bodies)
	}
}

func (w *wants) addEndpoints(o *overlay, account int64) {
	if _, known := o.endpointsOf[account]; !known {
		w.endpoints.add(account)
	}
}

func (w *wants) addRequest(o *overlay, id string, body bool) {
	seq, known := o.byID[id]
	if known && seq == 0 {
		return
	}
	if _, listed := o.leasesOf[seq]; !known || !o.requests.locked(seq) || !listed {
		w.requests.add(id)
	}
	if body && (!known || !o.bodies.known(seq)) {
		w.bodies.add(id)
	}
}

// addFound adds a request that a look has locked.
func (w *wants) addFound(o *overlay, id string, body bool) {
	seq, known := o.byID[id]
	if _, listed := o.leasesOf[seq]; !known || !o.requests.locked(seq) || !listed {
		w.found.add(id)
	}
	if body && (!known || !o.bodies.known(seq)) {
		w.bodies.add(id)
	}
}

func (w *wants) addDelivery(o *overlay, id int64, body bool) {
	d := o.deliveries.get(id)
	if d == nil {
		if o.deliveries.known(id) {
			return
		}
		w.deliveries.add(id)
		if body {
			w.sent.add(id)
		}
		return
	}
	if !o.deliveries.locked(id) || !o.requests.known(d.requestSeq) {
		w.deliveries.add(id)
	}
	w.addEndpoints(o, d.AccountID)
	if body && !o.bodies.known(d.requestSeq) {
		w.sent.add(id)
	}
}

// candidatesKey says whose candidates, and of which response types.
type candidatesKey struct {
	account int64
	types   string // each with a space before and behind it; "": all
}

func candidatesOf(n *bridge.Needs) candidatesKey {
	key := candidatesKey{account: n.AccountID}
	if len(n.CandidateTypes) > 0 {
		key.types = " " + strings.Join(n.CandidateTypes, " ") + " "
	}
	return key
}

func (k candidatesKey) takes(responseType string) bool {
	return k.types == "" || strings.Contains(k.types, " "+responseType+" ")
}

// candidates is what may be handed out, as far as the batch knows.
type candidates struct {
	ids   []string // in order of submission; some may have been handed out since
	found int      // how many the database has given
	full  bool     // there may be more behind them
}

// maxCandidates bounds how many the claims of a batch look at, and so lock,
// together.
const maxCandidates = 128

// addCandidates adds up what the claims of a batch ask for, so that they share
// one look.
func (w *wants) addCandidates(o *overlay, n *bridge.Needs) {
	key := candidatesOf(n)
	if o.candidates[key] != nil {
		return
	}
	if w.candidates == nil {
		w.candidates = map[candidatesKey]int{}
	}
	w.candidates[key] = max(n.Candidates, min(w.candidates[key]+n.Candidates, maxCandidates))
}
