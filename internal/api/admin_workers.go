package api

import (
	"context"
	"time"

	"chatbridge/internal/bridge"
)

type workerView struct {
	WorkerID      string           `json:"worker_id"`
	Account       accountRef       `json:"account"`
	Name          string           `json:"name"`
	Version       string           `json:"version"`
	Site          string           `json:"site"`
	Dialect       string           `json:"dialect" enum:"chatbridge.v1,guide"`
	Connected     bool             `json:"connected"`
	Node          string           `json:"node"`
	Capacity      int              `json:"capacity"`
	ResponseTypes []string         `json:"response_types" doc:"Empty: all"`
	HelloAt       time.Time        `json:"hello_at"`
	Pause         *bridge.FailCode `json:"pause" doc:"Why it is paused, null if it is not"`
	PausedUntil   *time.Time       `json:"paused_until" doc:"null: until its health is good again"`
	Health        *bridge.Health   `json:"health"`
	Leases        []leaseView      `json:"leases" doc:"What it holds"`
}

type leaseView struct {
	RequestID   string     `json:"request_id"`
	Attempt     int        `json:"attempt"`
	TakenAt     time.Time  `json:"taken_at"`
	MayBeSentAt *time.Time `json:"may_be_sent_at" doc:"The time of go, null before it"`
	ExpiresAt   time.Time  `json:"expires_at" doc:"When its silence ends it"`
	Cancelled   bool       `json:"cancelled" doc:"Taken away: the slot stays taken until the worker has stopped"`
}

func (s *Server) adminWorkers(ctx context.Context, in *struct {
	Account int64 `query:"account" doc:"Only of this account"`
}) (*body[[]workerView], error) {
	workers, err := s.o.Store.Workers(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	emails, leases := map[int64]string{}, map[int64][]*bridge.Lease{}
	out := &body[[]workerView]{[]workerView{}}
	for _, w := range workers {
		if _, seen := leases[w.AccountID]; !seen {
			if leases[w.AccountID], err = s.o.Store.Leases(ctx, w.AccountID); err != nil {
				return nil, err
			}
		}
		of, err := s.accountRef(ctx, w.AccountID, emails)
		if err != nil {
			return nil, err
		}
		out.Body = append(out.Body, viewWorker(w, of, leases[w.AccountID]))
	}
	return out, nil
}

func viewWorker(w *bridge.Worker, of accountRef, leases []*bridge.Lease) workerView {
	v := workerView{WorkerID: w.ID, Account: of, Name: w.Name, Version: w.Version, Site: w.Site, Dialect: "chatbridge.v1", Connected: w.Connected, Node: w.Node,
		Capacity: w.Capacity, ResponseTypes: w.ResponseTypes, HelloAt: w.HelloAt, Health: w.Health, Leases: []leaseView{}}
	if w.Guide {
		v.Dialect = "guide"
	}
	if v.ResponseTypes == nil {
		v.ResponseTypes = []string{}
	}
	if reason, until := w.Pause(time.Now()); reason != "" {
		v.Pause, v.PausedUntil = &reason, timeOrNil(until)
	}
	for _, l := range leases {
		if l.WorkerID == w.ID {
			v.Leases = append(v.Leases, leaseView{l.RequestID, l.Attempt, l.TakenAt, timeOrNil(l.GoAt), l.ExpiresAt, l.Cancelled})
		}
	}
	return v
}
