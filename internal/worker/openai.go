package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chatbridge/protocol"
)

const (
	// maxErrorBody is how much of an endpoint's error is read.
	maxErrorBody = 64 << 10
	// maxQuoted is how much of it is shown to a client.
	maxQuoted = 500
	// DefaultSilence is how long OpenAI waits for the next piece of an answer:
	// models that think send nothing for minutes.
	DefaultSilence = 10 * time.Minute
	// checkTimeout bounds a Check.
	checkTimeout = 30 * time.Second
)

// OpenAI is a Backend that asks an OpenAI-compatible endpoint: POST
// {BaseURL}/chat/completions with "stream": true. Such an endpoint remembers
// nothing, so the turns of each chat are kept here and sent along.
type OpenAI struct {
	// BaseURL ends before /chat/completions, such as http://localhost:11434/v1.
	BaseURL string
	// Model is sent as it is.
	Model string
	// APIKey is sent as a Bearer token; empty sends none.
	APIKey string
	// Silence ends an answer of which nothing comes for so long; 0 means
	// DefaultSilence.
	Silence time.Duration
	// Transport carries the calls; nil means http.DefaultTransport.
	Transport http.RoundTripper

	chats *chats
}

// NewOpenAI checks the settings and finds the chats that store has. The store
// may be the worker's own.
func NewOpenAI(settings OpenAI, store Store) (*OpenAI, error) {
	u, err := url.Parse(settings.BaseURL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return nil, errors.New("make openai backend: the base URL must be like http://localhost:11434/v1")
	case settings.Model == "":
		return nil, errors.New("make openai backend: a model is needed")
	}
	o := settings
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Silence == 0 {
		o.Silence = DefaultSilence
	}
	if o.chats, err = openChats(store); err != nil {
		return nil, fmt.Errorf("make openai backend: %w", err)
	}
	return &o, nil
}

// completionRequest is what is sent.
type completionRequest struct {
	Model    string `json:"model"`
	Messages []turn `json:"messages"`
	Stream   bool   `json:"stream"`
}

// Answer implements Backend.
func (o *OpenAI) Answer(ctx context.Context, request protocol.NewRequest, emit func(string)) (Answer, error) {
	var turns []turn
	if request.ChatID != nil {
		var err error
		if turns, err = o.chats.turns(*request.ChatID); err != nil {
			return Answer{}, err
		}
	}
	turns = append(turns, turn{"user", request.Message})

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(o.Silence, func() { cancel(errSilent) })
	defer silence.Stop()

	resp, err := o.post(ctx, turns)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	c := completion{emit: emit}
	body := heard{resp.Body, func() { silence.Reset(o.Silence) }}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		err = c.readWhole(body)
	} else {
		err = c.readStream(body)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause // it was broken off on this side
		}
		return Answer{}, o.broken(err)
	}
	answer := Answer{Text: c.text.String(), ModeUsed: c.model, Evidence: &protocol.Evidence{Source: "stream", Complete: true}}
	answer.ChatID, answer.ChatTitle = chatOf(request, "chat-")
	if answer.ChatID != "" {
		if err := o.chats.keep(answer.ChatID, append(turns, turn{"assistant", answer.Text})); err != nil {
			answer.Evidence.Note = "The turns of this chat could not be kept; its next message will lack this one."
		}
	}
	return answer, nil
}

// post sends the turns, once. Nothing may send them a second time: no redirect
// is followed, and without an Idempotency-Key header Go's transport repeats a
// POST only where not a byte of it was written.
func (o *OpenAI) post(ctx context.Context, turns []turn) (*http.Response, error) {
	body, err := json.Marshal(completionRequest{o.Model, turns, true})
	if err != nil {
		return nil, fmt.Errorf("write the call: %w", err)
	}
	req, err := o.request(ctx, http.MethodPost, "/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	resp, err := o.client().Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, o.broken(err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, o.refused(resp)
	}
	return resp, nil
}

