import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import type { Chat, ChatRequest, ResponseType } from "../shared/types";
import { chooseMode, draft, dropDraft, mode, openDraft, thinking, writeDraft } from "./drafts";
import { ask, key, refused } from "./key";
import { followQuestion } from "./scroll";
import { pollForResponse, requestPath } from "./stream";
import { type Message, submit } from "./submit";
import { makeTurn, type Turn, unfinished, update } from "./turn";

/** How often the list is read again while a chat of it is unfinished, and an answer while the page is hidden. Milliseconds. */
const LOOK_EVERY = 10_000;

/** A page that is hidden this long closes its stream: a browser has six connections to a server for all its tabs. Milliseconds. */
const HIDDEN_FOR = 30_000;

/** Messages read at once, and how many such pages of one chat at most: 20,000 messages, far beyond any chat that a page can show. */
const MESSAGES_A_PAGE = 500;
const PAGES_AT_MOST = 40;

/** What is shown of something that is read from the server. */
export type Loaded = { state: "loading" | "ready" } | { state: "failed"; error: string };

export const chats = signal<Chat[]>([]);
export const chatsLoaded = signal<Loaded>({ state: "loading" });
export const moreChats = signal<string | null>(null);

/** The chat that is open, as in the URL; null: a new one. */
export const openId = signal<string | null>(null);
export const turns = signal<Turn[]>([]);
export const turnsLoaded = signal<Loaded>({ state: "ready" });

/** A send on its way, and why the last one failed. */
export const sending = signal(false);
export const sendError = signal<string | null>(null);

/** The open chat, if the list has it. */
export const openChat = computed(() => chats.value.find((chat) => isOpen(chat)) ?? null);

/** The page has been hidden for a while. */
const asleep = signal(false);

/** One chat is answered one message at a time: only its first unfinished answer is listened to. */
export const listened = computed(() => turns.value.find((turn) => unfinished(turn.request.value)) ?? null);

export function isOpen(chat: Chat): boolean {
  return openId.value !== null && (String(chat.id) === openId.value || chat.chat_id === openId.value);
}

/** Reads the list of chats anew. `quiet`: what is shown stays if it fails. */
export async function loadChats(quiet = false): Promise<void> {
  if (!quiet) chatsLoaded.value = { state: "loading" };
  try {
    const { body, next } = await ask<Chat[]>("/api/chat/chats/");
    const known = new Set(body.map((chat) => chat.id));
    batch(() => {
      // What "More chats" had brought stays below the newest page.
      const older = quiet ? chats.peek().filter((chat) => !known.has(chat.id)) : [];
      if (older.length === 0) moreChats.value = next;
      chats.value = [...body, ...older];
      chatsLoaded.value = { state: "ready" };
    });
  } catch (error) {
    if (!quiet) chatsLoaded.value = { state: "failed", error: sentence(error) };
  }
}

export async function loadMoreChats(): Promise<void> {
  const path = moreChats.peek();
  if (!path) return;
  const { body, next } = await ask<Chat[]>(path);
  const known = new Set(chats.peek().map((chat) => chat.id));
  batch(() => {
    chats.value = [...chats.peek(), ...body.filter((chat) => !known.has(chat.id))];
    moreChats.value = next;
  });
}

/** Opens a chat, or with null a new one, and says so in the URL. */
export function open(chat: string | null): void {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.delete("chat");
  if (chat !== null) url.searchParams.set("chat", chat);
  if (url.href !== location.href) history.pushState(null, "", url);
  show(chat);
}

function show(chat: string | null): void {
  batch(() => {
    openId.value = chat;
    turns.value = [];
    sendError.value = null;
    turnsLoaded.value = { state: "ready" };
    openDraft(chat);
  });
  if (chat !== null) void loadTurns();
}

/** Reads the open chat's messages. `quiet`: what is shown stays meanwhile, and if it fails. */
export async function loadTurns(quiet = false): Promise<void> {
  const chat = openId.peek();
  if (chat === null || key.peek() === null) return;
  if (!quiet) turnsLoaded.value = { state: "loading" };
  try {
    const requests = await messagesOf(chat);
    if (openId.peek() !== chat) return;
    const known = new Map(turns.peek().map((turn) => [turn.id, turn]));
    batch(() => {
      turns.value = requests.map((request) => {
        const turn = known.get(request.id);
        if (!turn) return makeTurn(request);
        update(turn, request);
        return turn;
      });
      turnsLoaded.value = { state: "ready" };
    });
  } catch (error) {
    if (openId.peek() === chat && !quiet) turnsLoaded.value = { state: "failed", error: notFound(error) ?? sentence(error) };
  }
}

async function messagesOf(chat: string): Promise<ChatRequest[]> {
  const all: ChatRequest[] = [];
  let path: string | null = `/api/chat/chats/${encodeURIComponent(chat)}/requests/?limit=${MESSAGES_A_PAGE}`;
  for (let page = 0; path !== null && page < PAGES_AT_MOST; page++) {
    const reply: { body: ChatRequest[]; next: string | null } = await ask<ChatRequest[]>(path);
    all.push(...reply.body);
    path = reply.next;
  }
  return all;
}

