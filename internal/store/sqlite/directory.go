package sqlite

import (
	"context"
	"fmt"
	"strings"

	"chatbridge/internal/bridge"
)

const (
	accountColumns       = `a.id, a.email, a.active, a.created_at, a.updated_at`
	selectAccount        = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = $1`
	selectAccountByEmail = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.email_key = $1`

	insertAccount = `INSERT INTO accounts (email, email_key, active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)`
	updateAccount = `UPDATE accounts SET email = $1, email_key = $2, active = $3, updated_at = $4 WHERE id = $5`

	keyColumns = `k.id, k.account_id, k.name, k.prefix, k.hash, k.scopes, k.created_at, k.revoked_at`
	selectKeys = `SELECT ` + keyColumns + ` FROM keys k WHERE k.account_id = $1 ORDER BY k.id`
	hasKey     = `SELECT 1 FROM keys WHERE hash = $1`

	insertKey = `INSERT INTO keys (account_id, name, prefix, hash, scopes, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateKey = `UPDATE keys SET name = $1, scopes = $2, revoked_at = $3 WHERE id = $4`

	endpointColumns = `e.id, e.account_id, e.is_primary, e.url, e.events, e.format, e.headers, e.enabled, e.disabled_reason, e.rate_limit,
		e.secret, e.previous_secret, e.previous_until, e.failing_since, e.failures, e.hold_until, e.removed_at, e.created_at, e.updated_at`
	selectEndpoints = `SELECT ` + endpointColumns + ` FROM endpoints e WHERE e.account_id = $1 ORDER BY e.is_primary DESC, e.id`

	// selectUnwell reads all endpoints, which are few beside what they are owed.
	selectUnwell = `SELECT ` + endpointColumns + ` FROM endpoints e WHERE e.removed_at IS NULL AND e.url <> '' AND
			(e.enabled = 1 AND (e.failing_since IS NOT NULL OR e.hold_until IS NOT NULL) OR e.enabled = 0 AND e.disabled_reason <> '')
		ORDER BY coalesce(e.failing_since, e.updated_at) DESC, e.id DESC LIMIT $1`

	insertEndpoint = `INSERT INTO endpoints (account_id, is_primary, url, events, format, headers, enabled, disabled_reason, rate_limit,
			secret, previous_secret, previous_until, failing_since, failures, hold_until, removed_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	updateEndpoint = `UPDATE endpoints SET is_primary = $1, url = $2, events = $3, format = $4, headers = $5, enabled = $6, disabled_reason = $7, rate_limit = $8,
			secret = $9, previous_secret = $10, previous_until = $11, failing_since = $12, failures = $13, hold_until = $14, removed_at = $15, updated_at = $16
		WHERE id = $17`

	selectCredential = `SELECT kind, hash, name, created_at, expires_at FROM credentials WHERE kind = $1 AND hash = $2`
	selectKind       = `SELECT kind, hash, name, created_at, expires_at FROM credentials WHERE kind = $1 ORDER BY created_at, hash`
	putCredential    = `INSERT INTO credentials (kind, hash, name, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, hash) DO UPDATE SET name = excluded.name, created_at = excluded.created_at, expires_at = excluded.expires_at`
	dropCredential  = `DELETE FROM credentials WHERE kind = $1 AND hash = $2`
	dropCredentials = `DELETE FROM credentials WHERE kind = $1`

	selectSetting = `SELECT value FROM settings WHERE name = $1`
	putSetting    = `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	dropSetting   = `DELETE FROM settings WHERE name = $1`

	raiseDirectory = `UPDATE directory SET version = version + 1`
)

func scanAccount(r *row) *bridge.Account {
	a := &bridge.Account{}
	a.ID, a.Email, a.Active, a.CreatedAt, a.UpdatedAt = r.int64(), r.text(), r.bool(), r.time(), r.time()
	return a
}

func (t *tx) putAccount(a *bridge.Account) error {
	var err error
	if key := strings.ToLower(a.Email); a.ID == 0 {
		a.ID, err = t.insert(bg, insertAccount, a.Email, key, a.Active, micros(a.CreatedAt), micros(a.UpdatedAt))
	} else {
		err = t.update(bg, updateAccount, a.Email, key, a.Active, micros(a.UpdatedAt), a.ID)
	}
	if err != nil {
		return fmt.Errorf("write an account: %w", err)
	}
	remember(t.cache.accounts, a.ID, copyAccount(a))
	return nil
}

func scanKey(r *row) *bridge.Key {
	k := &bridge.Key{}
	k.ID, k.AccountID, k.Name, k.Prefix, k.Hash = r.int64(), r.int64(), r.text(), r.text(), r.blob()
	r.decode(&k.Scopes)
	k.CreatedAt, k.RevokedAt = r.time(), r.time()
	return k
}

func (t *tx) putKey(k *bridge.Key) error {
	scopes, err := encode(k.Scopes, false)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	if k.ID == 0 {
		k.ID, err = t.insert(bg, insertKey, k.AccountID, k.Name, k.Prefix, k.Hash, scopes, micros(k.CreatedAt), micros(k.RevokedAt))
	} else {
		err = t.update(bg, updateKey, k.Name, scopes, micros(k.RevokedAt), k.ID)
	}
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return nil
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

func (t *tx) putEndpoint(e *bridge.Endpoint) error {
	events, err := encode(e.Events, len(e.Events) == 0)
	if err != nil {
		return fmt.Errorf("write an endpoint: %w", err)
	}
	headers, err := encode(e.Headers, len(e.Headers) == 0)
	if err != nil {
		return fmt.Errorf("write an endpoint: %w", err)
	}
	if e.ID == 0 {
		e.ID, err = t.insert(bg, insertEndpoint, e.AccountID, e.Primary, e.URL, events, e.Format, headers, e.Enabled, e.DisabledReason, int64(e.RateLimit),
			e.Secret, e.PreviousSecret, micros(e.PreviousUntil), micros(e.FailingSince), int64(e.Failures), micros(e.HoldUntil), micros(e.RemovedAt), micros(e.CreatedAt), micros(e.UpdatedAt))
	} else {
		err = t.update(bg, updateEndpoint, e.Primary, e.URL, events, e.Format, headers, e.Enabled, e.DisabledReason, int64(e.RateLimit),
			e.Secret, e.PreviousSecret, micros(e.PreviousUntil), micros(e.FailingSince), int64(e.Failures), micros(e.HoldUntil), micros(e.RemovedAt), micros(e.UpdatedAt), e.ID)
	}
	if err != nil {
		return fmt.Errorf("write an endpoint: %w", err)
	}
	delete(t.cache.endpoints, e.AccountID)
	return nil
}

func scanCredential(r *row) *bridge.Credential {
	c := &bridge.Credential{}
	c.Kind, c.Hash, c.Name, c.CreatedAt, c.ExpiresAt = r.text(), r.blob(), r.text(), r.time(), r.time()
	return c
}

func (t *tx) putCredential(c *bridge.Credential) error {
	if _, err := t.exec(bg, putCredential, c.Kind, c.Hash, c.Name, micros(c.CreatedAt), micros(c.ExpiresAt)); err != nil {
		return fmt.Errorf("write a credential: %w", err)
	}
	return nil
}

func (t *tx) putSetting(name, value string) error {
	var err error
	if value == "" {
		_, err = t.exec(bg, dropSetting, name)
	} else {
		_, err = t.exec(bg, putSetting, name, value)
	}
	if err != nil {
		return fmt.Errorf("write setting %s: %w", name, err)
	}
	return nil
}

// Account implements [bridge.Reader].
func (s *Store) Account(ctx context.Context, id int64) (*bridge.Account, error) {
	return one(s, ctx, "read an account", scanAccount, selectAccount, id)
}

// AccountByEmail implements [bridge.Reader].
func (s *Store) AccountByEmail(ctx context.Context, email string) (*bridge.Account, error) {
	return one(s, ctx, "read an account", scanAccount, selectAccountByEmail, strings.ToLower(email))
}

// Accounts implements [bridge.Reader].
func (s *Store) Accounts(ctx context.Context) ([]*bridge.Account, error) {
	return all(s, ctx, "list accounts", scanAccount, `SELECT `+accountColumns+` FROM accounts a ORDER BY a.id`)
}

// Endpoints implements [bridge.Reader].
func (s *Store) Endpoints(ctx context.Context, accountID int64) ([]*bridge.Endpoint, error) {
	return all(s, ctx, "list endpoints", scanEndpoint, selectEndpoints, accountID)
}

// Unwell implements [bridge.Reader].
func (s *Store) Unwell(ctx context.Context, most int) ([]*bridge.Endpoint, error) {
	return all(s, ctx, "list endpoints that are not well", scanEndpoint, selectUnwell, limit(most))
}

// Keys implements [bridge.Reader].
func (s *Store) Keys(ctx context.Context, accountID int64) ([]*bridge.Key, error) {
	return all(s, ctx, "list keys", scanKey, selectKeys, accountID)
}

// Principal implements [bridge.Reader].
func (s *Store) Principal(ctx context.Context, hash []byte) (*bridge.Principal, error) {
	return one(s, ctx, "look a key up", func(r *row) *bridge.Principal { return &bridge.Principal{Key: scanKey(r), Account: scanAccount(r)} },
		`SELECT `+keyColumns+`, `+accountColumns+` FROM keys k JOIN accounts a ON a.id = k.account_id WHERE k.hash = $1`, hash)
}

// DirectoryVersion implements [bridge.Reader].
func (s *Store) DirectoryVersion(ctx context.Context) (int64, error) {
	return only(s, ctx, "read the directory's version", (*row).int64, `SELECT version FROM directory`)
}

// Credential implements [bridge.Reader].
func (s *Store) Credential(ctx context.Context, kind string, hash []byte) (*bridge.Credential, error) {
	return one(s, ctx, "look a credential up", scanCredential, selectCredential, kind, hash)
}

// Credentials implements [bridge.Reader].
func (s *Store) Credentials(ctx context.Context, kind string) ([]*bridge.Credential, error) {
	return all(s, ctx, "list credentials", scanCredential, selectKind, kind)
}

// Setting implements [bridge.Reader].
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	return only(s, ctx, "read a setting", (*row).text, selectSetting, name)
}
