package bridge

import (
	"encoding/json"
	"time"
)

// Actor is who does something in the admin room.
type Actor struct {
	Name    string // "admin", "token deploy", "command line", or chatbridge itself
	Address string // the client's, "" if there is none
}

// itself is the actor of what chatbridge does by its own rules.
var itself = Actor{Name: "chatbridge"}

// AuditEntry says who changed what. It never holds a secret.
type AuditEntry struct {
	ID        int64
	At        time.Time
	Actor     string
	Address   string
	Action    string // like account.created; stable
	AccountID int64  // 0: of no account
	Target    string // what was changed, like "endpoint 7"; "" if it is the account
	Detail    json.RawMessage
}

// audit keeps who did what. detail is anything JSON takes, nil for nothing.
// An entry with AccountID zero whose Changes insert an account belongs to that.
func (c *Changes) audit(by Actor, action string, accountID int64, target string, detail any) {
	e := &AuditEntry{At: c.Now, Actor: by.Name, Address: by.Address, Action: action, AccountID: accountID, Target: target}
	if detail != nil {
		e.Detail, _ = json.Marshal(detail)
	}
	c.Audit = append(c.Audit, e)
}
