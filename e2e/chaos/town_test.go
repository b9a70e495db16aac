package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/e2e/harness/actors"
)

// plan says who takes part. Each account's first endpoint is its Webhook URL.
var plan = []struct {
	name      string
	clients   int
	v1, guide int // workers; every second of v1 is mortal, and the last is headless
	endpoints []planned
}{
	{"steady", 5, 3, 0, []planned{{mood: actors.Hiccup}, {mood: actors.Hang}, {mood: actors.DripBody, events: "request.failed"}}},
	{"rough", 5, 3, 0, []planned{{mood: actors.Broken}, {mood: actors.Reset}, {mood: actors.Well, events: "request.failed"}}},
	{"guided", 4, 0, 6, []planned{{mood: actors.Hiccup}, {mood: actors.TooMany}}},
	{"gone", 4, 3, 0, []planned{{mood: actors.Well}, {mood: actors.Gone, rate: 20}, {mood: actors.Gigabyte, events: "request.failed"}}},
	{"elsewhere", 4, 3, 0, []planned{{mood: actors.Redirect}, {mood: actors.Drip}, {mood: actors.Well, events: "request.done"}}},
	{"never", 3, 3, 0, []planned{{mood: actors.Well}, {mood: actors.Broken, ill: true}, {mood: actors.Hang, ill: true}}},
}

type planned struct {
	mood   actors.Mood
	rate   int    // tries a minute at most, until all is healed; 0: any number
	events string // "" for both
	ill    bool   // it never heals
}

// begins is the mood before they change for the first time: one that says 410
// must be owed something by then.
func (p planned) begins() actors.Mood {
	if p.mood == actors.Gone {
		return actors.Well
	}
	return p.mood
}

// endpoint is a webhook URL, from both sides.
type endpoint struct {
	planned
	id      int64
	account int64
	sink    *actors.Endpoint
	seen    actors.Seen // at the end
	off     []window
}

// town is all of one run.
type town struct {
	t testing.TB
	*actors.World
	server    *harness.Server
	engine    *engine
	dice      *rand.Rand // of the faults
	endpoints []*endpoint
	begun     time.Time
	asked     int64 // requests
	restarts  int
	done      map[string]int // faults, by name
}

// unhurried is how long a client rests at most in a short run, so that its load
// lasts as long as every fault takes to come once.
const unhurried = 1200 * time.Millisecond

// found builds a town: the server runs, nobody has done anything yet.
func found(t testing.TB, e *engine, requests int) *town {
	s := harness.StartEnv(t, e.env)
	opt := actors.Options{Seed: *seedFlag, Bases: []string{"http://" + s.Addr}, Quick: true, Pause: unhurried}
	if requests >= many {
		opt.Parallel, opt.Capacity, opt.Pause = 8, 16, 10*time.Millisecond
	}
	town := &town{t: t, World: actors.New(t, opt), server: s, engine: e, asked: int64(requests), done: map[string]int{}}
	town.dice = town.Dice()
	for _, p := range plan {
		made := s.NewAccount(town.Sink.Endpoint(p.name+"-0", p.endpoints[0].mood).URL)
		a := actors.Account{ID: made.ID, Name: p.name, Key: made.Key}
		for i, planned := range p.endpoints {
			town.endpoint(a, made, i, planned)
		}
		town.Accounts = append(town.Accounts, a)
		town.Feed(a)
	}
	return town
}

func (w *town) endpoint(a actors.Account, made harness.Account, i int, planned planned) {
	e := &endpoint{planned: planned, account: a.ID}
	path := fmt.Sprintf("/api/admin/accounts/%d/endpoints/", a.ID)
	if i == 0 {
		e.sink = w.sinkOf(a.Name + "-0")
		e.sink.Trust(made.Secret)
		var all []struct{ ID int64 }
		w.server.Admin().Call("GET", path, nil).Want(200).JSON(&all)
		e.id = all[0].ID
	} else {
		e.sink = w.Sink.Endpoint(a.Name+"-"+strconv.Itoa(i), planned.begins())
		fields := harness.Fields{"url": e.sink.URL, "rate_limit": planned.rate}
		if planned.events != "" {
			fields["events"] = []string{planned.events}
		}
		var made struct {
			Endpoint struct{ ID int64 }
			Secret   string `json:"webhook_secret"`
		}
		w.server.Admin().Call("POST", path, fields).Want(201).JSON(&made)
		e.id = made.Endpoint.ID
		e.sink.Trust(made.Secret)
	}
	w.endpoints = append(w.endpoints, e)
}

func (w *town) sinkOf(name string) *actors.Endpoint {
	all := w.Sink.Endpoints()
	return all[slices.IndexFunc(all, func(e *actors.Endpoint) bool { return e.Name == name })]
}

// open lets everyone in.
func (w *town) open() {
	w.begun = time.Now()
	w.Quota.Store(w.asked)
	for i, p := range plan {
		a := w.Accounts[i]
		for n := range p.v1 {
			name := fmt.Sprintf("%s-%d", p.name, n)
			if n == p.v1-1 {
				w.Headless(a, name)
			} else {
				w.Extension(a, name, n%2 == 0)
			}
		}
		for range p.guide {
			w.Guide(a)
		}
		for range p.clients {
			w.Client(a)
		}
	}
}

// tell prints how far a run has come, every few seconds until stop is called.
func (w *town) tell() (stop func()) {
	const every = 5 * time.Second
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { // stop waits for it
		last, at := 0, time.Now()
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for {
			select {
			case <-over:
				return
			case now := <-ticks.C:
				w.Book.Mu.Lock()
				made, ended := len(w.Book.Made), len(w.Book.Ends)
				w.Book.Mu.Unlock()
				taken := 0
				for _, e := range w.Sink.Endpoints() {
					taken += e.Taken()
				}
				faults, _ := w.Book.Faults()
				w.t.Logf("%s %4.0f s: %d of %d acknowledged, %d ended (%.0f a second), %d webhooks taken, %d faults on the way", w.engine.name,
					now.Sub(w.begun).Seconds(), made, w.asked, ended, float64(ended-last)/now.Sub(at).Seconds(), taken, faults)
				last, at = ended, now
			}
		}
	})
	return func() { close(over); telling.Wait() }
}
