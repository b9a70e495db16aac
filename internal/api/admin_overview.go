package api

import (
	"context"
	"sync"
	"time"

	"chatbridge/internal/bridge"
)

const (
	// overviewFor is how long an overview is shown again: panels ask every two seconds,
	// however many are open.
	overviewFor = 2 * time.Second
	// sampleOf is how many of the newest requests the figures of a day are made of.
	sampleOf = 20_000
	// shownUnwell is how many endpoints that are not well are shown.
	shownUnwell = 20
)

// overview is the last one that was made.
type overview struct {
	mu    sync.Mutex // held while one is made: who asks meanwhile gets the same
	until time.Time
	last  *overviewView
	first firstRun // what was true once stays so
}

type overviewView struct {
	Now        time.Time      `json:"now"`
	Queue      queueView      `json:"queue"`
	Hours      []hourView     `json:"hours" doc:"Ends of requests in 24 hours, oldest first; the last is the hour that is under way"`
	WaitMS     *quantilesView `json:"wait_ms" doc:"From queued to started, of requests started in these hours; null: none was"`
	AnswerMS   *quantilesView `json:"answer_ms" doc:"From queued to the answer; null: there was none"`
	Failures   []failuresView `json:"failures" doc:"In these hours, most first"`
	Workers    workerCounts   `json:"workers"`
	Deliveries deliveryCounts `json:"deliveries"`
	Endpoints  []unwellView   `json:"endpoints" doc:"Those that are failing, on hold, or were switched off by chatbridge; at most 20"`
	Sampled    bool           `json:"sampled" doc:"The figures of the hours are of the newest 20,000 requests only"`
	FirstRun   firstRun       `json:"first_run"`
}

type queueView struct {
	Idle      int64 `json:"idle"`
	Executing int64 `json:"executing"`
}

type hourView struct {
	Hour   time.Time `json:"hour" doc:"When it began"`
	Done   int       `json:"done"`
	Failed int       `json:"failed"`
}

type quantilesView struct {
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
}

type failuresView struct {
	Code  bridge.FailCode `json:"code"`
	Count int             `json:"count"`
}

type workerCounts struct {
	Connected int `json:"connected"`
	Paused    int `json:"paused" doc:"Of those that are connected"`
	Total     int `json:"total"`
}

type unwellView struct {
	ID             int64      `json:"id"`
	Account        accountRef `json:"account"`
	URL            string     `json:"url"`
	Status         string     `json:"status" enum:"failing,on_hold,off"`
	FailingSince   *time.Time `json:"failing_since"`
	HoldUntil      *time.Time `json:"hold_until"`
	DisabledReason *string    `json:"disabled_reason"`
}

// firstRun says how far whoever sets chatbridge up has come.
type firstRun struct {
	Account         bool `json:"account" doc:"There is an account"`
	WorkerSeen      bool `json:"worker_seen" doc:"A worker has connected once"`
	WorkerConnected bool `json:"worker_connected"`
	Answered        bool `json:"answered" doc:"A request was answered"`
	Delivered       bool `json:"delivered" doc:"A webhook has arrived, or the sample of a test was accepted"`
}

func (s *Server) adminOverview(ctx context.Context, _ *struct{}) (*body[*overviewView], error) {
	o := &s.overview
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); !now.Before(o.until) {
		v, err := s.makeOverview(ctx, now.UTC())
		if err != nil {
			return nil, err
		}
		o.last, o.until = v, now.Add(overviewFor)
	}
	return &body[*overviewView]{o.last}, nil
}

