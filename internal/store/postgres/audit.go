package postgres

import (
	"context"
	"math"

	"chatbridge/internal/bridge"
)

// selectAudits holds a statement for each of AuditFilter's two questions: of
// which account (1), which action (2).
var selectAudits = func() (texts [4]string) {
	for asked, where := range [...]string{"", "account_id = $3 AND ", "action = $3 AND ", "account_id = $3 AND action = $4 AND "} {
		texts[asked] = `SELECT ` + auditColumns + ` FROM audit WHERE ` + where + `id < $1 ORDER BY id DESC LIMIT $2`
	}
	return texts
}()

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
