// Package pack holds what is known of the chat page: selector packs, which are
// data. default.json is the extension's own, schema.json the shape of all of
// them; the extension checks a pack by the same schema before it takes it.
package pack

import (
	"bytes"
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Default is the pack that the extension comes with.
//
//go:embed default.json
var Default []byte

//go:embed schema.json
var schemaJSON []byte

const (
	// MaxBytes bounds a pack; the extension takes no larger one.
	MaxBytes = 256 << 10
	// signedPrefix begins what is signed, so that a signature of a pack can never
	// pass for one of anything else.
	signedPrefix = "chatbridge-pack-v1\n"
	algorithm    = "ed25519"
)

// Pack is what the bridge knows of a pack: it hands it on.
type Pack struct {
	Version   int64                      `json:"version"`
	Note      string                     `json:"note"`
	Hooks     map[string]json.RawMessage `json:"hooks"`
	Signature *Signature                 `json:"signature"`
}

// Signature is by whom a pack was signed.
type Signature struct {
	Algorithm string `json:"algorithm"` // ed25519
	Value     string `json:"value"`     // base64
}

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pack.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("pack.json")
})

// Check reads a pack and says what is wrong with it, in a sentence. It does not
// say whether its selectors are right, nor who signed it.
func Check(data []byte) (*Pack, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the pack has %d bytes; at most %d are taken", len(data), MaxBytes)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the pack is not UTF-8")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the pack is not JSON: %w", err)
	}
	s, err := schema()
	if err != nil {
		return nil, fmt.Errorf("read the schema of packs: %w", err)
	}
	if err := s.Validate(value); err != nil {
		return nil, plain(err)
	}
	var p, own Pack
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("the pack cannot be read: %w", err)
	}
	if err := json.Unmarshal(Default, &own); err != nil {
		return nil, fmt.Errorf("the extension's own pack cannot be read: %w", err)
	}
	for name := range own.Hooks { // which has every hook that the code looks for
		if p.Hooks[name] == nil {
			return nil, fmt.Errorf("the pack has no hook %q", name)
		}
	}
	return &p, nil
}

// plain is a schema's verdict with the places that are wrong, one a line.
func plain(err error) error {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	var lines []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			text := e.Error()
			lines = append(lines, strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:]))
		}
	}
	walk(invalid)
	return errors.New("the pack does not fit its schema:\n  " + strings.Join(lines, "\n  "))
}

// signedBytes are what a signature covers: the prefix, then the pack without its
// signature as RFC 8785 writes it.
func signedBytes(data []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	delete(members, "signature")
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	canonical, err := jcs.Transform(rest)
	if err != nil {
		return nil, err
	}
	return append([]byte(signedPrefix), canonical...), nil
}

// Sign returns the pack with a signature by key, written for people to read.
func Sign(data []byte, key ed25519.PrivateKey) ([]byte, error) {
	signed, err := signedBytes(data)
	if err != nil {
		return nil, fmt.Errorf("sign the pack: %w", err)
	}
	signature, err := json.Marshal(Signature{algorithm, base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed))})
	if err != nil {
		return nil, err
	}
	return withSignature(data, signature)
}

// withSignature puts a signature behind the other members, which stay as they
// were written.
func withSignature(data, signature []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil { // {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if name == "signature" {
			continue
		}
		fmt.Fprintf(&out, "\n  %q: %s,", name, value)
	}
	fmt.Fprintf(&out, "\n  \"signature\": %s\n}\n", signature)
	return out.Bytes(), nil
}

// SignedBy reports whether the pack carries a signature by the holder of key.
func SignedBy(data []byte, key ed25519.PublicKey) bool {
	var p Pack
	if json.Unmarshal(data, &p) != nil || p.Signature == nil || p.Signature.Algorithm != algorithm {
		return false
	}
	signature, err := base64.StdEncoding.DecodeString(p.Signature.Value)
	if err != nil {
		return false
	}
	signed, err := signedBytes(data)
	return err == nil && ed25519.Verify(key, signed, signature)
}
