package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// legacyPage is a page as one would write it after the guide: an EventSource for
// each request, the status alone tells the end, one call where the stream fails.
const legacyPage = `<!doctype html><meta charset="utf-8"><title>A page of another site</title>
<button id="ask">Ask</button><ul id="answers"></ul>
<script>
  const base = %q, apiKey = %q;
  function displayResponse(text) {
    const item = document.createElement('li');
    item.textContent = text;
    document.getElementById('answers').append(item);
  }
  async function fallbackToPolling(requestId) {
    const response = await fetch(base + '/api/chat/requests/' + requestId + '/');
    const data = await response.json();
    if (data.status === 'done') displayResponse('by one call: ' + data.response);
  }
  function pollForResponse(requestId) {
    const eventSource = new EventSource(base + '/api/sse/' + requestId + '/');
    eventSource.onmessage = (event) => {
      const data = JSON.parse(event.data);
      if (data.status === 'done') {
        displayResponse(data.response);
        eventSource.close();
      } else if (data.status === 'failed') {
        displayResponse('failed: ' + data.error);
        eventSource.close();
      }
    };
    eventSource.onerror = () => {
      console.error('SSE error');
      eventSource.close();
      fallbackToPolling(requestId);
    };
  }
  async function ask(message) {
    const response = await fetch(base + '/api/chat/submit/', {
      method: 'POST',
      headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ message: message, response_type: 'auto' }),
    });
    const data = await response.json();
    pollForResponse(data.request_id);
  }
  document.getElementById('ask').onclick = () => ask('Hello');
</script>`

// TestLegacyPage runs such a page, of another origin, in a real browser against
// an extension that knows nothing but the guide.
func TestLegacyPage(t *testing.T) {
	t.Parallel()
	p := harness.NewPage(t)
	s := harness.Start(t)
	c := s.User()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, legacyPage, s.URL(""), c.Key)
	}))
	defer site.Close()
	extension := legacyExtension(t, s, c.Key, "chrome-extension://abcdefghijklmnopabcdefghijklmnop")

	p.Open(site.URL)
	p.Press("Ask")
	p.See("You said: Hello")
	p.Press("Ask")
	p.Holds(`document.querySelectorAll("li").length === 2`)
	if lines := append(p.Console("error: "), p.Console("exception: ")...); len(lines) > 0 {
		t.Errorf("errors on the console: %q", lines)
	}

	p.Block("*://*:*/api/sse/*")
	p.Press("Ask")
	// The one call may come before the answer: the guide's page then shows
	// nothing. Asked again, with the answer there, it does.
	harness.Eventually(t, "an SSE error", func() bool { return len(p.Console("error: SSE error")) > 0 })
	var all []harness.Request
	harness.Eventually(t, "three answers", func() bool {
		c.Call("GET", "/api/chat/requests/?status=done", nil).Want(200).JSON(&all)
		return len(all) == 3
	})
	p.Holds(`(fallbackToPolling("` + all[0].ID + `"), true)`)
	p.See("by one call: You said: Hello")
	extension()
}

// legacyExtension connects as an extension that was written for the guide does,
// and answers until it is stopped.
func legacyExtension(t *testing.T, s *harness.Server, key, origin string) (stop func()) {
	t.Helper()
	conn, err := s.TryGuide(key, origin)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // stop waits for it
		defer close(done)
		for {
			_, data, err := conn.Read(t.Context())
			if err != nil {
				return
			}
			var m struct {
				Type      string `json:"type"`
				RequestID string `json:"request_id"`
				Message   string `json:"message"`
			}
			if json.Unmarshal(data, &m) != nil || m.Type != "new_request" {
				continue
			}
			for _, answer := range []map[string]string{
				{"type": "status_update", "request_id": m.RequestID, "status": "executing"},
				{"type": "response", "request_id": m.RequestID, "response": "You said: " + m.Message, "chat_id": "chat-" + m.RequestID, "chat_title": "Hello"},
			} {
				out, _ := json.Marshal(answer)
				if conn.Write(t.Context(), 1, out) != nil {
					return
				}
			}
		}
	}()
	return func() {
		_ = conn.CloseNow()
		<-done
	}
}

func TestGuideWorkers(t *testing.T) {
	cases{
		"one at a time":             guideOneAtATime,
		"what it says is ignored":   guideNonsense,
		"cancelled":                 guideCancelled,
		"an answer by another one":  guideOtherSocket,
		"a chat that it goes on in": guideChat,
		"handshakes":                guideHandshakes,
	}.run(t)
}

