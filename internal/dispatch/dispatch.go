// Package dispatch brings requests and workers together on one node: it knows
// the sockets that are connected here, claims work for those that have room,
// passes their messages to the domain and the domain's signals to them, and
// keeps the clocks. Who holds what is decided by the store; another node's
// dispatch may claim, end or cancel at any moment.
package dispatch

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus"
)

// Socket is a worker's connection, as the API room holds it.
type Socket interface {
	// Deliver queues a message for the worker. It is called in the order of the
	// commits and must not block.
	Deliver(bridge.Signal)
	// Ping sends a WebSocket ping frame and waits for its pong.
	Ping(ctx context.Context) error
	// Close closes the socket; bye, where the dialect has it, says why.
	Close(bye string)
}

// Live is where the room of streams hears what is not stored.
type Live interface {
	Begin(requestID string, attempt int)
	Phase(requestID string, attempt int, phase string)
	Away(requestID string, attempt int, away bool)
	Delta(requestID string, attempt, offset int, text string) (ok bool)
	WaitingChanged(accountID int64)
}

// Look is how often the store is looked at without a hint: the safety net for
// every wake-up that was lost.
const Look = 5 * time.Second

// Options are what a Dispatch works with. All but Log are required.
type Options struct {
	Store bridge.Reader
	Post  bridge.Post // the node's: it tells every room what was committed
	Here  bridge.Here
	Live  Live
	Bus   bus.Bus
	Log   *slog.Logger
}

// Dispatch is one node's dispatch room.
type Dispatch struct {
	o      Options
	clock  *clock
	pusher *pusher

	mu       sync.Mutex
	accounts map[int64]*account
	closing  bool
	desks    sync.WaitGroup // desks and pings; Run waits for them
	ctx      context.Context
	stop     context.CancelFunc
}

// account is what this node knows of an account: its board, and the sockets
// that are connected here.
type account struct {
	id       int64
	board    *board        // nil until surveyed
	surveyed chan struct{} // closed once the board is there; nil while nobody asked
	sockets  map[string]*Session
	counts   map[string]*Session // worker id → the socket that counts
	wake     chan struct{}
	atDesk   bool
	claims   atomic.Int32 // under way
	renewed  time.Time    // of the account's guide leases
}

// New makes a Dispatch; Run runs it.
func New(o Options) *Dispatch {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	d := &Dispatch{o: o, accounts: map[int64]*account{}}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.clock = newClock(o)
	d.pusher = newPusher(o.Live.WaitingChanged)
	return d
}

// Run keeps the clocks and the look until ctx ends, then waits for the desks.
func (d *Dispatch) Run(ctx context.Context) error {
	unsubscribe := d.o.Bus.Subscribe(subjectAccounts, d.hint)
	unsignal := d.o.Bus.Subscribe(subjectSignal, d.signalFromBus)
	defer unsubscribe()
	defer unsignal()
	var parts sync.WaitGroup // waited for below
	parts.Go(func() { d.clock.run(ctx) })
	parts.Go(func() { d.pusher.run(ctx) })
	look := time.NewTicker(Look)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			d.mu.Lock()
			d.closing = true
			d.mu.Unlock()
			d.stop()
			parts.Wait()
			d.desks.Wait()
			return nil
		case <-look.C:
			d.look(ctx)
		}
	}
}

// Drain closes every worker's socket with bye draining and takes no new ones.
func (d *Dispatch) Drain() {
	d.mu.Lock()
	d.closing = true
	var all []*Session
	for _, a := range d.accounts {
		for _, s := range a.sockets {
			all = append(all, s)
		}
	}
	d.mu.Unlock()
	for _, s := range all {
		s.socket.Close("draining")
	}
}

const (
	subjectAccounts = "dispatch.accounts"
	subjectSignal   = "dispatch.signal"
)

