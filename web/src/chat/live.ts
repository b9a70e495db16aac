// What runs as long as the page does: the news of the account, the stream of the answer that is shown, the URL.
import { batch, effect, signal, untracked } from "@preact/signals";
import { announce } from "../shared/announce";
import type { Waiting } from "../shared/types";
import { waitingWords } from "../shared/words";
import * as address from "./address";
import { chats, chatsLoaded, forgetChats, loadChats, putChat, refreshChats } from "./chats";
import { keepDrafts } from "./drafts";
import { follow, type News } from "./feed";
import { followOtherTabs, key, refused } from "./key";
import { query, searchFor, stopSearch } from "./search";
import { add, aim, isOpen, listened, loadTurns, look, moved, olderLoaded, olderTurns, show, turns } from "./state";
import { pollForResponse } from "./stream";
import { t } from "./texts";
import { type Turn, unfinished } from "./turn";

/** How often a hidden page looks at what it would otherwise hear. Milliseconds. */
const LOOK_EVERY = 10_000;

/** A page that is hidden this long closes its streams: a browser has six connections to a server for all its tabs. Milliseconds. */
const HIDDEN_FOR = 30_000;

/** How often the clock is looked at, and after how long a gap the computer must have slept. Milliseconds. */
const CLOCK_EVERY = 5_000;
const SLEPT_AFTER = 30_000;

/** The page has been hidden for a while. */
const asleep = signal(false);

/** Counts how often the computer slept: the streams that were open then are dead, and nobody says so. */
const wakes = signal(0);

/** Starts it all, once. */
export function start(): void {
  keepDrafts();
  followOtherTabs();
  const here = address.parse(location.href);
  searchFor(here.q);
  show(here.chat, here.request);
  const gone = () => {
    const { chat, q, request } = address.parse(location.href);
    searchFor(q);
    show(chat, request);
  };
  addEventListener("popstate", gone);
  effect(() => address.replace({ q: query.value.trim() }));

  followSleep();
  followAccount();
  followAnswer();
}

function followSleep(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const seen = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => (asleep.value = true), HIDDEN_FOR);
    else asleep.value = false;
  };
  document.addEventListener("visibilitychange", seen);
  seen();
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    // The timers of a hidden page are slowed down, too.
    if (now - last > SLEPT_AFTER && !document.hidden) wakes.value++;
    last = now;
  }, CLOCK_EVERY);
}

function followAccount(): void {
  let before: string | null = null;
  let place = { last: "" };
  let begun = false;
  effect(() => {
    const used = key.value;
    if (refused.value) return;
    return untracked(() => {
      const first = !begun;
      begun = true;
      // Nothing of one key's account stays on the page under another key, or under none.
      if (used !== before && !first) {
        batch(() => {
          forgetChats();
          stopSearch();
          turns.value = [];
          olderTurns.value = null;
          olderLoaded.value = { state: "ready" };
        });
        place = { last: "" };
      }
      before = used;
      if (used === null) return;
      void loadChats(chatsLoaded.peek().state === "ready");
      if (first) return; // the rest was begun with the address
      const { q, request } = address.parse(location.href);
      const empty = turns.peek().length === 0;
      void loadTurns(!empty);
      if (request && empty) void aim(request);
      searchFor("");
      searchFor(q);
    });
  });
  effect(() => {
    const used = key.value;
    wakes.value;
    if (used === null || refused.value || asleep.value) return;
    return untracked(() =>
      follow(used, place, {
        opened: catchUp,
        heard,
        broke: refreshChats, // a key that is no longer taken shows by it
      }),
    );
  });
}

/** Reads again what may have changed unheard. */
function catchUp(): void {
  refreshChats();
  if (turns.peek().length > 0) void loadTurns(true);
}

function heard(news: News): void {
  switch (news.type) {
    case "reset":
      catchUp();
      return;
    case "made":
      if (!news.request.chat) return;
      putChat(news.request.chat);
      if (isOpen(news.request.chat)) add(news.request);
      return;
    case "done":
    case "failed":
      refreshChats();
      ended(turns.peek().find(({ id }) => id === news.request_id));
  }
}

/** A request of the open chat has ended. Where its own stream is open, that says so; where that is waiting to be opened again, it needs to wait no longer. */
function ended(turn: Turn | undefined): void {
  if (!turn || !unfinished(turn.request.peek())) return;
  const link = turn.link.peek();
  if (link.state === "retrying") link.now();
  else if (turn !== listened.peek()) look(turn).catch(() => {});
}

function followAnswer(): void {
  effect(() => {
    const turn = listened.value;
    wakes.value;
    if (!turn || refused.value || asleep.value) return;
    return untracked(() => pollForResponse(turn));
  });

  effect(() => {
    // Hidden, and so without streams: a look now and then.
    if (key.value === null || refused.value || !asleep.value) return;
    const timer = setInterval(() => {
      const turn = listened.peek();
      if (turn) look(turn).catch(() => {});
      if (chats.peek().some((chat) => chat.unfinished > 0)) refreshChats();
    }, LOOK_EVERY);
    return () => clearInterval(timer);
  });

  // Spoken when a wait begins that is not just the order of things, and when a pause ends.
  let spoken: { id: string; reason: Waiting["reason"] | undefined } | null = null;
  effect(() => {
    const turn = listened.value;
    const request = turn?.request.value;
    const waiting = request?.waiting;
    const before = spoken?.id === turn?.id ? spoken?.reason : undefined;
    spoken = turn && { id: turn.id, reason: waiting?.reason };
    if (!request || before === waiting?.reason) return;
    if (waiting?.reason === "paused" || waiting?.reason === "no_worker") announce(waitingWords(waiting, Date.now() - Date.parse(request.queued_at), Date.now()));
    else if (before === "paused") announce(t.stream.pauseOver);
  });

  // The last answer that was listened to tells where the chat is now.
  let last: Turn | null = null;
  effect(() => {
    const turn = listened.value;
    if (last && last !== turn && turns.peek().includes(last)) {
      const { chat } = last.request.value;
      if (chat) untracked(() => moved(chat));
    }
    last = turn ?? last;
  });
}
