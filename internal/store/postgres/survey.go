package postgres

import (
	"chatbridge/internal/bridge"
)

const (
	selectWorkersOfAccount = `SELECT ` + workerColumns + ` FROM workers w WHERE w.account_id = $1 ORDER BY w.id`
	selectEveryWorker      = `SELECT ` + workerColumns + ` FROM workers w ORDER BY w.account_id, w.id`
	selectLeasesOfAccount  = `SELECT ` + leaseColumns + ` FROM leases l WHERE l.account_id = $1 ORDER BY l.request_seq, l.attempt`
	selectUnfinished       = selectRequest + ` JOIN open_requests o ON o.seq = r.seq WHERE o.account_id = $1 ORDER BY o.seq`
	fetchUnfinished        = fetchRequests + ` JOIN open_requests o ON o.seq = r.seq WHERE o.account_id = $1 ORDER BY o.seq`
)

// surveyTries is how often a survey is taken during which events were committed; the
// last of them may know of some that are heard again.
const surveyTries = 5

// surveyed is what one look has found, not yet taken into the overlay.
type surveyed struct {
	workers     []*bridge.Worker
	leases      []*bridge.Lease
	unfinished  []func() int64 // each takes a request with its chat
	first, last int64          // the number of the account's last event, before and behind the look
}

// loadSurvey loads what of the account is in motion, as it was at one moment: if
// the counter of its events has gone on meanwhile, it looks again.
func (l *loader) loadSurvey() error {
	if !l.needs.Survey || l.facts.Account == nil {
		return nil
	}
	var found surveyed
	for try := 0; try < surveyTries && (try == 0 || found.first != found.last); try++ {
		var err error
		if found, err = l.survey(l.facts.Account.ID); err != nil {
			return err
		}
	}
	s := &l.facts.Survey
	s.Events = found.first
	for _, w := range found.workers {
		key := workerKey{w.AccountID, w.ID}
		l.tx.workers.load(key, w, false, 0)
		s.Workers = append(s.Workers, l.worker(key))
	}
	for _, lease := range found.leases {
		key := leaseKey{lease.RequestSeq, lease.Attempt}
		l.tx.leases.load(key, lease, false, 0)
		s.Leases = append(s.Leases, l.lease(key))
	}
	for _, take := range found.unfinished {
		s.Unfinished = append(s.Unfinished, l.request(take()))
	}
	return nil
}

func (l *loader) survey(account int64) (found surveyed, err error) {
	p := l.flushed()
	numbered := l.writeEvents(p) // none, if the batch begins with this
	p.query(selectCounter, func(r *row) { found.first = r.int64() }, account)
	p.query(selectWorkersOfAccount, func(r *row) { found.workers = append(found.workers, scanWorker(r)) }, account)
	p.query(selectLeasesOfAccount, func(r *row) { found.leases = append(found.leases, scanLease(r)) }, account)
	p.query(l.orLock(fetchUnfinished, "r, c"), func(r *row) {
		q, version := scanRequest(r), r.xid()
		c, chatVersion := scanChat(r), r.xid()
		found.unfinished = append(found.unfinished, func() int64 {
			l.loadRequest(q, l.lockAll, version)
			l.loadChat(c, l.lockAll, chatVersion)
			return q.Seq
		})
	}, account)
	p.query(selectCounter, func(r *row) { found.last = r.int64() }, account)
	if err := l.ask(p); err != nil {
		return found, err
	}
	numbered()
	return found, nil
}
