package worker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestChatsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &Memory{}
		c, err := openChats(store)
		if err != nil {
			t.Fatal(err)
		}
		for i := range maxChats + 2 {
			if i == maxChats { // the first one is used again, so the second is the oldest
				if err := c.keep("0", []turn{{"user", "again"}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.keep(fmt.Sprint(i), []turn{{"user", "x"}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		names, err := store.List(chatPrefix)
		if err != nil || len(names) != maxChats {
			t.Errorf("%d chats, %v", len(names), err)
		}
		for id, kept := range map[string]bool{"0": true, "1": false, "2": false, "3": true, fmt.Sprint(maxChats + 1): true} {
			if _, err := c.turns(id); (err == nil) != kept {
				t.Errorf("chat %s: %v", id, err)
			}
		}

		half := strings.Repeat("x", maxChatBytes/2)
		if err := c.keep("long", []turn{{"user", "old"}, {"assistant", half}, {"user", half}}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.turns("long"); err != nil || len(got) != 2 || got[0].Role != "assistant" {
			t.Errorf("%d turns, %v", len(got), err)
		}
	})
}
