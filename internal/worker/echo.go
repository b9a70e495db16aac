package worker

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"chatbridge/protocol"
)

// Echo is a Backend that says the message back, word by word: to try a bridge
// without any chat site.
type Echo struct {
	// Pace is the time between two words; 0 says all at once. 30 to 80 ms read
	// well.
	Pace time.Duration
}

// maxEchoSteps bounds how long an echo takes: longer messages get more words a
// step.
const maxEchoSteps = 200

// Answer implements Backend.
func (e Echo) Answer(ctx context.Context, request protocol.NewRequest, emit func(string)) (Answer, error) {
	text := "You said: " + request.Message
	words := strings.SplitAfter(text, " ")
	step := len(words)
	if e.Pace > 0 {
		step = (len(words) + maxEchoSteps - 1) / maxEchoSteps
	}
	for len(words) > 0 {
		n := min(step, len(words))
		emit(strings.Join(words[:n], ""))
		if words = words[n:]; len(words) == 0 {
			break
		}
		select {
		case <-time.After(e.Pace):
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	}
	answer := Answer{Text: text, ModeUsed: "echo", Evidence: &protocol.Evidence{Source: "stream", Complete: true}}
	answer.ChatID, answer.ChatTitle = chatOf(request, "echo-")
	return answer, nil
}

// maxTitle is how many bytes of a chat's first message become its title.
const maxTitle = 60

// chatOf is the chat that an answer belongs to: the one asked for, or a new one
// with the beginning of its message as title. A temporary chat has neither.
func chatOf(request protocol.NewRequest, prefix string) (id, title string) {
	if request.Temporary {
		return "", ""
	}
	if request.ChatID != nil {
		return *request.ChatID, ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(request.Message), "\n")
	title = head(line, maxTitle)
	if len(title) < len(line) {
		title += "…"
	}
	return prefix + strings.ToLower(rand.Text()), title
}
