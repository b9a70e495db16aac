package postgres

import (
	"time"

	"chatbridge/internal/bridge"
)

var (
	insertAccounts = insertMany("accounts", "id i, email t, email_key t, active b, created_at i, updated_at i")
	updateAccounts = updateMany("accounts", 1, "id i, email t, email_key t, active b, updated_at i")

	insertEndpoints = insertMany("endpoints", `id i, account_id i, created_at i, is_primary b, url t, events t, format t, headers t, enabled b, disabled_reason t,
		rate_limit i, secret t, previous_secret t, previous_until i, failing_since i, failures i, hold_until i, removed_at i, updated_at i`)
	updateEndpoints = updateMany("endpoints", 1, `id i, is_primary b, url t, events t, format t, headers t, enabled b, disabled_reason t,
		rate_limit i, secret t, previous_secret t, previous_until i, failing_since i, failures i, hold_until i, removed_at i, updated_at i`)

	insertChats = insertMany("chats", "id i, account_id i, created_at i, site_id t, title t, updated_at i")
	updateChats = updateMany("chats", 1, "id i, site_id t, title t, updated_at i")

	// What a submit has said of a request never changes.
	insertRequests = insertMany("requests", `seq i, id t, account_id i, response_type t, thinking_time t, temporary b, timeout_seconds i,
		queued_at i, idempotency_key t, fingerprint y, `+requestSteps)
	updateRequests = updateMany("requests", 1, `seq i, `+requestSteps)
	insertOpen     = insertMany("open_requests", "seq i, account_id i, chat_id i, due_at i")
	putOpen        = putMany("open_requests", 1, "seq i, account_id i, chat_id i, due_at i")
	dropOpen       = deleteMany("open_requests", "seq i")

	putMessages = putMany("bodies", 1, "request_seq i, message t, metadata t")
	putAnswers  = putMany("answers", 1, "request_seq i, response t, partial t")

	dropLeases   = deleteMany("leases", "request_seq i, attempt i")
	putLeases    = putMany("leases", 2, leaseSpec)
	insertLeases = insertMany("leases", leaseSpec)
	moveLeases   = updateMany("leases", 2, "request_seq i, attempt i, go_at i, expires_at i, due_at i")

	dropWorkers   = deleteMany("workers", "account_id i, id t")
	insertWorkers = insertMany("workers", workerSpec)
	putWorkers    = putMany("workers", 2, workerSpec)

	insertDeliveries = insertMany("deliveries", "id i, webhook_id t, account_id i, endpoint_id i, request_seq i, created_at i, "+deliverySteps)
	updateDeliveries = updateMany("deliveries", 1, "id i, "+deliverySteps)

	insertTries = insertMany("tries", `delivery_id i, number i, at i, duration_ns i, status i, error t, request_headers t, response_headers t,
		response_body t, retry_after_ns i`)
)

const (
	leaseSpec = `request_seq i, attempt i, request_id t, account_id i, chat_id i, worker_id t, guide b,
		taken_at i, go_at i, expires_at i, cancelled b, due_at i`
	requestSteps = `chat_id i, status t, rev i, attempt i, lost i, put_backs i, late i, error_message t, error_code t, retry_after i, has_partial b,
		texts_gone b, mode_used t, evidence t, started_at i, may_send_at i, completed_at i, last_retrieved_at i, failed b`
	workerSpec = `account_id i, id t, n i, conn t, node t, connected b, guide b, name t, version t, site t, capacity i, response_types t, hello_at i,
		blocked_by t, paused_until i, health t`
	deliverySteps = `status t, step i, tried i, next_try_at i, claimed_by t, claimed_until i, error t, ended_at i, due_at i`
)

// flushed is a pipeline that begins with what the commands have changed so far and
// is not written yet, and with the transaction's beginning if it has not begun.
// What is put behind sees all of it.
func (t *tx) flushed() *pipeline {
	p := &pipeline{}
	if !t.begun {
		p.exec(begin)
		t.begun = true
	}
	t.verify(p)
	t.flushDirectory(p)
	t.flushChats(p)
	t.flushRequests(p)
	t.flushBodies(p)
	t.flushLeases(p)
	t.flushWorkers(p)
	t.flushDeliveries(p)
	for _, s := range t.direct {
		if s.one {
			p.expect(1, errNoSuchRow, s.text, s.args...)
		} else {
			p.exec(s.text, s.args...)
		}
	}
	t.direct = nil
	return p
}

// flush writes what is not written yet.
func (t *tx) flush() error { return t.send(t.flushed()) }

