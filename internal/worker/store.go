package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Store keeps small named documents over the worker's death. Names consist of
// a-z, 0-9 and "-". Its methods may be called from several goroutines.
type Store interface {
	// Get returns a document, or ErrNotKept.
	Get(name string) ([]byte, error)
	// List returns the names with a prefix, sorted.
	List(prefix string) ([]string, error)
	// Put keeps a document, whole or not at all. When it returns nil the
	// document outlives a power cut. It does not hold on to data.
	Put(name string, data []byte) error
	// Delete removes a document; one that is not there is no error.
	Delete(name string) error
}

// ErrNotKept is returned for a document that the Store does not have.
var ErrNotKept = errors.New("nothing is kept under this name")

// Memory is a Store that lasts as long as its value: for tests, and for a worker
// whose requests need not outlive it. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	docs map[string][]byte
}

// Get implements Store.
func (s *Memory) Get(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.docs[name]
	if !ok {
		return nil, ErrNotKept
	}
	return slices.Clone(data), nil
}

// List implements Store.
func (s *Memory) List(prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.docs {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Put implements Store.
func (s *Memory) Put(name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs == nil {
		s.docs = map[string][]byte{}
	}
	s.docs[name] = slices.Clone(data)
	return nil
}

// Delete implements Store.
func (s *Memory) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.docs, name)
	return nil
}

// Folder is a Store of one file for each document.
type Folder struct{ dir string }

const (
	docSuffix  = ".json"
	tempSuffix = ".tmp"
)

// OpenFolder makes the folder where it is missing, readable for its owner only,
// and clears away what a crash has left half written.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the worker's state folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the worker's state folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), tempSuffix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("open the worker's state folder: %w", err)
			}
		}
	}
	return &Folder{dir}, nil
}

func (s *Folder) path(name string) string { return filepath.Join(s.dir, name+docSuffix) }

// Get implements Store.
func (s *Folder) Get(name string) ([]byte, error) {
	data, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotKept
	}
	if err != nil {
		return nil, fmt.Errorf("read the worker's state: %w", err)
	}
	return data, nil
}

// List implements Store.
func (s *Folder) List(prefix string) ([]string, error) {
	entries, err := os.ReadDir(s.dir) // sorted
	if err != nil {
		return nil, fmt.Errorf("read the worker's state: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), docSuffix)
		if ok && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Put implements Store: the new file is on the disk before it takes the old
// one's name, and the name is on the disk before Put returns.
func (s *Folder) Put(name string, data []byte) error {
	if err := s.put(name, data); err != nil {
		return fmt.Errorf("write the worker's state: %w", err)
	}
	return nil
}

func (s *Folder) put(name string, data []byte) (err error) {
	f, err := os.CreateTemp(s.dir, name+"-*"+tempSuffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the next OpenFolder would, too
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path(name))
	}
	if err == nil {
		err = s.syncDir()
	}
	return err
}

// Delete implements Store. The folder is not synced: what comes back after a
// power cut is named in holding, and dropped by the bridge.
func (s *Folder) Delete(name string) error {
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the worker's state: %w", err)
	}
	return nil
}

func (s *Folder) syncDir() error {
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
