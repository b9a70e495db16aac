package sqlite

import (
	"context"
	"fmt"

	"chatbridge/internal/bridge"
)

const (
	requestColumns = `r.seq, r.id, r.account_id, r.chat_id, r.response_type, r.thinking_time, r.temporary, r.timeout_seconds,
		r.status, r.rev, r.attempt, r.lost, r.put_backs, r.late, r.error_message, r.error_code, r.retry_after, r.has_partial, r.mode_used, r.evidence,
		r.queued_at, r.started_at, r.may_send_at, r.completed_at, r.last_retrieved_at, r.idempotency_key, r.fingerprint`
	chatColumns = `c.id, c.account_id, c.site_id, c.title, c.created_at, c.updated_at`
	bodyColumns = `b.message, b.metadata, a.response, a.partial`

	// withChat, withTexts and withBody go behind FROM requests r; withTexts only finds
	// those that have texts still.
	withChat   = ` JOIN chats c ON c.id = r.chat_id`
	withTexts  = ` JOIN bodies b ON b.request_seq = r.seq` + withAnswer
	withBody   = ` LEFT` + withTexts
	withAnswer = ` LEFT JOIN answers a ON a.request_seq = b.request_seq`

	selectWhole       = `SELECT ` + requestColumns + `, ` + chatColumns + ` FROM requests r`
	selectRequest     = selectWhole + withChat
	selectRequestBody = `SELECT ` + requestColumns + `, ` + chatColumns + `, ` + bodyColumns + ` FROM requests r` + withChat + withBody
	// selectRequestsSmall is selectRequestBody of many, without larger bodies.
	// octet_length does not read the text.
	selectRequestsSmall = `SELECT ` + requestColumns + `, ` + chatColumns + `, ` + bodyColumns + ` FROM requests r` + withChat + `
		LEFT JOIN bodies b ON b.request_seq = r.seq AND octet_length(b.message) + coalesce(octet_length(b.metadata), 0)
			+ coalesce((SELECT octet_length(s.response) + octet_length(s.partial) FROM answers s WHERE s.request_seq = r.seq), 0) <= $1` + withAnswer + `
		WHERE r.seq IN (SELECT value FROM json_each($2))`
	// selectRequestStart is selectRequestBody with no text but the beginning of the message; %d: its length.
	selectRequestStart = `SELECT ` + requestColumns + `, ` + chatColumns + `, substr(b.message, 1, %d), NULL, NULL, NULL
		FROM requests r` + withChat + ` LEFT JOIN bodies b ON b.request_seq = r.seq`
	selectBody = `SELECT ` + bodyColumns + ` FROM bodies b` + withAnswer + ` WHERE b.request_seq = $1`

	insertRequest = `INSERT INTO requests (seq, id, account_id, chat_id, response_type, thinking_time, temporary, timeout_seconds,
			status, rev, attempt, lost, put_backs, late, error_message, error_code, retry_after, has_partial, mode_used, evidence,
			queued_at, started_at, may_send_at, completed_at, last_retrieved_at, idempotency_key, fingerprint, open, due_at, events)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`

	// selectCandidates finds what may be handed out: the first of its chat that has not
	// ended, of a chat that no lease holds. A number that is a LIMIT by itself has
	// SQLite plan the statement anew whenever it is bound, for six times the cost of
	// this query; an expression has not. So in all that the writer asks often.
	selectCandidates = `SELECT r.id FROM requests r
		WHERE r.account_id = $1 AND r.status = 'idle' AND ($3 = '' OR instr($3, ' ' || r.response_type || ' ') > 0)
			AND NOT EXISTS (SELECT 1 FROM requests p WHERE p.account_id = r.account_id AND p.chat_id = r.chat_id AND p.open = 1 AND p.seq < r.seq)
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.chat_id = r.chat_id)
		ORDER BY r.seq LIMIT $2 + 0`
	selectNextIdle = selectRequest + ` WHERE r.seq = (SELECT i.seq FROM requests i WHERE i.account_id = $1 AND i.status = 'idle' ORDER BY i.last_retrieved_at, i.seq LIMIT 1)`
	selectWaiting  = selectRequest + ` WHERE r.account_id = $1 AND r.chat_id = $2 AND r.open = 1 AND r.status = 'idle'
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.request_seq = r.seq AND l.cancelled = 0)
		ORDER BY r.seq`
)

// requestRow is a request's own row: Request has neither Chat nor Body.
type requestRow struct {
	*bridge.Request
	chatID int64
}

