package sqlite

import (
	"context"
	"fmt"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/span"
)

const insertAudit = `INSERT INTO audit (at, actor, address, action, account_id, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// listAudit makes the statement of a filter.
func listAudit(f bridge.AuditFilter, lo, hi int64) (string, []any) {
	text, args := `SELECT id, at, actor, address, action, account_id, target, detail FROM audit WHERE TRUE`, []any(nil)
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
	lo, hi, err := s.span(ctx, span.AuditedAt, f.From, f.To)
	if err != nil {
		return nil, err
	}
	text, args := listAudit(f, lo, hi)
	return all(s, ctx, "list audit entries", scanAudit, text, args...)
}
