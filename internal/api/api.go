// Package api is the edge: HTTP and WebSocket, one file per face. It reads and
// writes what goes over the wire, decides who may, and leaves the rest to the
// rooms behind it.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"chatbridge/internal/bridge"
	"chatbridge/internal/dispatch"
	"chatbridge/internal/stream"
)

// Who may read a stream.
const (
	StreamAuthOpen     = "open"     // a request's random id is itself a capability
	StreamAuthRequired = "required" // only a signed stream_url or the key
)

// Options are what a Server works with. All are required but CORSOrigins,
// LoopbackOnly, PublicHost, Secure and Settings.
type Options struct {
	Store     bridge.Reader
	Post      bridge.Post
	Here      bridge.Here
	Node      string
	Dispatch  *dispatch.Dispatch
	Hub       *stream.Hub
	Directory *Directory
	Log       *slog.Logger
	Version   string

	StreamKey    []byte // signs stream URLs
	StreamAuth   string
	CORSOrigins  []string // nil, or with "*" among them: any
	LoopbackOnly bool     // the Host must be a loopback name (DNS rebinding), or PublicHost
	PublicHost   string   // the host of --public-url, "" if none
	WebhookCheck func(url string) error
	Secure       bool // others reach us by https only: cookies are for https, and browsers are told to stay there
	// TestEndpoint sends a sample message to an endpoint and says what came back.
	TestEndpoint func(context.Context, *bridge.Endpoint) bridge.Try
	Settings     []Setting // shown in the panel
}

// Setting is a setting in force, as it is shown. It is never a secret.
type Setting struct {
	Name   string `json:"name" example:"stream-auth"`
	Flag   string `json:"flag" doc:"As it is given to serve" example:"--stream-auth"`
	Env    string `json:"env" doc:"The environment variable that sets it too" example:"CHATBRIDGE_STREAM_AUTH"`
	Value  string `json:"value"`
	Origin string `json:"origin" enum:"default,flag,environment" doc:"Where the value comes from"`
	About  string `json:"about" doc:"What it does, in a sentence"`
}

// Server is the edge. Handler serves it; Drain ends what is open.
type Server struct {
	o      Options
	signer signer
	api    huma.API
	mux    *http.ServeMux
	// operations are huma's, in the order in which they are to be read.
	operations []*huma.Operation
	passwords  *passwords
	wrongAdmin *failures // wrong sessions, admin tokens and links
	extensions *extensions
	overview   overview

	ctx      context.Context // ends with the last of Drain
	close    context.CancelFunc
	opening  sync.RWMutex // held for reading while a socket is counted: none comes behind the drain
	draining atomic.Bool
	sockets  sync.WaitGroup // WebSockets: an http.Server does not wait for them
}

// New makes a Server.
func New(o Options) (*Server, error) {
	o.CORSOrigins = origins(o.CORSOrigins)
	s := &Server{o: o, signer: signer(o.StreamKey), mux: http.NewServeMux(), passwords: newPasswords(), wrongAdmin: newFailures(wrongKeys)}
	s.ctx, s.close = context.WithCancel(context.Background())
	s.api = humago.New(slashes{s.mux}, s.humaConfig())
	s.api.UseMiddleware(s.identify)
	s.extensions = newExtensions(o.Store, o.Log)
	if err := s.extensions.load(s.ctx); err != nil {
		return nil, fmt.Errorf("read the selector pack: %w", err)
	}
	o.Directory.listen = s.extensions.load
	s.registerChat(s.api)
	s.registerAdmin(s.api)
	s.routes()
	if err := s.registerPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// Drain lets what is open say goodbye, for at most this long, then ends every
// socket and stream and waits for the sockets. From its beginning on /readyz
// says that the server is stopping.
func (s *Server) Drain(within time.Duration) {
	s.opening.Lock()
	s.draining.Store(true)
	s.opening.Unlock()
	gone := make(chan struct{})
	go func() { // ends with the last socket, which Close below sees to
		s.sockets.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(within):
	}
	s.close()
	<-gone
}

func (s *Server) humaConfig() huma.Config {
	c := huma.DefaultConfig("chatbridge", s.o.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.OnAddOperation = append(c.OnAddOperation, func(_ *huma.OpenAPI, op *huma.Operation) {
		delete(op.Responses, "422") // huma's status for bad fields; ours is 400
		op.BodyReadTimeout = bodyWithin
		s.operations = append(s.operations, op)
	})
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.AllowAdditionalPropertiesByDefault = true
	c.Info.Description = "A bridge between programs and chat pages: submit a message, get the answer as a live stream and as a signed webhook."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"apiKey":  {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "An account's API key"},
		"bearer":  {Type: "http", Scheme: "bearer", Description: "An account's API key, or an admin token"},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "An admin's session"},
	}
	return c
}

// slashes has the mux match a path that ends in "/" exactly, not all below it.
type slashes struct{ *http.ServeMux }

// HandleFunc implements humago.Mux.
func (m slashes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	m.ServeMux.HandleFunc(pattern, handler)
}