func scanRequest(r *row) *requestRow {
	out := &requestRow{Request: &bridge.Request{}}
	q := out.Request
	q.Seq, q.ID, q.AccountID, out.chatID = r.int64(), r.text(), r.int64(), r.int64()
	q.ResponseType, q.ThinkingTime, q.Temporary, q.TimeoutSeconds = r.text(), r.text(), r.bool(), r.int()
	q.Status, q.Rev, q.Attempt, q.Lost, q.PutBacks, q.Late = bridge.Status(r.text()), r.int64(), r.int(), r.int(), r.int(), r.int()
	q.ErrorMessage, q.ErrorCode, q.RetryAfter, q.HasPartial = r.text(), bridge.FailCode(r.text()), r.int(), r.bool()
	q.ModeUsed, q.Evidence = r.text(), r.json()
	q.QueuedAt, q.StartedAt, q.MaySendAt, q.CompletedAt, q.LastRetrievedAt = r.time(), r.time(), r.time(), r.time(), r.time()
	q.IdempotencyKey, q.Fingerprint = r.text(), r.blob()
	return out
}

func scanChat(r *row) *bridge.Chat {
	c := &bridge.Chat{}
	c.ID, c.AccountID, c.SiteID, c.Title, c.CreatedAt, c.UpdatedAt = r.int64(), r.int64(), r.text(), r.text(), r.time(), r.time()
	return c
}

// scanBody reads a request's texts, nil where they are gone.
func scanBody(r *row) *bridge.Body {
	if r.values[r.at] == nil {
		r.at += 4 // the columns of bodyColumns
		return nil
	}
	b := &bridge.Body{}
	b.Message, b.Metadata, b.Response, b.Partial = r.text(), r.json(), r.text(), r.text()
	return b
}

// scanWhole reads a request with its chat and, if asked, its body.
func scanWhole(r *row, body bool) *bridge.Request {
	q := scanRequest(r).Request
	q.Chat = scanChat(r)
	if body {
		q.Body = scanBody(r)
	}
	return q
}

// putRequest writes a request's row; events is what its list of them gets.
func (t *tx) putRequest(r *bridge.Request, events string) error {
	if r.Chat == nil || r.Chat.ID == 0 {
		return fmt.Errorf("write request %s: it has no stored chat", r.ID)
	}
	row := &requestRow{copyRequest(r), r.Chat.ID}
	var err error
	inserted := r.Seq == 0
	if inserted {
		if row.Seq, err = t.next(countRequests); err == nil {
			err = t.insertRequest(row, events)
		}
		r.Seq = row.Seq
	} else {
		err = t.updateRequest(row, events, t.cache.requests[r.ID])
	}
	if err != nil {
		return fmt.Errorf("write request %s: %w", r.ID, err)
	}
	remember(t.cache.requests, r.ID, row) // an ended one too: its deliveries are to be tried
	if inserted && !r.Status.Ended() {
		remember(t.cache.leases, r.Seq, nil)
	}
	return nil
}

func (t *tx) insertRequest(r *requestRow, events string) error {
	_, err := t.exec(bg, insertRequest, r.Seq, r.ID, r.AccountID, r.chatID, r.ResponseType, r.ThinkingTime, r.Temporary, int64(r.TimeoutSeconds),
		string(r.Status), r.Rev, int64(r.Attempt), int64(r.Lost), int64(r.PutBacks), int64(r.Late),
		r.ErrorMessage, string(r.ErrorCode), int64(r.RetryAfter), r.HasPartial, r.ModeUsed, jsonOrNull(r.Evidence),
		micros(r.QueuedAt), micros(r.StartedAt), micros(r.MaySendAt), micros(r.CompletedAt), micros(r.LastRetrievedAt),
		orNull(r.IdempotencyKey), blobOrNull(r.Fingerprint), !r.Status.Ended(), micros(r.DueAt()), events)
	return err
}

// A step of a request changes some of its columns. One that a statement names
// costs time, with every index that it stands in, also where its value stays:
// so those that change together make a part, and a statement has the parts that
// differ. What a submit has said of a request never changes.
const (
	partStep = 1 << iota
	partOpen
	partDue
	partChat
	partGo
	partEnd
	partTrouble
	partEvents
	everyPart = 1<<iota - 1
)

var requestParts = [...]string{
	", status = ?, attempt = ?, started_at = ?", ", open = ?", ", due_at = ?", ", chat_id = ?", ", may_send_at = ?", ", completed_at = ?, mode_used = ?, evidence = ?",
	", error_message = ?, error_code = ?, retry_after = ?, has_partial = ?, lost = ?, put_backs = ?, late = ?, last_retrieved_at = ?",
	", events = events || ?",
}

