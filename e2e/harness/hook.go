package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Hook is a webhook receiver on loopback.
type Hook struct {
	t    testing.TB
	URL  string
	came chan Delivery
}

// Delivery is one webhook message.
type Delivery struct {
	Header http.Header
	Body   []byte
	Fields map[string]any
}

// NewHook opens a receiver that answers 204 to all.
func NewHook(t testing.TB) *Hook {
	h := &Hook{t: t, came: make(chan Delivery, heardAtOnce)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := Delivery{Header: r.Header}
		d.Body, _ = io.ReadAll(r.Body)
		_ = json.Unmarshal(d.Body, &d.Fields)
		h.came <- d
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	h.URL = server.URL + "/hook"
	return h
}

// Next waits for the next message, whose signature must verify with the secret.
func (h *Hook) Next(secret string) Delivery {
	h.t.Helper()
	Secret("a webhook secret", secret)
	select {
	case d := <-h.came:
		check, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			err = check.Verify(d.Body, d.Header)
		}
		if err != nil {
			h.t.Fatalf("the signature does not verify: %v", err)
		}
		return d
	case <-time.After(Patience):
		h.t.Fatal("no webhook came")
	}
	panic("unreachable")
}
