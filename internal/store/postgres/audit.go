package postgres

import (
	"context"
	"fmt"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

// listAudit makes the statement of a filter.
func listAudit(f bridge.AuditFilter, lo, hi int64) (string, []any) {
	text, args := `SELECT `+auditColumns+` FROM audit WHERE TRUE`, []any(nil)
	add := func(condition string, arg any) {
		args = append(args, arg)
		text += fmt.Sprintf(" AND %s $%d", condition, len(args))
	}
	if f.AccountID != 0 {
		add("account_id =", f.AccountID)
	}
	if f.Action != "" {
		add("action =", f.Action)
	}
	if !f.From.IsZero() {
		add("at >=", micros(f.From))
	}
	if !f.To.IsZero() {
		add("at <", micros(f.To))
	}
	if lo != 0 {
		add("id >=", lo)
	}
	if before := span.Least(f.Before, hi); before != 0 {
		add("id <", before)
	}
	return fmt.Sprintf("%s ORDER BY id DESC LIMIT $%d", text, len(args)+1), append(args, limit(f.Limit))
}

// Audit implements [bridge.Reader].
func (s *Store) Audit(ctx context.Context, f bridge.AuditFilter) ([]*bridge.AuditEntry, error) {
	lo, hi, err := s.span(ctx, span.AuditedAt, f.From, f.To)
	if err != nil {
		return nil, err
	}
	text, args := listAudit(f, lo, hi)
	return all(s, ctx, "list audit entries", scanAudit, text, args...)
}
