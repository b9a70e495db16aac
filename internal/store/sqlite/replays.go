package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"chatbridge/internal/bridge"
)

const (
	replayColumns        = `id, filter, status, matching, replayed, skipped, created_at, ended_at`
	selectReplay         = `SELECT ` + replayColumns + ` FROM replays WHERE id = $1`
	selectReplays        = `SELECT ` + replayColumns + ` FROM replays ORDER BY id DESC LIMIT $1`
	selectRunningReplays = `SELECT ` + replayColumns + ` FROM replays WHERE status = 'running' ORDER BY id DESC LIMIT $1`

	insertReplay = `INSERT INTO replays (filter, status, matching, replayed, skipped, created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateReplay = `UPDATE replays SET filter = $1, status = $2, matching = $3, replayed = $4, skipped = $5, ended_at = $6 WHERE id = $7`
)

func scanReplay(r *row) *bridge.Replay {
	p := &bridge.Replay{ID: r.int64()}
	r.decode(&p.Filter)
	p.Status, p.Matching, p.Replayed, p.Skipped, p.CreatedAt, p.EndedAt = r.text(), r.int64(), r.int64(), r.int64(), r.time(), r.time()
	return p
}

func (t *tx) putReplay(p *bridge.Replay) error {
	f := p.Filter
	settle(&f.From, &f.To)
	filter, err := json.Marshal(f)
	if err == nil && p.ID == 0 {
		p.ID, err = t.insert(bg, insertReplay, string(filter), p.Status, p.Matching, p.Replayed, p.Skipped, micros(p.CreatedAt), micros(p.EndedAt))
	} else if err == nil {
		err = t.update(bg, updateReplay, string(filter), p.Status, p.Matching, p.Replayed, p.Skipped, micros(p.EndedAt), p.ID)
	}
	if err != nil {
		return fmt.Errorf("write a replay: %w", err)
	}
	return nil
}

// Replay implements [bridge.Reader].
func (s *Store) Replay(ctx context.Context, id int64) (*bridge.Replay, error) {
	return one(s, ctx, "read a replay", scanReplay, selectReplay, id)
}

// Replays implements [bridge.Reader].
func (s *Store) Replays(ctx context.Context, running bool, max int) ([]*bridge.Replay, error) {
	text := selectReplays
	if running {
		text = selectRunningReplays
	}
	return all(s, ctx, "list replays", scanReplay, text, limit(max))
}
