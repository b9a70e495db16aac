package postgres

import (
	"context"
	"strings"

	"chatbridge/internal/bridge"
)

const (
	selectAccount   = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = $1`
	selectByEmail   = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.email_key = $1`
	selectAccounts  = `SELECT ` + accountColumns + ` FROM accounts a ORDER BY a.id`
	selectKeys      = `SELECT ` + keyColumns + ` FROM keys k WHERE k.account_id = $1 ORDER BY k.id`
	selectPrincipal = `SELECT ` + keyColumns + `, ` + accountColumns + ` FROM keys k JOIN accounts a ON a.id = k.account_id WHERE k.hash = $1`
	selectEndpoints = `SELECT ` + endpointColumns + ` FROM endpoints e WHERE e.account_id = $1 ORDER BY e.is_primary DESC, e.id`
	// selectUnwell reads all endpoints, which are few beside what they are owed.
	selectUnwell = `SELECT ` + endpointColumns + ` FROM endpoints e WHERE e.removed_at IS NULL AND e.url <> '' AND
			CASE WHEN e.enabled THEN e.failing_since IS NOT NULL OR e.hold_until IS NOT NULL ELSE e.disabled_reason <> '' END
		ORDER BY coalesce(e.failing_since, e.updated_at) DESC, e.id DESC LIMIT $1`

	selectCredential = `SELECT ` + credentialColumns + ` FROM credentials WHERE kind = $1 AND hash = $2`
	selectKind       = `SELECT ` + credentialColumns + ` FROM credentials WHERE kind = $1 ORDER BY created_at, hash`
	selectSetting    = `SELECT value FROM settings WHERE name = $1`
	selectVersion    = `SELECT version FROM directory`
)

// emailKey is an email as it is compared.
func emailKey(email string) string { return strings.ToLower(email) }

// Account implements [bridge.Reader].
func (s *Store) Account(ctx context.Context, id int64) (*bridge.Account, error) {
	return one(s, ctx, "read an account", scanAccount, selectAccount, id)
}

// AccountByEmail implements [bridge.Reader].
func (s *Store) AccountByEmail(ctx context.Context, email string) (*bridge.Account, error) {
	return one(s, ctx, "read an account", scanAccount, selectByEmail, emailKey(email))
}

// Accounts implements [bridge.Reader].
func (s *Store) Accounts(ctx context.Context) ([]*bridge.Account, error) {
	return all(s, ctx, "list accounts", scanAccount, selectAccounts)
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
		selectPrincipal, hash)
}

// DirectoryVersion implements [bridge.Reader].
func (s *Store) DirectoryVersion(ctx context.Context) (int64, error) {
	return only(s, ctx, "read the directory's version", (*row).int64, selectVersion)
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
