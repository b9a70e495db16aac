package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"chatbridge/internal/bridge"
	"chatbridge/internal/dispatch"
	"chatbridge/protocol"
)

// serveV1 speaks chatbridge.v1 on a socket until it ends.
func (s *Server) serveV1(ctx context.Context, k *workerSocket, from source) {
	helloCtx, cancel := context.WithTimeout(ctx, protocol.HelloTimeout)
	_, data, err := k.conn.Read(helloCtx)
	cancel()
	if err != nil {
		if helloCtx.Err() != nil && ctx.Err() == nil {
			k.bye(ctx, protocol.ByeBadHello)
		}
		return
	}
	message, err := protocol.DecodeWorker(data)
	hello, ok := message.(protocol.Hello)
	switch {
	case errors.Is(err, protocol.ErrNotObject):
		k.bye(ctx, protocol.ByeBadMessage)
		return
	case err != nil || !ok:
		k.bye(ctx, protocol.ByeBadHello)
		return
	}
	who, err := s.o.Directory.Who(ctx, from, hello.Key, bridge.ScopeWorker)
	if err != nil {
		switch e := bridge.AsError(err); e.Kind {
		case bridge.Unauthorized, bridge.Forbidden:
			k.bye(ctx, protocol.ByeBadKey)
		default: // nobody said that the key is bad: come back
			_ = k.conn.Close(websocket.StatusTryAgainLater, e.Code)
		}
		return
	}
	k.account, k.worker = who.Account, hello.WorkerID
	cmd := &bridge.Hello{Worker: bridge.Worker{AccountID: who.Account.ID, ID: hello.WorkerID, N: hello.N, Conn: uuid.NewString(), Node: s.o.Node,
		Name: hello.Name, Version: hello.Version, Site: hello.Site, Capacity: hello.Capacity, ResponseTypes: hello.ResponseTypes}}
	for _, h := range hello.Holding {
		cmd.Holding = append(cmd.Holding, bridge.Holding{RequestID: h.RequestID, Attempt: h.Attempt, Phase: string(h.Phase)})
	}
	defer s.extensions.leave(k)
	s.join(ctx, k, cmd, bridge.HashKey(hello.Key), func(session *dispatch.Session, writing *sync.WaitGroup) {
		writing.Go(func() { k.pingMessages(ctx) })
		s.readV1(ctx, k, session)
	})
}

// join brings a worker in, reads it by read, and sees it out.
func (s *Server) join(ctx context.Context, k *workerSocket, hello *bridge.Hello, hash []byte, read func(*dispatch.Session, *sync.WaitGroup)) {
	release := s.o.Directory.open(&opening{account: hello.Worker.AccountID, hash: hash, close: k.revoked})
	defer release()
	var running sync.WaitGroup
	defer running.Wait()
	defer k.cancel()
	running.Go(func() { k.write(ctx) })
	session, err := s.o.Dispatch.Join(ctx, hello, k)
	if err != nil {
		if errors.Is(err, dispatch.ErrClosing) {
			k.Close(string(protocol.ByeDraining))
			running.Wait()
		}
		return
	}
	defer session.Leave()
	read(session, &running)
}

func (k *workerSocket) revoked() { k.Close(string(protocol.ByeBadKey)) }

func (k *workerSocket) pingMessages(ctx context.Context) {
	every := time.NewTicker(protocol.PingInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			k.push(outgoing{message: protocol.Ping{}})
		}
	}
}