// updateRequests holds a statement for each set of parts.
var updateRequests = func() (texts [everyPart + 1]string) {
	for parts := range texts {
		texts[parts] = "UPDATE requests SET rev = ?"
		for i, part := range requestParts {
			if parts&(1<<i) != 0 {
				texts[parts] += part
			}
		}
		texts[parts] += " WHERE seq = ?"
	}
	return texts
}()

// updateRequest writes what of a row differs from the one that is stored, or
// all of it where that one is not known.
func (t *tx) updateRequest(r *requestRow, events string, stored *requestRow) error {
	parts := everyPart
	if stored != nil {
		parts = r.differs(stored)
	}
	if events != "" {
		parts |= partEvents
	}
	args := append(t.row[:0], r.Rev)
	if parts&partStep != 0 {
		args = append(args, string(r.Status), int64(r.Attempt), micros(r.StartedAt))
	}
	if parts&partOpen != 0 {
		args = append(args, !r.Status.Ended())
	}
	if parts&partDue != 0 {
		args = append(args, micros(r.DueAt()))
	}
	if parts&partChat != 0 {
		args = append(args, r.chatID)
	}
	if parts&partGo != 0 {
		args = append(args, micros(r.MaySendAt))
	}
	if parts&partEnd != 0 {
		args = append(args, micros(r.CompletedAt), r.ModeUsed, jsonOrNull(r.Evidence))
	}
	if parts&partTrouble != 0 {
		args = append(args, r.ErrorMessage, string(r.ErrorCode), int64(r.RetryAfter), r.HasPartial,
			int64(r.Lost), int64(r.PutBacks), int64(r.Late), micros(r.LastRetrievedAt))
	}
	if parts&partEvents != 0 {
		args = append(args, events)
	}
	t.row = append(args, r.Seq)
	return t.update(bg, updateRequests[parts], t.row...)
}

// differs says which parts of r are not as stored.
func (r *requestRow) differs(stored *requestRow) (parts int) {
	note := func(part int, differs bool) {
		if differs {
			parts |= part
		}
	}
	note(partStep, r.Status != stored.Status || r.Attempt != stored.Attempt || r.StartedAt != stored.StartedAt)
	note(partOpen, r.Status.Ended() != stored.Status.Ended())
	note(partDue, r.DueAt() != stored.DueAt())
	note(partChat, r.chatID != stored.chatID)
	note(partGo, r.MaySendAt != stored.MaySendAt)
	note(partEnd, r.CompletedAt != stored.CompletedAt || r.ModeUsed != stored.ModeUsed || string(r.Evidence) != string(stored.Evidence))
	note(partTrouble, r.ErrorMessage != stored.ErrorMessage || r.ErrorCode != stored.ErrorCode || r.RetryAfter != stored.RetryAfter || r.HasPartial != stored.HasPartial ||
		r.Lost != stored.Lost || r.PutBacks != stored.PutBacks || r.Late != stored.Late || r.LastRetrievedAt != stored.LastRetrievedAt)
	return parts
}

// putBody writes a request's texts: the message where it is not known to be
// stored, the answer where there may be one.
func (t *tx) putBody(r *bridge.Request, inserted bool) {
	b := r.Body
	if b == nil {
		b = &bridge.Body{}
	}
	have := t.cache.bodies[r.Seq]
	if have == nil || have.Message != b.Message || string(have.Metadata) != string(b.Metadata) {
		t.later(bodies, r.Seq, b.Message, jsonOrNull(b.Metadata))
	}
	if !inserted || b.Response != "" || b.Partial != "" {
		t.later(answers, r.Seq, b.Response, b.Partial)
	}
	delete(t.cache.bodies, r.Seq)
	if !r.Status.Ended() && len(b.Message)+len(b.Metadata)+len(b.Response)+len(b.Partial) <= cachedBody {
		kept := *b
		remember(t.cache.bodies, r.Seq, &kept)
	}
}

// Request implements [bridge.Reader].
func (s *Store) Request(ctx context.Context, id string) (*bridge.Request, error) {
	return one(s, ctx, "read a request", wholeBody, selectRequestBody+` WHERE r.id = $1`, id)
}

func wholeBody(r *row) *bridge.Request { return scanWhole(r, true) }
func wholeBare(r *row) *bridge.Request { return scanWhole(r, false) }

// RequestAccount implements [bridge.Reader].
func (s *Store) RequestAccount(ctx context.Context, id string) (int64, error) {
	return only(s, ctx, "find a request's account", (*row).int64, `SELECT account_id FROM requests WHERE id = $1`, id)
}

// Unfinished implements [bridge.Reader].
func (s *Store) Unfinished(ctx context.Context, accountID int64) ([]*bridge.Request, error) {
	return all(s, ctx, "list unfinished requests", wholeBare, selectUnfinished, accountID)
}
