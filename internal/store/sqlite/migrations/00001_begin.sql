-- Times are microseconds since 1970 UTC, NULL where there is none. UUIDs and
-- JSON are TEXT, truth values 0 and 1. What must be unique or alone is a
-- constraint here, not only a check in the rules.

-- +goose Up

-- Raised by each change of accounts, keys, endpoints or the password: whoever
-- caches them looks here whether they are still true.
CREATE TABLE directory (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO directory (only, version) VALUES (1, 0);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    kind       TEXT NOT NULL,
    hash       BLOB NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER,
    expires_at INTEGER,
    PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL UNIQUE, -- email in lower case, as Go lowers it
    active     INTEGER NOT NULL,
    created_at INTEGER,
    updated_at INTEGER
) STRICT;

CREATE TABLE keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    scopes     TEXT NOT NULL, -- JSON
    created_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX keys_account ON keys (account_id, id);

CREATE TABLE endpoints (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts (id),
    is_primary      INTEGER NOT NULL,
    url             TEXT NOT NULL,
    events          TEXT, -- JSON; NULL: all
    format          TEXT NOT NULL,
    headers         TEXT, -- JSON
    enabled         INTEGER NOT NULL,
    disabled_reason TEXT NOT NULL,
    rate_limit      INTEGER NOT NULL,
    secret          TEXT NOT NULL,
    previous_secret TEXT NOT NULL,
    previous_until  INTEGER,
    failing_since   INTEGER,
    failures        INTEGER NOT NULL,
    hold_until      INTEGER,
    removed_at      INTEGER,
    created_at      INTEGER,
    updated_at      INTEGER
) STRICT;
CREATE INDEX endpoints_account ON endpoints (account_id, is_primary DESC, id);

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER,
    actor      TEXT NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT NOT NULL,
    account_id INTEGER NOT NULL, -- 0: of no account
    target     TEXT NOT NULL,
    detail     TEXT -- JSON
) STRICT;
CREATE INDEX audit_account ON audit (account_id, id);
CREATE INDEX audit_action ON audit (action, id);

CREATE TABLE replays (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    filter     TEXT NOT NULL, -- JSON
    status     TEXT NOT NULL,
    matching   INTEGER NOT NULL,
    replayed   INTEGER NOT NULL,
    skipped    INTEGER NOT NULL,
    created_at INTEGER,
    ended_at   INTEGER
) STRICT;
CREATE INDEX replays_running ON replays (id) WHERE status = 'running';

-- The tables from here on are written with every message. The writer gives chats,
-- requests, deliveries and events their numbers itself, counting on from the last
-- one: AUTOINCREMENT would write a second table with every row. References stand
-- where they cost little: the numbers of chats in requests, and those in bodies,
-- answers, leases, events, deliveries and tries come from rows that the same
-- transaction has read or written.