// verify has rows that were read without a lock, and are to be written now, locked
// and found unchanged.
func (t *tx) verify(p *pipeline) {
	verifyShelf(p, &t.accounts, "accounts", "id")
	verifyShelf(p, &t.endpoints, "endpoints", "id")
	verifyShelf(p, &t.chats, "chats", "id")
	verifyShelf(p, &t.requests, "requests", "seq")
}

func verifyShelf[V any](p *pipeline, s *shelf[int64, V], table, key string) {
	var keys, versions []int64
	for _, k := range s.changed {
		if have := s.slots[k]; have != nil && have.changed && have.stored && have.version != 0 {
			keys, versions = append(keys, k), append(versions, int64(have.version))
		}
	}
	if len(keys) > 0 {
		p.expect(len(keys), errStale, `SELECT t.`+key+` FROM unnest($1::bigint[], $2::bigint[]) u (key, version) JOIN `+table+` t ON t.`+key+` = u.key
			WHERE t.xmin::text::bigint = u.version ORDER BY t.`+key+` FOR UPDATE OF t`, keys, versions)
	}
}

func (t *tx) flushDirectory(p *pipeline) {
	var inserts, updates [][]any
	t.accounts.settle(func(id int64, s *slot[bridge.Account]) {
		a := s.now
		if s.stored {
			updates = append(updates, []any{id, a.Email, emailKey(a.Email), a.Active, micros(a.UpdatedAt)})
		} else {
			inserts = append(inserts, []any{id, a.Email, emailKey(a.Email), a.Active, micros(a.CreatedAt), micros(a.UpdatedAt)})
		}
	})
	insertAccounts.run(p, inserts)
	updateAccounts.each(p, updates)
	inserts, updates = nil, nil
	t.endpoints.settle(func(id int64, s *slot[bridge.Endpoint]) {
		e := s.now
		steps := []any{e.Primary, e.URL, encode(e.Events, len(e.Events) == 0), e.Format, encode(e.Headers, len(e.Headers) == 0), e.Enabled, e.DisabledReason,
			int64(e.RateLimit), e.Secret, e.PreviousSecret, micros(e.PreviousUntil), micros(e.FailingSince), int64(e.Failures), micros(e.HoldUntil),
			micros(e.RemovedAt), micros(e.UpdatedAt)}
		if s.stored {
			updates = append(updates, append([]any{id}, steps...))
		} else {
			inserts = append(inserts, append([]any{id, e.AccountID, micros(e.CreatedAt)}, steps...))
		}
	})
	insertEndpoints.run(p, inserts)
	updateEndpoints.each(p, updates)
}

func (t *tx) flushChats(p *pipeline) {
	var inserts, updates [][]any
	t.chats.settle(func(id int64, s *slot[bridge.Chat]) {
		c := s.now
		if s.stored {
			updates = append(updates, []any{id, orNull(c.SiteID), c.Title, micros(c.UpdatedAt)})
		} else {
			inserts = append(inserts, []any{id, c.AccountID, micros(c.CreatedAt), orNull(c.SiteID), c.Title, micros(c.UpdatedAt)})
		}
	})
	updateChats.each(p, updates)
	insertChats.run(p, inserts)
}

func (t *tx) flushRequests(p *pipeline) {
	var inserts, updates, opens, moves, ends [][]any
	t.requests.settle(func(seq int64, s *slot[requestRow]) {
		r := s.now
		steps := []any{r.chatID, string(r.Status), r.Rev, int64(r.Attempt), int64(r.Lost), int64(r.PutBacks), int64(r.Late), r.ErrorMessage, string(r.ErrorCode),
			int64(r.RetryAfter), r.HasPartial, r.TextsGone, r.ModeUsed, jsonOrNull(r.Evidence), micros(r.StartedAt), micros(r.MaySendAt), micros(r.CompletedAt),
			micros(r.LastRetrievedAt), r.Status == bridge.Failed}
		if s.stored {
			updates = append(updates, append([]any{seq}, steps...))
		} else {
			inserts = append(inserts, append([]any{seq, r.ID, r.AccountID, r.ResponseType, r.ThinkingTime, r.Temporary, int64(r.TimeoutSeconds),
				micros(r.QueuedAt), orNull(r.IdempotencyKey), blobOrNull(r.Fingerprint)}, steps...))
		}
		open := []any{seq, r.AccountID, r.chatID, micros(r.DueAt())}
		switch ended := r.Status.Ended(); {
		case !s.stored && !ended:
			opens = append(opens, open)
		case !s.stored:
		case ended && (s.was == nil || !s.was.Status.Ended()):
			ends = append(ends, []any{seq})
		case !ended && (s.was == nil || s.was.Status.Ended() || s.was.chatID != r.chatID || !s.was.DueAt().Equal(r.DueAt())):
			moves = append(moves, open)
		}
	})
	insertRequests.run(p, inserts)
	updateRequests.each(p, updates)
	dropOpen.run(p, ends)
	putOpen.run(p, moves)
	insertOpen.run(p, opens)
}