function notFound(error: unknown): string | null {
  return error instanceof ApiError && error.status === 404 ? "This chat is not among the chats of this key." : null;
}

/** Sends what is in the composer. The draft goes only when the server has the message. */
export async function sendDraft(): Promise<void> {
  const message = draft.peek();
  if (message.trim() === "" || sending.peek()) return;
  const from = openId.peek();
  const sent = await send(message, from, mode.peek());
  if (!sent) return;
  if (openId.peek() === from || openId.peek() === String(sent.chat?.id)) writeDraft(openId.peek(), "");
  dropDraft(from);
}

/** Sends a message of the open chat again. */
export async function sendAgain(request: ChatRequest, type: ResponseType = request.response_type): Promise<void> {
  if (type !== request.response_type) chooseMode(type);
  if (!sending.peek()) await send(request.message, openId.peek(), type, request.thinking_time);
}

async function send(message: string, chat: string | null, type: ResponseType, thinkingTime = thinking.peek()): Promise<ChatRequest | null> {
  const fields: Message = { message, response_type: type, thinking_time: type === "thinking" ? thinkingTime : "standard", chat_id: asGiven(chat) };
  batch(() => {
    sending.value = true;
    sendError.value = null;
  });
  try {
    const request = await submit(fields);
    if (openId.peek() === chat) take(request);
    void loadChats(true);
    return request;
  } catch (error) {
    if (!refused.peek()) {
      sendError.value = sentence(error);
      announce(sentence(error));
    }
    return null;
  } finally {
    sending.value = false;
  }
}

/** Our own ids are integers on the wire, the site's are text. */
function asGiven(chat: string | null): number | string | null {
  return chat !== null && /^\d{1,15}$/.test(chat) ? Number(chat) : chat;
}

/** Shows a request that was just made; in a new chat, that chat is now open. */
function take(request: ChatRequest): void {
  const turn = turns.peek().find(({ id }) => id === request.id) ?? makeTurn(request);
  batch(() => {
    if (openId.peek() === null && request.chat) {
      const url = new URL(location.href);
      url.searchParams.set("chat", String(request.chat.id));
      history.pushState(null, "", url);
      openId.value = String(request.chat.id);
    }
    turns.value = [...turns.peek().filter(({ id }) => id !== turn.id), turn];
  });
  followQuestion(request.id);
}

/** Puts a message back into the composer, before what is there: nothing that was written is lost. */
export function edit(message: string): void {
  const written = draft.peek();
  writeDraft(openId.peek(), written === "" || written === message ? message : `${message}\n\n${written}`);
}

/** Opens a new chat with a message in its composer. */
export function editInNewChat(message: string): void {
  open(null);
  edit(message);
}

/** Ends a request. An end that came first wins. Throws ApiError if the server did not take it. */
export async function cancel(turn: Turn): Promise<void> {
  try {
    await ask(requestPath(turn.id) + "cancel/", { method: "POST" });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
  update(turn, (await ask<ChatRequest>(requestPath(turn.id))).body);
}

function forget(): void {
  batch(() => {
    chats.value = [];
    moreChats.value = null;
    chatsLoaded.value = { state: "loading" };
    turns.value = [];
  });
}

/** Starts what runs as long as the page: streams, looks at the list, the URL. */
export function start(): void {
  show(new URLSearchParams(location.search).get("chat"));
  addEventListener("popstate", () => {
    const chat = new URLSearchParams(location.search).get("chat");
    if (chat !== openId.peek()) show(chat);
  });

  let before: string | null = null;
  effect(() => {
    const used = key.value;
    if (refused.value) return;
    untracked(() => {
      // Nothing of one key's account stays on the page under another key, or under none.
      if (used !== before) forget();
      before = used;
      if (used === null) return;
      void loadChats(chatsLoaded.peek().state === "ready");
      void loadTurns(turns.peek().length > 0);
    });
  });

  effect(() => {
    const turn = listened.value;
    if (!turn || refused.value || asleep.value) return;
    return untracked(() => pollForResponse(turn));
  });

  effect(() => {
    // Hidden, and so without a stream: a look now and then.
    const turn = listened.value;
    if (!turn || refused.value || !asleep.value) return;
    const look = () => ask<ChatRequest>(requestPath(turn.id)).then(({ body }) => update(turn, body)).catch(() => {});
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  });

  effect(() => {
    // An answer that ended moves its chat in the list.
    listened.value;
    if (key.peek() !== null && !refused.peek() && chatsLoaded.peek().state === "ready") untracked(() => void loadChats(true));
  });

  effect(() => {
    if (refused.value || asleep.value || !chats.value.some((chat) => chat.unfinished > 0)) return;
    const timer = setInterval(() => void loadChats(true), LOOK_EVERY);
    return () => clearInterval(timer);
  });

  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) {
      hidden = setTimeout(() => (asleep.value = true), HIDDEN_FOR);
      return;
    }
    asleep.value = false;
    if (key.peek() !== null && !refused.peek()) {
      void loadChats(true);
      void loadTurns(true);
    }
  });
}
