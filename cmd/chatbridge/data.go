package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres"
	"chatbridge/internal/store/sqlite"
)

// dataFlags say where the data are.
type dataFlags struct {
	Data  string `help:"Folder for the data; ./chatbridge-data if left out." default:"./chatbridge-data" type:"path" placeholder:"DIR"`
	Store string `help:"Where to store: empty for SQLite in the data folder, or postgres://USER:PASSWORD@HOST/DATABASE." placeholder:"URL"`
}

const (
	databaseFile = "chatbridge.db"
	lockFile     = "serve.lock"
	knockSocket  = "knock.sock"
)

// open opens the store, making the folder if need be.
func (d *dataFlags) open(ctx context.Context) (bridge.Store, error) {
	return d.openLogging(ctx, slog.New(slog.DiscardHandler))
}

// openLogging opens the store for a server, which says when it is lost.
func (d *dataFlags) openLogging(ctx context.Context, log *slog.Logger) (bridge.Store, error) {
	if d.shared() {
		store, err := postgres.Open(ctx, postgres.Options{URL: d.Store, Log: log})
		if err != nil {
			return nil, fmt.Errorf("--store: %w", told(err))
		}
		return store, nil
	}
	if d.Store != "" {
		return nil, usageError(fmt.Sprintf("--store: %q is not supported; write postgres://USER:PASSWORD@HOST/DATABASE, or leave it out to use SQLite in the data folder", schemeOf(d.Store)))
	}
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w. Choose another with --data", d.Data, plain(err))
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: d.database()})
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", d.Data, err)
	}
	return store, nil
}

// shared reports whether the store is one that other nodes may use too.
func (d *dataFlags) shared() bool {
	return strings.HasPrefix(d.Store, "postgres://") || strings.HasPrefix(d.Store, "postgresql://")
}

func (d *dataFlags) database() string { return filepath.Join(d.Data, databaseFile) }

func schemeOf(url string) string {
	scheme, _, _ := strings.Cut(url, ":")
	return scheme + ":…"
}

func plain(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// lock makes sure that only one server uses the data folder. The lock ends with
// the process, however that ends.
func (d *dataFlags) lock() (release func(), err error) {
	if d.shared() {
		return func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(d.Data, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be written: %w. Choose another with --data", d.Data, plain(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another chatbridge serve uses the data folder %s. Stop it, or choose another folder with --data", d.Data)
	}
	return func() { f.Close() }, nil
}

// knock tells a server that runs on the same data that something changed. If
// none runs, or the knock is lost, its next look finds it.
func (d *dataFlags) knock() {
	if d.shared() {
		return
	}
	conn, err := net.DialTimeout("unix", filepath.Join(d.Data, knockSocket), time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = conn.Read(make([]byte, 1)) // closed once the server has taken notice
}

// hearKnocks calls heard at each knock until ctx ends.
func (d *dataFlags) hearKnocks(ctx context.Context, heard func()) error {
	if d.shared() {
		return nil // the look finds it
	}
	path := filepath.Join(d.Data, knockSocket)
	_ = os.Remove(path) // left by a server that was killed; the lock says that none runs
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil // a path too long for a socket, or a file system without: the look remains
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		heard()
		conn.Close()
	}
}
