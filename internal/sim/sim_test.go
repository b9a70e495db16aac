package sim

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatbridge/internal/bridge"
	"chatbridge/internal/bus/local"
	"chatbridge/internal/store/sqlite"
	"chatbridge/protocol"
)

var (
	seedsFlag = flag.Int("seeds", 0, "how many seeds to run; 0: a thousand, a hundred with -short or -race")
	seedFlag  = flag.Uint64("seed", 1, "the first seed")
	traceFlag = flag.Bool("story", false, "show all that happened, also where nothing fails")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lanes is how many seeds run at once.
const lanes = 2

func TestSim(t *testing.T) {
	seeds := *seedsFlag
	if seeds == 0 {
		seeds = 1000
		if testing.Short() || raceEnabled {
			seeds = 100
		}
	}
	var next, failed atomic.Int64
	const enough = 5 // failures to look at
	for range lanes {
		t.Run("lane", func(t *testing.T) {
			t.Parallel()
			for {
				i := next.Add(1) - 1
				if i >= int64(seeds) || failed.Load() >= enough {
					return
				}
				seed := *seedFlag + uint64(i)
				if f := simulate(t, seed, nil); f != nil {
					failed.Add(1)
					t.Errorf("seed %d breaks %q: run it alone with -run Sim -seeds 1 -seed %d\n%v", seed, f.oracle, seed, f)
				}
			}
		})
	}
}

// simulate runs one seed. With a mutation, the product is broken on purpose.
func simulate(t *testing.T, seed uint64, m *mutation) (f *failure) {
	defer func() {
		if p := recover(); p != nil {
			f = &failure{oracle: "the simulation itself", detail: fmt.Sprintf("seed %d: panic: %v\n%s", seed, p, debug.Stack())}
		}
	}()
	synctest.Test(t, func(*testing.T) {
		s := newSim(seed, m)
		defer s.close()
		s.schedule()
		if s.run(s.plan.horizon, func() bool { return false }); !s.failed() {
			s.settle()
		}
		if *traceFlag && s.fault == nil {
			s.failf("nothing", "", "a trace was asked for")
		}
		f = s.fault
	})
	return f
}

// sim is one run: the product, and the actors around it.
type sim struct {
	*world
	plan     plan
	mutation *mutation
	dice     dice

	store  bridge.Store
	bus    *local.Bus
	memory memory
	counters
	account int64
	hosts   []*host
	workers []*worker
	guides  []*guide
	clients []*client
	readers []*reader
	site    *site
	ledger  *ledger

	calm    bool // no more faults
	holding bool // workers hold what they are handed, until all slots are full
	conns   int
	tasks   int
	busy    int // submits and cancels that are not answered yet
}

func newSim(seed uint64, m *mutation) *sim {
	w := newWorld(seed)
	s := &sim{world: w, mutation: m, dice: w.rand("schedule"), bus: local.New(), memory: memory{last: map[int64]int64{}}}
	s.plan = newPlan(w.rand("plan"))
	s.site = newSite(s)
	s.ledger = newLedger(s)
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: ":memory:"})
	if err != nil {
		panic(err)
	}
	s.store = store
	account := &bridge.CreateAccount{Email: "sim@example.com", Key: strings.Repeat("k", bridge.MinOwnKey)}
	if err := bridge.Do(context.Background(), store.Post, account); err != nil {
		panic(err)
	}
	s.account = account.Account.ID
	s.logf("", "plan: %+v", s.plan)
	for i := range s.plan.nodes {
		h := &host{s: s, name: fmt.Sprintf("node%d", i+1)}
		h.dice = w.rand(h.name)
		s.hosts = append(s.hosts, h)
		h.start()
	}
	s.makeWorkers()
	return s
}

func (s *sim) makeWorkers() {
	for i := range s.plan.workers {
		k := &worker{s: s, name: fmt.Sprintf("w%d", i+1), n: 10, alive: true}
		k.id = k.name
		k.dice = s.rand(k.name)
		k.capacity = 1 + k.dice.IntN(3)
		if i > 0 { // the first takes everything
			k.types = pick(k.dice, [][]string{nil, {"auto"}, {"auto", "thinking"}})
		}
		s.addWorker(k)
	}
	for i := range s.plan.guides {
		g := &guide{s: s, name: fmt.Sprintf("g%d", i+1), works: map[string]*page{}, alive: true}
		g.dice = s.rand(g.name)
		s.guides = append(s.guides, g)
		s.after(g.dice.between(0, 20*time.Second), g.connect)
	}
}

func (s *sim) addWorker(k *worker) {
	k.held = map[protocol.Ref]*task{}
	s.logf("", "%s", k.describe())
	s.workers = append(s.workers, k)
	s.after(k.dice.between(0, 10*time.Second), k.connect)
}

// someLife picks a node that takes connections.
func (s *sim) someLife(d dice) *life {
	var up []*life
	for _, h := range s.hosts {
		if h.life != nil && h.life.ready {
			up = append(up, h.life)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return pick(d, up)
}

func (s *sim) faults(f fault) bool { return !s.calm && s.plan.faults&f != 0 }

// netDelay is how long a message is on its way.
func (s *sim) netDelay(d dice) time.Duration {
	if s.faults(slowNet) {
		return d.seldom(0.1, time.Millisecond, 300*time.Millisecond, 300*time.Millisecond, 15*time.Second)
	}
	return d.between(time.Millisecond, 30*time.Millisecond)
}

// log is logf for a message of a worker.
func (s *sim) log(m protocol.Message, format string, args ...any) {
	switch m := m.(type) {
	case protocol.Ping, protocol.Pong, pongFrame:
	case protocol.AttemptMessage:
		s.logf(s.ledger.label(m.Of().RequestID), format, args...)
	default:
		s.logf("", format, args...)
	}
}

// close ends everything: the bubble ends when the last goroutine has.
func (s *sim) close() {
	for _, h := range s.hosts {
		h.crash("ends")
	}
	for range 3 { // what the end stirs
		synctest.Wait()
		for _, l := range s.letters() {
			l.do()
		}
	}
	if err := s.store.Close(); err != nil {
		panic(err)
	}
}