func (o *OpenAI) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, o.BaseURL+path, body)
	if err != nil {
		return nil, fmt.Errorf("make the call: %w", err)
	}
	if o.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+o.APIKey)
	}
	return req, nil
}

func (o *OpenAI) client() *http.Client {
	return &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Check implements Checker: logged_out where the endpoint refuses the key.
func (o *OpenAI) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := o.request(ctx, http.MethodGet, "/models", nil)
	if err != nil {
		return err
	}
	resp, err := o.client().Do(req)
	if err != nil {
		return fmt.Errorf("look at the models: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusUnauthorized {
		return o.refused(resp)
	}
	return nil
}

var errSilent = errors.New("nothing came for too long")

// broken is a call that ended without an answer, and without a refusal.
func (o *OpenAI) broken(err error) error {
	var op *net.OpError
	var f *Failure
	switch {
	case errors.As(err, &f) || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &op) && op.Op == "dial":
		return &Failure{Code: protocol.CodeWorkerError, Sentence: "The model's endpoint could not be reached, so nothing was sent. See that it runs, and send the message again."}
	case errors.Is(err, errSilent):
		return &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The model fell silent before its answer was whole. Send the message again if it is still wanted."}
	}
	return &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The connection to the model broke before its answer was whole. Send the message again if it is still wanted."}
}

// refused reads an error status of the endpoint.
func (o *OpenAI) refused(resp *http.Response) *Failure {
	var body struct {
		Error endpointError `json:"error"`
	}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // as much as comes
	_ = json.Unmarshal(data, &body)                                // what is no JSON has no message
	said := o.quote(body.Error.Message)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		return &Failure{Code: protocol.CodeRateLimited, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()), Sentence: "The model's endpoint takes no more requests for now" + said + ". Wait, then send the message again."}
	case status == http.StatusUnauthorized:
		return &Failure{Code: protocol.CodeLoggedOut, Sentence: "The model's endpoint refused the worker's API key" + said + ". Start the worker with a valid one."}
	case status == http.StatusForbidden:
		return &Failure{Code: protocol.CodeWorkerError, Sentence: "The model's endpoint does not allow this" + said + ". See what the worker's API key may do."}
	case status == http.StatusRequestEntityTooLarge || body.Error.tooLong():
		return &Failure{Code: protocol.CodeTooLong, Sentence: "The chat with this message is too long for the model" + said + ". Shorten the message, or begin a new chat."}
	case status == http.StatusNotFound:
		return &Failure{Code: protocol.CodeWorkerError, Sentence: "The model's endpoint does not know this address or model" + said + ". Look at the worker's --base-url and --model."}
	default:
		return &Failure{Code: protocol.CodeWorkerError, Sentence: fmt.Sprintf("The model's endpoint answered with status %d%s. It was asked once; send the message again if it is still wanted.", status, said)}
	}
}

// endpointError is OpenAI's error object. Code is a string, a number or null.
type endpointError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    any    `json:"code"`
}

// tooLong knows the code that OpenAI sends, and the words of others.
func (e endpointError) tooLong() bool {
	message := strings.ToLower(e.Message)
	return e.Code == "context_length_exceeded" ||
		strings.Contains(message, "context length") || strings.Contains(message, "context window") || strings.Contains(message, "maximum context")
}

// quote is what the endpoint said, to be part of a sentence, without the key.
func (o *OpenAI) quote(message string) string {
	if o.APIKey != "" {
		message = strings.ReplaceAll(message, o.APIKey, "…")
	}
	message = strings.TrimRight(strings.TrimSpace(message), ".")
	if message == "" {
		return ""
	}
	return " (" + head(message, maxQuoted) + ")"
}

// retryAfter reads the header, seconds or a date (RFC 9110, 10.2.3); 0 where it
// says nothing.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}

// maxRetryAfter bounds how long an endpoint's header may pause the worker.
const maxRetryAfter = 24 * time.Hour

// heard calls back for everything that is read.
type heard struct {
	r    io.Reader
	tell func()
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n > 0 {
		h.tell()
	}
	return n, err
}
