package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The bare server's one account. It is no secret: the server listens on loopback for the length of a measurement.
const (
	bareKey    = "bench-key-0123456789abcdef0123456789abcdef"
	bareSecret = "whsec_YmVuY2gtc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY="
)

const (
	// deliverers is how many webhook tries run at once: enough that a try's latency never bounds 64 clients.
	deliverers = 32
	// deliveryQueue holds tries that wait for a deliverer. A full queue slows the writer, and so everything: nothing is dropped.
	deliveryQueue = 1024
	// endedKept is how many ended requests stay readable by a stream that opens after the end (the only late reader a
	// load driver has is one whose GET lost a race), so that memory stays flat.
	endedKept = 4096
	// maxBody bounds a submit or a webhook, as the real server's limits do.
	maxBody = 16 << 20
)

// bareServer is the practical limit that the real server is compared with: the same libraries and messages and the fewest
// grouped commits that durability needs (chatbridge.v1: submit, claim, go, complete with the delivery and its first try's
// claim, the try's result; the guide dialect: the same with claim and go in one). It has no leases, no resume, no events of a
// request, no checks of what it is told, and it forgets what is in flight when it stops.
type bareServer struct {
	store      *bareStore
	hub        *bareHub
	webhook    *standardwebhooks.Webhook
	webhookURL string
	lastID     atomic.Int64
	deliveries chan *bareRequest
	http       *http.Client
}

// bareConfig says where a bare server listens (addr; pprof empty: no profiles) and which folder holds its data.
type bareConfig struct {
	addr, data, pprof string
}

// runBare serves until ctx ends. It returns nil then, once everything it started has stopped.
func runBare(ctx context.Context, cfg bareConfig) error {
	uuid.EnableRandPool()
	wh, err := standardwebhooks.NewWebhook(bareSecret)
	if err != nil {
		return fmt.Errorf("reading the webhook secret: %w", err)
	}
	s := &bareServer{
		webhook:    wh,
		webhookURL: "http://" + cfg.addr + "/api/webhooks/chatgpt/",
		deliveries: make(chan *bareRequest, deliveryQueue),
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			MaxIdleConnsPerHost: deliverers, MaxConnsPerHost: deliverers, DisableCompression: true,
		}},
	}
	s.store, err = openBareStore(cfg.data, s.committed)
	if err != nil {
		return err
	}
	s.hub = newBareHub(s.store)

	ln, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if cfg.pprof != "" {
		if err := servePprof(ctx, cfg.pprof); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // so that streams and sockets end with ctx
	}
	var wg sync.WaitGroup // waited for below, in the order in which they depend on each other
	for range deliverers {
		wg.Go(s.deliver)
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	s.store.close()
	close(s.deliveries)
	wg.Wait()
	return s.store.db.Close()
}

// servePprof serves net/http/pprof on a listener of its own until ctx ends.
func servePprof(ctx context.Context, addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(ln) }() // ends with ctx, through Close; nothing depends on its end
	return nil
}

func (s *bareServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ready\n") })
	mux.HandleFunc("GET /api/sse/{id}/", s.sse)
	mux.HandleFunc("GET /ws/extension/", s.extension)
	mux.HandleFunc("POST /api/webhooks/chatgpt/", s.receive)
	mux.HandleFunc("GET /api/admin/deliveries/", s.listDeliveries)

	cfg := huma.DefaultConfig("bare", "0")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	api := humago.New(mux, cfg)
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/chat/submit/", DefaultStatus: http.StatusCreated, MaxBodyBytes: maxBody,
	}, s.submit)
	return mux
}

type submitInput struct {
	APIKey string `header:"X-API-Key"`
	Body   struct {
		_            struct{} `json:"-" additionalProperties:"true"`
		Message      string   `json:"message"`
		ResponseType string   `json:"response_type,omitempty"`
		ThinkingTime string   `json:"thinking_time,omitempty"`
	}
}

type submitOutput struct {
	Body requestJSON
}

