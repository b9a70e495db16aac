package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"chatbridge/internal/bridge"
)

const (
	selectChat       = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.id = $2`
	selectChatOnSite = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.site_id = $2`

	insertChat = `INSERT INTO chats (id, account_id, site_id, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)`
	updateChat = `UPDATE chats SET site_id = $1, title = $2, updated_at = $3 WHERE id = $4`
)

// ours reads a reference as our own integer, 0 if it is none.
func ours(ref bridge.ChatRef) int64 {
	n, err := strconv.ParseInt(string(ref), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(ref) {
		return 0
	}
	return n
}

func (t *tx) putChat(c *bridge.Chat) error {
	var err error
	if c.ID == 0 {
		if c.ID, err = t.next(countChats); err == nil {
			_, err = t.exec(bg, insertChat, c.ID, c.AccountID, orNull(c.SiteID), c.Title, micros(c.CreatedAt), micros(c.UpdatedAt))
		}
	} else {
		err = t.update(bg, updateChat, orNull(c.SiteID), c.Title, micros(c.UpdatedAt), c.ID)
	}
	if err != nil {
		return fmt.Errorf("write a chat: %w", err)
	}
	remember(t.cache.chats, c.ID, copyChat(c))
	return nil
}

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
	text, args := listChats(f)
	return all(s, ctx, "list chats", scanChat, text, args...)
}

// ChatsBack implements [bridge.Reader].
func (s *Store) ChatsBack(ctx context.Context, f bridge.ChatFilter, n int) (*bridge.Chat, error) {
	f.Contains, f.Limit = "", 1
	text, args := listChats(f)
	return one(s, ctx, "look back at chats", scanChat, fmt.Sprintf("%s OFFSET $%d", text, len(args)+1), append(args, int64(n-1))...)
}

// listChats makes the statement of a filter.
func listChats(f bridge.ChatFilter) (string, []any) {
	text, args := `SELECT `+chatColumns+` FROM chats c WHERE TRUE`, []any(nil)
	add := func(condition string, more ...any) {
		for _, arg := range more {
			args = append(args, arg)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		text += " AND " + condition
	}
	if f.AccountID != 0 {
		add("c.account_id = ?", f.AccountID)
	}
	if !f.Before.IsZero() {
		add("(c.updated_at, c.id) < (?, ?)", f.Before.UnixMicro(), f.BeforeID)
	}
	if !f.DownTo.IsZero() {
		add("(c.updated_at, c.id) >= (?, ?)", f.DownTo.UnixMicro(), f.DownToID)
	}
	if f.Contains != "" {
		add("chatbridge_contains(c.title, ?)", f.Contains)
	}
	return fmt.Sprintf("%s ORDER BY c.updated_at DESC, c.id DESC LIMIT $%d", text, len(args)+1), append(args, limit(f.Limit))
}
