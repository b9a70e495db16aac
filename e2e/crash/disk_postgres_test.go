package crash

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"chatbridge/e2e/harness"
	"chatbridge/internal/store/postgres/pgtest"
)

// The small disks of PostgreSQL servers, in bytes.
const (
	tablesBytes = 48 << 20 // four databases, of 8 MiB, and little more
	logBytes    = 64 << 20 // some files of the log, of 16 MiB; beside the filler only the first
)

// fullPostgres: PostgreSQL refuses what it can't store in its tables, and runs on.
// Where it can't write its log it ends, and does not start before there is room;
// whoever makes that starts it again.
func fullPostgres(t *testing.T) {
	t.Run("its tables", func(t *testing.T) {
		t.Parallel()
		_, d := onSmallDisk(t, "base", tablesBytes)
		d.readable, d.says = true, "disk is full"
		fullDisk(t, d)
	})
	t.Run("its log", func(t *testing.T) {
		t.Parallel()
		server, d := onSmallDisk(t, "pg_wal", logBytes)
		d.says = "database server"
		room := d.free
		d.free = func(s *harness.Server) {
			s.Client("").Call("GET", "/readyz", nil).Problem(http.StatusServiceUnavailable, "store_unavailable")
			harness.Eventually(t, "PostgreSQL has ended for want of room", func() bool {
				log := server.Log()
				return strings.Contains(log, "No space left on device") && strings.Contains(log, "startup process failure")
			})
			room(s)
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		fullDisk(t, d)
	})
}

// onSmallDisk starts a PostgreSQL server one folder of whose data is a small disk.
func onSmallDisk(t *testing.T, folder string, bytes int) (*pgtest.Server, disk) {
	t.Helper()
	server := pgtest.New(t, pgtest.Options{Fsync: true})
	name, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(dataOf(t, server), folder)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(server.Stop())
	info, err := os.Stat(dir)
	must(err)
	owner := info.Sys().(*syscall.Stat_t)
	before := dir + ".before"
	must(os.Rename(dir, before))
	must(os.Mkdir(dir, 0o700))
	mount(t, dir, bytes, fmt.Sprintf("uid=%d,gid=%d,mode=700", owner.Uid, owner.Gid))
	must(exec.Command("cp", "-a", before+"/.", dir).Run())
	must(server.Start())
	t.Cleanup(func() { // before the disk goes
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	d := fillable(t, dir)
	d.env = []string{"CHATBRIDGE_STORE=" + server.URL(name)}
	return server, d
}

// dataOf is where a server has its data.
func dataOf(t *testing.T, server *pgtest.Server) (dir string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), "SHOW data_directory").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