func guideOneAtATime(t *testing.T, s *harness.Server) {
	c := s.User()
	one, two := c.Submit("One"), c.Submit("Two")
	w := s.Guide(c.Key)
	want(t, "first", harness.Expect[protocol.GuideNewRequest](w).RequestID, one.ID)
	want(t, "meanwhile", reason(c.Get(two.ID)), "busy")
	w.GuideAnswer(one.ID, "1")
	want(t, "then", harness.Expect[protocol.GuideNewRequest](w).RequestID, two.ID)
	w.GuideAnswer(two.ID, "2")
	c.Await(two.ID, "done", harness.Status("done"))
	if now := c.Get(two.ID); now.MayBeSentAt == nil || *now.Attempt != 1 {
		t.Errorf("its hand-over is go: %+v", now)
	}
}

func guideNonsense(t *testing.T, s *harness.Server) {
	c, other := s.User(), s.User()
	r := c.Submit("One")
	foreign := other.Submit("Another account's")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	for _, say := range []string{
		`not JSON`, `[]`, `"text"`, `{}`, `{"type":"ping"}`, `{"type":"later","request_id":"` + r.ID + `"}`, `{"type":"response","response":"no id"}`,
		`{"type":"response","request_id":"` + r.ID + `"}`, `{"type":"response","request_id":7,"response":"x"}`,
		`{"type":"response","request_id":"` + foreign.ID + `","response":"not mine"}`,
		`{"type":"response","request_id":"00000000-0000-4000-8000-000000000000","response":"never issued"}`,
	} {
		w.Say(say)
	}
	w.GuideAnswer(r.ID, "Hi")
	want(t, "the answer", text(c.Await(r.ID, "done", harness.Status("done")).Response), "Hi")
	want(t, "another account's request", other.Get(foreign.ID).Status, "idle")
	w.GuideAnswer(r.ID, "Again, late")
	next := c.Submit("Next")
	want(t, "it goes on", harness.Expect[protocol.GuideNewRequest](w).RequestID, next.ID)
	want(t, "the late answer changes nothing", text(c.Get(r.ID).Response), "Hi")
}

func guideCancelled(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("One")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	c.Call("POST", "/api/chat/requests/"+r.ID+"/cancel/", nil).Want(200)
	other, same := c.Submit("Other"), c.Submit("Same chat", harness.Fields{"chat_id": r.Chat.ID})
	want(t, "its slot stays taken", reason(c.Get(other.ID)), "busy")
	want(t, "its chat too", reason(c.Get(same.ID)), "chat_busy")
	w.Silent()
	w.GuideAnswer(r.ID, "Late")
	want(t, "until its answer", harness.Expect[protocol.GuideNewRequest](w).RequestID, other.ID)
	want(t, "which changes nothing", text(c.Get(r.ID).ErrorCode), "cancelled")
}

func guideOtherSocket(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("One")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	w.Close()
	w = s.Guide(c.Key)
	w.GuideAnswer(r.ID, "Hi")
	c.Await(r.ID, "done", harness.Status("done"))
	w.Silent()
}

func guideChat(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("One")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	w.GuideAnswer(r.ID, "1")
	c.Await(r.ID, "done", harness.Status("done"))
	for _, chat := range []any{"site-" + r.ID, r.Chat.ID, fmt.Sprint(r.Chat.ID)} {
		next := c.Submit("More", harness.Fields{"chat_id": chat})
		got := harness.Expect[protocol.GuideNewRequest](w)
		want(t, "our id of the chat", got.ChatDBID, r.Chat.ID)
		want(t, "the site's", text(got.ChatID), "site-"+r.ID)
		w.Say(`{"type":"response","request_id":"` + next.ID + `","response":"more"}`)
		c.Await(next.ID, "done", harness.Status("done"))
	}
}

func guideHandshakes(t *testing.T, s *harness.Server) {
	c := s.User()
	for name, tc := range map[string]struct {
		key, origin string
		status      int // 0: taken
	}{
		"no origin":           {c.Key, "", 0},
		"an extension's":      {c.Key, "chrome-extension://abc", 0},
		"Firefox's":           {c.Key, "moz-extension://0000-11", 0},
		"our own":             {c.Key, s.URL(""), 0},
		"the chat site's":     {c.Key, "https://chatgpt.com", 0},
		"another site's":      {c.Key, "https://evil.example", http.StatusForbidden},
		"a wrong key":         {"cb_nonsense-nonsense-nonsense-nonsense", "", http.StatusUnauthorized},
		"no key":              {"", "", http.StatusUnauthorized},
		"an empty key's name": {"", "chrome-extension://abc", http.StatusUnauthorized},
	} {
		start := time.Now()
		conn, err := s.TryGuide(tc.key, tc.origin)
		if err == nil {
			_ = conn.CloseNow()
		}
		refused, _ := errors.AsType[*harness.Refused](err)
		switch {
		case tc.status == 0 && err != nil, tc.status != 0 && (refused == nil || refused.Status != tc.status):
			t.Errorf("%s: %v (after %v)", name, err, time.Since(start))
		}
	}
}
