package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes a message, its "type" first.
func Encode(m Message) ([]byte, error) {
	switch v := m.(type) {
	case Welcome: // a reader in JavaScript loops over these: [] and not null
		v.Keep, v.Drop = orEmpty(v.Keep), orEmpty(v.Drop)
		m = v
	case Hello:
		v.Holding = orEmpty(v.Holding)
		m = v
	case Unknown:
		return nil, fmt.Errorf("encode message: %q is not a message to send", v.WireType)
	}
	var b bytes.Buffer
	b.WriteString(`{"type":"` + m.Type() + `",`)
	head := b.Len()
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<" is common in answers and would take six bytes
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode %s message: %w", m.Type(), err)
	}
	out := b.Bytes()
	body := bytes.TrimRight(out[head:], "\n")
	if len(body) == len("{}") {
		return append(out[:head-1], '}'), nil
	}
	copy(out[head:], body[1:]) // the body's "{" is already written
	return out[:head+len(body)-1], nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
