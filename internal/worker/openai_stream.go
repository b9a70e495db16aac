package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"chatbridge/protocol"
)

// maxEvent bounds one line of the stream: a whole answer, escaped.
const maxEvent = protocol.MaxMessageBytes

// completion is an answer of the endpoint, as it comes.
type completion struct {
	emit     func(string)
	text     strings.Builder
	model    string
	finished string // finish_reason
}

// chunk is one event of the stream, or the whole answer of an endpoint that
// does not stream (then with message instead of delta).
type chunk struct {
	Model   string         `json:"model"`
	Error   *endpointError `json:"error"`
	Choices []struct {
		Delta        content `json:"delta"`
		Message      content `json:"message"`
		FinishReason string  `json:"finish_reason"` // null stays ""
	} `json:"choices"`
}

type content struct {
	Content string `json:"content"`
}

// take adds a chunk; an error in the stream ends it.
func (c *completion) take(data []byte) error {
	var k chunk
	if err := json.Unmarshal(data, &k); err != nil {
		return fmt.Errorf("read the model's answer: %w", err)
	}
	if k.Error != nil {
		if k.Error.tooLong() {
			return &Failure{Code: protocol.CodeTooLong, Sentence: "The chat with this message is too long for the model. Shorten the message, or begin a new chat."}
		}
		return errors.New("the endpoint reported an error in its stream")
	}
	if k.Model != "" {
		c.model = k.Model
	}
	if len(k.Choices) == 0 { // usage, or a comment
		return nil
	}
	first := k.Choices[0]
	if piece := first.Delta.Content + first.Message.Content; piece != "" {
		c.text.WriteString(piece)
		c.emit(piece)
	}
	if first.FinishReason != "" {
		c.finished = first.FinishReason
	}
	return nil
}

// readStream reads server-sent events until [DONE] or the end.
func (c *completion) readStream(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		data = strings.TrimSpace(data)
		if !ok || data == "" {
			continue
		}
		if data == "[DONE]" {
			return c.whole()
		}
		if err := c.take([]byte(data)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the model's answer: %w", err)
	}
	return c.whole()
}

// readWhole reads the answer of an endpoint that does not stream.
func (c *completion) readWhole(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxEvent))
	if err != nil {
		return fmt.Errorf("read the model's answer: %w", err)
	}
	if err := c.take(data); err != nil {
		return err
	}
	return c.whole()
}

// whole is nil only where the model itself said that it had come to an end.
func (c *completion) whole() error {
	switch c.finished {
	case "stop":
		return nil
	case "length":
		return &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The model reached its limit before its answer was whole. Ask it to go on, or raise the limit."}
	case "content_filter":
		return &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The endpoint's content filter cut the answer off. Word the message differently."}
	case "":
		return errors.New("the stream ended without a finish_reason")
	}
	return &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The model did not end its answer by itself (" + head(c.finished, maxTitle) + "). Word the message differently."}
}
