package pack

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// throwAway signs in tests only.
var throwAway = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func TestDefault(t *testing.T) {
	p, err := Check(Default)
	if err != nil || p.Version < 2020010100 || len(p.Hooks) == 0 || p.Signature != nil {
		t.Fatalf("%v, %+v", err, p)
	}
}

func TestCheck(t *testing.T) {
	change := func(f func(map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(Default, &m); err != nil {
			t.Fatal(err)
		}
		f(m)
		out, _ := json.Marshal(m)
		return out
	}
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"not JSON":          {[]byte(`{`), "not JSON"},
		"not UTF-8":         {[]byte("{\"note\":\"\xff\"}"), "UTF-8"},
		"too large":         {append(bytes.Repeat([]byte(" "), MaxBytes), '{'), "at most"},
		"nothing":           {[]byte(`{}`), "version"},
		"an array":          {[]byte(`[]`), "schema"},
		"a code of its own": {change(func(m map[string]any) { m["script"] = "alert(1)" }), "script"},
		"a hook missing":    {change(func(m map[string]any) { delete(m["hooks"].(map[string]any), "send") }), "send"},
		"a version of old":  {change(func(m map[string]any) { m["version"] = 1 }), "version"},
		"a css that is a number": {change(func(m map[string]any) {
			m["hooks"].(map[string]any)["send"].(map[string]any)["alternatives"] = []any{map[string]any{"css": 1}}
		}), "css"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(c.data)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestSign(t *testing.T) {
	public := throwAway.Public().(ed25519.PublicKey)
	signed, err := Sign(Default, throwAway)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Check(signed)
	if err != nil || p.Signature == nil || !SignedBy(signed, public) {
		t.Fatalf("%v, %+v", err, p)
	}
	again, err := Sign(signed, throwAway)
	if err != nil || !bytes.Equal(again, signed) {
		t.Fatalf("signed again it differs: %v", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, signed); err != nil || !SignedBy(compact.Bytes(), public) {
		t.Fatal("white space breaks the signature")
	}
	if SignedBy(Default, public) || SignedBy(signed, make(ed25519.PublicKey, ed25519.PublicKeySize)) {
		t.Fatal("a pack counts as signed by whom it was not")
	}
	if SignedBy(bytes.Replace(signed, []byte("#prompt-textarea"), []byte("#prompt-textareb"), 1), public) {
		t.Fatal("a changed pack counts as signed")
	}
	// What the extension's own tests verify.
	const file = "testdata/signed.json"
	if stored, err := os.ReadFile(file); err != nil || !SignedBy(stored, public) {
		if os.Getenv("UPDATE") == "" {
			t.Fatalf("%s is not signed by the throw-away key (%v); write it with UPDATE=1", file, err)
		}
		if err := os.WriteFile(file, signed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
