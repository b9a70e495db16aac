-- Times are microseconds since 1970 UTC, NULL where there is none: what the
-- domain knows, exactly, and the same numbers as in SQLite. For people:
-- to_timestamp(created_at / 1e6). UUIDs and JSON are text: JSON comes back byte
-- for byte. What must be unique or alone is a constraint here, not only a check
-- in the rules.

-- +goose Up

-- Raised by each change of accounts, keys, endpoints or the password: whoever
-- caches them looks here whether they are still true.
CREATE TABLE directory (
    id      integer PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
);
INSERT INTO directory (id, version) VALUES (1, 0);

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE credentials (
    kind       text NOT NULL,
    hash       bytea NOT NULL,
    name       text NOT NULL,
    created_at bigint,
    expires_at bigint,
    PRIMARY KEY (kind, hash)
);

-- The numbers are drawn from sequences by the writers, some at a time, so that a
-- batch's rows know their numbers before they are written.
CREATE SEQUENCE accounts_ids;
CREATE TABLE accounts (
    id         bigint PRIMARY KEY,
    email      text NOT NULL,
    email_key  text NOT NULL UNIQUE, -- email in lower case, as Go lowers it
    active     boolean NOT NULL,
    created_at bigint,
    updated_at bigint
);

CREATE SEQUENCE keys_ids;
CREATE TABLE keys (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id),
    name       text NOT NULL,
    prefix     text NOT NULL,
    hash       bytea NOT NULL UNIQUE,
    scopes     text NOT NULL, -- JSON
    created_at bigint,
    revoked_at bigint
);
CREATE INDEX keys_account ON keys (account_id, id);

CREATE SEQUENCE endpoints_ids;
CREATE TABLE endpoints (
    id              bigint PRIMARY KEY,
    account_id      bigint NOT NULL REFERENCES accounts (id),
    is_primary      boolean NOT NULL,
    url             text NOT NULL,
    events          text, -- JSON; NULL: all
    format          text NOT NULL,
    headers         text, -- JSON
    enabled         boolean NOT NULL,
    disabled_reason text NOT NULL,
    rate_limit      bigint NOT NULL,
    secret          text NOT NULL,
    previous_secret text NOT NULL,
    previous_until  bigint,
    failing_since   bigint,
    failures        bigint NOT NULL,
    hold_until      bigint,
    removed_at      bigint,
    created_at      bigint,
    updated_at      bigint
);
CREATE INDEX endpoints_account ON endpoints (account_id, is_primary DESC, id);

CREATE SEQUENCE audit_ids;
CREATE TABLE audit (
    id         bigint PRIMARY KEY,
    at         bigint,
    actor      text NOT NULL,
    address    text NOT NULL,
    action     text NOT NULL,
    account_id bigint NOT NULL, -- 0: of no account
    target     text NOT NULL,
    detail     text -- JSON
);
CREATE INDEX audit_account ON audit (account_id, id);
CREATE INDEX audit_action ON audit (action, id);

CREATE SEQUENCE replays_ids;
CREATE TABLE replays (
    id         bigint PRIMARY KEY,
    filter     text NOT NULL, -- JSON
    status     text NOT NULL,
    matching   bigint NOT NULL,
    replayed   bigint NOT NULL,
    skipped    bigint NOT NULL,
    created_at bigint,
    ended_at   bigint
);
CREATE INDEX replays_running ON replays (id) WHERE status = 'running';

-- The tables from here on are written with every message. They have no foreign
-- keys: each row's parents are rows that the same transaction has read or
-- written, accounts are never deleted, and a check would lock the account's row
-- with every insert. Room is left in their pages, so that a step that changes no
-- indexed column touches no index.

