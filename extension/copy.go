package extension

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	manifestName = "manifest.json"
	// pairingName is what the extension reads at its first start, and again
	// whenever its content has changed.
	pairingName = "pairing.json"
	// ours is the name in the manifest by which a copy is known.
	ours = "chatbridge"
)

// Pairing says which bridge a copy connects to.
type Pairing struct {
	// Server is the bridge's address as http or https, for example
	// http://localhost:8000.
	Server string `json:"server"`
	// Key is an API key with the scope worker. It must reach no log.
	Key string `json:"key"`
}

// Check says what is wrong with a pairing, in a sentence without the key.
func (p Pairing) Check() error {
	u, err := url.Parse(p.Server)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the server's address must begin with http:// or https://, such as http://localhost:8000")
	case u.User != nil:
		return errors.New("the server's address must hold no user name and no password; the key says who you are")
	case p.Key == "" || strings.ContainsAny(p.Key, " \t\r\n"):
		return errors.New("the key must be given, and holds no white space; the admin panel shows it")
	}
	return nil
}

// pattern is the match pattern of the server's address. Patterns name no port.
func (p Pairing) pattern() string {
	u, err := url.Parse(p.Server)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + "/*"
}

// ErrOccupied is Write's answer where a folder holds something else.
var ErrOccupied = errors.New("the folder is not empty and holds no older copy of the extension; name another one")

// Write writes an unpacked copy into a folder, which it makes if need be, and
// reports whether an older copy was there. With a pairing the copy connects by
// itself; without one an older copy's stays. The manifest is written last, so
// that a copy that was broken off is known as one: files of ours are replaced
// one by one, others are left alone. Returns ErrOccupied for a folder of others.
func Write(dir string, b Browser, p *Pairing) (updated bool, err error) {
	from, err := files(b)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("make the folder: %w", err)
	}
	updated, err = older(dir)
	if err != nil {
		return false, err
	}
	if p == nil && updated {
		p = kept(dir)
	}
	err = fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == manifestName {
			return err
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return put(dir, name, data, 0o644)
	})
	if err != nil {
		return updated, fmt.Errorf("write the extension: %w", err)
	}
	manifest, err := fs.ReadFile(from, manifestName)
	if err != nil {
		return updated, fmt.Errorf("write the extension: %w", err)
	}
	if p != nil {
		pairing, err := json.Marshal(p)
		if err != nil {
			return updated, fmt.Errorf("write the pairing: %w", err)
		}
		if err := put(dir, pairingName, append(pairing, '\n'), 0o600); err != nil {
			return updated, fmt.Errorf("write the pairing: %w", err)
		}
		if manifest, err = withHost(manifest, p.pattern()); err != nil {
			return updated, err
		}
	}
	if err := put(dir, manifestName, manifest, 0o644); err != nil {
		return updated, fmt.Errorf("write the extension: %w", err)
	}
	return updated, nil
}

// older reports whether a folder holds a copy of ours; an empty one holds none,
// and any other is an error.
func older(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("read the folder: %w", err)
	}
	if len(entries) == 0 {
		return false, nil
	}
	var manifest struct {
		Name string `json:"name"`
	}
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	switch {
	case err == nil && json.Unmarshal(data, &manifest) == nil && manifest.Name == ours:
		return true, nil
	case errors.Is(err, fs.ErrNotExist) && brokenOff(entries):
		return false, nil
	}
	return false, fmt.Errorf("%s: %w", dir, ErrOccupied)
}

// brokenOff reports whether a folder without a manifest holds nothing but what
// Write writes before it.
func brokenOff(entries []fs.DirEntry) bool {
	from, err := files(Chrome)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if _, err := fs.Stat(from, e.Name()); err != nil && e.Name() != pairingName && !strings.HasPrefix(e.Name(), temporary) {
			return false
		}
	}
	return true
}

// kept is an older copy's pairing, nil where it has none.
func kept(dir string) *Pairing {
	data, err := os.ReadFile(filepath.Join(dir, pairingName))
	if err != nil {
		return nil
	}
	var p Pairing
	if json.Unmarshal(data, &p) != nil || p.Check() != nil {
		return nil
	}
	return &p
}

// withHost adds a host to those that the extension may reach without asking.
func withHost(manifest []byte, pattern string) ([]byte, error) {
	var m map[string]any
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("read the extension's manifest: %w", err)
	}
	hosts, _ := m["host_permissions"].([]any)
	m["host_permissions"] = append(hosts, pattern)
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the extension's manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// temporary begins the names of files that are being written.
const temporary = ".chatbridge-"

// put writes a file whole or not at all.
func put(dir, name string, data []byte, mode fs.FileMode) error {
	to := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporary) // readable by its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), to)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
