package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

// What the webhook set-up guide prints, as it prints it: commands for a shell,
// and what they and the JSON bodies are answered with. Only scheme, host and
// port are replaced when they are run.
const (
	guideHost       = "http://localhost:8000"
	guideProduction = "https://your-app.onrender.com"

	guideWebhookURL           = "http://localhost:8000/api/webhooks/chatgpt/"
	guideProductionWebhookURL = "https://your-app.onrender.com/api/webhooks/chatgpt/"

	guideCurlReceiver = `curl -X POST http://localhost:8000/api/webhooks/chatgpt/ \
  -H "Content-Type: application/json" \
  -d '{
    "request_id": "test-123",
    "status": "done",
    "message": "Test",
    "response": "Test response",
    "error": null
  }'`
	guideCurlSSE        = `curl -N http://localhost:8000/api/sse/test-123/`
	guideCurlSSEPrints  = `data: {"type": "connected", "request_id": "test-123"}`
	guideCurlAccessible = `curl https://your-app.onrender.com/api/webhooks/chatgpt/`

	guideSubmit = `{"message":"Hello","response_type":"auto"}`

	guideWebhook = `{
  "request_id": "550e8400-e29b-41d4-a716-446655440000",
  "status": "done",
  "message": "Hello",
  "response": "Hi! How can I help you?",
  "error": null,
  "response_type": "auto",
  "thinking_time": "standard"
}`
	guideReceiverTakes = `{
  "request_id": "uuid",
  "status": "done|failed",
  "message": "original message",
  "response": "response text",
  "error": "error message or null",
  "response_type": "auto|thinking|instant",
  "thinking_time": "standard|extended"
}`
	guideReceiverAnswers = `{
  "received": true,
  "request_id": "uuid"
}`
	guideSSEConnected = `{"type": "connected", "request_id": "uuid"}`
)

// shell starts a command of the guide against the server.
func shell(t *testing.T, s *harness.Server, command string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	command = strings.NewReplacer(guideHost, s.URL(""), guideProduction, s.URL("")).Replace(command)
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec "+command)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// prints runs a command of the guide to its end and returns what it printed.
func prints(t *testing.T, s *harness.Server, command string) string {
	t.Helper()
	cmd, out := shell(t, s, command)
	var b strings.Builder
	_, err := out.WriteTo(&b)
	if wait := cmd.Wait(); err != nil || wait != nil {
		t.Fatalf("%s: %v, %v", command, err, wait)
	}
	return b.String()
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return o
}

func TestGuide(t *testing.T) {
	cases{
		"its curl commands":         guideCurls,
		"its bodies":                guideBodies,
		"its flow":                  guideFlow,
		"a failed request":          guideFailure,
		"one call as the fallback":  guideFallback,
		"the key as a Bearer token": guideBearer,
	}.run(t)
}

func guideCurls(t *testing.T, s *harness.Server) {
	stream, out := shell(t, s, guideCurlSSE)
	for { // retry: may stand before it
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", guideCurlSSE, err)
		}
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "data:") {
			want(t, guideCurlSSE, line, guideCurlSSEPrints)
			break
		}
	}
	answer := object(t, prints(t, s, guideCurlReceiver))
	if answer["received"] != true || answer["request_id"] != "test-123" || len(answer) != 2 {
		t.Errorf("%s: %v", guideCurlReceiver, answer)
	}
	// The open stream hears it, and ends.
	var rest strings.Builder
	if _, err := out.WriteTo(&rest); err != nil || stream.Wait() != nil {
		t.Fatalf("the stream: %v", err)
	}
	_, data, _ := strings.Cut(rest.String(), "data: ")
	got := object(t, strings.TrimSpace(data))
	if got["status"] != "done" || got["response"] != "Test response" || got["error"] != nil {
		t.Errorf("the stream heard %q", rest.String())
	}
	if text := prints(t, s, guideCurlAccessible); !strings.Contains(text, "receiver") {
		t.Errorf("%s: %q", guideCurlAccessible, text)
	}
	s.Client("").Call("GET", "/api/webhooks/chatgpt/", nil).Want(200)
}

func guideBodies(t *testing.T, s *harness.Server) {
	anyone := s.Client("")
	l := anyone.SSE("/api/sse/uuid/")
	want(t, "the stream", l.Next().Data, guideSSEConnected)
	for _, body := range []string{guideWebhook, guideReceiverTakes} {
		reply := anyone.Call("POST", "/api/webhooks/chatgpt/", body).Want(200)
		answer := object(t, string(reply.Body))
		if answer["received"] != true || answer["request_id"] != object(t, body)["request_id"] {
			t.Errorf("the receiver: %s", reply.Body)
		}
		if body == guideReceiverTakes {
			want(t, "the receiver's fields", len(answer), len(object(t, guideReceiverAnswers)))
		}
	}
	heard := l.Next()
	want(t, "the stream", heard.Status, "done|failed")
	want(t, "the stream", text(heard.Response), "response text")
	l.Over()
}