func (s *Server) makeOverview(ctx context.Context, now time.Time) (*overviewView, error) {
	store := s.o.Store
	v := &overviewView{Now: now, Failures: []failuresView{}, Endpoints: []unwellView{}}
	var err error
	if v.Queue.Idle, v.Queue.Executing, err = store.InMotion(ctx); err != nil {
		return nil, err
	}
	outcomes, err := store.Outcomes(ctx, now.Add(-bridge.OutcomesReach), sampleOf)
	if err != nil {
		return nil, err
	}
	v.Sampled = len(outcomes) == sampleOf
	v.ofDay(bridge.DayOf(outcomes, now))
	workers, err := store.Workers(ctx, 0)
	if err != nil {
		return nil, err
	}
	v.Workers.Total = len(workers)
	for _, w := range workers {
		if !w.Connected {
			continue
		}
		v.Workers.Connected++
		if reason, _ := w.Pause(now); reason != "" {
			v.Workers.Paused++
		}
	}
	counts, err := store.DeliveryCounts(ctx)
	if err != nil {
		return nil, err
	}
	v.Deliveries = deliveryCounts(counts)
	if err := s.addUnwell(ctx, v); err != nil {
		return nil, err
	}
	return v, s.addFirstRun(ctx, v)
}

func (v *overviewView) ofDay(d bridge.Day) {
	for _, h := range d.Hours {
		v.Hours = append(v.Hours, hourView{h.Begins, h.Done, h.Failed})
	}
	for _, f := range d.Failures {
		v.Failures = append(v.Failures, failuresView(f))
	}
	v.WaitMS, v.AnswerMS = viewQuantiles(d.Wait), viewQuantiles(d.Answer)
}

func viewQuantiles(q *bridge.Quantiles) *quantilesView {
	if q == nil {
		return nil
	}
	return &quantilesView{q.P50.Milliseconds(), q.P95.Milliseconds()}
}

func (s *Server) addUnwell(ctx context.Context, v *overviewView) error {
	endpoints, err := s.o.Store.Unwell(ctx, shownUnwell)
	if err != nil {
		return err
	}
	emails := map[int64]string{}
	for _, e := range endpoints {
		of, err := s.accountRef(ctx, e.AccountID, emails)
		if err != nil {
			return err
		}
		shown := viewEndpoint(e)
		v.Endpoints = append(v.Endpoints, unwellView{e.ID, of, e.URL, shown.Status, shown.FailingSince, shown.HoldUntil, shown.DisabledReason})
	}
	return nil
}

// addFirstRun looks for what was not true yet, and not far: whoever begins has few
// requests.
func (s *Server) addFirstRun(ctx context.Context, v *overviewView) error {
	first := &s.overview.first
	first.WorkerConnected = v.Workers.Connected > 0
	first.WorkerSeen = first.WorkerSeen || v.Workers.Total > 0
	if !first.Account {
		accounts, err := s.o.Store.Accounts(ctx)
		if err != nil {
			return err
		}
		first.Account = len(accounts) > 0
	}
	if !first.Answered {
		f := bridge.RequestFilter{Status: bridge.Done, Limit: 1}
		var err error
		if f.DownTo, err = s.o.Store.RequestsBack(ctx, f, lookThrough); err != nil {
			return err
		}
		found, err := s.o.Store.Requests(ctx, f)
		if err != nil {
			return err
		}
		first.Answered = len(found) > 0
	}
	if !first.Delivered {
		found, err := s.o.Store.DeliveriesBy(ctx, bridge.DeliveryFilter{Status: []string{bridge.DeliveryDelivered}, Limit: 1})
		if err != nil {
			return err
		}
		first.Delivered = len(found) > 0
	}
	if !first.Delivered {
		accepted, err := s.o.Store.Setting(ctx, bridge.SettingTestAccepted)
		if err != nil {
			return err
		}
		first.Delivered = accepted != ""
	}
	v.FirstRun = *first
	return nil
}

// firstAccepted notes that an endpoint accepted a test; the next overview shows it.
func (s *Server) firstAccepted(ctx context.Context) error {
	o := &s.overview
	o.mu.Lock()
	known := o.first.Delivered
	o.mu.Unlock()
	if known {
		return nil
	}
	if err := bridge.Do(ctx, s.o.Post, &bridge.InitSetting{Name: bridge.SettingTestAccepted, Value: time.Now().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.until = time.Time{}
	return nil
}
