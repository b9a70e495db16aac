package api

import (
	"context"
	"time"

	"chatbridge/internal/bridge"
)

// replayFilter selects the deliveries of a replay. Fields left out select all.
type replayFilter struct {
	Account   int64      `json:"account,omitempty" doc:"Only of this account"`
	Endpoint  int64      `json:"endpoint,omitempty" doc:"Only to this endpoint"`
	Status    []string   `json:"status,omitempty" doc:"Only with one of these; left out: dead"`
	From      *time.Time `json:"from,omitempty" doc:"Only those owed at this time or later"`
	To        *time.Time `json:"to,omitempty" doc:"Only those owed before this time"`
	RequestID string     `json:"request_id,omitempty" doc:"Only of this request"`
}

type replayStarted struct {
	ReplayID *int64 `json:"replay_id" doc:"Null where nothing was begun: a dry run, or nothing matches"`
	Matching int64  `json:"matching" doc:"So many deliveries"`
}

// adminReplayDeliveries counts first, and up to the newest that matches now, so
// that a replay does not run after what goes on being owed.
func (s *Server) adminReplayDeliveries(ctx context.Context, in *struct {
	Body struct {
		Filter replayFilter `json:"filter,omitempty"`
		DryRun bool         `json:"dry_run,omitempty" doc:"Only count; nothing is sent"`
	}
}) (*body[replayStarted], error) {
	if len(in.Body.Filter.Status) == 0 {
		in.Body.Filter.Status = []string{bridge.DeliveryDead}
	}
	f, err := s.deliveryFilter(ctx, in.Body.Filter)
	if err != nil {
		return nil, err
	}
	f.Limit = 1
	newest, err := s.o.Store.DeliveriesBy(ctx, f)
	if err != nil || len(newest) == 0 {
		return &body[replayStarted]{}, err
	}
	f.Limit, f.UpTo = 0, newest[0].ID
	matching, err := s.o.Store.CountDeliveries(ctx, f)
	if err != nil || in.Body.DryRun {
		return &body[replayStarted]{replayStarted{Matching: matching}}, err
	}
	cmd := &bridge.StartReplay{Filter: f, Matching: matching, By: actor(ctx)}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, err
	}
	return &body[replayStarted]{replayStarted{&cmd.Replay.ID, matching}}, nil
}

type replayView struct {
	ID        int64            `json:"id"`
	Status    string           `json:"status" enum:"running,done,stopped"`
	Filter    replayFilterView `json:"filter"`
	Matching  int64            `json:"matching" doc:"As counted at its beginning"`
	Replayed  int64            `json:"replayed" doc:"Sent again so far"`
	Skipped   int64            `json:"skipped" doc:"Could not be: the texts were cleaned up, or the endpoint is off"`
	CreatedAt time.Time        `json:"created_at"`
	EndedAt   *time.Time       `json:"ended_at"`
}

type replayFilterView struct {
	Account   *int64     `json:"account"`
	Endpoint  *int64     `json:"endpoint"`
	Status    []string   `json:"status"`
	From      *time.Time `json:"from"`
	To        *time.Time `json:"to"`
	RequestID *string    `json:"request_id"`
}

func (s *Server) viewReplay(ctx context.Context, r *bridge.Replay) (replayView, error) {
	f := r.Filter
	v := replayView{ID: r.ID, Status: r.Status, Matching: r.Matching, Replayed: r.Replayed, Skipped: r.Skipped, CreatedAt: r.CreatedAt, EndedAt: timeOrNil(r.EndedAt),
		Filter: replayFilterView{Status: f.Status, From: timeOrNil(f.From), To: timeOrNil(f.To)}}
	if f.AccountID != 0 {
		v.Filter.Account = &f.AccountID
	}
	if f.EndpointID != 0 {
		v.Filter.Endpoint = &f.EndpointID
	}
	if f.RequestSeq == 0 {
		return v, nil
	}
	of, err := s.o.Store.DeliveriesBy(ctx, bridge.DeliveryFilter{RequestSeq: f.RequestSeq, Limit: 1})
	if len(of) > 0 {
		v.Filter.RequestID = &of[0].Request.ID
	}
	return v, err
}

func (s *Server) adminReplays(ctx context.Context, in *struct {
	Running bool `query:"running" doc:"Only those that run"`
	Limit   int  `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"At most so many"`
}) (*body[[]replayView], error) {
	replays, err := s.o.Store.Replays(ctx, in.Running, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &body[[]replayView]{[]replayView{}}
	for _, r := range replays {
		v, err := s.viewReplay(ctx, r)
		if err != nil {
			return nil, err
		}
		out.Body = append(out.Body, v)
	}
	return out, nil
}

// ReplayPath names a replay.
type ReplayPath struct {
	ID int64 `path:"id"`
}

func (s *Server) adminReplay(ctx context.Context, in *ReplayPath) (*body[replayView], error) {
	r, err := s.o.Store.Replay(ctx, in.ID)
	if err == nil && r == nil {
		err = bridge.Errorf(bridge.NotFound, "not_found", "There is no such replay.")
	}
	if err != nil {
		return nil, err
	}
	v, err := s.viewReplay(ctx, r)
	return &body[replayView]{v}, err
}

func (s *Server) adminStopReplay(ctx context.Context, in *ReplayPath) (*body[replayView], error) {
	cmd := &bridge.StopReplay{ID: in.ID, By: actor(ctx)}
	if err := bridge.Do(ctx, s.o.Post, cmd); err != nil {
		return nil, err
	}
	v, err := s.viewReplay(ctx, cmd.Replay)
	return &body[replayView]{v}, err
}
