package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// mutation breaks the product on purpose: a simulation that does not notice
// proves nothing.
type mutation struct {
	rule int // of the worker protocol
	name string
	// seen are the oracles that may notice it.
	seen []string

	needs   func(bridge.Command, *bridge.Needs)
	facts   func(bridge.Command, *bridge.Facts)
	changes func(bridge.Command, *bridge.Facts, *bridge.Changes)
	delta   func(*life, protocol.Delta) bool // whether it was taken, against the rule
	early   func(bridge.Command) bool        // its signals leave before its commit
}

// mutationSeeds bounds how many seeds a mutation may survive.
const mutationSeeds = 400

func TestMutations(t *testing.T) {
	if raceEnabled {
		t.Skip("what this tests is the simulation, and the race detector makes it ten times as long")
	}
	for _, m := range mutations {
		t.Run(fmt.Sprintf("rule %d/%s", m.rule, m.name), func(t *testing.T) {
			t.Parallel()
			other := map[string]int{}
			for seed := range uint64(mutationSeeds) {
				f := simulate(t, seed+1, &m)
				if f == nil {
					continue
				}
				if slices.Contains(m.seen, f.oracle) {
					t.Logf("seed %d: %s: %s", seed+1, f.oracle, f.detail)
					return
				}
				other[f.oracle]++
			}
			t.Errorf("no seed up to %d noticed it; other oracles failed: %v", mutationSeeds, other)
		})
	}
}

// mutated is a command as the broken product would have it.
func (s *sim) mutated(cmd bridge.Command) bridge.Command {
	if s.mutation == nil {
		return cmd
	}
	return broken{cmd, s.mutation}
}

type broken struct {
	bridge.Command
	m *mutation
}

func (b broken) Needs() bridge.Needs {
	n := b.Command.Needs()
	if b.m.needs != nil {
		b.m.needs(b.Command, &n)
	}
	return n
}

func (b broken) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	if b.m.facts != nil {
		b.m.facts(b.Command, f)
	}
	c, err := b.Command.Decide(f)
	if err == nil && b.m.changes != nil {
		b.m.changes(b.Command, f, c)
	}
	return c, err
}

// signals is a command that is decided, and not done: only its signals leave.
type signals struct{ bridge.Command }

func (s signals) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	c, err := s.Command.Decide(f)
	if err != nil {
		return nil, err
	}
	return &bridge.Changes{Now: f.Now, Signals: c.Signals}, nil
}

// silent is a command whose signals have left already.
type silent struct{ bridge.Command }

func (s silent) Decide(f *bridge.Facts) (*bridge.Changes, error) {
	c, err := s.Command.Decide(f)
	if err == nil {
		c.Signals = nil
	}
	return c, err
}

// tooEarly lets a command's signals leave, and has it committed later.
func (l *life) tooEarly(j job) {
	done := make(chan *bridge.Changes, 1)
	l.h.s.store.Post(signals{j.cmd}, func(c *bridge.Changes, _ error) { done <- c })
	if c := <-done; c != nil {
		l.node.Dispatch.Committed(c)
	}
	l.h.s.after(l.h.dice.between(0, time.Second), func() { l.enqueue(job{silent{j.cmd}, j.done}) })
}

// plain is the command itself.
func plain(cmd bridge.Command) bridge.Command {
	if s, ok := cmd.(silent); ok {
		return s.Command
	}
	return cmd
}

// is reports whether a command is of a type.
func is[T bridge.Command](cmd bridge.Command) bool { _, ok := cmd.(T); return ok }

// onlySignals empties what a command writes, and leaves its signals.
func onlySignals(c *bridge.Changes) { *c = bridge.Changes{Now: c.Now, Signals: c.Signals} }

func without(c *bridge.Changes, kind bridge.SignalKind) {
	c.Signals = slices.DeleteFunc(c.Signals, func(s bridge.Signal) bool { return s.Kind == kind })
}

func ends(c *bridge.Changes) bool {
	return slices.ContainsFunc(c.Events, func(e *bridge.Event) bool { return e.Type == bridge.EventEnd })
}