// requestJSON is a request as the client API shows it, whole, since its size is part of the work.
type requestJSON struct {
	ID              string          `json:"id"`
	RequestID       string          `json:"request_id"`
	Message         string          `json:"message"`
	ResponseType    string          `json:"response_type"`
	ThinkingTime    string          `json:"thinking_time"`
	Status          string          `json:"status"`
	Phase           *string         `json:"phase"`
	Waiting         *string         `json:"waiting"`
	Response        *string         `json:"response"`
	PartialResponse *string         `json:"partial_response"`
	ErrorMessage    *string         `json:"error_message"`
	ErrorCode       *string         `json:"error_code"`
	RetryAfter      *int            `json:"retry_after"`
	Chat            chatJSON        `json:"chat"`
	Metadata        json.RawMessage `json:"metadata"`
	Attempt         int             `json:"attempt"`
	ModeUsed        *string         `json:"mode_used"`
	Evidence        json.RawMessage `json:"evidence"`
	QueuedAt        time.Time       `json:"queued_at"`
	StartedAt       *time.Time      `json:"started_at"`
	MayBeSentAt     *time.Time      `json:"may_be_sent_at"`
	CompletedAt     *time.Time      `json:"completed_at"`
	LastRetrievedAt *time.Time      `json:"last_retrieved_at"`
	StreamURL       string          `json:"stream_url"`
}

type chatJSON struct {
	ID         int64     `json:"id"`
	ChatID     *string   `json:"chat_id"`
	Title      *string   `json:"title"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Unfinished int       `json:"unfinished"`
}

func (s *bareServer) submit(_ context.Context, in *submitInput) (*submitOutput, error) {
	if in.APIKey != bareKey {
		return nil, huma.Error401Unauthorized("wrong key")
	}
	now := time.Now().UTC()
	r := &bareRequest{
		id: s.lastID.Add(1), uuid: uuid.NewString(), message: in.Body.Message,
		responseType: or(in.Body.ResponseType, "auto"), thinkingTime: or(in.Body.ThinkingTime, "standard"),
		queuedAt: now, status: "idle", stored: make(chan error, 1),
	}
	s.store.write(bareWrite{op: opSubmit, req: r})
	if err := <-r.stored; err != nil {
		return nil, err
	}
	return &submitOutput{Body: requestJSON{
		ID: r.uuid, RequestID: r.uuid, Message: r.message, ResponseType: r.responseType, ThinkingTime: r.thinkingTime,
		Status: "idle", QueuedAt: now, StreamURL: "/api/sse/" + r.uuid + "/",
		Chat: chatJSON{ID: r.id, CreatedAt: now, UpdatedAt: now, Unfinished: 1},
	}}, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// committed is what follows each commit, called by the store's writer in the order of the commits.
func (s *bareServer) committed(w bareWrite, err error) {
	if err != nil {
		// Without leases there is nobody to try again: the measurement is void.
		slog.Error("bare: commit failed", "err", err)
	}
	switch r := w.req; w.op {
	case opSubmit:
		if err == nil {
			s.hub.add(r)
		}
		r.stored <- err
	case opClaim:
		r.claimed()
		r.worker.handOver(r)
	case opGo:
		r.worker.send("go", r)
	case opComplete:
		r.ended()
		r.worker.send("ack", r)
		s.hub.release(r)
		s.deliveries <- r
	case opResult: // nobody waits for it
	}
}

// deliver makes the first try of each delivery and has its result stored, until deliveries is closed.
func (s *bareServer) deliver() {
	for r := range s.deliveries {
		began := time.Now()
		status, err := s.post(r, began)
		if err != nil {
			slog.Error("bare: webhook failed", "request_id", r.uuid, "err", err)
		}
		s.store.write(bareWrite{op: opResult, req: r, status: status, took: time.Since(began)})
	}
}

func (s *bareServer) post(r *bareRequest, now time.Time) (int, error) {
	req, err := http.NewRequest(http.MethodPost, s.webhookURL, bytes.NewReader(r.end))
	if err != nil {
		return 0, err
	}
	id := "msg_" + r.uuid
	sig, err := s.webhook.Sign(id, now, r.end)
	if err != nil {
		return 0, err
	}
	req.Header = http.Header{
		"Content-Type":      {"application/json"},
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {sig},
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, err
}

// receive is the webhook receiver: the signature must verify, and nothing changes.
func (s *bareServer) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var msg struct {
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(body, &msg); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.webhook.Verify(body, r.Header); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"received": true, "request_id": msg.RequestID})
}

// listDeliveries answers the one question that the driver asks: has the webhook of ?request_id= a stored result?
func (s *bareServer) listDeliveries(w http.ResponseWriter, r *http.Request) {
	status, err := s.store.deliveryStatus(r.Context(), r.URL.Query().Get("request_id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	list := []map[string]string{}
	if status != "" {
		list = append(list, map[string]string{"status": status})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

// bareAccount is what `chatbridge account create --json` prints, for the bare server.
func bareAccount(addr string) account {
	return account{Key: bareKey, WebhookSecret: bareSecret, WebhookURL: (&url.URL{Scheme: "http", Host: addr, Path: "/api/webhooks/chatgpt/"}).String()}
}