// guideFlow is the guide's seven steps, by hand.
func guideFlow(t *testing.T, s *harness.Server) {
	own := strings.Replace(guideWebhookURL, guideHost, s.URL(""), 1)
	account := s.NewAccount(own)
	c := s.Client(account.Key)
	w := s.Guide(c.Key)
	var made map[string]any
	c.Call("POST", "/api/chat/submit/", guideSubmit).Want(201).JSON(&made)
	id := made["request_id"].(string)
	if made["id"] != id || made["status"] != "idle" || made["response_type"] != "auto" || made["thinking_time"] != "standard" {
		t.Errorf("the request: %v", made)
	}
	l := s.Client("").SSE("/api/sse/" + id + "/")
	want(t, "the stream", l.Next().Data, strings.Replace(guideSSEConnected, "uuid", id, 1))
	got := harness.Expect[protocol.GuideNewRequest](w)
	if got.RequestID != id || got.Message != "Hello" || got.ResponseType != "auto" || got.ThinkingTime != "standard" || got.ChatID != nil || got.ChatDBID == 0 {
		t.Errorf("new_request: %+v", got)
	}
	w.GuideAnswer(id, "Hi! How can I help you?")
	end := l.UntilEnd()
	if end.Status != "done" || text(end.Response) != "Hi! How can I help you?" {
		t.Errorf("the end: %s", end.Data)
	}
	delivered(t, s, id)

	// The body that an account's own URL gets has the guide's fields and values.
	hook := harness.NewHook(t)
	other := s.NewAccount(hook.URL)
	w = s.Guide(other.Key)
	var second map[string]any
	s.Client(other.Key).Call("POST", "/api/chat/submit/", guideSubmit).Want(201).JSON(&second)
	harness.Expect[protocol.GuideNewRequest](w)
	w.GuideAnswer(second["id"].(string), "Hi! How can I help you?")
	d := hook.Next(other.Secret)
	for name, value := range object(t, guideWebhook) {
		if name == "request_id" {
			value = second["id"]
		}
		if have, ok := d.Fields[name]; !ok || have != value {
			t.Errorf("the webhook's %s is %v, want %v", name, have, value)
		}
	}
}

// delivered waits until the request's only delivery has come to its URL.
func delivered(t *testing.T, s *harness.Server, id string) {
	t.Helper()
	var deliveries []struct{ Status string }
	harness.Eventually(t, "the webhook is delivered", func() bool {
		s.Admin().Call("GET", "/api/admin/deliveries/?request_id="+id, nil).Want(200).JSON(&deliveries)
		return len(deliveries) == 1 && deliveries[0].Status == "delivered"
	})
}

func guideFailure(t *testing.T, s *harness.Server) {
	hook := harness.NewHook(t)
	account := s.NewAccount(hook.URL)
	c := s.Client(account.Key)
	r := c.Submit("Hello")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	w.Say(`{"type":"error","request_id":"` + r.ID + `","error":"The page did not answer."}`)
	d := hook.Next(account.Secret)
	if d.Fields["status"] != "failed" || d.Fields["response"] != nil || d.Fields["error"] != "The page did not answer." || d.Fields["error_code"] != "worker_error" {
		t.Errorf("the webhook: %s", d.Body)
	}
	want(t, "the request", text(c.Get(r.ID).ErrorMessage), "The page did not answer.")
}

func guideFallback(t *testing.T, s *harness.Server) {
	c := s.User()
	r := c.Submit("Hello")
	var got map[string]any
	s.Client("").Call("GET", "/api/chat/requests/"+r.ID+"/", nil).Want(200).JSON(&got)
	if got["status"] != "idle" || got["response"] != nil || got["error_message"] != nil {
		t.Errorf("before the end: %v", got)
	}
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	w.GuideAnswer(r.ID, "Hi")
	done := s.Client("").Await(r.ID, "done", harness.Status("done"))
	want(t, "the answer", text(done.Response), "Hi")
	want(t, "the chat", text(done.Chat.ChatID), "site-"+r.ID)
	want(t, "its title", text(done.Chat.Title), "A title")
}

func guideBearer(t *testing.T, s *harness.Server) {
	c := s.User()
	s.Client("").Call("POST", "/api/chat/submit/", guideSubmit, "Authorization", "Bearer "+c.Key).Want(201)
}

// The guide's URL for production is ours where --public-url says so: it is
// dialled to our own listener, whatever the name resolves to.
func TestGuideProductionURL(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--public-url", guideProduction)
	c := s.Client(s.NewAccount(guideProductionWebhookURL).Key)
	r := c.Submit("Hello")
	w := s.Guide(c.Key)
	harness.Expect[protocol.GuideNewRequest](w)
	start := time.Now()
	w.GuideAnswer(r.ID, "Hi")
	delivered(t, s, r.ID)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("not at the first try: %v", took)
	}
	s.Client("").Call("GET", "/api/webhooks/chatgpt/", nil, "Host", strings.TrimPrefix(guideProduction, "https://")).Want(200)
}
