package actors

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"chatbridge/internal/client"
)

// Mood is how an endpoint answers.
type Mood int

// The moods. Well, Hiccup, DripBody and Gigabyte say 2xx: the head decides,
// whatever becomes of the body.
const (
	Well     Mood = iota // 204
	Hiccup               // one message in ten gets 500 the first time
	DripBody             // 200, and a body byte by byte
	Gigabyte             // 200, and a body without an end
	Hang                 // no answer
	Drip                 // a head byte by byte, that never ends
	Reset                // the connection is reset
	TooMany              // 429 with Retry-After
	Broken               // 500
	Gone                 // 410
	Redirect             // 302 to a cloud's metadata service, or to the canary
)

var moodNames = [...]string{"well", "hiccup", "drips its body", "a gigabyte", "hangs", "drips its head", "resets", "429", "500", "410", "redirects"}

// String is for people.
func (m Mood) String() string { return moodNames[m] }

// dripEvery is the time between two bytes of what drips.
const dripEvery = 100 * time.Millisecond

// Sink receives webhooks, for each endpoint under a path of its own.
type Sink struct {
	URL  string
	book *Book

	mu        sync.Mutex
	endpoints map[string]*Endpoint // by name, the path
	followed  int                  // redirects that were followed
	closing   chan struct{}        // closed when the test ends
}

// Endpoint is one webhook URL: how it answers, and what has come there.
type Endpoint struct {
	Name string
	URL  string

	mu      sync.Mutex
	secrets []string
	mood    Mood
	turned  chan struct{} // closed when the mood changes
	seen    Seen
	first   map[Mood]time.Time
}

// Seen is what has come to an endpoint.
type Seen struct {
	Came  map[string]*Got // by request id
	Bad   int             // signatures that did not verify
	Again int             // messages after a 2xx: legal
}

// Got is what came for one request.
type Got struct {
	WebhookID string
	Others    []string // further webhook-ids: none may come
	Outcome   Outcome
	Differs   bool // a later message told another end
	Times     int
	Taken     bool // it was answered with a 2xx
}

// NewSink opens a sink, until the test ends.
func NewSink(t testing.TB, book *Book) *Sink {
	s := &Sink{book: book, endpoints: map[string]*Endpoint{}, closing: make(chan struct{})}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.closing)
		server.Close()
	})
	s.URL = server.URL
	return s
}

// Endpoint makes an endpoint.
func (s *Sink) Endpoint(name string, mood Mood) *Endpoint {
	e := &Endpoint{Name: name, URL: s.URL + "/" + name, mood: mood, turned: make(chan struct{}), seen: Seen{Came: map[string]*Got{}}, first: map[Mood]time.Time{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[name] = e
	return e
}

// Endpoints are all that were made, in no order.
func (s *Sink) Endpoints() (all []*Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		all = append(all, e)
	}
	return all
}

// Followed is how many redirects were followed.
func (s *Sink) Followed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.followed
}

// Seen is what has come so far, as a copy.
func (e *Endpoint) Seen() Seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := e.seen
	seen.Came = make(map[string]*Got, len(e.seen.Came))
	for id, got := range e.seen.Came {
		one := *got
		seen.Came[id] = &one
	}
	return seen
}

// Trust tells an endpoint a secret; the ones before stay valid.
func (e *Endpoint) Trust(secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secrets = append(e.secrets, secret)
}

// Turn gives an endpoint another mood. What hangs or drips there breaks off.
func (e *Endpoint) Turn(mood Mood) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mood = mood
	close(e.turned)
	e.turned = make(chan struct{})
}

// First is when the endpoint first answered in a mood; zero if it never did.
func (e *Endpoint) First(mood Mood) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.first[mood]
}

// Missing are those of these requests that have not been taken here.
func (e *Endpoint) Missing(ids []string) (left []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		if got := e.seen.Came[id]; got == nil || !got.Taken {
			left = append(left, id)
		}
	}
	return left
}

// Taken is how many requests' messages were answered with a 2xx.
func (e *Endpoint) Taken() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, got := range e.seen.Came {
		if got.Taken {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server died over it
	}
	s.mu.Lock()
	e := s.endpoints[strings.TrimPrefix(r.URL.Path, "/")]
	if e == nil {
		s.followed++
	}
	s.mu.Unlock()
	if e == nil {
		s.book.Fault("%s %s came, where nothing is", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	mood, turned, ok := e.note(s.book, r, body)
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.answer(w, r, mood, turned)
}

// note writes down a message, and decides what it is answered.
func (e *Endpoint) note(book *Book, r *http.Request, body []byte) (mood Mood, turned <-chan struct{}, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.verifies(r, body) {
		e.seen.Bad++
		return 0, nil, false
	}
	var end client.Event
	if err := json.Unmarshal(body, &end); err != nil || !end.Ended() {
		book.Fault("a webhook that is no end: %v: %.1000s", err, body)
	}
	id, outcome := r.Header.Get("webhook-id"), OutcomeIn(end)
	got := e.seen.Came[end.RequestID]
	switch {
	case got == nil:
		got = &Got{WebhookID: id, Outcome: outcome}
		e.seen.Came[end.RequestID] = got
	case got.WebhookID != id:
		got.Others = append(got.Others, id)
	}
	if got.Times++; got.Outcome != outcome {
		got.Differs = true
	}
	mood = e.mood
	if mood == Hiccup {
		if mood = Well; got.Times == 1 && DigestOf(id)%10 == 0 {
			mood = Broken
		}
	}
	if e.first[mood].IsZero() {
		e.first[mood] = time.Now()
	}
	if mood <= Gigabyte { // noted before it is said: whoever hears it may rely on it
		if got.Taken {
			e.seen.Again++
		}
		got.Taken = true
	}
	return mood, e.turned, true
}

func (e *Endpoint) verifies(r *http.Request, body []byte) bool {
	for _, secret := range e.secrets {
		if check, err := standardwebhooks.NewWebhook(secret); err == nil && check.Verify(body, r.Header) == nil {
			return true
		}
	}
	return false
}

func (s *Sink) answer(w http.ResponseWriter, r *http.Request, mood Mood, turned <-chan struct{}) {
	switch mood {
	case Well:
		w.WriteHeader(http.StatusNoContent)
	case TooMany:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case Broken:
		w.WriteHeader(http.StatusInternalServerError)
	case Gone:
		w.WriteHeader(http.StatusGone)
	case Redirect:
		to := "http://169.254.169.254/latest/meta-data/"
		if DigestOf(r.Header.Get("webhook-id"))%2 == 0 {
			to = s.URL + "/canary"
		}
		http.Redirect(w, r, to, http.StatusFound)
	case Gigabyte:
		w.Header().Set("Content-Length", fmt.Sprint(1<<30))
		for chunk := make([]byte, 64<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case DripBody:
		w.WriteHeader(http.StatusOK)
		flush := http.NewResponseController(w)
		s.drip(r, turned, func() error {
			if _, err := w.Write([]byte("x")); err != nil {
				return err
			}
			return flush.Flush()
		})
	case Hang, Drip, Reset:
		s.take(w, mood, turned)
	}
}

// drip sends a byte now and then.
func (s *Sink) drip(r *http.Request, turned <-chan struct{}, send func() error) {
	ticks := time.NewTicker(dripEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if send() != nil {
				return
			}
		case <-turned:
			return
		case <-s.closing:
			return
		case <-r.Context().Done():
			return
		}
	}
}
