package actors

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chatbridge/internal/client"
)

// NextPage is the address that a Link header calls next, "" for none.
func NextPage(base, link string) (string, error) {
	ref, _, ok := strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !ok {
		return "", nil
	}
	from, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(ref)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

// listen reads one connection of an event stream until it ends. handle hears
// each event with its id and data.
func (w *World) listen(ctx context.Context, path, key, lastID string, handle func(id, data string) error) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base()+path, nil)
	if err != nil {
		return 0, err
	}
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := w.Web.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil
	}
	in := bufio.NewReader(resp.Body)
	var id, data string
	for block := false; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			if err == io.EOF && !block && line == "" {
				w.Book.Tick("streams that the server ended")
			} else if ctx.Err() == nil {
				w.Book.Tick("streams that broke off")
			}
			return resp.StatusCode, err
		}
		line = strings.TrimSuffix(line, "\n")
		if block = line != ""; block {
			switch field, value, _ := strings.Cut(line, ": "); field {
			case "id":
				id = value
			case "data":
				data = value
			}
			continue
		}
		if id != "" || data != "" {
			if err := handle(id, data); err != nil {
				return resp.StatusCode, err
			}
		}
		id, data = "", ""
	}
}

// Follow reads a request's stream to its end, over as many connections as that
// takes, each of which must go on where the one before broke off. One in three
// drops the stream by itself again and again.
func (w *World) Follow(made client.Request, dice *rand.Rand) {
	t := &tail{w: w, id: made.ID, message: made.Message}
	drops := dice.IntN(3) == 0
	for connections := 0; !t.ended; connections++ {
		t.first = true
		ctx, cut := w.Ctx, func() {}
		if drops {
			ctx, cut = context.WithTimeout(w.Ctx, Between(dice, 20*time.Millisecond, 400*time.Millisecond))
		}
		status, _ := w.listen(ctx, made.StreamURL, "", t.lastID, t.hear)
		cut()
		switch status {
		case 0, http.StatusOK, http.StatusServiceUnavailable:
		default:
			w.Book.Fault("request %s: the stream opens with status %d (after %q)", t.id, status, t.lastID)
			return
		}
		if t.broken {
			w.Book.Tick(TornStreams)
			return
		}
		if !t.ended && !Sleep(w.Ctx, retryAfter) {
			return
		}
		if connections == 1 {
			w.Book.Tick("streams resumed")
		}
	}
	w.Book.Tick("streams followed")
}

// TornStreams counts the streams whose pieces do not add up.
const TornStreams = "streams that do not add up"

// tail is what one reader has of a request.
type tail struct {
	w           *World
	id, message string
	lastID      string
	text        client.Answer
	attempt     int
	first       bool // nothing has come on this connection
	ended       bool
	broken      bool
}

// hear takes one event and checks that it can follow on what came before.
func (t *tail) hear(id, data string) error {
	wrong := func(format string, args ...any) error {
		t.broken = true
		err := fmt.Errorf("request %s, stream: %s: %s", t.id, fmt.Sprintf(format, args...), data)
		t.w.Book.Fault("%v", err)
		return err
	}
	if id != "" {
		t.lastID = id
	}
	if data == "" {
		return nil
	}
	var e client.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return wrong("no JSON")
	}
	if t.first != (e.Type == client.EventConnected) {
		return wrong("connected is not what comes first, and only then")
	}
	t.first = false
	whole := AnswerTo(t.message)
	switch e.Type {
	case client.EventConnected:
		return nil
	case client.EventStatus:
		if e.Attempt != 0 && e.Attempt < t.attempt {
			return wrong("attempt %d comes after %d", e.Attempt, t.attempt)
		}
		t.attempt = max(t.attempt, e.Attempt)
	case client.EventDelta:
		t.w.Book.Tick("deltas")
		if err := t.text.Apply(e.Offset, e.Text); err != nil {
			return wrong("%v", err)
		}
		if !strings.HasPrefix(whole, t.text.String()) {
			return wrong("the pieces make %q", t.text.String())
		}
	case client.EventDone:
		if given(e.Response) != whole {
			return wrong("the answer is not the site's")
		}
	case client.EventFailed:
		if !strings.HasPrefix(whole, given(e.PartialResponse)) {
			return wrong("the partial answer is not the site's")
		}
	default:
		return wrong("an unknown type")
	}
	if e.Ended() {
		t.ended = true
		t.w.Book.Ended(t.id, "a reader", OutcomeIn(e))
		if id != "end" {
			return wrong("the end's id is %q", id)
		}
		return nil
	}
	if n, _, _ := strings.Cut(id, "."); n != strconv.Itoa(t.text.Len()) {
		return wrong("id %q where the reader has %d code points", id, t.text.Len())
	}
	return nil
}

// Feed listens to everything of an account until the test ends, with pauses.
func (w *World) Feed(a Account) {
	dice := w.Dice()
	opened := make(chan struct{})
	w.wg.Go(func() { // the cleanup waits for it
		var lastID string
		for first := true; ; {
			connection, cut := context.WithTimeout(w.Ctx, Between(dice, 100*time.Millisecond, time.Second))
			status, _ := w.listen(connection, "/api/sse/", a.Key, lastID, func(id, data string) error {
				if first {
					first = false
					close(opened)
				}
				if id != "" {
					lastID = id
				}
				var e client.Event
				if data != "" && json.Unmarshal([]byte(data), &e) != nil {
					w.Book.Fault("feed: no JSON: %s", data)
				}
				if e.Type == "reset" {
					w.Book.Tick("feed resets")
				}
				if e.Ended() {
					w.Book.Mu.Lock()
					w.Book.Fed[e.RequestID]++
					w.Book.Mu.Unlock()
					w.Book.Ended(e.RequestID, "the feed", OutcomeIn(e))
				}
				return nil
			})
			cut()
			if status != 0 && status != http.StatusOK && status != http.StatusServiceUnavailable {
				w.Book.Fault("feed: status %d", status)
			}
			if !Sleep(w.Ctx, Between(dice, retryAfter, 200*time.Millisecond)) {
				return
			}
		}
	})
	select {
	case <-opened:
	case <-time.After(openWithin):
		w.t.Fatal("the account's feed does not open")
	}
}
