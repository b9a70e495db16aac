import { useState } from "preact/hooks";
import { sentence } from "../shared/api";
import { Icon } from "../shared/icons";
import { clock } from "../shared/time";
import type { Chat } from "../shared/types";
import { Button, Loading, Notice, ThemeChoice } from "../shared/ui";
import { logOut } from "./key";
import { chats, chatsLoaded, isOpen, loadChats, loadMoreChats, moreChats, open } from "./state";

/** The chats, newest activity first. `onClose` is there where the list lies over the page. */
export function ChatList({ onChosen, onClose }: { onChosen: () => void; onClose?: () => void }) {
  const choose = (chat: string | null) => {
    open(chat);
    onChosen();
    document.getElementById("composer")?.focus();
  };
  return (
    <>
      <div class="side-head">
        <Button icon="plus" onClick={() => choose(null)}>
          New chat
        </Button>
        {onClose && (
          <button type="button" class="button quiet" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div class="side-list">
        <List choose={choose} />
      </div>
      <div class="side-foot">
        <ThemeChoice />
        <Button icon="logout" kind="quiet" onClick={logOut}>
          Log out
        </Button>
      </div>
    </>
  );
}

function List({ choose }: { choose: (chat: string) => void }) {
  const [error, setError] = useState<string | null>(null);
  const loaded = chatsLoaded.value;
  if (loaded.state === "loading") return <Loading>Loading chats</Loading>;
  if (loaded.state === "failed") return <Notice actions={<Button onClick={() => loadChats()}>Try again</Button>}>{loaded.error}</Notice>;
  if (chats.value.length === 0) return <p class="empty">No chats yet</p>;
  const more = async () => {
    setError(null);
    try {
      await loadMoreChats();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <>
      <ul>
        {chats.value.map((chat) => (
          <li key={chat.id}>
            <Item chat={chat} choose={choose} />
          </li>
        ))}
      </ul>
      {error && <Notice>{error}</Notice>}
      {moreChats.value && <Button onClick={more}>More chats</Button>}
    </>
  );
}

function Item({ chat, choose }: { chat: Chat; choose: (chat: string) => void }) {
  const current = isOpen(chat);
  return (
    <a
      class={"item" + (current ? " current" : "")}
      href={"?chat=" + chat.id}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        // With a modifier, or another button, the browser does what it does with any link.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        choose(String(chat.id));
      }}
    >
      <span class="item-title">{chat.title ?? "Chat " + chat.id}</span>
      {chat.unfinished > 0 ? (
        <span class="mark accent meta">
          <Icon name="working" />
          in progress
        </span>
      ) : (
        <span class="meta">{clock(chat.updated_at)}</span>
      )}
    </a>
  );
}
