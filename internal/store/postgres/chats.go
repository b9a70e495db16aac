package postgres

import (
	"context"
	"math"

	"chatbridge/internal/bridge"
)

const (
	selectChat       = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.id = $2`
	selectChatOnSite = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.site_id = $2`

	selectChats = `SELECT ` + chatColumns + ` FROM chats c
		WHERE c.account_id = $1 AND (c.updated_at, c.id) < ($2, $3) ORDER BY c.updated_at DESC, c.id DESC LIMIT $4`
	selectEveryChat = `SELECT ` + chatColumns + ` FROM chats c
		WHERE (c.updated_at, c.id) < ($1, $2) ORDER BY c.updated_at DESC, c.id DESC LIMIT $3`
)

// Chat implements [bridge.Reader].
func (s *Store) Chat(ctx context.Context, accountID int64, ref bridge.ChatRef) (*bridge.Chat, error) {
	if ref == "" {
		return nil, nil
	}
	c, err := one(s, ctx, "read a chat", scanChat, selectChatOnSite, accountID, string(ref))
	if id := ours(ref); c == nil && err == nil && id != 0 {
		return one(s, ctx, "read a chat", scanChat, selectChat, accountID, id)
	}
	return c, err
}

// Chats implements [bridge.Reader].
func (s *Store) Chats(ctx context.Context, f bridge.ChatFilter) ([]*bridge.Chat, error) {
	before, id := int64(math.MaxInt64), int64(0)
	if !f.Before.IsZero() {
		before, id = f.Before.UnixMicro(), f.BeforeID
	}
	if f.AccountID == 0 {
		return all(s, ctx, "list chats", scanChat, selectEveryChat, before, id, limit(f.Limit))
	}
	return all(s, ctx, "list chats", scanChat, selectChats, f.AccountID, before, id, limit(f.Limit))
}
