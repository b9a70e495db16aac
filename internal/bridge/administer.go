package bridge

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// CreateAccount makes an account with its first key and, with a URL, its
// webhook endpoint.
type CreateAccount struct {
	Email      string
	WebhookURL string // "" for none; checked by the caller against the webhook guard
	Key        string
	Secret     string // the endpoint's, whsec_…
	By         Actor

	Account *Account // the result
}

// Needs implements [Command].
func (m *CreateAccount) Needs() Needs {
	return Needs{AccountEmail: normalEmail(m.Email), KeyHash: HashKey(m.Key)}
}

// Decide implements [Command]. Errors: Invalid, Conflict.
func (m *CreateAccount) Decide(f *Facts) (*Changes, error) {
	if err := checkEmail(m.Email); err != nil {
		return nil, err
	}
	if f.Account != nil {
		return nil, emailTaken()
	}
	c := &Changes{Now: f.Now, Directory: true}
	m.Account = &Account{Email: normalEmail(m.Email), Active: true, CreatedAt: f.Now, UpdatedAt: f.Now}
	c.Accounts = append(c.Accounts, m.Account)
	if m.WebhookURL != "" {
		c.Endpoints = append(c.Endpoints, primaryEndpoint(m.Account, m.WebhookURL, m.Secret, f.Now))
	}
	key, err := newKey(f, m.Account, "first key", []Scope{ScopeClient, ScopeWorker}, m.Key)
	if err != nil {
		return nil, err
	}
	c.Keys = append(c.Keys, key)
	c.audit(m.By, "account.created", 0, "", map[string]string{"email": m.Account.Email, "webhook_url": m.WebhookURL})
	return c, nil
}

func primaryEndpoint(a *Account, url, secret string, now time.Time) *Endpoint {
	return &Endpoint{AccountID: a.ID, Primary: true, URL: url, Format: "guide", Enabled: true, Secret: secret, CreatedAt: now, UpdatedAt: now}
}

