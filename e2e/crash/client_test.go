package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"chatbridge/internal/client"
)

const (
	// retryAfter is how soon a client tries again where the server is gone.
	retryAfter = 20 * time.Millisecond
	// callWithin bounds one call: a server that is killed with the call in its
	// backlog is noticed by its reset, but not everywhere.
	callWithin = 5 * time.Second
)

// client runs a client of an account: it submits, follows what it submitted to
// its end, now and then cancels or repeats itself, until the load is over.
func (w *world) client(a account) {
	r := w.dice()
	name := fmt.Sprintf("%s-%d", a.name, w.actors)
	slots := make(chan struct{}, parallel)
	run := func() {
		var chat string
		for n := 0; w.quota.Add(-1) >= 0; n++ {
			select {
			case slots <- struct{}{}:
			case <-w.ctx.Done():
				return
			}
			key := fmt.Sprintf("%s-%d", name, n)
			s := client.Submission{Message: fmt.Sprintf("%s? %x", key, r.Uint32()), TimeoutSeconds: timeout}
			if r.IntN(3) == 0 {
				s.ChatID = chat
			}
			made := w.submit(a, key, s)
			if made.ID == "" {
				return
			}
			chat = strconv.FormatInt(made.Chat.ID, 10)
			then := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
			w.clients.Go(func() { // settle waits for it
				defer func() { <-slots }()
				w.attend(a, key, s, made, then)
			})
			sleep(w.ctx, between(r, 0, 60*time.Millisecond))
		}
	}
	w.clients.Go(run) // settle waits for it
}

// submit repeats a submission until it is acknowledged; the request is empty
// where the test ended first.
func (w *world) submit(a account, key string, s client.Submission) client.Request {
	w.book.mu.Lock()
	if _, again := w.book.made[key]; !again {
		w.book.submitted++
	}
	w.book.mu.Unlock()
	for {
		ctx, cancel := context.WithTimeout(w.ctx, callWithin)
		made, err := w.api(a.key).Submit(ctx, s, key)
		cancel()
		if err == nil {
			w.book.acknowledged(key, made.ID, s.Message)
			return made
		}
		w.excuse("submit", err)
		if !sleep(w.ctx, retryAfter) {
			return client.Request{}
		}
	}
}

// excuse notes an error that no server in trouble would give.
func (w *world) excuse(call string, err error) {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status != http.StatusServiceUnavailable {
		w.book.fault("%s: status %d: %v", call, refused.Status, err)
	}
}

// attend follows a request to its end.
func (w *world) attend(a account, key string, s client.Submission, made client.Request, r *rand.Rand) {
	if r.IntN(10) == 0 {
		defer w.submit(a, key, s) // which finds the same request, though it has ended
	}
	if r.IntN(25) == 0 {
		sleep(w.ctx, between(r, 0, 500*time.Millisecond))
		w.cancel(a, made.ID)
	}
	if r.IntN(5) > 1 {
		w.follow(made)
		return
	}
	for sleep(w.ctx, between(r, 100*time.Millisecond, 400*time.Millisecond)) {
		ctx, cancel := context.WithTimeout(w.ctx, callWithin)
		now, err := w.api(a.key).Get(ctx, made.ID)
		cancel()
		if err != nil {
			w.excuse("get", err)
			continue
		}
		if now.Status == client.EventDone || now.Status == client.EventFailed {
			w.book.ended(made.ID, "a client", outcomeOf(now))
			return
		}
	}
}

func outcomeOf(r client.Request) outcome {
	return outcome{r.Status, given(r.Response), given(r.PartialResponse), given(r.ErrorCode)}
}

// cancel repeats a cancel until it is known to have been heard.
func (w *world) cancel(a account, id string) {
	for {
		ctx, cancel := context.WithTimeout(w.ctx, callWithin)
		err := w.api(a.key).Cancel(ctx, id)
		cancel()
		refused, ok := errors.AsType[*client.Error](err)
		if err == nil || ok && refused.Status == http.StatusConflict {
			w.book.tick("cancels")
			return
		}
		w.excuse("cancel", err)
		if !sleep(w.ctx, retryAfter) {
			return
		}
	}
}

// list is every request of an account that the server knows.
func (w *world) list(a account) ([]client.Request, error) {
	next := w.bases[0] + "/api/chat/requests/?limit=500"
	var all []client.Request
	for next != "" {
		req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, next, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("X-API-Key", a.key)
		resp, err := w.web.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		var some []client.Request
		err = json.NewDecoder(resp.Body).Decode(&some)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("list: status %d, %w", resp.StatusCode, err)
		}
		all = append(all, some...)
		if next, err = nextPage(w.bases[0], resp.Header.Get("Link")); err != nil {
			return nil, err
		}
	}
	return all, nil
}
