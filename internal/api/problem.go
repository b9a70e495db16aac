package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatbridge/internal/bridge"
)

// statuses maps what a use case returns to HTTP: the one table.
var statuses = map[bridge.Kind]int{
	bridge.Internal:     http.StatusInternalServerError,
	bridge.Invalid:      http.StatusBadRequest,
	bridge.Unauthorized: http.StatusUnauthorized,
	bridge.Forbidden:    http.StatusForbidden,
	bridge.NotFound:     http.StatusNotFound,
	bridge.Conflict:     http.StatusConflict,
	bridge.TooLarge:     http.StatusRequestEntityTooLarge,
	bridge.Unavailable:  http.StatusServiceUnavailable,
	bridge.TooMany:      http.StatusTooManyRequests,
	bridge.Gone:         http.StatusGone,
}

// Problem is an error as JSON (RFC 9457).
type Problem struct {
	Title      string              `json:"title" doc:"The HTTP status in words"`
	Status     int                 `json:"status" doc:"The HTTP status"`
	Code       string              `json:"code" doc:"What went wrong, for programs"`
	Detail     string              `json:"detail" doc:"A sentence that says what to do"`
	Errors     map[string][]string `json:"errors,omitempty" doc:"With bad fields: a list of sentences for each"`
	retryAfter time.Duration
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="chatbridge"`)
	}
	return h
}

// problemOf makes a Problem of any error; what is not the domain's is logged
// here, and not told.
func problemOf(log *slog.Logger, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	e := bridge.AsError(err)
	status := statuses[e.Kind]
	if e.Kind == bridge.Internal && !errors.Is(err, context.Canceled) { // a client that has left waits for no answer
		log.Error("a request could not be answered", "err", err)
	}
	p := &Problem{Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Detail, Errors: e.Fields, retryAfter: e.RetryAfter}
	if p.retryAfter == 0 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
		p.retryAfter = time.Second
	}
	return p
}

// write sends the problem as a whole answer.
func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func (s *Server) fail(w http.ResponseWriter, err error) { problemOf(s.o.Log, err).write(w) }

func init() { huma.NewError = humaProblem } // huma has one for all of its APIs

// humaProblem makes Problems of what huma itself finds wrong with a request.
func humaProblem(status int, message string, errs ...error) huma.StatusError {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	p := &Problem{Title: http.StatusText(status), Status: status, Code: codeOf(status), Detail: sentence(message)}
	for _, err := range errs {
		if err == nil {
			continue
		}
		field, text := "body", err.Error()
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			text = detail.Message
			if _, name, ok := strings.Cut(detail.Location, "."); ok {
				field = name
			} else if name, _, ok := strings.Cut(text, wrongType); ok && name != wholeBody {
				field = name
			}
		}
		if p.Errors == nil {
			p.Errors = map[string][]string{}
			p.Detail = "Correct the fields named in errors."
		}
		p.Errors[field] = append(p.Errors[field], sentence(text))
	}
	if status == http.StatusRequestEntityTooLarge {
		p.Detail, p.Errors = "The body is too large. Send a shorter one.", nil
	}
	return p
}

func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "invalid"
	case http.StatusRequestEntityTooLarge:
		return "too_large"
	case http.StatusUnsupportedMediaType:
		return "unsupported_media_type"
	case http.StatusRequestTimeout:
		return "too_slow"
	default:
		return strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
	}
}

func sentence(s string) string {
	if s == "" {
		return "The request could not be read. Look at the API's page at /api/docs/."
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
