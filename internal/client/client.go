// Package client is a small client of the bridge's client API: submit a
// request, follow its stream, cancel it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// callTimeout bounds a call that is not a stream.
	callTimeout = 30 * time.Second
	// maxBody bounds what is read of one answer and of one event: an answer of
	// 7 MiB and a message of 1 MiB, each with every byte escaped.
	maxBody = 64 << 20
	// maxDetail is how much of an answer that is no problem document is quoted.
	maxDetail = 300
)

// Client talks to one bridge with one key. It may be used from several
// goroutines.
type Client struct {
	base *url.URL
	key  string
	http *http.Client
}

// New returns a client of the bridge at base, such as http://localhost:8000. A
// nil transport means http.DefaultTransport. The key is only sent to that host.
func New(base, key string, transport http.RoundTripper) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("make client: the bridge's URL must be like http://localhost:8000")
	}
	u.Path, u.RawQuery, u.Fragment = strings.TrimRight(u.Path, "/")+"/", "", ""
	return &Client{base: u, key: key, http: &http.Client{Transport: transport}}, nil
}

// Submission is what Submit sends. Only Message is needed.
type Submission struct {
	Message      string `json:"message"`
	ResponseType string `json:"response_type,omitempty"` // auto, thinking, instant
	ThinkingTime string `json:"thinking_time,omitempty"` // standard, extended
	// ChatID continues a chat: the site's id, or the bridge's integer. Empty
	// begins a new one.
	ChatID         string          `json:"chat_id,omitempty"`
	Temporary      bool            `json:"temporary,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	TimeoutSeconds int             `json:"timeout_seconds,omitempty"` // 0: the bridge's default
}

// Request is a request as the bridge shows it.
type Request struct {
	ID              string          `json:"id"`
	RequestID       string          `json:"request_id"`
	Message         string          `json:"message"`
	ResponseType    string          `json:"response_type"`
	ThinkingTime    string          `json:"thinking_time"`
	Status          string          `json:"status"` // idle, executing, done, failed
	Phase           *string         `json:"phase"`
	Waiting         *Waiting        `json:"waiting"`
	Response        *string         `json:"response"`
	PartialResponse *string         `json:"partial_response"`
	ErrorMessage    *string         `json:"error_message"`
	ErrorCode       *string         `json:"error_code"`
	RetryAfter      *int            `json:"retry_after"` // seconds
	Chat            *Chat           `json:"chat"`
	Metadata        json.RawMessage `json:"metadata"`
	Attempt         *int            `json:"attempt"`
	ModeUsed        *string         `json:"mode_used"`
	Evidence        json.RawMessage `json:"evidence"`
	QueuedAt        *time.Time      `json:"queued_at"`
	StartedAt       *time.Time      `json:"started_at"`
	MayBeSentAt     *time.Time      `json:"may_be_sent_at"`
	CompletedAt     *time.Time      `json:"completed_at"`
	LastRetrievedAt *time.Time      `json:"last_retrieved_at"`
	StreamURL       string          `json:"stream_url"` // relative and signed
}

// Chat is the chat that a request belongs to.
type Chat struct {
	ID         int64      `json:"id"`
	ChatID     *string    `json:"chat_id"`
	Title      *string    `json:"title"`
	CreatedAt  *time.Time `json:"created_at"`
	UpdatedAt  *time.Time `json:"updated_at"`
	Unfinished int        `json:"unfinished"`
}

// Waiting is why an idle request is not being answered.
type Waiting struct {
	Reason string     `json:"reason"` // chat_busy, busy, paused, no_worker
	Until  *time.Time `json:"until"`
}

// Error is an error answer of the bridge (RFC 9457).
type Error struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"` // a sentence that says what to do
	// Fields are sentences about single fields of what was sent.
	Fields map[string][]string `json:"errors"`
	// RetryAfter is from the header of 429 and 503; 0 where it said nothing.
	RetryAfter time.Duration `json:"-"`
}

// Error implements error: the bridge's sentence.
func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	return fmt.Sprintf("the bridge answered with status %d", e.Status)
}

// Submit hands a request to the bridge. With an idempotency key (not empty) it
// may be repeated when its outcome is not known: the bridge makes one request.
func (c *Client) Submit(ctx context.Context, s Submission, idempotencyKey string) (Request, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return Request{}, fmt.Errorf("submit: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if idempotencyKey != "" {
		header.Set("Idempotency-Key", idempotencyKey)
	}
	var r Request
	if err := c.call(ctx, http.MethodPost, "api/chat/submit/", header, body, &r); err != nil {
		return Request{}, fmt.Errorf("submit: %w", err)
	}
	return r, nil
}

// Get returns a request as it is now.
func (c *Client) Get(ctx context.Context, id string) (Request, error) {
	var r Request
	if err := c.call(ctx, http.MethodGet, "api/chat/requests/"+url.PathEscape(id)+"/", nil, nil, &r); err != nil {
		return Request{}, fmt.Errorf("get request: %w", err)
	}
	return r, nil
}

// Cancel ends a request as failed with code cancelled. One that has ended
// already gives an Error with status 409.
func (c *Client) Cancel(ctx context.Context, id string) error {
	if err := c.call(ctx, http.MethodPost, "api/chat/requests/"+url.PathEscape(id)+"/cancel/", nil, nil, nil); err != nil {
		return fmt.Errorf("cancel request: %w", err)
	}
	return nil
}

// call makes one call and reads its JSON into out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, header http.Header, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, c.base.JoinPath(path), header, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if out == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxDetail)) // so that the connection is used again
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(out); err != nil {
		return fmt.Errorf("read the bridge's answer: %w", err)
	}
	return nil
}

// send makes one call. The caller closes the body; an error status is an *Error.
func (c *Client) send(ctx context.Context, method string, u *url.URL, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the call: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if c.key != "" {
		// Not X-API-Key: Go would send that one along to another host.
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var inURL *url.Error // its text holds the URL, and that a signature
		if errors.As(err, &inURL) {
			err = inURL.Err
		}
		return nil, fmt.Errorf("reach the bridge at %s: %w", c.base.Redacted(), err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	return nil, readError(resp)
}

func readError(resp *http.Response) *Error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody)) // as much as comes
	var e Error
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if !strings.HasSuffix(kind, "json") || json.Unmarshal(data, &e) != nil {
		e = Error{Detail: strings.ToValidUTF8(string(data[:min(len(data), maxDetail)]), "")}
	}
	e.Status = resp.StatusCode
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return &e
}
