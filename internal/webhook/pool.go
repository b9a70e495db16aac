package webhook

import "time"

// pool counts the places beyond each lane's first: who has them, and in queue who
// would take one.
type pool struct {
	free    int
	running map[int64]int // tries by account
	taken   map[int64]int // places by account
	queue   map[*lane]bool
}

// begin counts a try of a lane, in a place of the pool unless it is the lane's
// first.
func (p *pool) begin(la *lane) {
	account := la.endpoint.AccountID
	p.running[account]++
	if la.running++; la.running > 1 {
		p.free--
		p.taken[account]++
	}
}

// end is begin's opposite.
func (p *pool) end(la *lane) {
	less := func(m map[int64]int) {
		if m[la.endpoint.AccountID]--; m[la.endpoint.AccountID] == 0 {
			delete(m, la.endpoint.AccountID)
		}
	}
	less(p.running)
	if la.running--; la.running > 0 {
		p.free++
		less(p.taken)
	}
}

// room reports whether a lane may have one place more: fewer than its account may
// still take, which is as many as the account leaves free. So endpoints that hang,
// and an account with many, always leave some to who comes next.
func (p *pool) room(la *lane) bool {
	return la.running-1 < p.free-p.taken[la.endpoint.AccountID]
}

// share gives places of the pool to lanes that are ready for more than they
// have: each to one whose account runs the fewest tries, and of those to the one
// that runs the fewest itself. fresh is the lane of which something is new.
// ls.mu is held.
func (ls *lanes) share(fresh *lane, now time.Time) {
	p := &ls.pool
	if !fresh.ready(now) || fresh.running == 0 { // it comes again when that changes
		delete(p.queue, fresh)
	} else {
		p.queue[fresh] = true
	}
	if p.free == 0 { // as mostly under load
		return
	}
	fewer := func(la, than *lane) bool {
		a, b := p.running[la.endpoint.AccountID], p.running[than.endpoint.AccountID]
		return a < b || a == b && la.running < than.running
	}
	for len(p.queue) > 0 {
		var best *lane
		for la := range p.queue {
			switch {
			case !la.ready(now):
				delete(p.queue, la)
			case p.room(la) && (best == nil || fewer(la, best)):
				best = la
			}
		}
		if best == nil {
			return
		}
		ls.begin(best, now)
	}
}
