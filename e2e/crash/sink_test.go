package crash

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"chatbridge/internal/client"
)

// sink receives the accounts' webhooks, each under a path of its own.
type sink struct {
	w   *world
	url string

	mu       sync.Mutex
	secrets  map[string]string          // path → the account's secret
	names    map[string]map[string]bool // request id → webhook-ids that came for it
	answered map[string]bool            // request ids that were answered with a 2xx
	refused  map[string]bool            // webhook-ids that were answered with 500, once at most
	perPath  map[string]int             // delivered
	again    int                        // deliveries after a 2xx: legal, and counted
	bad      int                        // signatures
}

func newSink(t testing.TB, w *world) *sink {
	s := &sink{w: w, secrets: map[string]string{}, names: map[string]map[string]bool{}, answered: map[string]bool{}, refused: map[string]bool{}, perPath: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// of is the webhook URL of an account, by its name.
func (s *sink) of(name string) string { return s.url + "/" + name }

// trust tells the sink an account's secret.
func (s *sink) trust(name, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = secret
}

// ServeHTTP implements http.Handler: one message in ten is refused once.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server died over it
	}
	name, id := path.Base(r.URL.Path), r.Header.Get("webhook-id")
	s.mu.Lock()
	defer s.mu.Unlock()
	check, err := standardwebhooks.NewWebhook(s.secrets[name])
	if err == nil {
		err = check.Verify(body, r.Header)
	}
	if err != nil {
		s.bad++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var end client.Event
	if err := json.Unmarshal(body, &end); err != nil || !end.Ended() {
		s.w.book.fault("a webhook that is no end: %v: %s", err, body)
	}
	s.w.book.ended(end.RequestID, "the webhook", outcome{end.Status, given(end.Response), given(end.PartialResponse), given(end.ErrorCode)})
	if s.names[end.RequestID] == nil {
		s.names[end.RequestID] = map[string]bool{}
	}
	s.names[end.RequestID][id] = true
	if !s.refused[id] && hash(id)%10 == 0 {
		s.refused[id] = true
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if s.answered[end.RequestID] {
		s.again++
	} else {
		s.perPath[name]++
	}
	s.answered[end.RequestID] = true
	w.WriteHeader(http.StatusNoContent)
}

// missing is how many of these requests were not delivered.
func (s *sink) missing(ids []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, id := range ids {
		if !s.answered[id] {
			n++
		}
	}
	return n
}
