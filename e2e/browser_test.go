package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"chatbridge/e2e/harness"
	"chatbridge/protocol"
)

var setupLink = regexp.MustCompile(`http://\S+/admin/setup/\?token=\S+`)

// TestGuideInBrowser walks the guide's steps on the built-in pages: an account
// with a Webhook URL and its key in the panel, then the whole flow on the chat
// page, with the console lines as the guide prints them.
func TestGuideInBrowser(t *testing.T) {
	t.Parallel()
	p := harness.NewPage(t)
	s := harness.Start(t)
	var link string
	harness.Eventually(t, "a set-up link on stdout", func() bool {
		link = setupLink.FindString(s.Stdout.String())
		return link != ""
	})

	p.Open(s.URL("/admin/"))
	p.See("No password is set yet")
	p.Open(link)
	p.Fill("Password", "correct horse battery")
	p.Fill("Password again", "correct horse battery")
	p.Press("Save")
	p.See("No accounts yet")

	p.Press("GPT Accounts")
	p.Press("New account")
	p.Fill("Email", "you@example.com")
	p.Fill("Webhook URL", s.Receiver())
	key := p.Value("API Key") // copied before Save, as the guide does
	if len(key) < 32 {
		t.Fatalf("the key in the form is %q", key)
	}
	p.Press("Save")
	p.See("Copy this now: it is shown once")
	p.See(key)

	p.Open(s.URL("/"))
	p.Fill("API Key", key)
	p.Press("Log in")
	hello := harness.Hello(key, "worker", 1)
	w := s.Join(hello)
	say(p, "Hello")
	ref := w.Take().Ref
	w.Delta(ref, 0, "Hi! How can")
	p.See("Hi! How can")
	w.Delta(ref, 11, " I <b>help</b> you?")
	p.See("Hi! How can I <b>help</b> you?")
	title := "A title"
	w.Send(protocol.Response{Ref: ref, Response: "Hi! How can I help you?", ChatTitle: &title})
	harness.Expect[protocol.Ack](w)
	p.See("Hi! How can I help you?")
	p.See(title)

	harness.Eventually(t, "five lines on the console", func() bool { return len(p.Console("log: ")) >= 5 })
	lines := p.Console("log: ")
	wants := []string{
		`^📡 Connecting to SSE for request: ` + ref.RequestID + `$`,
		`^✅ SSE connection established$`,
		`^📨 SSE message received: .*type: "?connected.*`,
		`^📨 SSE message received: .*status: "?done.*`,
		`^✅ Response received successfully$`,
	}
	want(t, "lines on the console", len(lines), len(wants))
	for i, line := range lines {
		if !regexp.MustCompile(wants[i]).MatchString(line) {
			t.Errorf("line %d is %q", i, line)
		}
	}
	if errors := append(p.Console("error: "), p.Console("exception: ")...); len(errors) > 0 {
		t.Errorf("errors on the console: %q", errors)
	}

	// The webhook went to the receiver, signed, at the first try.
	var deliveries []struct {
		Status string
		Tries  []struct{ Status *int }
	}
	harness.Eventually(t, "the webhook is delivered", func() bool {
		s.Admin().Call("GET", "/api/admin/deliveries/?request_id="+ref.RequestID, nil).Want(200).JSON(&deliveries)
		return len(deliveries) == 1 && deliveries[0].Status == "delivered"
	})
	want(t, "tries", len(deliveries[0].Tries), 1)

	// The link was good for once.
	p.Open(link)
	p.Fill("Password", "another password")
	p.Fill("Password again", "another password")
	p.Press("Save")
	p.See("This link is used up or too old")
}

// TestFallbackInBrowser blocks the streams: the page says so, and one call
// brings the answer.
func TestFallbackInBrowser(t *testing.T) {
	t.Parallel()
	p := harness.NewPage(t)
	s := harness.Start(t)
	c := s.User()
	w := s.Join(harness.Hello(c.Key, "worker", 1))
	p.Block("*://*:*/api/sse/*")
	p.Open(s.URL("/client/"))
	p.Fill("API Key", c.Key)
	p.Press("Log in")
	say(p, "Hello")
	w.Answer(w.Take().Ref, "Hi, by one call")
	p.See("Hi, by one call")
	if lines := p.Console("error: "); len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), "SSE error") {
		t.Errorf("errors on the console: %q", lines)
	}
	if lines := p.Console("log: ✅ SSE"); len(lines) > 0 {
		t.Errorf("a stream was open: %q", lines)
	}
}

// TestPageOutlivesRestart: a page whose server restarts in mid-answer goes on.
func TestPageOutlivesRestart(t *testing.T) {
	t.Parallel()
	p := harness.NewPage(t)
	s := harness.Start(t)
	c := s.User()
	hello := harness.Hello(c.Key, "worker", 1)
	w := s.Join(hello)
	p.Open(s.URL("/"))
	p.Fill("API Key", c.Key)
	p.Press("Log in")
	say(p, "Hello")
	ref := w.Take().Ref
	w.Delta(ref, 0, "The first half")
	p.See("The first half")
	s.Kill()
	p.See("The connection broke")
	s.Restart()
	hello.N, hello.Holding = 2, []protocol.Holding{{Ref: ref, Phase: protocol.PhaseAnswering}}
	w = s.Join(hello)
	w.Delta(ref, 0, "The first half, the second")
	p.See("The first half, the second")
	w.Answer(ref, "The whole answer")
	p.See("The whole answer")
}

// say writes a message into the chat page's composer and sends it.
func say(p *harness.Page, message string) {
	quoted, _ := json.Marshal(message)
	p.Holds(`!!document.getElementById("composer")`)
	p.Type("#composer", message)
	p.Holds(`document.getElementById("composer").value === ` + string(quoted))
	p.Press("Send")
}
