package postgres

import (
	"time"

	"chatbridge/internal/bridge"
)

// The columns of each table, in the order in which the functions below read them.
const (
	accountColumns  = `a.id, a.email, a.active, a.created_at, a.updated_at`
	keyColumns      = `k.id, k.account_id, k.name, k.prefix, k.hash, k.scopes, k.created_at, k.revoked_at`
	endpointColumns = `e.id, e.account_id, e.is_primary, e.url, e.events, e.format, e.headers, e.enabled, e.disabled_reason, e.rate_limit,
		e.secret, e.previous_secret, e.previous_until, e.failing_since, e.failures, e.hold_until, e.removed_at, e.created_at, e.updated_at`
	credentialColumns = `kind, hash, name, created_at, expires_at`
	chatColumns       = `c.id, c.account_id, c.site_id, c.title, c.created_at, c.updated_at`
	requestColumns    = `r.seq, r.id, r.account_id, r.chat_id, r.response_type, r.thinking_time, r.temporary, r.timeout_seconds,
		r.status, r.rev, r.attempt, r.lost, r.put_backs, r.late, r.error_message, r.error_code, r.retry_after, r.has_partial, r.texts_gone, r.mode_used, r.evidence,
		r.queued_at, r.started_at, r.may_send_at, r.completed_at, r.last_retrieved_at, r.idempotency_key, r.fingerprint`
	bodyColumns   = `b.message, b.metadata, s.response, s.partial`
	leaseColumns  = `l.request_seq, l.request_id, l.attempt, l.account_id, l.chat_id, l.worker_id, l.guide, l.taken_at, l.go_at, l.expires_at, l.cancelled`
	workerColumns = `w.account_id, w.id, w.n, w.conn, w.node, w.connected, w.guide, w.name, w.version, w.site, w.capacity, w.response_types, w.hello_at,
		w.blocked_by, w.paused_until, w.health`
	eventColumns    = `v.account_id, v.seq, v.request_seq, v.type, v.at, v.attempt, v.worker_id, v.reason, v.data`
	deliveryColumns = `d.id, d.webhook_id, d.account_id, d.endpoint_id, d.request_seq, d.status, d.step, d.tried, d.next_try_at, d.claimed_by, d.claimed_until,
		d.error, d.created_at, d.ended_at`
	tryColumns    = `delivery_id, number, at, duration_ns, status, error, request_headers, response_headers, response_body, retry_after_ns`
	replayColumns = `p.id, p.filter, p.status, p.matching, p.replayed, p.skipped, p.created_at, p.ended_at`
	auditColumns  = `id, at, actor, address, action, account_id, target, detail`

	// These go behind FROM requests r; withTexts finds only those that have texts still.
	withChat  = ` JOIN chats c ON c.id = r.chat_id`
	withTexts = ` JOIN bodies b ON b.request_seq = r.seq` + withAnswer
	withBody  = ` LEFT` + withTexts
	// withAnswer goes behind bodies b.
	withAnswer = ` LEFT JOIN answers s ON s.request_seq = b.request_seq`

	selectRequest     = `SELECT ` + requestColumns + `, ` + chatColumns + ` FROM requests r` + withChat
	selectRequestBody = `SELECT ` + requestColumns + `, ` + chatColumns + `, ` + bodyColumns + ` FROM requests r` + withChat + withBody
	// selectRequestStart is selectRequestBody with no text but the beginning of the message; %d: its length.
	selectRequestStart = `SELECT ` + requestColumns + `, ` + chatColumns + `, substr(b.message, 1, %d), NULL, NULL, NULL
		FROM requests r` + withChat + ` LEFT JOIN bodies b ON b.request_seq = r.seq`
)

func scanAccount(r *row) *bridge.Account {
	a := &bridge.Account{}
	a.ID, a.Email, a.Active, a.CreatedAt, a.UpdatedAt = r.int64(), r.text(), r.bool(), r.time(), r.time()
	return a
}

func scanKey(r *row) *bridge.Key {
	k := &bridge.Key{}
	k.ID, k.AccountID, k.Name, k.Prefix, k.Hash = r.int64(), r.int64(), r.text(), r.text(), r.blob()
	r.decode(&k.Scopes)
	k.CreatedAt, k.RevokedAt = r.time(), r.time()
	return k
}

func scanEndpoint(r *row) *bridge.Endpoint {
	e := &bridge.Endpoint{}
	e.ID, e.AccountID, e.Primary, e.URL = r.int64(), r.int64(), r.bool(), r.text()
	r.decode(&e.Events)
	e.Format = r.text()
	r.decode(&e.Headers)
	e.Enabled, e.DisabledReason, e.RateLimit, e.Secret, e.PreviousSecret = r.bool(), r.text(), r.int(), r.text(), r.text()
	e.PreviousUntil, e.FailingSince, e.Failures, e.HoldUntil = r.time(), r.time(), r.int(), r.time()
	e.RemovedAt, e.CreatedAt, e.UpdatedAt = r.time(), r.time(), r.time()
	return e
}

func scanCredential(r *row) *bridge.Credential {
	c := &bridge.Credential{}
	c.Kind, c.Hash, c.Name, c.CreatedAt, c.ExpiresAt = r.text(), r.blob(), r.text(), r.time(), r.time()
	return c
}

