package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// bareWorker is one worker's socket.
type bareWorker struct {
	name  string
	v1    bool
	types []string // nil: all
	free  int      // slots; guarded by the hub
	out   chan any // messages in the order of their commits, written by the socket's writer
}

// workerMessage is every message that a worker sends.
type workerMessage struct {
	Type          string   `json:"type"`
	RequestID     string   `json:"request_id"`
	Key           string   `json:"key"`
	WorkerID      string   `json:"worker_id"`
	Capacity      int      `json:"capacity"`
	ResponseTypes []string `json:"response_types"`
	Offset        int      `json:"offset"`
	Text          string   `json:"text"`
	Response      string   `json:"response"`
	ChatID        string   `json:"chat_id"`
	ChatTitle     string   `json:"chat_title"`
}

type newRequestMessage struct {
	Type         string  `json:"type"`
	RequestID    string  `json:"request_id"`
	Message      string  `json:"message"`
	ResponseType string  `json:"response_type"`
	ThinkingTime string  `json:"thinking_time"`
	ChatID       *string `json:"chat_id"`
	ChatDBID     int64   `json:"chat_db_id"`
	// The guide dialect has no more than the above.
	Temporary *bool `json:"temporary,omitempty"`
	Attempt   int   `json:"attempt,omitempty"`
}

type attemptMessage struct {
	Type      string `json:"type"`
	RequestID string `json:"request_id"`
	Attempt   int    `json:"attempt"`
}

type welcomeMessage struct {
	Type         string   `json:"type"`
	WorkerID     string   `json:"worker_id"`
	Account      string   `json:"account"`
	LeaseSeconds int      `json:"lease_seconds"`
	PingSeconds  int      `json:"ping_seconds"`
	Keep         []string `json:"keep"`
	Drop         []string `json:"drop"`
	Pack         *string  `json:"pack"`
}

var pingMessage = struct {
	Type string `json:"type"`
}{"ping"}

// pingEvery is the contract's beat for workers.
const pingEvery = 20 * time.Second

// workerQueue is more than a worker can be owed at once: two messages for each of at most 1,000 slots.
const workerQueue = 2048

func (s *bareServer) extension(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	defer context.AfterFunc(r.Context(), func() { _ = conn.CloseNow() })()
	conn.SetReadLimit(8 << 20)

	worker := &bareWorker{name: "guide", free: 1, v1: conn.Subprotocol() == subprotocol, out: make(chan any, workerQueue)}
	if worker.v1 {
		hello, err := readWorkerMessage(conn)
		if err != nil || hello.Type != "hello" || hello.Key != bareKey {
			return
		}
		worker.name, worker.free, worker.types = hello.WorkerID, hello.Capacity, hello.ResponseTypes
		worker.out <- welcomeMessage{
			Type: "welcome", WorkerID: hello.WorkerID, Account: "bench@example.com", LeaseSeconds: 60, PingSeconds: 20, Keep: []string{}, Drop: []string{},
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go worker.write(conn, stop, stopped) // waited for below
	s.hub.join(worker)
	s.listen(conn, worker)
	s.hub.leave(worker)
	close(stop)
	<-stopped
}

// listen takes what a worker says until its socket ends.
func (s *bareServer) listen(conn *websocket.Conn, w *bareWorker) {
	for {
		msg, err := readWorkerMessage(conn)
		if err != nil {
			return
		}
		r := s.hub.get(msg.RequestID)
		if r == nil {
			continue
		}
		switch msg.Type {
		case "ready":
			s.store.write(bareWrite{op: opGo, req: r})
		case "delta":
			r.append(msg.Offset, msg.Text)
		case "response":
			r.answer, r.chatID, r.chatTitle = msg.Response, msg.ChatID, msg.ChatTitle
			r.end = r.endJSON(time.Now().UTC())
			s.store.write(bareWrite{op: opComplete, req: r})
		}
	}
}

func readWorkerMessage(conn *websocket.Conn) (workerMessage, error) {
	var msg workerMessage
	_, data, err := conn.Read(context.Background()) // a context that can end costs each read; closing the socket ends it too
	if err != nil {
		return msg, err
	}
	return msg, json.Unmarshal(data, &msg)
}

// write writes what is owed until stop, and pings a v1 worker.
func (w *bareWorker) write(conn *websocket.Conn, stop, stopped chan struct{}) {
	defer close(stopped)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var msg any
		select {
		case msg = <-w.out:
		case <-ping.C:
			if !w.v1 {
				continue
			}
			msg = pingMessage
		case <-stop:
			return
		}
		data, err := json.Marshal(msg)
		if err == nil {
			err = conn.Write(context.Background(), websocket.MessageText, data)
		}
		if err != nil {
			_ = conn.CloseNow() // ends listen, which stops us
		}
	}
}

func (w *bareWorker) handOver(r *bareRequest) {
	msg := newRequestMessage{
		Type: "new_request", RequestID: r.uuid, Message: r.message, ResponseType: r.responseType, ThinkingTime: r.thinkingTime, ChatDBID: r.id,
	}
	if w.v1 {
		msg.Temporary, msg.Attempt = new(bool), 1
	}
	w.out <- msg
}

// send sends a v1 worker a message about an attempt; the guide dialect has none.
func (w *bareWorker) send(kind string, r *bareRequest) {
	if w.v1 {
		w.out <- attemptMessage{Type: kind, RequestID: r.uuid, Attempt: 1}
	}
}