func newKey(f *Facts, a *Account, name string, scopes []Scope, key string) (*Key, error) {
	if len([]rune(key)) < MinOwnKey {
		return nil, invalid("key", "An own key needs at least 32 characters. Take a longer random one, or leave it out to get a fresh one.")
	}
	if f.KeyTaken {
		return nil, invalid("key", "This key is in use already. Take another.")
	}
	return &Key{AccountID: a.ID, Name: name, Prefix: KeyPrefix(key), Hash: HashKey(key), Scopes: scopes, CreatedAt: f.Now}, nil
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func checkEmail(s string) error {
	a, err := mail.ParseAddress(normalEmail(s))
	if err != nil || a.Address != normalEmail(s) || len(s) > 254 {
		return invalid("email", "This is not an email address. Write one like you@example.com.")
	}
	return nil
}

func emailTaken() error {
	return &Error{Kind: Conflict, Code: "email_taken", Detail: "Another account has this email address. Choose another.",
		Fields: map[string][]string{"email": {"Another account has this email address. Choose another."}}}
}

// UpdateAccount changes an account; nil fields stay.
type UpdateAccount struct {
	AccountID  int64
	Email      *string
	WebhookURL *string // "" takes the endpoint's URL away: it is switched off
	Active     *bool
	Secret     string // for an endpoint that has to be made
	By         Actor

	Account     *Account // the result
	NewEndpoint bool     // a first endpoint was made, with Secret
}

// Needs implements [Command].
func (m *UpdateAccount) Needs() Needs { return Needs{AccountID: m.AccountID, Endpoints: true} }

// Decide implements [Command]. Errors: NotFound, Invalid, Conflict.
func (m *UpdateAccount) Decide(f *Facts) (*Changes, error) {
	a := f.Account
	if a == nil {
		return nil, accountNotFound()
	}
	c := &Changes{Now: f.Now, Directory: true, Accounts: []*Account{a}}
	m.Account, m.NewEndpoint = a, false
	a.UpdatedAt = f.Now
	c.audit(m.By, "account.changed", a.ID, "", map[string]any{"email": m.Email, "webhook_url": m.WebhookURL, "active": m.Active})
	if m.Email != nil {
		if err := checkEmail(*m.Email); err != nil {
			return nil, err
		}
		a.Email = normalEmail(*m.Email)
	}
	if m.Active != nil {
		a.Active = *m.Active
	}
	if m.WebhookURL == nil {
		return c, nil
	}
	primary := slices.IndexFunc(f.Endpoints, func(e *Endpoint) bool { return e.Primary })
	switch {
	case primary < 0 && *m.WebhookURL != "":
		m.NewEndpoint = true
		c.Endpoints = append(c.Endpoints, primaryEndpoint(a, *m.WebhookURL, m.Secret, f.Now))
	case primary >= 0 && (f.Endpoints[primary].URL != *m.WebhookURL || *m.WebhookURL != "" && !f.Endpoints[primary].Enabled):
		e := f.Endpoints[primary]
		e.URL, e.UpdatedAt = *m.WebhookURL, f.Now
		e.set(e.URL != "", endpointNoURL)
		c.Endpoints = append(c.Endpoints, e)
	}
	return c, nil
}

func accountNotFound() error {
	return Errorf(NotFound, "not_found", "There is no such account. List them with: chatbridge account list")
}

// AddKey adds a key to an account.
type AddKey struct {
	AccountID int64
	Name      string
	Scopes    []Scope // empty: both
	Key       string
	By        Actor

	Added *Key // the result
}

// Needs implements [Command].
func (m *AddKey) Needs() Needs { return Needs{AccountID: m.AccountID, KeyHash: HashKey(m.Key)} }

// Decide implements [Command]. Errors: NotFound, Invalid.
func (m *AddKey) Decide(f *Facts) (*Changes, error) {
	if f.Account == nil {
		return nil, accountNotFound()
	}
	scopes := m.Scopes
	if len(scopes) == 0 {
		scopes = []Scope{ScopeClient, ScopeWorker}
	}
	for _, s := range scopes {
		if s != ScopeClient && s != ScopeWorker {
			return nil, invalid("scopes", "A key's scopes are client and worker.")
		}
	}
	key, err := newKey(f, f.Account, m.Name, scopes, m.Key)
	if err != nil {
		return nil, err
	}
	m.Added = key
	c := &Changes{Now: f.Now, Directory: true, Keys: []*Key{key}}
	c.audit(m.By, "key.added", m.AccountID, "key "+key.Prefix+"…", map[string]any{"name": key.Name, "scopes": scopes})
	return c, nil
}

// RevokeKey ends a key: the sockets and streams that it opened close at once.
type RevokeKey struct {
	AccountID int64
	KeyID     int64  // or
	Prefix    string // the first characters, if they name one key alone
	By        Actor

	Revoked *Key // the result
}

// Needs implements [Command].
func (m *RevokeKey) Needs() Needs { return Needs{AccountID: m.AccountID, Keys: true} }

// Decide implements [Command]. Errors: NotFound, Conflict.
func (m *RevokeKey) Decide(f *Facts) (*Changes, error) {
	var found []*Key
	for _, k := range f.Keys {
		if m.KeyID != 0 && k.ID == m.KeyID || m.KeyID == 0 && m.Prefix != "" && k.RevokedAt.IsZero() && strings.HasPrefix(k.Prefix, m.Prefix) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		return nil, Errorf(NotFound, "not_found", "This account has no such key.")
	case len(found) > 1:
		return nil, Errorf(Conflict, "ambiguous", "More than one key begins like that. Give more characters.")
	}
	m.Revoked = found[0]
	if !m.Revoked.RevokedAt.IsZero() {
		return &Changes{Now: f.Now}, nil
	}
	m.Revoked.RevokedAt = f.Now
	c := &Changes{Now: f.Now, Directory: true, Keys: found}
	c.audit(m.By, "key.revoked", m.AccountID, "key "+m.Revoked.Prefix+"…", map[string]string{"name": m.Revoked.Name})
	return c, nil
}

// Settings' names.
const (
	SettingPassword     = "admin_password" // argon2id, PHC format
	SettingStreamKey    = "stream_url_key" // signs stream URLs
	SettingTestAccepted = "test_accepted"  // when an endpoint accepted a test's sample first, in RFC 3339; tests themselves are not stored
)

// SetPassword sets the admin's password. Every session and link ends; a new
// session begins.
type SetPassword struct {
	Hash    string      // argon2id
	Link    *Credential // the one-time link that allows it; nil: the operator at the command line, or whoever knew the old one
	Old     string      // the stored hash that the old password was compared with; "": of no matter
	Session *Credential // begins; nil: none
	By      Actor
}

// Needs implements [Command].
func (m *SetPassword) Needs() Needs {
	return Needs{Credential: m.Link, Settings: []string{SettingPassword}}
}

// Decide implements [Command]. Errors: Gone, Conflict.
func (m *SetPassword) Decide(f *Facts) (*Changes, error) {
	if m.Old != "" && f.Settings[SettingPassword] != m.Old {
		return nil, Errorf(Conflict, "password_changed", "Somebody has changed the password meanwhile. Log in again with the new one.")
	}
	if m.Link != nil && (f.Credential == nil || !f.Now.Before(f.Credential.ExpiresAt)) {
		return nil, Errorf(Gone, "link_used", "This link was used or has expired. Print a fresh one with: chatbridge admin link")
	}
	c := &Changes{Now: f.Now, Directory: true, Settings: map[string]string{SettingPassword: m.Hash}, DropKinds: []string{"session", "link"}}
	if m.Session != nil {
		m.Session.CreatedAt = f.Now
		c.Credentials = append(c.Credentials, m.Session)
	}
	c.audit(m.By, "password.set", 0, "", nil)
	return c, nil
}

// PutCredential stores a session, a token or a one-time link.
type PutCredential struct {
	Credential *Credential
	By         Actor
}

// Needs implements [Command].
func (m *PutCredential) Needs() Needs { return Needs{} }

// Decide implements [Command].
func (m *PutCredential) Decide(f *Facts) (*Changes, error) {
	m.Credential.CreatedAt = f.Now
	c := &Changes{Now: f.Now, Credentials: []*Credential{m.Credential}}
	c.audit(m.By, m.Credential.Kind+".made", 0, m.Credential.Name, nil)
	return c, nil
}

// DropCredential ends a session or revokes a token.
type DropCredential struct {
	Credential *Credential
	By         Actor
}

// Needs implements [Command].
func (m *DropCredential) Needs() Needs { return Needs{Credential: m.Credential} }

// Decide implements [Command].
func (m *DropCredential) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	if f.Credential != nil {
		c.DropCredential = append(c.DropCredential, f.Credential)
		c.audit(m.By, f.Credential.Kind+".ended", 0, f.Credential.Name, nil)
	}
	return c, nil
}

// InitSetting stores a setting unless it is there already.
type InitSetting struct {
	Name, Value string

	Present string // the result: the value that is now stored
}

// Needs implements [Command].
func (m *InitSetting) Needs() Needs { return Needs{Settings: []string{m.Name}} }

// Decide implements [Command].
func (m *InitSetting) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	m.Present = f.Settings[m.Name]
	if m.Present == "" {
		m.Present = m.Value
		c.Settings = map[string]string{m.Name: m.Value}
	}
	return c, nil
}