func scanChat(r *row) *bridge.Chat {
	c := &bridge.Chat{}
	c.ID, c.AccountID, c.SiteID, c.Title, c.CreatedAt, c.UpdatedAt = r.int64(), r.int64(), r.text(), r.text(), r.time(), r.time()
	return c
}

func scanRequest(r *row) *requestRow {
	out := &requestRow{Request: &bridge.Request{}}
	q := out.Request
	q.Seq, q.ID, q.AccountID, out.chatID = r.int64(), r.text(), r.int64(), r.int64()
	q.ResponseType, q.ThinkingTime, q.Temporary, q.TimeoutSeconds = r.text(), r.text(), r.bool(), r.int()
	q.Status, q.Rev, q.Attempt, q.Lost, q.PutBacks, q.Late = bridge.Status(r.text()), r.int64(), r.int(), r.int(), r.int(), r.int()
	q.ErrorMessage, q.ErrorCode, q.RetryAfter, q.HasPartial, q.TextsGone = r.text(), bridge.FailCode(r.text()), r.int(), r.bool(), r.bool()
	q.ModeUsed, q.Evidence = r.text(), r.json()
	q.QueuedAt, q.StartedAt, q.MaySendAt, q.CompletedAt, q.LastRetrievedAt = r.time(), r.time(), r.time(), r.time(), r.time()
	q.IdempotencyKey, q.Fingerprint = r.text(), r.blob()
	return out
}

// scanBody reads a request's texts, nil where they are gone.
func scanBody(r *row) *bridge.Body {
	if r.null() {
		r.at += 4 // the columns of bodyColumns
		return nil
	}
	b := &bridge.Body{}
	b.Message, b.Metadata, b.Response, b.Partial = r.text(), r.json(), r.text(), r.text()
	return b
}

func wholeBare(r *row) *bridge.Request {
	q := scanRequest(r).Request
	q.Chat = scanChat(r)
	return q
}

func wholeBody(r *row) *bridge.Request {
	q := wholeBare(r)
	q.Body = scanBody(r)
	return q
}

func scanLease(r *row) *bridge.Lease {
	l := &bridge.Lease{}
	l.RequestSeq, l.RequestID, l.Attempt, l.AccountID, l.ChatID = r.int64(), r.text(), r.int(), r.int64(), r.int64()
	l.WorkerID, l.Guide, l.TakenAt, l.GoAt, l.ExpiresAt, l.Cancelled = r.text(), r.bool(), r.time(), r.time(), r.time(), r.bool()
	return l
}

func scanWorker(r *row) *bridge.Worker {
	w := &bridge.Worker{}
	w.AccountID, w.ID, w.N, w.Conn, w.Node, w.Connected, w.Guide = r.int64(), r.text(), r.int64(), r.text(), r.text(), r.bool(), r.bool()
	w.Name, w.Version, w.Site, w.Capacity = r.text(), r.text(), r.text(), r.int()
	r.decode(&w.ResponseTypes)
	w.HelloAt, w.BlockedBy, w.PausedUntil = r.time(), bridge.FailCode(r.text()), r.time()
	r.decode(&w.Health)
	return w
}

// scanEvent reads an event; its request is known by its number alone.
func scanEvent(r *row) (e *bridge.Event, requestSeq int64) {
	e = &bridge.Event{}
	e.AccountID, e.Seq, requestSeq, e.Type, e.At = r.int64(), r.int64(), r.int64(), bridge.EventType(r.text()), r.time()
	e.Attempt, e.WorkerID, e.Reason, e.Data = r.int(), r.text(), bridge.FailCode(r.text()), r.json()
	return e, requestSeq
}

func scanDelivery(r *row) *deliveryRow {
	out := &deliveryRow{Delivery: &bridge.Delivery{}}
	d := out.Delivery
	d.ID, d.WebhookID, d.AccountID, out.endpointID, out.requestSeq = r.int64(), r.text(), r.int64(), r.int64(), r.int64()
	d.Status, d.Step, d.Tried, d.NextTryAt, d.ClaimedBy, d.ClaimedUntil = r.text(), r.int(), r.int(), r.time(), r.text(), r.time()
	d.Error, d.CreatedAt, d.EndedAt = r.text(), r.time(), r.time()
	return out
}

func scanTry(r *row) *bridge.Try {
	t := &bridge.Try{}
	t.DeliveryID, t.Number, t.At, t.Duration, t.Status, t.Error = r.int64(), r.int(), r.time(), time.Duration(r.int64()), r.int(), r.text()
	r.decode(&t.RequestHeaders)
	r.decode(&t.ResponseHeaders)
	t.ResponseBody, t.RetryAfter = r.text(), time.Duration(r.int64())
	return t
}

func scanReplay(r *row) *bridge.Replay {
	p := &bridge.Replay{ID: r.int64()}
	r.decode(&p.Filter)
	p.Status, p.Matching, p.Replayed, p.Skipped, p.CreatedAt, p.EndedAt = r.text(), r.int64(), r.int64(), r.int64(), r.time(), r.time()
	return p
}

func scanAudit(r *row) *bridge.AuditEntry {
	e := &bridge.AuditEntry{}
	e.ID, e.At, e.Actor, e.Address, e.Action, e.AccountID, e.Target, e.Detail = r.int64(), r.time(), r.text(), r.text(), r.text(), r.int64(), r.text(), r.json()
	return e
}