func (s *Server) routes() {
	handle := slashes{s.mux}.HandleFunc
	handle("GET /api/sse/{id}/", s.sseRequest)
	handle("GET /api/sse/", s.sseAccount)
	handle("GET /ws/stream/{id}/", s.socket(s.wsRequest))
	handle("GET /ws/stream/", s.socket(s.wsAccount))
	handle("GET /ws/extension/", s.socket(s.workers))
	handle("/api/webhooks/chatgpt/", s.receive)
	for _, path := range []string{"/api/health/", "/health/", "/healthz"} {
		handle("GET "+path, s.healthy)
	}
	handle("GET /readyz", s.ready)
	handle("GET /api/openapi.json", s.openAPI)
	handle("GET /api/schema/", s.openAPI)
	handle("GET /api/docs/", s.docs)
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, bridge.Errorf(bridge.NotFound, "not_found", "There is nothing at %s. The API's page is /api/docs/.", r.URL.Path))
	})
}

// socket counts a WebSocket for as long as its handler runs.
func (s *Server) socket(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			s.fail(w, errDraining())
			return
		}
		defer s.sockets.Done()
		handler(w, r)
	}
}

// enter counts a socket in, unless the server is draining.
func (s *Server) enter() bool {
	s.opening.RLock()
	defer s.opening.RUnlock()
	if s.draining.Load() {
		return false
	}
	s.sockets.Add(1)
	return true
}

func errDraining() error {
	return &bridge.Error{Kind: bridge.Unavailable, Code: "draining", Detail: "This server is stopping. Ask another, or this one in a moment.", RetryAfter: time.Second}
}

// Handler serves the whole edge.
func (s *Server) Handler() http.Handler {
	csrf := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := path.Clean(r.URL.Path) // where the mux sends those to who write it otherwise
		s.setSecurityHeaders(w.Header(), r.Host, at)
		if s.o.LoopbackOnly && !loopbackHost(r.Host) && !strings.EqualFold(r.Host, s.o.PublicHost) {
			s.fail(w, bridge.Errorf(bridge.Forbidden, "bad_host", "This server listens on loopback only and answers to localhost. Set --public-url for another name."))
			return
		}
		if s.cors(w, r, at) {
			return
		}
		if err := wantsJSON(r); err != nil && !under(at, "/api/webhooks") {
			s.fail(w, err)
			return
		}
		if under(at, "/api/admin") && csrf.Check(r) != nil {
			s.fail(w, bridge.Errorf(bridge.Forbidden, "cross_origin", "This call came from another site's page. Use the panel itself, or an admin token in a script."))
			return
		}
		limitBody(w, r)
		s.mux.ServeHTTP(w, withSlash(r))
		drainBody(r)
	})
}

// withSlash makes a path without its last slash the same as the one with it, so
// that no POST is redirected.
func withSlash(r *http.Request) *http.Request {
	p := r.URL.Path
	if strings.HasSuffix(p, "/") || strings.HasSuffix(p, ".json") || !under(p, "/api", "/ws", "/health", "/client", "/admin") {
		return r
	}
	changed := new(http.Request)
	*changed = *r
	u := *r.URL
	u.Path += "/"
	if u.RawPath != "" {
		u.RawPath += "/"
	}
	changed.URL = &u
	return changed
}

// under reports whether path is one of the folders or lies in one.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

type contextKey int

const (
	principalKey contextKey = iota
	urlKey
	remoteKey
	actorKey
)

// identify finds out, for huma's operations, who asks. An operation without
// Security asks nobody; one that allows it (an empty requirement) may be asked
// without a key, but a key that is shown counts.
func (s *Server) identify(c huma.Context, next func(huma.Context)) {
	op := c.Operation()
	u := c.URL()
	c = huma.WithValue(huma.WithValue(c, urlKey, &u), remoteKey, c.RemoteAddr())
	if len(op.Security) == 0 {
		next(c)
		return
	}
	if slices.ContainsFunc(op.Security, func(r map[string][]string) bool { _, ok := r["session"]; return ok }) {
		s.identifyAdmin(c, next)
		return
	}
	header := http.Header{"X-Api-Key": {c.Header("X-API-Key")}, "Authorization": {c.Header("Authorization")}}
	key := keyOf(header)
	if key == "" && len(op.Security[0]) == 0 {
		next(c)
		return
	}
	p, err := s.o.Directory.Who(c.Context(), sourceOf(c.RemoteAddr()), key, bridge.ScopeClient)
	if err != nil {
		s.writeProblem(c, problemOf(s.o.Log, err))
		return
	}
	next(huma.WithValue(c, principalKey, p))
}

func (s *Server) writeProblem(c huma.Context, p *Problem) {
	for name, values := range p.GetHeaders() {
		c.SetHeader(name, values[0])
	}
	c.SetHeader("Content-Type", "application/problem+json")
	c.SetStatus(p.Status)
	_ = json.NewEncoder(c.BodyWriter()).Encode(p)
}

// who returns whom the request's key speaks for, nil if it showed none.
func who(ctx context.Context) *bridge.Principal {
	p, _ := ctx.Value(principalKey).(*bridge.Principal)
	return p
}

func urlOf(ctx context.Context) *url.URL { return ctx.Value(urlKey).(*url.URL) }

// remoteAddr is the address, with port, that an operation of huma's was called from.
func remoteAddr(ctx context.Context) string {
	addr, _ := ctx.Value(remoteKey).(string)
	return addr
}

// actor is who calls an operation of the panel.
func actor(ctx context.Context) bridge.Actor {
	by, _ := ctx.Value(actorKey).(bridge.Actor)
	return by
}

func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.o.Version})
}

// ready: the store answers and we are not draining.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		s.fail(w, errDraining())
		return
	}
	if err := s.o.Store.Ping(r.Context()); err != nil {
		s.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready", "store": "ok"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

func compactJSON(data []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return data
	}
	return b.Bytes()
}

func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
