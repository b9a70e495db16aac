package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/fold"
)

const (
	selectChat       = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.id = $2`
	selectChatOnSite = `SELECT ` + chatColumns + ` FROM chats c WHERE c.account_id = $1 AND c.site_id = $2`
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
	text, args := listChats(f)
	if f.Contains == "" {
		return all(s, ctx, "list chats", scanChat, text, args...)
	}
	// SQL narrows it to those that may have the text, and Go compares.
	var out []*bridge.Chat
	err := s.read(ctx, "search chats", func(ctx context.Context, c *pgx.Conn) error {
		out = nil
		return look(ctx, c, func(r *row) {
			if chat := scanChat(r); (f.Limit <= 0 || len(out) < f.Limit) && fold.Contains(chat.Title, f.Contains) {
				out = append(out, chat)
			}
		}, text, args...)
	})
	return out, err
}

// ChatsBack implements [bridge.Reader].
func (s *Store) ChatsBack(ctx context.Context, f bridge.ChatFilter, n int) (*bridge.Chat, error) {
	f.Contains, f.Limit = "", 1
	text, args := listChats(f)
	return one(s, ctx, "look back at chats", scanChat, fmt.Sprintf("%s OFFSET $%d", text, len(args)+1), append(args, int64(n-1))...)
}

// listChats makes the statement of a filter; where it has a text to look for, of
// what may have it, without a limit.
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
		f.Limit = 0
		if part := narrow(f.Contains); part != "" {
			add(`strpos(lower(c.title COLLATE "C"), ?) > 0`, part)
		}
	}
	return fmt.Sprintf("%s ORDER BY c.updated_at DESC, c.id DESC LIMIT $%d", text, len(args)+1), append(args, limit(f.Limit))
}
