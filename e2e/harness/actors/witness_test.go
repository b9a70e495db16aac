package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"chatbridge/internal/client"
	"chatbridge/protocol"
)

// The witnesses must see what they are there for.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// post sends a webhook; the status is 0 where no answer came.
func post(t *testing.T, url, id, signedWith, body string, within time.Duration) (status int, answer string) {
	t.Helper()
	at := time.Now()
	signer, err := standardwebhooks.NewWebhook(signedWith)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	req.Header.Set("webhook-signature", signature)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	some, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, fmt.Sprint(resp.Header.Get("Location"), resp.Header.Get("Retry-After"), len(some))
}

func TestSinkSees(t *testing.T) {
	const end, other = `{"type":"done","status":"done","request_id":"r1","response":"Hi"}`, `{"type":"done","status":"done","request_id":"r1","response":"Ho"}`
	for name, tc := range map[string]struct {
		send func(*testing.T, string)
		saw  func(Seen, *Book) bool
	}{
		"a sound message": {func(t *testing.T, url string) {}, func(e Seen, b *Book) bool {
			n, _ := b.Faults()
			got := e.Came["r1"]
			return n == 0 && e.Bad == 0 && e.Again == 0 && got.Taken && !got.Differs && got.Others == nil && got.Outcome == Outcome{Status: "done", Response: DigestOf("Hi")}
		}},
		"a wrong signature": {func(t *testing.T, url string) {
			post(t, url, "msg_1", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", end, time.Second)
		}, func(e Seen, _ *Book) bool { return e.Bad == 1 && e.Came["r1"].Times == 1 }},
		"the same again": {func(t *testing.T, url string) { post(t, url, "msg_1", secret, end, time.Second) }, func(e Seen, _ *Book) bool {
			return e.Again == 1 && e.Came["r1"].Times == 2 && e.Came["r1"].Others == nil
		}},
		"another webhook-id": {func(t *testing.T, url string) { post(t, url, "msg_2", secret, end, time.Second) }, func(e Seen, _ *Book) bool {
			return len(e.Came["r1"].Others) == 1
		}},
		"another end": {func(t *testing.T, url string) { post(t, url, "msg_1", secret, other, time.Second) }, func(e Seen, _ *Book) bool {
			return e.Came["r1"].Differs
		}},
		"no end": {func(t *testing.T, url string) { post(t, url, "msg_1", secret, `{"type":"status"}`, time.Second) }, func(_ Seen, b *Book) bool {
			n, _ := b.Faults()
			return n == 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			book := NewBook()
			e := NewSink(t, book).Endpoint("one", Well)
			e.Trust(secret)
			if status, _ := post(t, e.URL, "msg_1", secret, end, time.Second); status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
			if tc.send(t, e.URL); !tc.saw(e.Seen(), book) {
				t.Errorf("it saw %+v, %+v", e.Seen(), e.Seen().Came["r1"])
			}
		})
	}
}

func TestMoods(t *testing.T) {
	const end = `{"type":"done","status":"done","request_id":"r1"}`
	for mood, want := range map[Mood]struct {
		status int
		answer string
		taken  bool
	}{
		Well: {204, "0", true}, Gigabyte: {200, "1048576", true}, TooMany: {429, "10", false}, Broken: {500, "0", false}, Gone: {410, "0", false},
		Reset: {0, "", false}, Hang: {0, "", false}, Drip: {0, "", false}, Redirect: {302, "http://169.254.169.254/latest/meta-data/0", false},
	} {
		t.Run(mood.String(), func(t *testing.T) {
			t.Parallel()
			e := NewSink(t, NewBook()).Endpoint("one", mood)
			e.Trust(secret)
			status, answer := post(t, e.URL, "msg_4", secret, end, 500*time.Millisecond)
			if status != want.status || answer != want.answer || e.Seen().Came["r1"].Taken != want.taken || e.First(mood).IsZero() {
				t.Errorf("status %d, answer %q, %+v", status, answer, e.Seen().Came["r1"])
			}
		})
	}
	t.Run("drips its body", func(t *testing.T) {
		e := NewSink(t, NewBook()).Endpoint("one", DripBody)
		e.Trust(secret)
		if status, _ := post(t, e.URL, "msg_1", secret, end, 500*time.Millisecond); status != 200 || !e.Seen().Came["r1"].Taken {
			t.Errorf("status %d, %+v", status, e.Seen().Came["r1"])
		}
	})
	t.Run("it heals while one hangs", func(t *testing.T) {
		e := NewSink(t, NewBook()).Endpoint("one", Hang)
		e.Trust(secret)
		time.AfterFunc(50*time.Millisecond, func() { e.Turn(Well) })
		began := time.Now()
		if status, _ := post(t, e.URL, "msg_1", secret, end, 10*time.Second); status != 0 || time.Since(began) > 5*time.Second {
			t.Errorf("status %d after %v", status, time.Since(began))
		}
		if status, _ := post(t, e.URL, "msg_1", secret, end, time.Second); status != http.StatusNoContent {
			t.Errorf("then status %d", status)
		}
	})
	t.Run("a redirect that is followed", func(t *testing.T) {
		book := NewBook()
		s := NewSink(t, book)
		if _, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(s.URL+"/canary", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if n, _ := book.Faults(); s.Followed() != 1 || n != 1 {
			t.Errorf("%d seen, %d faults", s.Followed(), n)
		}
	})
}

func TestReaderSees(t *testing.T) {
	const message = "Hello"
	whole := AnswerTo(message)
	quoted := fmt.Sprintf("%q", whole)
	type event struct{ id, data string }
	connected := event{"", `{"type":"connected"}`}
	sound := []event{connected, {"0.x", `{"type":"status","attempt":1}`}, {"2.x", `{"type":"delta","offset":0,"text":"Ωλ"}`}, {"end", `{"type":"done","status":"done","response":` + quoted + `}`}}
	for name, tc := range map[string]struct {
		events []event
		wrong  bool
	}{
		"a sound stream":        {sound, false},
		"a correction":          {[]event{connected, {"2.x", `{"type":"delta","offset":0,"text":"Ωλ"}`}, {"1.x", `{"type":"delta","offset":1,"text":""}`}}, false},
		"a gap":                 {[]event{connected, {"9.x", `{"type":"delta","offset":7,"text":"Ωλ"}`}}, true},
		"other text":            {[]event{connected, {"2.x", `{"type":"delta","offset":0,"text":"λΩ"}`}}, true},
		"an id that is too far": {[]event{connected, {"3.x", `{"type":"delta","offset":0,"text":"Ωλ"}`}}, true},
		"not connected first":   {sound[1:], true},
		"an earlier attempt":    {[]event{connected, {"0.x", `{"type":"status","attempt":2}`}, {"0.x", `{"type":"status","attempt":1}`}}, true},
		"another answer":        {[]event{connected, {"end", `{"type":"done","status":"done","response":"no"}`}}, true},
		"another part":          {[]event{connected, {"end", `{"type":"failed","status":"failed","partial_response":"no"}`}}, true},
		"an end without its id": {[]event{connected, {"0.x", `{"type":"done","status":"done","response":` + quoted + `}`}}, true},
		"no JSON":               {[]event{{"", `{`}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tail := &tail{w: &World{Book: NewBook()}, id: "r1", message: message, first: true}
			var err error
			for _, e := range tc.events {
				err = errors.Join(err, tail.hear(e.id, e.data))
			}
			if (err != nil) != tc.wrong || tail.broken != tc.wrong {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestBookSees(t *testing.T) {
	ref := func(attempt int) protocol.Ref { return protocol.Ref{RequestID: "r1", Attempt: attempt} }
	for name, tc := range map[string]struct {
		happens func(*Book)
		again   int
		faults  int
	}{
		"one hand-over":        {func(b *Book) { b.Handed(ref(1)); b.Went(ref(1)) }, 0, 0},
		"go twice":             {func(b *Book) { b.Handed(ref(1)); b.Went(ref(1)); b.Went(ref(1)) }, 0, 0},
		"put back before go":   {func(b *Book) { b.Handed(ref(1)); b.Handed(ref(2)); b.Went(ref(2)) }, 0, 0},
		"handed out after go":  {func(b *Book) { b.Handed(ref(1)); b.Went(ref(1)); b.Handed(ref(2)) }, 1, 0},
		"go heard late":        {func(b *Book) { b.Handed(ref(1)); b.Handed(ref(2)); b.Went(ref(1)) }, 1, 0},
		"one guide":            {func(b *Book) { b.HandedToGuide("r1") }, 0, 0},
		"two guides":           {func(b *Book) { b.HandedToGuide("r1"); b.HandedToGuide("r1") }, 1, 0},
		"a guide after go":     {func(b *Book) { b.Went(ref(1)); b.HandedToGuide("r1") }, 1, 0},
		"a key that makes two": {func(b *Book) { b.Acknowledged("k", "r1", "m"); b.Acknowledged("k", "r2", "m") }, 0, 1},
		"the same again":       {func(b *Book) { b.Acknowledged("k", "r1", "m"); b.Acknowledged("k", "r1", "m") }, 0, 0},
		"two ends": {func(b *Book) {
			b.Ended("r1", "a", Outcome{Status: "done"})
			b.Ended("r1", "b", Outcome{Status: "failed"})
		}, 0, 1},
		"one end seen twice": {func(b *Book) {
			b.Ended("r1", "a", Outcome{Status: "done"})
			b.Ended("r1", "b", Outcome{Status: "done"})
		}, 0, 0},
		"a server that is not there": {func(b *Book) { (&World{Book: b}).excuse("get", errors.New("refused")) }, 0, 0},
		"503":                        {func(b *Book) { (&World{Book: b}).excuse("get", &client.Error{Status: 503}) }, 0, 0},
		"500":                        {func(b *Book) { (&World{Book: b}).excuse("get", &client.Error{Status: 500}) }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBook()
			tc.happens(b)
			if n, words := b.Faults(); len(b.HandedAgain()) != tc.again || n != tc.faults {
				t.Errorf("again %v, faults %v", b.HandedAgain(), words)
			}
		})
	}
	s := &Site{book: NewBook(), pressed: map[string]*press{}}
	s.press("r1", "m")
	s.press("r1", "m")
	if n, _ := s.book.Faults(); n != 1 || len(s.Twice()) != 1 {
		t.Errorf("pressed twice: %d faults, %v", n, s.Twice())
	}
}
