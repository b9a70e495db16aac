package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	driver "modernc.org/sqlite"
)

// backupStep pages (4 MB) are copied between two looks at the context: some
// milliseconds.
const backupStep = 1024

// Backup copies the database file from, which may be in use by other processes
// all the while, to a new file, for this user's eyes only. The copy is what was
// committed at one moment, the beginning. It is written beside to, under a name
// that begins with a dot and ends in .partial, and renamed once it has reached
// the disk; when Backup fails, or ctx ends, nothing is left of it. (A process that
// is killed leaves the .partial behind; it may be deleted.)
//
// progress, if it is not nil, is called as the copy grows, in this goroutine.
//
// It fails if from is not there, is no database of chatbridge or has a schema
// that is newer than this program's, and if to is there already (an error that
// is [fs.ErrExist]).
func Backup(ctx context.Context, from, to string, progress func(doneBytes, totalBytes int64)) error {
	if err := backup(ctx, from, to, progress); err != nil {
		return fmt.Errorf("back the database %s up to %s: %w", from, to, err)
	}
	return nil
}

func backup(ctx context.Context, from, to string, progress func(doneBytes, totalBytes int64)) error {
	if err := prepared(); err != nil {
		return fmt.Errorf("prepare the SQLite driver: %w", err)
	}
	if _, err := os.Stat(from); err != nil { // not opened: closing it would end SQLite's locks on it
		return err
	}
	if err := vacant(to); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*.partial")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // there is none once it is renamed
	if err := part.Close(); err != nil {
		return err
	}
	if err := copyDatabase(ctx, from, part.Name(), progress); err != nil {
		return err
	}
	if err := syncFile(part.Name()); err != nil {
		return err
	}
	if err := vacant(to); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // which syncs no folders
		return nil
	}
	return syncFile(filepath.Dir(to))
}

// vacant returns an error if there is something at path.
func vacant(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s: %w", path, fs.ErrExist))
	}
	return nil
}

// syncFile waits until what was written to a file, or into a folder, has
// reached the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// copyDatabase copies a database with SQLite's online backup, which tells how
// far it is and can be stopped between two steps; VACUUM INTO would do neither.
// A backup begins anew when somebody writes its source between two steps: so it
// runs inside a transaction, which reads the same state to the end. That keeps
// no writer waiting; only the write-ahead log grows until it is over.
func copyDatabase(ctx context.Context, from, to string, progress func(doneBytes, totalBytes int64)) (err error) {
	name, err := dsn(from, "busy_timeout(10000)", "query_only(1)")
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", name+"&mode=rw") // do not make it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := take(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }() // and with it ends the transaction
	return c.use(func() error {
		if _, err := c.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		if err := checkVersion(ctx, db, c); err != nil { // the first to read: from here on the state is fixed
			return err
		}
		return copyPages(ctx, c, to, progress)
	})
}

// checkVersion returns an error if the database is none of ours, or newer than
// we know.
func checkVersion(ctx context.Context, db *sql.DB, c *conn) error {
	var have int64
	err := c.query(ctx, func(r *row) { have = r.int64() }, "SELECT max(version_id) FROM goose_db_version WHERE is_applied = 1")
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return errors.New("it is not a database of chatbridge")
	}
	if err != nil {
		return fmt.Errorf("find the schema's version: %w", err)
	}
	p, err := provider(db)
	if err != nil {
		return err
	}
	known := int64(0)
	for _, s := range p.ListSources() {
		known = max(known, s.Version)
	}
	if have > known {
		return newerSchema(have, known)
	}
	return nil
}

func copyPages(ctx context.Context, c *conn, to string, progress func(doneBytes, totalBytes int64)) (err error) {
	pageSize := int64(0)
	if err := c.query(ctx, func(r *row) { pageSize = r.int64() }, "PRAGMA page_size"); err != nil {
		return err
	}
	name, err := dsn(to, "journal_mode(OFF)", "synchronous(OFF)") // it is synced at its end, and thrown away if that does not come
	if err != nil {
		return err
	}
	b, err := c.raw.(interface {
		NewBackup(dsn string) (*driver.Backup, error)
	}).NewBackup(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Finish()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = b.Step(backupStep); err != nil {
			return err
		}
		if progress != nil {
			total := int64(b.PageCount()) * pageSize
			progress(total-int64(b.Remaining())*pageSize, total)
		}
	}
	return ctx.Err()
}