// Observe takes a commit of this node into the boards and clocks. It comes
// before the streams hear of the commit: they ask the boards why a request
// waits. Like Committed it is called in the order of the commits and never
// blocks.
func (d *Dispatch) Observe(c *bridge.Changes) {
	d.clock.committed(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sig := range c.Signals { // before the desk sees the room that this makes
		if s := d.session(sig); s != nil && (sig.Kind == bridge.SignalSilence || sig.Kind == bridge.SignalReplaced) {
			s.closing = true
		}
	}
	for id := range touched(c) {
		a := d.accounts[id]
		if a == nil || a.board == nil {
			continue
		}
		if a.board.apply(c) {
			d.pusher.mark(id)
			if a.board.idle > 0 {
				a.nudge()
			}
		}
	}
}

// Committed sends out the signals of a commit, after the streams have heard of
// it, and hints at it to the other nodes.
func (d *Dispatch) Committed(c *bridge.Changes) {
	if len(c.Signals) > 0 {
		d.mu.Lock()
		for _, sig := range c.Signals {
			d.route(sig)
		}
		d.mu.Unlock()
	}
	if !d.o.Bus.Peers() {
		return
	}
	ids := slices.Sorted(maps.Keys(touched(c)))
	if len(ids) > 0 {
		data, _ := json.Marshal(ids)
		d.o.Bus.Publish(subjectAccounts, data)
	}
}

// touched are the accounts of which something in motion moved.
func touched(c *bridge.Changes) map[int64]bool {
	ids := map[int64]bool{}
	for _, e := range c.Events {
		ids[e.AccountID] = true
	}
	for _, l := range c.Leases {
		ids[l.AccountID] = true
	}
	for _, l := range c.DropLeases {
		ids[l.AccountID] = true
	}
	for _, w := range c.Workers {
		ids[w.AccountID] = true
	}
	for _, w := range c.DropWorker {
		ids[w.AccountID] = true
	}
	return ids
}

// session is the socket here that a signal is for, nil if it is elsewhere or
// gone. The caller holds the lock.
func (d *Dispatch) session(sig bridge.Signal) *Session {
	a := d.accounts[sig.AccountID]
	switch {
	case a == nil:
		return nil
	case sig.Conn == "":
		return a.counts[sig.WorkerID]
	}
	return a.sockets[sig.Conn]
}

// route gives a signal to the socket it is for, here or, by the bus, elsewhere.
// The caller holds the lock.
func (d *Dispatch) route(sig bridge.Signal) {
	if s := d.session(sig); s != nil {
		s.hear(sig)
		return
	}
	if d.o.Bus.Peers() && (sig.Kind == bridge.SignalCancel || sig.Kind == bridge.SignalReplaced || sig.Kind == bridge.SignalSilence) {
		data, _ := json.Marshal(sig)
		d.o.Bus.Publish(subjectSignal, data)
	}
}

func (d *Dispatch) signalFromBus(data []byte) {
	var sig bridge.Signal
	if json.Unmarshal(data, &sig) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.session(sig); s != nil {
		s.hear(sig)
	}
}

// hint hears that another node committed something for these accounts.
func (d *Dispatch) hint(data []byte) {
	var ids []int64
	if json.Unmarshal(data, &ids) != nil {
		return
	}
	for _, id := range ids {
		d.resurvey(id)
	}
}

// look finds what no hint told of.
func (d *Dispatch) look(ctx context.Context) {
	d.mu.Lock()
	seen := map[int64]int64{}
	for id, a := range d.accounts {
		switch {
		case a.board == nil:
		case len(a.sockets) == 0 && len(a.board.open) == 0:
			delete(d.accounts, id)
		default:
			seen[id] = a.board.events
			if a.board.idle > 0 {
				a.nudge()
			}
		}
	}
	d.mu.Unlock()
	for id, events := range seen {
		_, last, err := d.o.Store.EventRange(ctx, id)
		if err != nil {
			d.o.Log.Warn("look for missed changes", "account", id, "err", err)
			return
		}
		if last != events || d.o.Bus.Peers() {
			d.resurvey(id) // a hello or a pause elsewhere is no event
		}
	}
}

// of returns the account's state, made if need be. The caller holds the lock.
func (d *Dispatch) of(id int64) *account {
	a := d.accounts[id]
	if a == nil {
		a = &account{id: id, sockets: map[string]*Session{}, counts: map[string]*Session{}, wake: make(chan struct{}, 1)}
		d.accounts[id] = a
	}
	return a
}

// survey makes sure that the account's board is there.
func (d *Dispatch) survey(ctx context.Context, id int64) error {
	d.mu.Lock()
	a := d.of(id)
	if a.board != nil {
		d.mu.Unlock()
		return nil
	}
	ready := a.surveyed
	if ready == nil {
		ready = make(chan struct{})
		a.surveyed = ready
		d.mu.Unlock()
		d.takeSurvey(id, func() { close(ready) })
	} else {
		d.mu.Unlock()
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resurvey reads a board anew after another node's commit.
func (d *Dispatch) resurvey(id int64) {
	d.mu.Lock()
	a := d.accounts[id]
	known := a != nil && a.board != nil
	d.mu.Unlock()
	if known {
		d.takeSurvey(id, func() {})
	}
}

func (d *Dispatch) takeSurvey(id int64, then func()) {
	cmd := &bridge.TakeSurvey{AccountID: id}
	d.o.Post(cmd, func(_ *bridge.Changes, err error) {
		defer then()
		d.mu.Lock()
		defer d.mu.Unlock()
		a := d.of(id)
		a.surveyed = nil
		if err != nil {
			d.o.Log.Warn("survey an account", "account", id, "err", err)
			return
		}
		a.board = newBoard(id, cmd.Survey)
		for _, s := range a.counts {
			s.missed(a.board)
		}
		a.nudge()
		d.pusher.mark(id)
	})
}

func (a *account) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
