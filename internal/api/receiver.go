package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/webhook"
)

const (
	receiverBytes = 16 << 20 // a webhook of the longest answer, escaped, fits
	unknownIDSize = 200      // characters of an id that we did not issue
)

// receive is the bridge's own webhook endpoint, as in the guide. For an id that
// was issued here the signature must verify, and nothing changes: its streams
// hear from the core. For any other id, the streams open for it hear the body.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		writeJSON(w, http.StatusOK, map[string]string{"detail": "This is chatbridge's webhook receiver. It takes POST with a JSON body."})
		return
	}
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(r.ContentLength, 0), 64<<10)) + bytes.MinRead)
	_, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, receiverBytes))
	body := buffer.Bytes()
	if err != nil {
		status, text := http.StatusBadRequest, "The body could not be read."
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status, text = http.StatusRequestEntityTooLarge, "The body is larger than 16 MiB."
		}
		writeJSON(w, status, map[string]string{"error": text})
		return
	}
	var message struct {
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal(body, &message) != nil || checkText(body) != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "The body is not JSON with a request_id that is a string."})
		return
	}
	id := message.RequestID
	if id == "" || len([]rune(id)) > unknownIDSize {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "The body needs a request_id of 1 to 200 characters."})
		return
	}
	account, err := s.o.Directory.Owner(r.Context(), strings.ToLower(id))
	switch {
	case err != nil:
		s.fail(w, err)
		return
	case account != 0:
		if err := s.verify(r, account, body); err != nil {
			p := problemOf(s.o.Log, err)
			writeJSON(w, p.Status, map[string]string{"error": p.Detail})
			return
		}
	default:
		s.o.Hub.Received(id, compactJSON(body))
	}
	writeJSON(w, http.StatusOK, received{true, id})
}

// received is the receiver's answer.
type received struct {
	Received  bool   `json:"received"`
	RequestID string `json:"request_id"`
}

// verify checks a delivery's signature against every valid secret of the
// request's account. Errors: Unauthorized.
func (s *Server) verify(r *http.Request, account int64, body []byte) error {
	now := time.Now()
	secrets, err := s.o.Directory.Secrets(r.Context(), account, now)
	if err != nil {
		return err
	}
	if webhook.Verify(secrets, r.Header, body, now) != nil {
		return bridge.Errorf(bridge.Unauthorized, "bad_signature", "The signature does not verify with any secret of the request's account. Sign the body as Standard Webhooks says.")
	}
	return nil
}
