import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { announce } from "../shared/announce";
import { Icon } from "../shared/icons";
import { clock } from "../shared/time";
import type { Chat, ChatRequest } from "../shared/types";
import { Button, LanguageChoice, Loading, Notice, ThemeChoice } from "../shared/ui";
import { chats, chatsLoaded, loadChats, loadMoreChats, moreChats, moreLoaded } from "./chats";
import { logOut } from "./key";
import { keysShown } from "./frame";
import { type Row, RowWindow } from "./RowWindow";
import { hits, query, searched, searchesOn, searchFor, searchFurther, searchRests, titles } from "./search";
import { type Finder, finder, type Snippet, snippet } from "./snippet";
import { focusComposer, isOpen, open, openId } from "./state";
import { t } from "./texts";
import { titleOf } from "./title";

/** The chats, newest activity first, and the search. `onClose` is there where the list lies over the page. */
export function ChatList({ onChosen, onClose }: { onChosen: () => void; onClose?: () => void }) {
  const choose = (chat: string | null, request = "") => {
    open(chat, request);
    onChosen();
    focusComposer();
  };
  return (
    <>
      <div class="side-head">
        <Button icon="plus" onClick={() => choose(null)}>
          {t.newChat}
        </Button>
        {onClose && (
          <button type="button" class="button quiet" aria-label={t.frame.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <SearchField />
      {query.value.trim() === "" ? <Chats choose={choose} /> : <Found key={query.value.trim()} choose={choose} />}
      <div class="side-foot">
        <div class="side-choices">
          <ThemeChoice />
          <LanguageChoice />
        </div>
        <div class="side-foot-row">
          <Button icon="keyboard" kind="quiet" onClick={() => (keysShown.value = true)}>
            {t.frame.keys}
          </Button>
          <Button icon="logout" kind="quiet" onClick={logOut}>
            {t.frame.logOut}
          </Button>
        </div>
      </div>
    </>
  );
}

type Choose = (chat: string, request?: string) => void;

function SearchField() {
  return (
    <search class="side-search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        aria-label={t.list.search}
        placeholder={t.list.search}
        autoComplete="off"
        value={query.value}
        onInput={(event) => searchFor(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "ArrowDown") document.querySelector<HTMLElement>('.rows [tabindex="0"]')?.focus();
          else if (event.key === "Escape" && query.peek() !== "") searchFor("");
          else return;
          event.preventDefault();
          event.stopPropagation(); // where the list lies over the page, Esc would close it
        }}
      />
    </search>
  );
}

interface ChatRow extends Row {
  chat: Chat;
  /** The message that was found in it. */
  hit?: ChatRequest;
}

function Chats({ choose }: { choose: Choose }) {
  const rows = useComputed<ChatRow[]>(() => chats.value.map((chat) => ({ key: String(chat.id), chat })));
  const loaded = chatsLoaded.value;
  if (loaded.state === "loading") {
    return (
      <div class="side-list">
        <Loading>{t.list.loading}</Loading>
      </div>
    );
  }
  if (loaded.state === "failed") {
    return (
      <div class="side-list">
        <Notice actions={<Button onClick={() => loadChats()}>{t.frame.tryAgain}</Button>}>{t.list.failed(loaded.error)}</Notice>
      </div>
    );
  }
  if (rows.value.length === 0) {
    return (
      <div class="side-list">
        <p class="empty">{t.list.none}</p>
      </div>
    );
  }
  const more = moreLoaded.value;
  return (
    <RowWindow
      rows={rows.value}
      label={t.chats}
      current={currentRow(rows.value)}
      whole={moreChats.value === null}
      onNearEnd={() => moreLoaded.peek().state === "ready" && void loadMoreChats()}
      draw={(row, attributes) => <ChatLink row={row} attributes={attributes} choose={choose} />}
    >
      {more.state === "loading" && <Loading>{t.list.loading}</Loading>}
      {more.state === "failed" && <Notice actions={<Button onClick={() => loadMoreChats()}>{t.frame.tryAgain}</Button>}>{more.error}</Notice>}
    </RowWindow>
  );
}

/** What the search found: titles first, then messages. */
function Found({ choose }: { choose: Choose }) {
  const rows = useComputed<ChatRow[]>(() => [
    ...titles.value.map((chat) => ({ key: String(chat.id), chat })),
    ...hits.value.flatMap((hit) => (hit.chat ? [{ key: hit.id, chat: hit.chat, hit }] : [])),
  ]);
  const state = searched.value;
  const words = t.list.found(titles.value.length, hits.value.length, state.state === "loading");
  const ended = state.state === "ready" && !searchesOn.value;
  const empty = rows.value.length === 0;
  useEffect(() => {
    if (state.state === "ready") announce(empty ? t.list.noMatch : words);
  }, [state.state]);
  const foot = (
    <>
      {state.state === "failed" && <Notice actions={<Button onClick={searchFurther}>{t.frame.tryAgain}</Button>}>{t.list.searchFailed(state.error)}</Notice>}
      {searchRests.value && <Button onClick={searchFurther}>{t.list.further}</Button>}
    </>
  );
  if (empty && ended) {
    return (
      <div class="side-list">
        <div class="empty">
          {t.list.noMatch}
          <Button
            onClick={() => {
              searchFor("");
              document.getElementById("search")?.focus();
            }}
          >
            {t.list.clear}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <>
      <p class="side-found meta">{words}</p>
      <RowWindow
        rows={rows.value}
        label={t.chats}
        current={null}
        whole={ended}
        onNearEnd={() => searched.peek().state === "ready" && searchesOn.peek() && !searchRests.peek() && void searchFurther()}
        draw={(row, attributes) => <ChatLink row={row} attributes={attributes} choose={choose} />}
      >
        {foot}
      </RowWindow>
    </>
  );
}

function currentRow(rows: ChatRow[]): string | null {
  return (openId.value !== null && rows.find(({ chat }) => isOpen(chat))?.key) || null;
}

function ChatLink({ row: { chat, hit }, attributes, choose }: { row: ChatRow; attributes: { tabIndex: number }; choose: Choose }) {
  const q = query.value.trim();
  const find = finder(q);
  const current = !hit && isOpen(chat);
  const title = titleOf(chat);
  const href = new URLSearchParams({ chat: String(chat.id), ...(q && { q }) });
  return (
    <a
      {...attributes}
      class={"item" + (current ? " current" : "")}
      href={`?${href}${hit ? "#" + hit.id : ""}`}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        // With a modifier, or another button, the browser does what it does with any link.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        choose(String(chat.id), hit?.id);
      }}
    >
      {hit ? (
        <>
          <Marked text={snippet(hit.message ?? "", find) ?? snippet(hit.response ?? hit.partial_response ?? "", find) ?? whole(hit.message ?? "", find)} />
          <span class="item-meta meta" title={title}>
            {clock(hit.queued_at)} · <bdi>{title}</bdi>
          </span>
        </>
      ) : (
        <>
          <Marked text={whole(title, find)} />
          {chat.unfinished > 0 ? (
            <span class="mark accent meta">
              <Icon name="working" />
              {t.list.inProgress}
            </span>
          ) : (
            <span class="item-meta meta">{clock(chat.updated_at)}</span>
          )}
        </>
      )}
    </a>
  );
}

/** The whole text, with the match marked. */
function whole(text: string, find: Finder): Snippet {
  const at = find(text);
  return at ? { before: text.slice(0, at.from), match: text.slice(at.from, at.to), after: text.slice(at.to) } : { before: text, match: "", after: "" };
}

function Marked({ text: { before, match, after } }: { text: Snippet }) {
  return (
    <span class="item-title" dir="auto" title={before + match + after}>
      {before}
      {match && <mark>{match}</mark>}
      {after}
    </span>
  );
}
