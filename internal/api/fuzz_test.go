package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"chatbridge/internal/bridge"
)

// FuzzSubmitBody: whatever comes as the body of a submit is refused with a
// domain error, or its message is exactly what the JSON says.
func FuzzSubmitBody(f *testing.F) {
	for _, seed := range []string{
		`{"message":"Hello","response_type":"auto"}`, `{"message":"a","chat_id":12}`, `{"message":"a","chat_id":"abc","temporary":true}`, `{"message":"a","chat_id":null}`,
		`{"message":"\ud83d\ude00"}`, `{"message":"\ud83d"}`, `{"message":"\ude00\ud83d"}`, `{"message":"\\ud83d"}`, `{"message":"\u0000"}`, `{"message":"` + "\xff" + `"}`,
		`{"message":"   "}`, `{"message":7}`, `{"message":"a","metadata":{"k":[1,2]}}`, `{"message":"a","timeout_seconds":0}`, `{"message":"a","timeout_seconds":1e3}`,
		`{"message":"a","thinking_time":"forever"}`, `{"message":"a","attachments":[]}`, `{"message":"a","unknown":{}}`, `[]`, `null`, ``, `{"message":"a"}{"message":"b"}`, `{"message":"a","message":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var body submitBody
		if strictJSON.Unmarshal(data, &body) != nil {
			return
		}
		cmd, err := body.command(1, "")
		if err != nil {
			if e := bridge.AsError(err); e.Kind == bridge.Internal {
				t.Fatalf("%q is told as a fault of ours: %v", data, err)
			}
			return
		}
		var said struct{ Message string }
		if err := json.Unmarshal(data, &said); err != nil || said.Message != cmd.Message {
			t.Fatalf("%q was taken as %q, but says %q (%v)", data, cmd.Message, said.Message, err)
		}
		switch {
		case strings.TrimSpace(cmd.Message) == "", strings.ContainsRune(cmd.Message, 0), !utf8.ValidString(cmd.Message), len(cmd.Message) > bridge.MaxMessageBytes:
			t.Fatalf("%q was taken", cmd.Message)
		case strings.ContainsRune(cmd.Message, utf8.RuneError) && !bytes.ContainsRune(data, utf8.RuneError) && !bytes.Contains(bytes.ToLower(data), []byte(`\ufffd`)):
			t.Fatalf("%q was taken with something replaced: %q", data, cmd.Message)
		case cmd.TimeoutSeconds < 1 || cmd.TimeoutSeconds > bridge.MaxTimeoutSeconds:
			t.Fatalf("a timeout of %d seconds was taken", cmd.TimeoutSeconds)
		}
	})
}

// FuzzStreamURL: only the signature that was made for an id opens its stream.
func FuzzStreamURL(f *testing.F) {
	key := signer("a key of the server's own")
	id := uuid.NewString()
	right := key.signature(id)
	f.Add(id, right)
	f.Add(id, right[:len(right)-1])
	f.Add(id, right+"A")
	f.Add(strings.ToUpper(id), right)
	f.Add(id, "")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, id, signature string) {
		if key.verify(id, signature) != (signature == key.signature(id)) {
			t.Fatalf("the signature %q of %q", signature, id)
		}
		if signer("another").verify(id, signature) && signature != signer("another").signature(id) {
			t.Fatal("a foreign key verifies")
		}
		if url := key.streamURL(id); !strings.Contains(url, id) || !strings.HasSuffix(url, key.signature(id)) {
			t.Fatalf("the URL %q of %q", url, id)
		}
	})
}
