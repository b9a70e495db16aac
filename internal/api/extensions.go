package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"chatbridge/extension/pack"
	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

const (
	// doctorWithin is how long a worker may look at its page for a doctor.
	doctorWithin = 20 * time.Second
	// manyAsked bounds the doctors that wait at once.
	manyAsked = 100
)

// extensions are the chatbridge.v1 workers that are connected here: each is
// handed the newest selector pack, and may be asked what of its page it finds.
type extensions struct {
	store bridge.Reader
	log   *slog.Logger

	mu      sync.Mutex
	pack    json.RawMessage // nil: none was published
	sockets map[*workerSocket]struct{}
	asked   map[string]asked // by the question's id
}

type asked struct {
	of     *workerSocket
	answer chan protocol.DoctorReport // with room for it
}

func newExtensions(store bridge.Reader, log *slog.Logger) *extensions {
	return &extensions{store: store, log: log, sockets: map[*workerSocket]struct{}{}, asked: map[string]asked{}}
}

// load reads which pack is the newest, and hands it to everybody if it is news.
func (x *extensions) load(ctx context.Context) error {
	stored, err := x.store.Setting(ctx, bridge.SettingPack)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if stored == string(x.pack) || stored == "" {
		return nil
	}
	x.pack = json.RawMessage(stored)
	for k := range x.sockets {
		k.push(outgoing{message: protocol.Pack{Pack: x.pack}})
	}
	return nil
}

// newest is the newest pack, nil for none.
func (x *extensions) newest() json.RawMessage {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pack
}

// enter adds a socket, and returns the newest pack: of every later one it hears.
func (x *extensions) enter(k *workerSocket) json.RawMessage {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sockets[k] = struct{}{}
	return x.pack
}

// leave takes a socket out again, if it is there.
func (x *extensions) leave(k *workerSocket) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.sockets, k)
}

// ask has a worker look at its page. Errors: NotFound where it is not connected
// here, Unavailable where it does not answer, TooMany.
func (x *extensions) ask(ctx context.Context, accountID int64, worker string) (protocol.DoctorReport, error) {
	var of *workerSocket
	id, answer := uuid.NewString(), make(chan protocol.DoctorReport, 1)
	x.mu.Lock()
	for k := range x.sockets {
		if k.account.ID == accountID && k.worker == worker {
			of = k
		}
	}
	full := len(x.asked) >= manyAsked
	if of != nil && !full {
		x.asked[id] = asked{of, answer}
	}
	x.mu.Unlock()
	switch {
	case of == nil:
		return protocol.DoctorReport{}, bridge.Errorf(bridge.NotFound, "not_connected", "This worker is not connected to this server by chatbridge.v1. Connect it first; with several servers, ask the one that it is connected to.")
	case full:
		return protocol.DoctorReport{}, &bridge.Error{Kind: bridge.TooMany, Code: "too_many", Detail: "Too many doctors are at work. Try again in a moment.", RetryAfter: time.Second}
	}
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.asked, id)
	}()
	of.push(outgoing{message: protocol.Doctor{ID: id}})
	late := time.NewTimer(doctorWithin)
	defer late.Stop()
	select {
	case report := <-answer:
		return report, nil
	case <-late.C:
		return protocol.DoctorReport{}, &bridge.Error{Kind: bridge.Unavailable, Code: "no_answer", Detail: "The worker did not answer within 20 seconds. Is its page open? A headless worker has none.", RetryAfter: 5 * time.Second}
	case <-ctx.Done():
		return protocol.DoctorReport{}, ctx.Err()
	}
}

// reported takes a worker's answer to a question that it was asked.
func (x *extensions) reported(k *workerSocket, report protocol.DoctorReport) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if q, ok := x.asked[report.ID]; ok && q.of == k {
		delete(x.asked, report.ID)
		q.answer <- report
	}
}

type packView struct {
	Version *int64          `json:"version" doc:"null where none was published: the extension's own counts"`
	Signed  bool            `json:"signed" doc:"It carries a signature; each extension says for itself whether by whom it trusts"`
	Pack    json.RawMessage `json:"pack"`
}

func viewPack(data json.RawMessage) (packView, error) {
	if data == nil {
		return packView{Pack: json.RawMessage("null")}, nil
	}
	p, err := pack.Check(data)
	if err != nil {
		return packView{}, err
	}
	return packView{&p.Version, p.Signature != nil, data}, nil
}

func (s *Server) adminPack(context.Context, *struct{}) (*body[packView], error) {
	v, err := viewPack(s.extensions.newest())
	return &body[packView]{v}, err
}

func (s *Server) adminPublishPack(ctx context.Context, in *struct {
	Body json.RawMessage
}) (*body[packView], error) {
	p, err := pack.Check(in.Body)
	if err != nil {
		return nil, bridge.Errorf(bridge.Invalid, "bad_pack", "This pack cannot be used: %s.", err)
	}
	if err := bridge.Do(ctx, s.o.Post, &bridge.PublishPack{Version: p.Version, Pack: in.Body, By: actor(ctx)}); err != nil {
		return nil, err
	}
	if err := s.extensions.load(ctx); err != nil {
		return nil, err
	}
	v, err := viewPack(in.Body)
	return &body[packView]{v}, err
}

type doctorView struct {
	Hooks []protocol.Hook `json:"hooks"`
}

func (s *Server) adminDoctor(ctx context.Context, in *struct {
	AccountPath
	WorkerID string `path:"worker_id"`
}) (*body[doctorView], error) {
	report, err := s.extensions.ask(ctx, in.ID, in.WorkerID)
	if report.Hooks == nil {
		report.Hooks = []protocol.Hook{}
	}
	return &body[doctorView]{doctorView{report.Hooks}}, err
}
