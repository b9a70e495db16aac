package api

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// wrongKeys are so many wrong keys, tokens and links a minute of one address.
	// A script with a mistyped key is told so thirty times before it is slowed down.
	wrongKeys = 30
	// wrongPasswords are guesses of the password a minute of one address, and
	// allPasswords of all together: each costs memory and a moment of all cores.
	wrongPasswords = 10
	allPasswords   = 60
	// passwordsAtOnce bounds the memory that guesses take.
	passwordsAtOnce = 2
	// failingAddresses bounds how many addresses are remembered. Who has more is
	// not stopped by counting addresses.
	failingAddresses = 10_000
)

// source is where a request comes from, as failures are counted: an IPv4
// address, or the /64 that one customer of IPv6 has. The zero source is everybody.
type source = netip.Prefix

// sourceOf reads the address of the connection. What headers say of other
// addresses anybody can write, so it counts for nothing.
func sourceOf(remoteAddr string) source {
	at, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return source{}
	}
	addr, bits := at.Addr().Unmap().WithZone(""), 32
	if addr.Is6() {
		bits = 64
	}
	from, _ := addr.Prefix(bits)
	return from
}

// addressOf is the client's address without its port.
func addressOf(remoteAddr string) string {
	at, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().String()
}

// failures counts what failed lately, by where it came from: at first a
// minute's worth may fail at once, then as they come back.
type failures struct {
	aMinute float64

	mu sync.Mutex
	of map[source]allowance
}

// allowance is how much was left at a time.
type allowance struct {
	left float64
	at   time.Time
}

func newFailures(aMinute int) *failures {
	return &failures{aMinute: float64(aMinute), of: map[source]allowance{}}
}

func (f *failures) left(from source, now time.Time) float64 {
	a, ok := f.of[from]
	if !ok {
		return f.aMinute
	}
	return min(f.aMinute, a.left+now.Sub(a.at).Minutes()*f.aMinute)
}

// wait is how long nothing more of this source may fail; zero: it may now.
func (f *failures) wait(from source) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waits(f.left(from, time.Now()))
}

func (f *failures) waits(left float64) time.Duration {
	if left >= 1 {
		return 0
	}
	return time.Duration((1 - left) / f.aMinute * float64(time.Minute))
}

// count notes a failure and returns how long the source had to wait before it;
// zero: it was allowed.
func (f *failures) count(from source) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	left := f.left(from, now)
	if wait := f.waits(left); wait > 0 {
		return wait
	}
	if _, there := f.of[from]; !there && len(f.of) >= failingAddresses {
		for other := range f.of { // any one
			delete(f.of, other)
			break
		}
	}
	f.of[from] = allowance{left - 1, now}
	return 0
}

// forgive takes a failure back that was none.
func (f *failures) forgive(from source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.of[from] = allowance{min(f.aMinute, f.left(from, now)+1), now}
}

func tooMany(what string, wait time.Duration) error {
	return &bridge.Error{Kind: bridge.TooMany, Code: "too_many_attempts", RetryAfter: wait,
		Detail: "Too many wrong " + what + " came from this address. Wait a moment, then try again with the right one."}
}

// passwords bounds guesses of the admin's password, and the memory and time that
// looking at them takes.
type passwords struct {
	wrong, all *failures
	slots      chan struct{}
}

func newPasswords() *passwords {
	return &passwords{wrong: newFailures(wrongPasswords), all: newFailures(allPasswords), slots: make(chan struct{}, passwordsAtOnce)}
}

// guess lets a password be looked at. It counts before it looks, or many guesses
// at once would all be let in. Errors: TooMany, Unavailable.
func (p *passwords) guess(ctx context.Context, from source, right func() bool) (bool, error) {
	wait := p.wrong.count(from)
	if wait == 0 {
		wait = p.all.count(source{})
	}
	if wait > 0 {
		return false, tooMany("passwords", wait)
	}
	is := false
	if err := p.slow(ctx, func() { is = right() }); err != nil {
		return false, err
	}
	if is {
		p.wrong.forgive(from)
		p.all.forgive(source{})
	}
	return is, nil
}

// slow runs work on a password, few at a time. Errors: Unavailable.
func (p *passwords) slow(ctx context.Context, work func()) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return &bridge.Error{Kind: bridge.Unavailable, Code: "busy", Detail: "Other log-ins are under way. Try again in a moment.", Err: ctx.Err()}
	}
	defer func() { <-p.slots }()
	work()
	return nil
}
