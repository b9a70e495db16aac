package extension

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree lists a folder's files.
func tree(t *testing.T, f fs.FS) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func hosts(t *testing.T, dir string) []string {
	t.Helper()
	var m struct {
		Hosts []string `json:"host_permissions"`
	}
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil || json.Unmarshal(data, &m) != nil {
		t.Fatalf("read the manifest: %v", err)
	}
	return m.Hosts
}

func TestWriteAnUnpairedCopy(t *testing.T) {
	for _, b := range []Browser{Chrome, Firefox} {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		if updated, err := Write(dir, b, nil); updated || err != nil {
			t.Fatalf("%s: updated %v, %v", b, updated, err)
		}
		built, err := files(b)
		if err != nil {
			t.Fatal(err)
		}
		got, want := tree(t, os.DirFS(dir)), tree(t, built)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v was written, not %v", b, got, want)
		}
		for _, name := range want {
			a, _ := fs.ReadFile(built, name)
			if b, _ := os.ReadFile(filepath.Join(dir, name)); !bytes.Equal(a, b) {
				t.Errorf("%s differs", name)
			}
		}
	}
}

func TestPairing(t *testing.T) {
	dir := t.TempDir()
	p := &Pairing{Server: "http://[::1]:8000", Key: "cb_secret"}
	if _, err := Write(dir, Chrome, p); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, pairingName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the pairing is %v, %v", info.Mode(), err)
	}
	if got := hosts(t, dir); !slices.Equal(got, []string{"https://chatgpt.com/*", "http://[::1]/*"}) {
		t.Errorf("hosts are %v", got)
	}
	// An update without flags keeps the pairing, and what it needs in the manifest.
	if updated, err := Write(dir, Chrome, nil); !updated || err != nil {
		t.Fatalf("updated %v, %v", updated, err)
	}
	if got := kept(dir); got == nil || *got != *p {
		t.Errorf("the pairing became %v", got)
	}
	if got := hosts(t, dir); len(got) != 2 {
		t.Errorf("after the update hosts are %v", got)
	}
	// Another pairing takes its place.
	other := &Pairing{Server: "https://bridge.example", Key: "cb_other"}
	if _, err := Write(dir, Chrome, other); err != nil {
		t.Fatal(err)
	}
	if got := kept(dir); got == nil || *got != *other {
		t.Errorf("the pairing is %v", got)
	}
	if got := hosts(t, dir); !slices.Equal(got, []string{"https://chatgpt.com/*", "https://bridge.example/*"}) {
		t.Errorf("hosts are %v", got)
	}
}

func TestPairingCheck(t *testing.T) {
	for _, tc := range []struct {
		server, key string
		ok          bool
	}{
		{"http://localhost:8000", "k", true},
		{"https://bridge.example/below/", "k", true},
		{"localhost:8000", "k", false},
		{"ftp://bridge.example", "k", false},
		{"http://", "k", false},
		{"http://a:secret@bridge.example", "k", false},
		{"http://localhost:8000", "", false},
		{"http://localhost:8000", "two words", false},
	} {
		err := Pairing{tc.server, tc.key}.Check()
		if (err == nil) != tc.ok {
			t.Errorf("%s %q: %v", tc.server, tc.key, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells: %v", err)
		}
	}
}

func TestWriteKeepsAwayFromOthersFolders(t *testing.T) {
	for name, content := range map[string]string{
		"thesis.txt":    "mine",
		manifestName:    `{"name": "another extension"}`,
		"background.js": "", // with something of another's beside it
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{name: content, "notes.txt": "mine"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := tree(t, os.DirFS(dir))
		if _, err := Write(dir, Chrome, nil); !errors.Is(err, ErrOccupied) {
			t.Errorf("with %s: %v", name, err)
		}
		if after := tree(t, os.DirFS(dir)); !slices.Equal(before, after) {
			t.Errorf("with %s: the folder became %v", name, after)
		}
	}
}

func TestWriteGoesOnWhereItWasBrokenOff(t *testing.T) {
	dir := t.TempDir()
	if _, err := Write(dir, Chrome, &Pairing{"http://localhost:8000", "k"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{manifestName, "popup.js"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(dir, Chrome, nil); err != nil {
		t.Fatal(err)
	}
	if len(hosts(t, dir)) == 0 {
		t.Error("no manifest")
	}
}

func TestZip(t *testing.T) {
	for _, b := range []Browser{Chrome, Firefox} {
		var one, two bytes.Buffer
		if err := Zip(&one, b); err != nil {
			t.Fatal(err)
		}
		if err := Zip(&two, b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two packages differ", b)
		}
		z, err := zip.NewReader(bytes.NewReader(one.Bytes()), int64(one.Len()))
		if err != nil {
			t.Fatal(err)
		}
		built, _ := files(b)
		if got, want := tree(t, z), tree(t, built); !slices.Equal(got, want) {
			t.Errorf("%s: it holds %v, not %v", b, got, want)
		}
	}
}

// What the stores and the user rely on: no more rights than these, no code from
// elsewhere, one identity.
func TestManifest(t *testing.T) {
	for _, b := range []Browser{Chrome, Firefox} {
		built, err := files(b)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Name        string         `json:"name"`
			Version     int            `json:"manifest_version"`
			Permissions []string       `json:"permissions"`
			Hosts       []string       `json:"host_permissions"`
			Policy      map[string]any `json:"content_security_policy"`
			Key         string         `json:"key"`
			Settings    map[string]any `json:"browser_specific_settings"`
			Accessible  any            `json:"web_accessible_resources"`
			Scripts     []struct {
				Matches []string `json:"matches"`
			} `json:"content_scripts"`
		}
		data, _ := fs.ReadFile(built, manifestName)
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != ours || m.Version != 3 {
			t.Errorf("%s: %s, version %d", b, m.Name, m.Version)
		}
		if !slices.Equal(m.Permissions, []string{"storage", "alarms", "scripting"}) {
			t.Errorf("%s: permissions are %v", b, m.Permissions)
		}
		if !slices.Equal(m.Hosts, []string{"https://chatgpt.com/*"}) {
			t.Errorf("%s: hosts are %v", b, m.Hosts)
		}
		for _, s := range m.Scripts {
			if !slices.Equal(s.Matches, []string{"https://chatgpt.com/*"}) {
				t.Errorf("%s: a script runs on %v", b, s.Matches)
			}
		}
		if m.Accessible != nil {
			t.Errorf("%s: pages may read %v", b, m.Accessible)
		}
		policy, _ := m.Policy["extension_pages"].(string)
		if !strings.Contains(policy, "script-src 'self';") {
			t.Errorf("%s: the policy is %q", b, policy)
		}
		if (b == Chrome) != (m.Key != "") || (b == Firefox) != (m.Settings != nil) {
			t.Errorf("%s: its identity is not this browser's", b)
		}
		for _, name := range tree(t, built) {
			if !strings.HasSuffix(name, ".js") {
				continue
			}
			script, _ := fs.ReadFile(built, name)
			for _, banned := range []string{"eval(", "new Function", "importScripts", "innerHTML="} {
				if bytes.Contains(script, []byte(banned)) {
					t.Errorf("%s: %s has %q", b, name, banned)
				}
			}
		}
	}
}