-- The last number that was given out, where rows have been deleted since: none is
-- given twice.
CREATE TABLE floors (
    name       TEXT NOT NULL, -- of a table
    account_id INTEGER NOT NULL, -- of events, which each account counts for itself; else 0
    number     INTEGER NOT NULL,
    PRIMARY KEY (name, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chats (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    site_id    TEXT, -- NULL until the site has given one
    title      TEXT NOT NULL,
    created_at INTEGER,
    updated_at INTEGER NOT NULL -- the last activity
) STRICT;
CREATE UNIQUE INDEX chats_site ON chats (account_id, site_id) WHERE site_id IS NOT NULL;
CREATE INDEX chats_activity ON chats (account_id, updated_at, id);

CREATE TABLE requests (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    account_id        INTEGER NOT NULL REFERENCES accounts (id),
    chat_id           INTEGER NOT NULL,
    response_type     TEXT NOT NULL,
    thinking_time     TEXT NOT NULL,
    temporary         INTEGER NOT NULL,
    timeout_seconds   INTEGER NOT NULL,
    status            TEXT NOT NULL,
    rev               INTEGER NOT NULL,
    attempt           INTEGER NOT NULL,
    lost              INTEGER NOT NULL,
    put_backs         INTEGER NOT NULL,
    late              INTEGER NOT NULL,
    error_message     TEXT NOT NULL,
    error_code        TEXT NOT NULL,
    retry_after       INTEGER NOT NULL,
    has_partial       INTEGER NOT NULL,
    mode_used         TEXT NOT NULL,
    evidence          TEXT, -- JSON
    queued_at         INTEGER,
    started_at        INTEGER,
    may_send_at       INTEGER,
    completed_at      INTEGER,
    last_retrieved_at INTEGER,
    idempotency_key   TEXT,
    fingerprint       BLOB,
    open              INTEGER NOT NULL, -- 1 until the request has ended
    due_at            INTEGER, -- NULL exactly when it has ended
    events            TEXT NOT NULL -- their numbers, each with a comma behind it: few, and cheaper here than as an index of events
) STRICT;
CREATE UNIQUE INDEX requests_idempotency ON requests (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX requests_account ON requests (account_id, seq);
CREATE INDEX requests_chat ON requests (chat_id, seq);
CREATE INDEX requests_failed ON requests (account_id, seq) WHERE status = 'failed';
-- What a step does not change keeps it out of an index: these two hold on
-- columns that change at the hand-over or the end only.
CREATE INDEX requests_idle ON requests (account_id, seq) WHERE status = 'idle';
CREATE INDEX requests_open ON requests (account_id, chat_id, seq) WHERE open = 1;
CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL;

-- The texts lie apart: most steps of a request's life touch none of them, and
-- an answer is added without its message being written again.
CREATE TABLE bodies (
    request_seq INTEGER PRIMARY KEY,
    message     TEXT NOT NULL,
    metadata    TEXT -- JSON
) STRICT;

CREATE TABLE answers (
    request_seq INTEGER PRIMARY KEY,
    response    TEXT NOT NULL,
    partial     TEXT NOT NULL
) STRICT;

-- Few rows: what is in flight. So clocks and workers are looked up by reading
-- them all.
CREATE TABLE leases (
    request_seq INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    chat_id     INTEGER, -- the chat it holds, if any
    worker_id   TEXT NOT NULL,
    guide       INTEGER NOT NULL,
    taken_at    INTEGER,
    go_at       INTEGER,
    expires_at  INTEGER,
    cancelled   INTEGER NOT NULL,
    due_at      INTEGER,
    PRIMARY KEY (request_seq, attempt)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX leases_chat ON leases (chat_id) WHERE chat_id IS NOT NULL;
CREATE UNIQUE INDEX leases_live ON leases (request_seq) WHERE cancelled = 0;

CREATE TABLE workers (
    account_id     INTEGER NOT NULL REFERENCES accounts (id),
    id             TEXT NOT NULL,
    n              INTEGER NOT NULL,
    conn           TEXT NOT NULL,
    node           TEXT NOT NULL,
    connected      INTEGER NOT NULL,
    guide          INTEGER NOT NULL,
    name           TEXT NOT NULL,
    version        TEXT NOT NULL,
    site           TEXT NOT NULL,
    capacity       INTEGER NOT NULL,
    response_types TEXT, -- JSON; NULL: all
    hello_at       INTEGER,
    blocked_by     TEXT NOT NULL,
    paused_until   INTEGER,
    health         TEXT, -- JSON
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- An event's id is its account's number * 2^40 + its own among the account's,
-- counted from 1: there is room for 8 million accounts. One tree, of which the
-- end grows, serves both as key and as the list of an account.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    request_seq INTEGER NOT NULL,
    type        TEXT NOT NULL,
    at          INTEGER,
    attempt     INTEGER NOT NULL,
    worker_id   TEXT NOT NULL,
    reason      TEXT NOT NULL,
    data        TEXT -- JSON
) STRICT;

CREATE TABLE deliveries (
    id            INTEGER PRIMARY KEY,
    webhook_id    TEXT NOT NULL,
    account_id    INTEGER NOT NULL,
    endpoint_id   INTEGER NOT NULL,
    request_seq   INTEGER NOT NULL,
    status        TEXT NOT NULL,
    step          INTEGER NOT NULL,
    tried         INTEGER NOT NULL,
    next_try_at   INTEGER,
    claimed_by    TEXT, -- NULL: nobody
    claimed_until INTEGER,
    error         TEXT NOT NULL,
    created_at    INTEGER,
    ended_at      INTEGER,
    due_at        INTEGER -- the later of next_try_at and claimed_until; NULL exactly when next_try_at is
) STRICT;
CREATE UNIQUE INDEX deliveries_request ON deliveries (request_seq, endpoint_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at, id) WHERE due_at IS NOT NULL;
-- The lists that people and replays walk: all of an endpoint (with the time, so
-- that a range is found without the rows), those that wait, and those that went
-- wrong, which are few among the many that went well.
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id, created_at);
CREATE INDEX deliveries_waiting ON deliveries (endpoint_id, id) WHERE due_at IS NOT NULL OR status IN ('pending', 'failing');
CREATE INDEX deliveries_bad ON deliveries (endpoint_id, id) WHERE status IN ('dead', 'failing');
CREATE INDEX deliveries_bad_all ON deliveries (id) WHERE status IN ('dead', 'failing');

CREATE TABLE tries (
    delivery_id      INTEGER NOT NULL,
    number           INTEGER NOT NULL,
    at               INTEGER,
    duration_ns      INTEGER NOT NULL,
    status           INTEGER NOT NULL,
    error            TEXT NOT NULL,
    request_headers  TEXT, -- JSON
    response_headers TEXT, -- JSON
    response_body    TEXT NOT NULL,
    retry_after_ns   INTEGER NOT NULL,
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;
