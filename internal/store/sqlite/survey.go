package sqlite

const (
	selectWorkersOfAccount = `SELECT ` + workerColumns + ` FROM workers w WHERE w.account_id = $1 ORDER BY w.id`
	selectEveryWorker      = `SELECT ` + workerColumns + ` FROM workers w ORDER BY w.account_id, w.id`
	selectLeasesOfAccount  = `SELECT ` + leaseColumns + fromLeases + ` WHERE l.account_id = $1 ORDER BY l.request_seq, l.attempt`
	selectUnfinished       = selectWhole + ` INDEXED BY requests_open` + withChat + ` WHERE r.account_id = $1 AND r.open = 1 ORDER BY r.seq`
)

// loadSurvey loads what of the account is in motion.
func (l *loader) loadSurvey() (err error) {
	if !l.needs.Survey || l.facts.Account == nil {
		return nil
	}
	account, s := l.facts.Account.ID, &l.facts.Survey
	if err := l.query(bg, func(r *row) { s.Workers = append(s.Workers, l.sameWorker(scanWorker(r))) }, selectWorkersOfAccount, account); err != nil {
		return err
	}
	if err := l.query(bg, func(r *row) { s.Leases = append(s.Leases, l.sameLease(scanLease(r))) }, selectLeasesOfAccount, account); err != nil {
		return err
	}
	if s.Unfinished, err = l.some(nil, selectUnfinished, account); err != nil {
		return err
	}
	s.Events, err = l.eventSeq(account)
	return err
}
