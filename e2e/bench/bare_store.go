package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// bareOp names what a bareWrite stores.
type bareOp int

const (
	opSubmit   bareOp = iota // the request
	opClaim                  // which worker has it
	opGo                     // that it may have been sent
	opComplete               // its answer, and the delivery owed with its first try claimed
	opResult                 // what came of that try
)

// bareWrite is one thing to store. status and took are opResult's.
type bareWrite struct {
	op     bareOp
	req    *bareRequest
	status int
	took   time.Duration
}

// maxBatch bounds one transaction, so that the first caller in a burst of thousands does not wait for the last.
const maxBatch = 1024

// bareStore is SQLite behind one writer goroutine that puts everything that waits into one transaction.
type bareStore struct {
	db        *sql.DB
	conn      *sql.Conn // the writer's
	begin     *sql.Stmt
	commit    *sql.Stmt
	stmts     map[string]*sql.Stmt
	committed func(bareWrite, error)

	mu      sync.Mutex
	wake    sync.Cond
	pending []bareWrite
	closed  bool
	done    chan struct{}
}

const bareSchema = `
CREATE TABLE requests (
	id INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, message TEXT NOT NULL, response_type TEXT NOT NULL,
	thinking_time TEXT NOT NULL, status TEXT NOT NULL, response TEXT, chat_id TEXT, chat_title TEXT, worker TEXT, attempt INTEGER NOT NULL DEFAULT 0,
	queued_at INTEGER NOT NULL, started_at INTEGER, may_be_sent_at INTEGER, completed_at INTEGER) STRICT;
CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY, status TEXT NOT NULL, try_at INTEGER NOT NULL, try_status INTEGER, duration_ms INTEGER) STRICT;
`

var bareSQL = map[string]string{
	"submit": `INSERT INTO requests (id, request_id, message, response_type, thinking_time, status, queued_at) VALUES (?, ?, ?, ?, ?, 'idle', ?)`,
	"claim":  `UPDATE requests SET status = 'executing', worker = ?, attempt = attempt + 1, started_at = ? WHERE id = ?`,
	"claim and go": `UPDATE requests SET status = 'executing', worker = ?, attempt = attempt + 1, started_at = ?, may_be_sent_at = started_at
		WHERE id = ?`,
	"go":       `UPDATE requests SET may_be_sent_at = ? WHERE id = ?`,
	"complete": `UPDATE requests SET status = 'done', response = ?, chat_id = ?, chat_title = ?, completed_at = ? WHERE id = ?`,
	"owe":      `INSERT INTO deliveries (id, status, try_at) VALUES (?, 'pending', ?)`,
	"result":   `UPDATE deliveries SET status = ?, try_status = ?, duration_ms = ? WHERE id = ?`,
}

// openBareStore makes a new database in the folder dir and starts its writer, which calls committed for each write once its
// transaction is on the disk or has failed. close waits for the writer.
func openBareStore(dir string, committed func(bareWrite, error)) (*bareStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	dsn := "file:" + filepath.Join(dir, "bare.db") +
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_pragma=cache_size(-16000)&_pragma=wal_autocheckpoint(4000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	ctx := context.Background()
	s := &bareStore{db: db, committed: committed, stmts: map[string]*sql.Stmt{}, done: make(chan struct{})}
	s.wake.L = &s.mu
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	if _, err := s.conn.ExecContext(ctx, bareSchema); err != nil {
		return nil, fmt.Errorf("making the tables: %w", err)
	}
	var errs []error
	prepare := func(q string) *sql.Stmt {
		stmt, err := s.conn.PrepareContext(ctx, q)
		errs = append(errs, err)
		return stmt
	}
	s.begin, s.commit = prepare("BEGIN IMMEDIATE"), prepare("COMMIT")
	for name, q := range bareSQL {
		s.stmts[name] = prepare(q)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("preparing statements: %w", err)
	}
	go s.run() // close waits for it
	return s, nil
}

// write hands w to the writer and returns at once.
func (s *bareStore) write(w bareWrite) {
	s.mu.Lock()
	s.pending = append(s.pending, w)
	s.mu.Unlock()
	s.wake.Signal()
}

// close stores what waits and stops the writer. What is written later is lost.
func (s *bareStore) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Signal()
	<-s.done
	_ = s.conn.Close()
}

func (s *bareStore) run() {
	defer close(s.done)
	var batch []bareWrite
	for {
		s.mu.Lock()
		for len(s.pending) == 0 && !s.closed {
			s.wake.Wait()
		}
		if len(s.pending) == 0 {
			s.mu.Unlock()
			return
		}
		n := min(len(s.pending), maxBatch)
		batch = append(batch[:0], s.pending[:n]...)
		s.pending = append(s.pending[:0], s.pending[n:]...)
		s.mu.Unlock()

		err := s.store(batch)
		for _, w := range batch {
			s.committed(w, err)
		}
		clear(batch) // let go of the requests
	}
}

// store writes one batch in one transaction.
func (s *bareStore) store(batch []bareWrite) error {
	if _, err := s.begin.Exec(); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	now := time.Now().UnixMicro()
	for _, w := range batch {
		if err := s.exec(w, now); err != nil {
			_, rerr := s.conn.ExecContext(context.Background(), "ROLLBACK")
			return errors.Join(fmt.Errorf("writing: %w", err), rerr)
		}
	}
	if _, err := s.commit.Exec(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func (s *bareStore) exec(w bareWrite, now int64) error {
	r := w.req
	var err error
	switch w.op {
	case opSubmit:
		_, err = s.stmts["submit"].Exec(r.id, r.uuid, r.message, r.responseType, r.thinkingTime, now)
	case opClaim:
		q := "claim"
		if !r.worker.v1 {
			q = "claim and go"
		}
		_, err = s.stmts[q].Exec(r.worker.name, now, r.id)
	case opGo:
		_, err = s.stmts["go"].Exec(now, r.id)
	case opComplete:
		_, err = s.stmts["complete"].Exec(r.answer, r.chatID, r.chatTitle, now, r.id)
		if err == nil {
			_, err = s.stmts["owe"].Exec(r.id, now)
		}
	case opResult:
		status := "failing"
		if w.status >= 200 && w.status < 300 {
			status = "delivered"
		}
		_, err = s.stmts["result"].Exec(status, w.status, w.took.Milliseconds(), r.id)
	}
	return err
}

// deliveryStatus reads the status of a request's delivery; empty where it owes none yet.
func (s *bareStore) deliveryStatus(ctx context.Context, requestID string) (string, error) {
	var status string
	err := s.db.QueryRowContext(ctx, `SELECT d.status FROM deliveries d JOIN requests r USING (id) WHERE r.request_id = ?`, requestID).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return status, err
}
