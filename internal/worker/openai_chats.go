package worker

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"chatbridge/protocol"
)

const (
	// maxChats bounds how many chats are kept; the one unused longest goes first.
	maxChats = 1000
	// maxChatBytes bounds the text of one chat; its oldest turns go first. It is
	// past what models take, and short enough to be written after each answer.
	maxChatBytes = 8 << 20

	chatPrefix = "chat-"
)

// turn is one message of a chat, as the endpoint takes it.
type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// keptChat is a chat in the Store.
type keptChat struct {
	ID     string    `json:"id"`
	UsedAt time.Time `json:"used_at"`
	Turns  []turn    `json:"turns"`
}

// chats keeps the turns of chats in a Store, and in memory when each was used.
type chats struct {
	store Store
	mu    sync.Mutex
	used  map[string]time.Time // by name in the Store
}

func openChats(store Store) (*chats, error) {
	c := &chats{store: store, used: map[string]time.Time{}}
	names, err := store.List(chatPrefix)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		kept, err := c.read(name)
		if err != nil {
			return nil, err
		}
		c.used[name] = kept.UsedAt
	}
	return c, nil
}

// chatName is a name in the Store; what a server sends never makes a path.
func chatName(id string) string {
	return fmt.Sprintf("%s%x", chatPrefix, sha256.Sum256([]byte(id)))
}

func (c *chats) read(name string) (keptChat, error) {
	var kept keptChat
	data, err := c.store.Get(name)
	if err != nil {
		return kept, err
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		return kept, fmt.Errorf("read the kept chat %s: %w; remove it to go on without it", name, err)
	}
	return kept, nil
}

// turns returns what was said in a chat, or a Failure with chat_not_found.
func (c *chats) turns(id string) ([]turn, error) {
	kept, err := c.read(chatName(id))
	if errors.Is(err, ErrNotKept) {
		return nil, &Failure{Code: protocol.CodeChatNotFound, Sentence: "This worker does not have the chat any more, so nothing was sent. Begin a new chat."}
	}
	return kept.Turns, err
}

// keep stores the turns of a chat.
func (c *chats) keep(id string, turns []turn) error {
	size := 0
	for i := len(turns) - 1; i >= 0; i-- {
		if size += len(turns[i].Content); size > maxChatBytes {
			turns = turns[i+1:]
			break
		}
	}
	kept := keptChat{ID: id, UsedAt: time.Now().UTC(), Turns: turns}
	data, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("keep chat: %w", err)
	}
	name := chatName(id)
	if err := c.store.Put(name, data); err != nil {
		return fmt.Errorf("keep chat: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[name] = kept.UsedAt
	for len(c.used) > maxChats {
		oldest := name
		for other, at := range c.used {
			if at.Before(c.used[oldest]) {
				oldest = other
			}
		}
		if err := c.store.Delete(oldest); err != nil {
			return fmt.Errorf("forget the oldest chat: %w", err)
		}
		delete(c.used, oldest)
	}
	return nil
}
