package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	// silence is after how long without a byte a stream counts as dead: the
	// bridge sends a comment every 15 seconds.
	silence = 60 * time.Second
	// minBackoff and maxBackoff bound the wait before a stream is opened again;
	// it doubles with each failure in a row, and the half of it is random.
	minBackoff, maxBackoff = 500 * time.Millisecond, 15 * time.Second
)

// The types of Event.
const (
	EventConnected = "connected"
	EventStatus    = "status"
	EventDelta     = "delta"
	EventDone      = "done"
	EventFailed    = "failed"
)

// Event is one event of a request's stream; which fields are set depends on
// Type.
type Event struct {
	Type      string `json:"type"`
	RequestID string `json:"request_id"`

	// With EventStatus.
	Status  string   `json:"status"` // also at the end
	Phase   string   `json:"phase"`
	Attempt int      `json:"attempt"`
	Away    bool     `json:"away"`
	Reason  string   `json:"reason"` // why it was put back
	Waiting *Waiting `json:"waiting"`

	// With EventDelta: the answer becomes its first Offset code points and Text.
	Offset int    `json:"offset"`
	Text   string `json:"text"`

	// With EventDone and EventFailed.
	Response        *string         `json:"response"`
	PartialResponse *string         `json:"partial_response"`
	Error           *string         `json:"error"` // a sentence, with the remedy
	ErrorCode       *string         `json:"error_code"`
	RetryAfter      *int            `json:"retry_after"` // seconds
	ChatID          *string         `json:"chat_id"`
	ChatTitle       *string         `json:"chat_title"`
	Metadata        json.RawMessage `json:"metadata"`
	MayBeSentAt     *time.Time      `json:"may_be_sent_at"`
	CompletedAt     *time.Time      `json:"completed_at"`
}

// Ended reports whether the event is the request's end.
func (e Event) Ended() bool { return e.Type == EventDone || e.Type == EventFailed }

// Stream follows a request's stream to its end and then returns nil. streamURL
// is the request's StreamURL, or its path /api/sse/{id}/. A broken stream is
// opened again where it broke, for as long as ctx lasts.
//
// handle is called with each event, from this goroutine, and with the answer so
// far, deltas applied; it must not keep the Answer. Its error ends the stream
// and is returned. So is an *Error of the bridge that waiting would not mend.
func (c *Client) Stream(ctx context.Context, streamURL string, handle func(Event, *Answer) error) error {
	ref, err := c.base.Parse(streamURL)
	if err != nil || ref.Host != c.base.Host || ref.Scheme != c.base.Scheme {
		return errors.New("follow the stream: its URL is not of this bridge")
	}
	s := stream{handle: handle}
	for failures := 0; ; failures++ {
		progress := s.events
		err := s.follow(ctx, func(ctx context.Context, header http.Header) (*http.Response, error) {
			return c.send(ctx, http.MethodGet, ref, header, nil)
		})
		var refused *Error
		switch {
		case s.failed != nil:
			return s.failed
		case s.ended:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("follow the stream: %w", ctx.Err())
		case errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
			return fmt.Errorf("follow the stream: %w", err)
		case s.events > progress+1: // more than "connected": it had worked
			failures = 0
		}
		wait := min(maxBackoff, minBackoff<<min(failures, 10))
		wait = wait/2 + rand.N(wait/2)
		if refused != nil {
			wait = max(wait, refused.RetryAfter)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("follow the stream: %w", ctx.Err())
		}
	}
}

// stream is what outlives a broken connection.
type stream struct {
	handle func(Event, *Answer) error
	answer Answer
	lastID string
	events int   // heard so far
	ended  bool  // by the end, or by 204
	failed error // handle's
}

// follow reads one connection until it ends.
func (s *stream) follow(ctx context.Context, open func(context.Context, http.Header) (*http.Response, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()

	header := http.Header{"Accept": {"text/event-stream"}}
	if s.lastID != "" {
		header.Set("Last-Event-ID", s.lastID)
	}
	resp, err := open(ctx, header)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNoContent {
		s.ended = true
		return nil
	}
	lines := bufio.NewScanner(heard{resp.Body, func() { watch.Reset(silence) }})
	lines.Buffer(nil, maxBody)
	var data []string
	id := s.lastID
	for lines.Scan() && !s.ended {
		line := lines.Text()
		if line == "" {
			if len(data) > 0 {
				if err := s.event(id, strings.Join(data, "\n")); err != nil {
					return err
				}
			}
			data = nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data = append(data, value)
		case "id":
			id = value
		}
	}
	return lines.Err()
}

// event handles one event; its error ends the connection.
func (s *stream) event(id, data string) error {
	var e Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	if e.Type == EventDelta {
		if err := s.answer.Apply(e.Offset, e.Text); err != nil {
			s.lastID, s.answer = "", Answer{} // from the beginning, then
			return err
		}
	}
	s.events++
	s.lastID = id
	s.ended = e.Ended()
	if err := s.handle(e, &s.answer); err != nil {
		s.failed = err
		return err
	}
	return nil
}

// heard calls back for everything that is read.
type heard struct {
	r    io.Reader
	tell func()
}

// Read implements io.Reader.
func (h heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n > 0 {
		h.tell()
	}
	return n, err
}
