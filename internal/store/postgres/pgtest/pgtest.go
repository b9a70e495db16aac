//go:build unix

// Package pgtest starts a PostgreSQL server of a test's own, in a folder that goes
// with it.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInstalled says that there are no server programs on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: neither PATH nor /usr/lib/postgresql has initdb and postgres")

// The times of a server.
const (
	startWithin = 60 * time.Second // with the recovery after a kill
	stopWithin  = 30 * time.Second
)

// Options says how a server runs.
type Options struct {
	// Fsync has commits reach the disk, as a crash test needs it. Without, a kill of
	// the server (not of the machine) loses nothing either, and tests are faster.
	Fsync bool
	// Settings are further ones of postgresql.conf, name=value.
	Settings []string
}

// Server is a running PostgreSQL server. Its methods are not for two goroutines at
// once, but for Database and URL.
type Server struct {
	folder string
	bin    string
	port   int
	o      Options
	as     *syscall.Credential // whom it runs as; nil: whom we run as
	proc   *process            // nil while it is stopped

	mu  sync.Mutex
	dbs int
}

// Start makes a server and starts it, listening on 127.0.0.1. The caller closes it.
// Errors: ErrNotInstalled.
func Start(o Options) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, o: o}
	if os.Geteuid() == 0 { // the server refuses to run as root
		if s.as, err = credential("postgres"); err != nil {
			return nil, err
		}
	}
	if s.folder, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	return s, nil
}

// find finds the folder of the newest server programs.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrNotInstalled
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("find the user that the server is to run as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) create() error {
	if s.as != nil {
		if err := os.Chown(s.folder, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = s.folder, &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	var err error
	s.port, err = freePort()
	return err
}

// freePort finds a port that nobody listens on just now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Start starts a server that was stopped, and waits until it answers. Behind a kill
// it waits for what is left of the killed one, too: a server refuses to start beside it.
func (s *Server) Start() error {
	for deadline := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		before := len(s.Log())
		err := s.start()
		if err == nil || !strings.Contains(s.Log()[before:], "still in use") || time.Now().After(deadline) {
			return err
		}
	}
}

func (s *Server) start() error {
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-h", "127.0.0.1", "-k", s.folder}
	settings := append([]string{"max_connections=200", "logging_collector=off", "shared_buffers=128MB", "max_wal_size=2GB"}, s.o.Settings...)
	if !s.o.Fsync {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	for _, v := range settings {
		args = append(args, "-c", v)
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.folder, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true} // ^C is for us alone
	dieWithUs(cmd.SysProcAttr)
	if s.proc, err = run(cmd); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	if err := s.await(); err != nil {
		return errors.Join(err, s.signal(syscall.SIGKILL), errors.New("its log: "+s.Log()))
	}
	return nil
}

func (s *Server) logPath() string { return filepath.Join(s.folder, "server.log") }

// Log is what the server has logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.logPath())
	return string(b)
}

// await waits until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.proc.ended:
			s.proc = nil
			return fmt.Errorf("the server has ended: %w", err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop stops the server as a restart does: transactions are rolled back,
// connections are ended, what is committed is written.
func (s *Server) Stop() error { return s.signal(syscall.SIGINT) }

// Kill ends all of the server at once, as a crash does.
func (s *Server) Kill() error { return s.signal(syscall.SIGKILL) }

// Restart stops the server and starts it again.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start()
}

// signal ends the server: its first process, which tells the others; with SIGKILL
// the others as well.
func (s *Server) signal(sig syscall.Signal) error {
	p := s.proc
	if p == nil {
		return nil
	}
	s.proc = nil
	pid := p.cmd.Process.Pid
	targets := []int{pid}
	if sig == syscall.SIGKILL {
		targets = append(targets, children(pid)...)
	}
	for _, target := range targets {
		if err := syscall.Kill(target, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop postgres: %w", err)
		}
	}
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-p.ended
	}
	return nil
}

// Close stops the server and deletes its folder.
func (s *Server) Close() error {
	err := s.signal(syscall.SIGQUIT) // at once, and in order: nobody needs the data
	return errors.Join(err, os.RemoveAll(s.folder))
}

// URL names a database of the server.
func (s *Server) URL(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("test"), Host: "127.0.0.1:" + strconv.Itoa(s.port), Path: database, RawQuery: "sslmode=disable"}).String()
}

// Socket is the server's port on a Unix socket: the same database as in URL, by a
// shorter way.
func (s *Server) Socket(database string) string {
	return fmt.Sprintf("host=%s port=%d user=test dbname=%s", s.folder, s.port, database)
}

// NewDatabase makes an empty database and returns its name.
func (s *Server) NewDatabase(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	s.dbs++
	name := "test" + strconv.Itoa(s.dbs)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return name, nil
}

// process is a running program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// run starts a program from a thread that lives as long as it: on Linux the program
// is told when that thread ends, which is when we do, however that comes.
func run(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() { // waited for by whoever waits for ended
		defer close(p.ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is its log's
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}
