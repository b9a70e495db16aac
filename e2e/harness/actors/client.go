package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chatbridge/internal/client"
)

const (
	// retryAfter is how soon a client tries again where the server is gone.
	retryAfter = 20 * time.Millisecond
	// callWithin bounds one call: a server that is killed with the call in its
	// backlog is noticed by its reset, but not everywhere.
	callWithin = 5 * time.Second
	// perPage is how many requests are listed in one call: as many as the API takes.
	perPage = 500
	// long is how much is added to one message in longOnes, so that bodies are
	// larger than a page of the database and a buffer of a socket.
	long, longOnes = 20_000, 500
)

// Client runs a client of an account: it submits, follows what it submitted to
// its end, now and then cancels or repeats itself, until the load is over.
func (w *World) Client(a Account) {
	r := w.Dice()
	name := fmt.Sprintf("%s-%d", a.Name, w.actors)
	slots := make(chan struct{}, w.Parallel)
	w.Clients.Go(func() {
		var chat string
		for n := 0; w.Quota.Add(-1) >= 0; n++ {
			select {
			case slots <- struct{}{}:
			case <-w.Ctx.Done():
				return
			}
			key := fmt.Sprintf("%s-%d", name, n)
			s := client.Submission{Message: fmt.Sprintf("%s? %x", key, r.Uint32()), TimeoutSeconds: timeout}
			if r.IntN(longOnes) == 0 {
				s.Message += strings.Repeat(" 😀", long/len(" 😀"))
			}
			if r.IntN(3) == 0 {
				s.ChatID = chat
			}
			made := w.Submit(a, key, s)
			if made.ID == "" {
				return
			}
			chat = strconv.FormatInt(made.Chat.ID, 10)
			then := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
			w.Clients.Go(func() {
				defer func() { <-slots }()
				w.attend(a, key, s, made, then)
			})
			Sleep(w.Ctx, Between(r, 0, w.Pause))
		}
	})
}

// Submit repeats a submission until it is acknowledged; the request is empty
// where the test ended first.
func (w *World) Submit(a Account, key string, s client.Submission) client.Request {
	w.Book.Uses(key)
	for {
		ctx, cancel := context.WithTimeout(w.Ctx, callWithin)
		made, err := w.API(a.Key).Submit(ctx, s, key)
		cancel()
		if err == nil {
			w.Book.Acknowledged(key, made.ID, s.Message)
			return made
		}
		w.excuse("submit", err)
		if !Sleep(w.Ctx, retryAfter) {
			return client.Request{}
		}
	}
}

// excuse notes an error that no server in trouble would give.
func (w *World) excuse(call string, err error) {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status != http.StatusServiceUnavailable {
		w.Book.Fault("%s: status %d: %v", call, refused.Status, err)
	}
}

// attend follows a request to its end.
func (w *World) attend(a Account, key string, s client.Submission, made client.Request, r *rand.Rand) {
	if r.IntN(10) == 0 {
		defer w.Submit(a, key, s) // which finds the same request, though it has ended
	}
	if r.IntN(25) == 0 {
		Sleep(w.Ctx, Between(r, 0, 500*time.Millisecond))
		w.Cancel(a, made.ID)
	}
	if r.IntN(5) > 1 {
		w.Follow(made, r)
		return
	}
	for Sleep(w.Ctx, Between(r, 100*time.Millisecond, 400*time.Millisecond)) {
		ctx, cancel := context.WithTimeout(w.Ctx, callWithin)
		now, err := w.API(a.Key).Get(ctx, made.ID)
		cancel()
		if err != nil {
			w.excuse("get", err)
			continue
		}
		if now.Status == client.EventDone || now.Status == client.EventFailed {
			w.Book.Ended(made.ID, "a client", OutcomeOf(now))
			return
		}
	}
}

// Cancel repeats a cancel until it is known to have been heard.
func (w *World) Cancel(a Account, id string) {
	for {
		ctx, cancel := context.WithTimeout(w.Ctx, callWithin)
		err := w.API(a.Key).Cancel(ctx, id)
		cancel()
		refused, ok := errors.AsType[*client.Error](err)
		if err == nil || ok && refused.Status == http.StatusConflict {
			w.Book.Tick("cancels")
			return
		}
		w.excuse("cancel", err)
		if !Sleep(w.Ctx, retryAfter) {
			return
		}
	}
}

// List goes through every request of an account that the servers know, newest
// first.
func (w *World) List(a Account, each func(client.Request)) error {
	next := fmt.Sprintf("%s/api/chat/requests/?limit=%d", w.Bases[0], perPage)
	for next != "" {
		link, err := w.page(next, a, each)
		if err != nil {
			return fmt.Errorf("list the requests of %s: %w", a.Name, err)
		}
		if next, err = NextPage(w.Bases[0], link); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) page(url string, a Account, each func(client.Request)) (link string, err error) {
	req, err := http.NewRequestWithContext(w.Ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-API-Key", a.Key)
	resp, err := w.Web.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	var some []client.Request
	if err := json.NewDecoder(resp.Body).Decode(&some); err != nil {
		return "", err
	}
	for _, r := range some {
		each(r)
	}
	return resp.Header.Get("Link"), nil
}