func (s *Server) readV1(ctx context.Context, k *workerSocket, session *dispatch.Session) {
	var unknown onceEach
	var buffer bytes.Buffer
	for {
		kind, data, err := k.read(&buffer)
		if err != nil {
			return
		}
		session.Heard()
		message, err := protocol.DecodeWorker(data)
		if err != nil || kind != websocket.MessageText {
			k.bye(ctx, protocol.ByeBadMessage)
			return
		}
		switch m := message.(type) {
		case protocol.Ready:
			session.Ready(m.RequestID, m.Attempt)
		case protocol.StatusUpdate:
			phase := ""
			if m.Phase.Valid() && m.Phase != protocol.PhaseEnded {
				phase = string(m.Phase)
			}
			session.Status(m.RequestID, m.Attempt, phase, given(m.ChatID))
		case protocol.Delta:
			if !session.Delta(m.RequestID, m.Attempt, m.Offset, m.Text) {
				k.push(outgoing{message: protocol.Resync{Ref: m.Ref}})
			}
		case protocol.Response:
			session.Answer(m.RequestID, m.Attempt, answerOf(m))
		case protocol.Error:
			session.Trouble(m.RequestID, m.Attempt, troubleOf(m))
		case protocol.Cancelled:
			session.Stopped(m.RequestID, m.Attempt)
		case protocol.Health:
			session.Health(bridge.Health{LoggedIn: m.LoggedIn, PageOK: m.PageOK, LimitedUntil: m.LimitedUntil, Matched: m.Matched})
		case protocol.DoctorReport:
			s.extensions.reported(k, m)
		case protocol.Unknown:
			if unknown.first(m.WireType) {
				s.o.Log.Info("a worker's message is ignored", "worker", k.worker, "type", m.WireType, "reason", m.Reason)
			}
		}
	}
}

func answerOf(m protocol.Response) bridge.Answer {
	a := bridge.Answer{Response: m.Response, ChatID: given(m.ChatID), ChatTitle: given(m.ChatTitle), ModeUsed: given(m.ModeUsed)}
	if m.Evidence != nil {
		a.Evidence, _ = json.Marshal(m.Evidence)
	}
	return a
}

func troubleOf(m protocol.Error) bridge.Trouble {
	t := bridge.Trouble{Code: bridge.FailCode(m.Code), Message: m.Error, RetryAfter: given(m.RetryAfter), Partial: given(m.PartialResponse)}
	if !m.Code.FromWorker() {
		t.Code = bridge.WorkerError
	}
	return t
}

// onceEach remembers what was logged, within bounds.
type onceEach map[string]bool

func (o *onceEach) first(name string) bool {
	const most = 100
	if *o == nil {
		*o = onceEach{}
	}
	if (*o)[name] || len(*o) >= most {
		return false
	}
	(*o)[name] = true
	return true
}

// serveGuide speaks the guide's dialect on a socket until it ends.
func (s *Server) serveGuide(ctx context.Context, k *workerSocket, who *bridge.Principal, hash []byte) {
	conn := uuid.NewString()
	k.account, k.worker = who.Account, "~"+conn
	cmd := &bridge.Hello{Worker: bridge.Worker{AccountID: who.Account.ID, ID: k.worker, Conn: conn, Node: s.o.Node, Guide: true, Name: "guide worker", Capacity: guideSlots}}
	s.join(ctx, k, cmd, hash, func(session *dispatch.Session, running *sync.WaitGroup) {
		running.Go(func() { k.pingFrames(ctx, session) })
		var buffer bytes.Buffer
		for {
			_, data, err := k.read(&buffer)
			if err != nil {
				return
			}
			switch m := protocol.DecodeGuide(data).(type) {
			case protocol.Response:
				session.Answer(m.RequestID, 0, answerOf(m))
			case protocol.Error:
				session.Trouble(m.RequestID, 0, troubleOf(m))
			}
		}
	})
}

// pingFrames finds out whether a guide socket, which has nothing to say while
// it works, is still there.
func (k *workerSocket) pingFrames(ctx context.Context, session *dispatch.Session) {
	every := time.NewTicker(protocol.PingInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			pong, cancel := context.WithTimeout(ctx, protocol.PingInterval)
			err := k.conn.Ping(pong)
			cancel()
			if err != nil {
				k.cancel()
				return
			}
			session.Ponged()
		}
	}
}
