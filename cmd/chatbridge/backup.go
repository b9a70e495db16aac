package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"chatbridge/internal/store/sqlite"
)

type backupCmd struct {
	dataFlags
	File string `arg:"" help:"The copy; it must not be there yet." type:"path"`
}

func (backupCmd) Help() string {
	return `Examples:
  chatbridge backup /backups/chatbridge.db
  chatbridge backup --data /var/lib/chatbridge "/backups/chatbridge-$(date +%F).db"

The copy is the database as it is at one moment, also while a server runs on it. To restore
it, stop the server and put it into an empty data folder as chatbridge.db. It holds
conversations and secrets: keep it where only you can read it. Ctrl-C leaves nothing behind.`
}

// Run copies the database. Nothing but the copy is written, and that only when
// it is whole.
func (c *backupCmd) Run(ctx context.Context, con *console) error {
	switch {
	case c.shared():
		return usageError("backup copies SQLite's database in a data folder. For PostgreSQL use: " + pgDump(c.Store, c.File))
	case c.Store != "":
		return usageError(fmt.Sprintf("--store: %q is not supported; leave it out to copy SQLite's database in the data folder", schemeOf(c.Store)))
	}
	if _, err := os.Stat(c.database()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the data folder %s has no database. Name the server's with --data", c.Data)
	}
	progress, done := percent(con.err)
	err := sqlite.Backup(ctx, c.database(), c.File, progress)
	done()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted; no copy was made")
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already, and is not written over. Choose another name", c.File)
	case err != nil:
		return fmt.Errorf("no copy was made: %w", err)
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s has the copy, %.1f MB.\n", c.File, float64(info.Size())/1e6)
	return nil
}

// percent shows how far the copy is, where somebody looks on.
func percent(to io.Writer) (progress func(doneBytes, totalBytes int64), done func()) {
	f, ok := to.(*os.File)
	if !ok {
		return nil, func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	progress = func(doneBytes, totalBytes int64) {
		fmt.Fprintf(f, "\r%3d %% of %.1f MB ", 100*doneBytes/max(totalBytes, 1), float64(totalBytes)/1e6)
	}
	return progress, func() { fmt.Fprint(f, "\r\x1b[K") }
}

// pgDump is the command that copies a PostgreSQL database, without the
// password, which pg_dump takes from PGPASSWORD or ~/.pgpass.
func pgDump(store, file string) string {
	at := "postgres://USER@HOST/DATABASE"
	if u, err := url.Parse(store); err == nil && u.Host != "" {
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
		q := u.Query()
		for name := range q {
			if strings.Contains(strings.ToLower(name), "password") {
				q.Del(name)
			}
		}
		u.RawQuery = q.Encode()
		at = u.String()
	}
	return fmt.Sprintf("pg_dump --format=custom --file=%s %s", shellWord(file), shellWord(at))
}

// shellWord quotes a word for a shell where it needs that.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:@%+=-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
