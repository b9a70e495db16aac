package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// connect opens the pool and brings the schema up to date.
func connect(ctx context.Context, path string) (*sql.DB, error) {
	if path == memory {
		name, err := dsn(path, "foreign_keys(1)")
		if err != nil {
			return nil, err
		}
		db, err := sql.Open("sqlite", name)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1) // each connection would be a database of its own
		return migrated(ctx, db)
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := create(path); err != nil {
		return nil, err
	}
	name, err := dsn(path, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	return migrated(ctx, db)
}

// create makes the file, if it is not there, for this user's eyes only: it holds
// secrets and conversations. SQLite gives the files beside it the same mode. One
// that is there is not opened: closing it would end SQLite's locks on it.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// lock keeps other processes from opening the database at the same time: goose
// has no lock for SQLite, and turning WAL on wants to be alone. The lock is
// SQLite's own, on an empty database beside ours, and so the same on every
// system; it ends with the process.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	name, err := dsn(path, "busy_timeout(60000)") // as long as a migration may take
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func() { db.Close() }, nil
}

func migrated(ctx context.Context, db *sql.DB) (*sql.DB, error) {
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("find the schema's version: %w", err)
	}
	if have > known {
		return newerSchema(have, known)
	}
	if have == known {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema from version %d to %d: %w", have, known, err)
	}
	return nil
}

// provider knows the migrations. It does not touch the database.
func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return p, nil
}

func newerSchema(have, known int64) error {
	return fmt.Errorf("its schema has version %d and this chatbridge knows versions up to %d: update chatbridge", have, known)
}

// openHint says what to do where SQLite says only that it can't.
func openHint(err error, path string) error {
	switch code(err) {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the folder %s is not there or this user may not write in it; make it writable, or name another folder: %w", filepath.Dir(path), err)
	}
	if t, known := troubles[code(err)]; known {
		return fmt.Errorf("%s (%w)", t.detail, err)
	}
	return err
}