func (t *tx) flushBodies(p *pipeline) {
	var messages, answers [][]any
	t.bodies.settle(func(seq int64, s *slot[bodyRow]) {
		b := s.now
		if b.message {
			messages = append(messages, []any{seq, b.Message, jsonOrNull(b.Metadata)})
		}
		if b.answer {
			answers = append(answers, []any{seq, b.Response, b.Partial})
		}
		b.message, b.answer = false, false
	})
	putMessages.run(p, messages)
	putAnswers.run(p, answers)
}

// flushLeases writes what gives a place up before what takes it: a live one may
// take the place of one that is cancelled.
func (t *tx) flushLeases(p *pipeline) {
	var drops, moves, inserts, cancelled, live [][]any
	t.leases.settle(func(key leaseKey, s *slot[bridge.Lease]) {
		l := s.now
		if l == nil {
			if s.stored {
				drops = append(drops, []any{key.request, int64(key.attempt)})
			}
			return
		}
		row := []any{key.request, int64(key.attempt), l.RequestID, l.AccountID, orNull(l.ChatID), l.WorkerID, l.Guide,
			micros(l.TakenAt), micros(l.GoAt), micros(l.ExpiresAt), l.Cancelled, micros(l.DueAt())}
		switch {
		case onlyClocks(s.was, l):
			moves = append(moves, []any{key.request, int64(key.attempt), micros(l.GoAt), micros(l.ExpiresAt), micros(l.DueAt())})
		case l.Cancelled:
			cancelled = append(cancelled, row)
		case !s.stored:
			inserts = append(inserts, row)
		default:
			live = append(live, row)
		}
	})
	dropLeases.run(p, drops)
	putLeases.run(p, append(cancelled, live...))
	insertLeases.run(p, inserts)
	moveLeases.each(p, moves)
}

// onlyClocks reports whether a lease differs from the stored one in its clocks
// alone.
func onlyClocks(was, now *bridge.Lease) bool {
	if was == nil {
		return false
	}
	same := *was
	same.GoAt, same.ExpiresAt = now.GoAt, now.ExpiresAt
	return same == *now
}

// flushWorkers inserts plainly a worker that was looked for and is not there: where
// another node has met it meanwhile, the command is decided anew.
func (t *tx) flushWorkers(p *pipeline) {
	var drops, inserts, puts [][]any
	t.workers.settle(func(key workerKey, s *slot[bridge.Worker]) {
		w := s.now
		if w == nil {
			if s.stored {
				drops = append(drops, []any{key.account, key.id})
			}
			return
		}
		row := []any{w.AccountID, w.ID, w.N, w.Conn, w.Node, w.Connected, w.Guide, w.Name, w.Version, w.Site, int64(w.Capacity),
			encode(w.ResponseTypes, len(w.ResponseTypes) == 0), micros(w.HelloAt), string(w.BlockedBy), micros(w.PausedUntil), encode(w.Health, w.Health == nil)}
		if s.stored {
			puts = append(puts, row)
		} else {
			inserts = append(inserts, row)
		}
	})
	dropWorkers.run(p, drops)
	insertWorkers.run(p, inserts)
	putWorkers.run(p, puts)
}

func (t *tx) flushDeliveries(p *pipeline) {
	var inserts, updates [][]any
	t.deliveries.settle(func(id int64, s *slot[deliveryRow]) {
		d := s.now
		steps := []any{d.Status, int64(d.Step), int64(d.Tried), micros(d.NextTryAt), orNull(d.ClaimedBy), micros(d.ClaimedUntil), d.Error, micros(d.EndedAt),
			micros(dueAt(d.Delivery))}
		if s.stored {
			updates = append(updates, append([]any{id}, steps...))
		} else {
			inserts = append(inserts, append([]any{id, d.WebhookID, d.AccountID, d.endpointID, d.requestSeq, micros(d.CreatedAt)}, steps...))
		}
	})
	insertDeliveries.run(p, inserts)
	updateDeliveries.each(p, updates)
	insertTries.run(p, t.tries)
	t.tries = nil
}

// dueAt is when a delivery may be claimed; zero when it is owed no more.
func dueAt(d *bridge.Delivery) time.Time {
	if !d.NextTryAt.IsZero() && d.ClaimedUntil.After(d.NextTryAt) {
		return d.ClaimedUntil
	}
	return d.NextTryAt
}
