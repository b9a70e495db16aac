package sqlite

import (
	"context"
	"fmt"
	"math"

	"chatbridge/internal/bridge"
)

const insertAudit = `INSERT INTO audit (at, actor, address, action, account_id, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// selectAudits holds a statement for each of AuditFilter's two questions: of
// which account (1), which action (2).
var selectAudits = func() (texts [4]string) {
	for asked, where := range [...]string{"", "account_id = $3 AND ", "action = $3 AND ", "account_id = $3 AND action = $4 AND "} {
		texts[asked] = `SELECT id, at, actor, address, action, account_id, target, detail FROM audit WHERE ` + where + `id < $1 ORDER BY id DESC LIMIT $2`
	}
	return texts
}()

func (t *tx) putAudit(e *bridge.AuditEntry) (err error) {
	e.ID, err = t.insert(bg, insertAudit, micros(e.At), e.Actor, e.Address, e.Action, e.AccountID, e.Target, jsonOrNull(e.Detail))
	if err != nil {
		return fmt.Errorf("write an audit entry: %w", err)
	}
	return nil
}

func scanAudit(r *row) *bridge.AuditEntry {
	e := &bridge.AuditEntry{}
	e.ID, e.At, e.Actor, e.Address, e.Action, e.AccountID, e.Target, e.Detail = r.int64(), r.time(), r.text(), r.text(), r.text(), r.int64(), r.text(), r.json()
	return e
}

// Audit implements [bridge.Reader].
func (s *Store) Audit(ctx context.Context, f bridge.AuditFilter) ([]*bridge.AuditEntry, error) {
	before, asked := f.Before, 0
	if before == 0 {
		before = math.MaxInt64
	}
	args := []any{before, limit(f.Limit)}
	if f.AccountID != 0 {
		asked, args = asked|1, append(args, f.AccountID)
	}
	if f.Action != "" {
		asked, args = asked|2, append(args, f.Action)
	}
	return all(s, ctx, "list audit entries", scanAudit, selectAudits[asked], args...)
}