var mutations = []mutation{
	{rule: 1, name: "go leaves before its commit", seen: []string{"after the commit"},
		early: is[*bridge.MaySend]},
	{rule: 1, name: "new_request leaves before its commit", seen: []string{"after the commit"},
		early: is[*bridge.Claim]},
	{rule: 1, name: "ack leaves before its commit", seen: []string{"after the commit"},
		early: is[*bridge.Complete]},
	{rule: 1, name: "attempt numbers are used again", seen: []string{"attempt numbers", "the state machine"},
		changes: func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			for _, e := range c.Events {
				if e.Type == bridge.EventPutBack {
					e.Request.Attempt--
				}
			}
		}},
	{rule: 2, name: "go is not stored", seen: []string{"ready gets go", "after the commit", "no press without go"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.MaySend](cmd) {
				onlySignals(c)
			}
		}},
	{rule: 2, name: "what may have been sent is handed over again", seen: []string{"never handed over after go", "pressed once"},
		changes: func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			for _, e := range c.Events {
				if r := e.Request; e.Type == bridge.EventEnd && r.ErrorCode == bridge.WorkerLost && !r.MaySendAt.IsZero() {
					e.Type, r.Status, r.ErrorCode, r.ErrorMessage = bridge.EventPutBack, bridge.Idle, "", ""
					r.MaySendAt, r.StartedAt, r.CompletedAt = time.Time{}, time.Time{}, time.Time{}
				}
			}
		}},
	{rule: 2, name: "an attempt that was put back gets go", seen: []string{"after the commit", "no press without go", "pressed once"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.MaySend](cmd) {
				for i := range c.Signals {
					c.Signals[i].Kind = bridge.SignalGo
				}
			}
		}},
	{rule: 3, name: "a lease never ends", seen: []string{"every request ends", "no slot leaks"},
		changes: leases(func(l *bridge.Lease, _ time.Time) { l.ExpiresAt = l.ExpiresAt.Add(1000 * time.Hour) })},
	{rule: 3, name: "a lease ends at once", seen: []string{"a lease lasts"},
		changes: leases(func(l *bridge.Lease, now time.Time) { l.ExpiresAt = now.Add(time.Second) })},
	{rule: 3, name: "what is left out of holding is kept", seen: []string{"left out is lost"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.Hello](cmd) {
				c.DropLeases, c.Requests, c.Events, c.Bodies = nil, nil, nil, nil
			}
		}},
	{rule: 4, name: "a lower n wins", seen: []string{"which socket counts"},
		facts: func(cmd bridge.Command, f *bridge.Facts) {
			if m, ok := cmd.(*bridge.Hello); ok && f.Workers[m.Worker.ID] != nil {
				f.Workers[m.Worker.ID].N = 0
			}
		}},
	{rule: 4, name: "an old socket still counts", seen: []string{"which socket counts"},
		facts: func(cmd bridge.Command, f *bridge.Facts) {
			if from, _, _ := sayer(cmd); from != nil && f.Workers[from.WorkerID] != nil {
				f.Workers[from.WorkerID].Conn = from.Conn
			}
		}},
	{rule: 4, name: "an old socket is not told", seen: []string{"workers come back"},
		changes: func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) { without(c, bridge.SignalReplaced) }},
	{rule: 5, name: "a cancel frees the slot at once", seen: []string{"capacity", "one attempt of a chat"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.Cancel](cmd) {
				c.DropLeases, c.Leases = append(c.DropLeases, c.Leases...), nil
			}
		}},
	{rule: 5, name: "a cancel frees the chat at once", seen: []string{"one attempt of a chat"},
		changes: leasesAlso(func(l *bridge.Lease) {
			if l.Cancelled {
				l.ChatID = 0
			}
		})},
	{rule: 6, name: "an answer is acked and not stored", seen: []string{"an answer is stored", "after the commit"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.Complete](cmd) {
				onlySignals(c)
			}
		}},
	{rule: 6, name: "what comes for an old attempt is not acked", seen: []string{"every word is acked"},
		changes: func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if !ends(c) {
				without(c, bridge.SignalAck)
			}
		}},
	{rule: 6, name: "a late answer changes the request", seen: []string{"an end stays", "an answer stays", "the state machine"},
		changes: func(cmd bridge.Command, f *bridge.Facts, c *bridge.Changes) {
			if m, ok := cmd.(*bridge.Complete); ok && !ends(c) {
				if r := f.Requests[m.RequestID]; r != nil && r.Status == bridge.Failed {
					r.Status, r.ErrorCode, r.Body.Response = bridge.Done, "", m.Answer.Response
					c.Requests, c.Bodies = []*bridge.Request{r}, []*bridge.Request{r}
				}
			}
		}},
	{rule: 7, name: "an offset beyond the text is taken", seen: []string{"what readers see"},
		delta: func(l *life, m protocol.Delta) bool {
			have := utf8.RuneCountInString(l.node.Hub.Partial(m.RequestID))
			if m.Offset <= have {
				return false
			}
			l.node.Hub.Delta(m.RequestID, m.Attempt, have, m.Text)
			return true
		}},
	{rule: 7, name: "a delta before go is taken", seen: []string{"what readers see"},
		delta: func(l *life, m protocol.Delta) bool {
			return l.node.Hub.Delta(m.RequestID, m.Attempt, m.Offset, m.Text)
		}},
	{rule: 8, name: "the order of a chat is ignored", seen: []string{"the order of a chat"},
		needs: func(cmd bridge.Command, n *bridge.Needs) { n.Survey = n.Survey || is[*bridge.Claim](cmd) },
		facts: func(cmd bridge.Command, f *bridge.Facts) {
			for i, r := range f.Candidates {
				for _, later := range f.Survey.Unfinished {
					if later.Chat.ID == r.Chat.ID && later.Seq > r.Seq {
						f.Candidates[i] = later
						break
					}
				}
			}
		}},
	{rule: 8, name: "a chat answers two messages at a time", seen: []string{"the order of a chat", "one attempt of a chat"},
		needs: func(cmd bridge.Command, n *bridge.Needs) { n.Survey = n.Survey || is[*bridge.Claim](cmd) },
		facts: func(cmd bridge.Command, f *bridge.Facts) {
			for _, r := range f.Survey.Unfinished {
				if is[*bridge.Claim](cmd) && r.Status == bridge.Idle && !slices.Contains(f.Candidates, r) {
					f.Candidates = append(f.Candidates, r)
				}
			}
		},
		changes: leasesAlso(func(l *bridge.Lease) { l.ChatID = 0 })},
	{rule: 8, name: "a status_update renames a chat", seen: []string{"chats", "the store takes what is decided"},
		facts: func(cmd bridge.Command, f *bridge.Facts) {
			if m, ok := cmd.(*bridge.NameChat); ok && f.Requests[m.RequestID] != nil && f.SiteChat == nil {
				f.Requests[m.RequestID].Chat.SiteID = ""
			}
		}},
	{rule: 9, name: "an error's pause is not stored", seen: []string{"pauses"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.Fail](cmd) {
				c.Workers = nil
			}
		}},
	{rule: 9, name: "a hello ends the pauses", seen: []string{"pauses"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if is[*bridge.Hello](cmd) {
				for _, w := range c.Workers {
					w.BlockedBy, w.PausedUntil = "", time.Time{}
				}
			}
		}},
	{rule: 9, name: "a good health ends no pause", seen: []string{"every request ends", "no slot leaks"},
		changes: func(cmd bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			if m, ok := cmd.(*bridge.ReportHealth); ok && m.Health.LoggedIn && m.Health.PageOK {
				c.Workers = nil
			}
		}},
	{rule: 9, name: "what a pause puts back counts as lost", seen: []string{"an end has its reason"},
		changes: func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
			for _, e := range c.Events {
				if e.Type == bridge.EventPutBack && e.Reason != bridge.WorkerLost {
					e.Request.Lost++
				}
			}
		}},
}

// leases changes the time of each lease that is not cancelled.
func leases(how func(*bridge.Lease, time.Time)) func(bridge.Command, *bridge.Facts, *bridge.Changes) {
	return func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
		for _, l := range c.Leases {
			if !l.Cancelled {
				how(l, c.Now)
			}
		}
	}
}

// leasesAlso changes every lease that is written.
func leasesAlso(how func(*bridge.Lease)) func(bridge.Command, *bridge.Facts, *bridge.Changes) {
	return func(_ bridge.Command, _ *bridge.Facts, c *bridge.Changes) {
		for _, l := range c.Leases {
			how(l)
		}
	}
}