CREATE SEQUENCE chats_ids;
CREATE TABLE chats (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    site_id    text, -- NULL until the site has given one
    title      text NOT NULL,
    created_at bigint,
    updated_at bigint NOT NULL -- the last activity
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX chats_site ON chats (account_id, site_id) WHERE site_id IS NOT NULL;
CREATE INDEX chats_activity ON chats (account_id, updated_at, id);

CREATE SEQUENCE requests_seqs;
CREATE TABLE requests (
    seq               bigint PRIMARY KEY,
    id                text COLLATE "C" NOT NULL UNIQUE,
    account_id        bigint NOT NULL,
    chat_id           bigint NOT NULL,
    response_type     text NOT NULL,
    thinking_time     text NOT NULL,
    temporary         boolean NOT NULL,
    timeout_seconds   bigint NOT NULL,
    status            text NOT NULL,
    rev               bigint NOT NULL,
    attempt           bigint NOT NULL,
    lost              bigint NOT NULL,
    put_backs         bigint NOT NULL,
    late              bigint NOT NULL,
    error_message     text NOT NULL,
    error_code        text NOT NULL,
    retry_after       bigint NOT NULL,
    has_partial       boolean NOT NULL,
    texts_gone        boolean NOT NULL,
    mode_used         text NOT NULL,
    evidence          text, -- JSON
    queued_at         bigint,
    started_at        bigint,
    may_send_at       bigint,
    completed_at      bigint,
    last_retrieved_at bigint,
    idempotency_key   text,
    fingerprint       bytea,
    failed            boolean NOT NULL
) WITH (fillfactor = 75);
CREATE UNIQUE INDEX requests_idempotency ON requests (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX requests_account ON requests (account_id, seq);
CREATE INDEX requests_chat ON requests (chat_id, seq);
-- On a column of its own: an index that names the status would be written anew,
-- and with it all others, at every step of a request.
CREATE INDEX requests_failed ON requests (account_id, seq) WHERE failed;

-- The requests that have not ended. What is asked of these stands in indexes here,
-- so that the steps of a request change no index of the large table.
CREATE TABLE open_requests (
    seq        bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    chat_id    bigint NOT NULL,
    due_at     bigint NOT NULL -- when the request ends by itself
) WITH (fillfactor = 50);
CREATE INDEX open_requests_account ON open_requests (account_id, seq);
CREATE INDEX open_requests_chat ON open_requests (chat_id, seq);
CREATE INDEX open_requests_due ON open_requests (due_at);

-- The texts lie apart: most steps of a request's life touch none of them, and
-- an answer is added without its message being written again.
CREATE TABLE bodies (
    request_seq bigint PRIMARY KEY,
    message     text NOT NULL,
    metadata    text -- JSON
);
CREATE TABLE answers (
    request_seq bigint PRIMARY KEY,
    response    text NOT NULL,
    partial     text NOT NULL
);

-- Few rows: what is in flight. Rows come and go all the time.
CREATE TABLE leases (
    request_seq bigint NOT NULL,
    attempt     bigint NOT NULL,
    request_id  text NOT NULL,
    account_id  bigint NOT NULL,
    chat_id     bigint, -- the chat it holds, if any
    worker_id   text NOT NULL,
    guide       boolean NOT NULL,
    taken_at    bigint,
    go_at       bigint,
    expires_at  bigint,
    cancelled   boolean NOT NULL,
    due_at      bigint,
    PRIMARY KEY (request_seq, attempt)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX leases_chat ON leases (chat_id) WHERE chat_id IS NOT NULL;
CREATE UNIQUE INDEX leases_live ON leases (request_seq) WHERE NOT cancelled;
CREATE INDEX leases_account ON leases (account_id, worker_id);

CREATE TABLE workers (
    account_id     bigint NOT NULL,
    id             text NOT NULL,
    n              bigint NOT NULL,
    conn           text NOT NULL,
    node           text NOT NULL,
    connected      boolean NOT NULL,
    guide          boolean NOT NULL,
    name           text NOT NULL,
    version        text NOT NULL,
    site           text NOT NULL,
    capacity       bigint NOT NULL,
    response_types text, -- JSON; NULL: all
    hello_at       bigint,
    blocked_by     text NOT NULL,
    paused_until   bigint,
    health         text, -- JSON
    PRIMARY KEY (account_id, id)
) WITH (fillfactor = 50);
CREATE INDEX workers_node ON workers (node);

-- Each account counts its events. A writer takes the numbers of a batch as the
-- last thing before its commit: the row's lock is what all writers of an account
-- meet at. Whoever sees an event sees all before it.
CREATE TABLE event_counters (
    account_id bigint PRIMARY KEY,
    last       bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE events (
    account_id  bigint NOT NULL,
    seq         bigint NOT NULL,
    request_seq bigint NOT NULL,
    type        text NOT NULL,
    at          bigint,
    attempt     bigint NOT NULL,
    worker_id   text NOT NULL,
    reason      text NOT NULL,
    data        text, -- JSON
    PRIMARY KEY (account_id, seq)
);
CREATE INDEX events_request ON events (request_seq, seq);

CREATE SEQUENCE deliveries_ids;
CREATE TABLE deliveries (
    id            bigint PRIMARY KEY,
    webhook_id    text NOT NULL,
    account_id    bigint NOT NULL,
    endpoint_id   bigint NOT NULL,
    request_seq   bigint NOT NULL,
    status        text NOT NULL,
    step          bigint NOT NULL,
    tried         bigint NOT NULL,
    next_try_at   bigint,
    claimed_by    text, -- NULL: nobody
    claimed_until bigint,
    error         text NOT NULL,
    created_at    bigint,
    ended_at      bigint,
    due_at        bigint -- the later of next_try_at and claimed_until; NULL exactly when next_try_at is
) WITH (fillfactor = 75);
CREATE UNIQUE INDEX deliveries_request ON deliveries (request_seq, endpoint_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
-- What people look for among the many that went well.
CREATE INDEX deliveries_bad ON deliveries (endpoint_id, id) WHERE status IN ('dead', 'failing');
CREATE INDEX deliveries_bad_all ON deliveries (id) WHERE status IN ('dead', 'failing');

CREATE TABLE tries (
    delivery_id      bigint NOT NULL,
    number           bigint NOT NULL,
    at               bigint,
    duration_ns      bigint NOT NULL,
    status           bigint NOT NULL,
    error            text NOT NULL,
    request_headers  text, -- JSON
    response_headers text, -- JSON
    response_body    text NOT NULL,
    retry_after_ns   bigint NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
