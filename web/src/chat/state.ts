import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import type { Chat, ChatRequest, ResponseType } from "../shared/types";
import * as address from "./address";
import { chats, type Loaded, putChat, refreshChats } from "./chats";
import { draft, drafts } from "./drafts";
import { ask, key, refused } from "./key";
import { chooseMode, mode, temporary, thinking } from "./modes";
import { join } from "./order";
import { followQuestion } from "./scroll";
import { requestPath } from "./stream";
import { type Message, submit } from "./submit";
import { t } from "./texts";
import { makeTurn, type Turn, unfinished, update } from "./turn";

/** Messages read at once; more where one is looked for that is far back, and how many such pages at most. */
const MESSAGES_A_PAGE = 30;
const MESSAGES_A_LEAP = 200;
const LEAPS = 50;

/** The chat that is open, as in the URL; null: a new one. */
export const openId = signal<string | null>(null);

/** Moves on whenever another chat is opened. A new chat that gets its id with the first message stays the one that it is. */
export const viewed = signal(0);

/** The open chat's messages that are here, oldest first: always the newest ones, and as many older ones as were asked for. */
export const turns = signal<Turn[]>([]);
export const turnsLoaded = signal<Loaded>({ state: "ready" });

/** Where the next older messages are; null: all are here. */
export const olderTurns = signal<string | null>(null);
export const olderLoaded = signal<Loaded>({ state: "ready" });

/** The request that is to be shown as soon as it is among the turns; whoever shows it sets null. */
export const target = signal<string | null>(null);

/** A send on its way, and why the last one failed. `code` is the server's. */
export const sending = signal(false);
export const sendError = signal<{ text: string; code: string } | null>(null);

/** The composer holds a message that was put back into it: sent, it will be a new one. */
export const editing = signal(false);

/** The open chat, as far as it is known. */
export const openChat = computed<Chat | null>(() => chats.value.find(isOpen) ?? turns.value.at(-1)?.request.value.chat ?? null);

/** One chat is answered one message at a time: only its first unfinished answer is listened to. */
export const listened = computed(() => turns.value.find((turn) => unfinished(turn.request.value)) ?? null);

export function isOpen(chat: Chat): boolean {
  return openId.value !== null && (String(chat.id) === openId.value || chat.chat_id === openId.value);
}

/** Opens a chat, or with null a new one, and says so in the URL. `request` is to be shown in it; else its end. */
export function open(chat: string | null, request = ""): void {
  address.push({ chat, request });
  show(chat, request);
}

/** Shows what the URL says. */
export function show(chat: string | null, request: string): void {
  if (chat === openId.peek() && viewed.peek() > 0) {
    if (request) void aim(request);
    return;
  }
  batch(() => {
    viewed.value++;
    openId.value = chat;
    olderTurns.value = null;
    olderLoaded.value = { state: "ready" };
    turns.value = [];
    target.value = null;
    sendError.value = null;
    editing.value = false;
    turnsLoaded.value = { state: "ready" };
    drafts.open(chat);
  });
  if (chat !== null) void loadTurns();
  if (request) void aim(request);
}

/** Tells later whether the page still shows the same chat of the same account. */
function now(): () => boolean {
  const view = viewed.peek();
  const used = key.peek();
  return () => viewed.peek() === view && key.peek() === used;
}

/** Reads the open chat's newest messages. `quiet`: what is shown stays meanwhile, and if it fails. */
export async function loadTurns(quiet = false): Promise<void> {
  const chat = openId.peek();
  if (chat === null || key.peek() === null) return;
  const still = now();
  if (!quiet) turnsLoaded.value = { state: "loading" };
  try {
    const { body, next } = await ask<ChatRequest[]>(`/api/chat/requests/?chat=${encodeURIComponent(chat)}&limit=${MESSAGES_A_PAGE}`);
    if (!still()) return;
    batch(() => {
      const { before, after } = join(shownNow(), body.reverse());
      turns.value = [...turnsOf(before ?? []), ...body.map(taken), ...turnsOf(after)];
      if (before === null) olderTurns.value = next;
      turnsLoaded.value = { state: "ready" };
    });
  } catch (error) {
    if (still() && !quiet) turnsLoaded.value = { state: "failed", error: notFound(error) ?? sentence(error) };
  }
}

/** Reads the next older messages, where there are any. `limit`: so many. */
export async function loadOlder(limit = MESSAGES_A_PAGE): Promise<void> {
  const path = olderTurns.peek();
  if (path === null || olderLoaded.peek().state === "loading") return;
  const still = now();
  olderLoaded.value = { state: "loading" };
  try {
    const { body, next } = await ask<ChatRequest[]>(path.replace(/\blimit=\d+/, `limit=${limit}`));
    if (!still()) return;
    batch(() => {
      olderLoaded.value = { state: "ready" };
      if (olderTurns.peek() !== path) return; // what is shown begins elsewhere now
      const here = new Set(turns.peek().map(({ id }) => id));
      turns.value = [...body.reverse().filter(({ id }) => !here.has(id)).map(taken), ...turns.peek()];
      olderTurns.value = next;
    });
  } catch (error) {
    if (still()) olderLoaded.value = { state: "failed", error: sentence(error) };
  }
}

/** Has a request of the open chat shown, reading older messages until it is here. */
export async function aim(request: string): Promise<void> {
  if (key.peek() === null) return;
  const still = now();
  const wanted = () => still() && target.peek() === request;
  const here = () => turns.peek().some(({ id }) => id === request);
  target.value = request;
  if (here()) return;
  try {
    // One look tells whether there is anything to be looked for.
    const { body } = await ask<ChatRequest>(requestPath(request));
    await settled(turnsLoaded);
    for (let leap = 0; wanted() && !here() && body.chat && isOpen(body.chat) && olderTurns.peek() !== null && leap < LEAPS; leap++) {
      await settled(olderLoaded);
      await loadOlder(MESSAGES_A_LEAP);
      if (olderLoaded.peek().state === "failed") break;
    }
  } catch {
    // Not there, or not to be had: the end is shown.
  }
  if (wanted() && !here()) target.value = null;
}

/** Waits until nothing of it is on its way. */
async function settled(loaded: ReadonlySignal<Loaded>): Promise<void> {
  let stop: (() => void) | undefined;
  await new Promise<void>((resolve) => {
    stop = loaded.subscribe(({ state }) => state !== "loading" && resolve());
  });
  stop?.();
}

function shownNow(): { id: string; queued_at: string; turn: Turn }[] {
  return turns.peek().map((turn) => ({ id: turn.id, queued_at: turn.request.peek().queued_at, turn }));
}

function turnsOf(shown: { turn: Turn }[]): Turn[] {
  return shown.map(({ turn }) => turn);
}

/** The turn of a request, with what the server says of it now. */
function taken(request: ChatRequest): Turn {
  const turn = turns.peek().find(({ id }) => id === request.id);
  if (!turn) return makeTurn(request);
  update(turn, request);
  return turn;
}

function notFound(error: unknown): string | null {
  return error instanceof ApiError && error.status === 404 ? t.stream.noChat : null;
}

/** Sends what is in the composer. The draft goes only when the server has the message. */
export async function sendDraft(): Promise<void> {
  const message = draft.peek();
  if (message.trim() === "") return;
  await send(message, mode.peek(), thinking.peek(), true);
}

/** Sends a message of the open chat again, as a new one. */
export async function sendAgain(request: ChatRequest, type: ResponseType = request.response_type): Promise<void> {
  if (request.message !== null) await send(request.message, type, request.thinking_time, false);
}

/** Sends it again in a mode that the site always has, and stays in that. */
export async function useAuto(request: ChatRequest): Promise<void> {
  chooseMode("auto");
  await sendAgain(request, "auto");
}

async function send(message: string, type: ResponseType, thinkingTime: typeof thinking.value, isDraft: boolean): Promise<void> {
  if (sending.peek()) return;
  const chat = openId.peek();
  const still = now();
  const fields: Message = { message, response_type: type, thinking_time: type === "thinking" ? thinkingTime : "standard", chat_id: asGiven(chat) };
  if (chat === null && temporary.peek()) fields.temporary = true;
  batch(() => {
    sending.value = true;
    sendError.value = null;
  });
  try {
    const request = await submit(fields);
    batch(() => {
      if (isDraft) drafts.sent(chat, message);
      if (still()) take(request, isDraft);
    });
    if (request.chat) putChat(request.chat);
    refreshChats();
  } catch (error) {
    if (!refused.peek()) {
      if (still()) sendError.value = { text: sentence(error), code: error instanceof ApiError ? error.code : "" };
      announce(sentence(error));
    }
  } finally {
    sending.value = false;
  }
}

/** Our own ids are integers on the wire, the site's are text. */
function asGiven(chat: string | null): number | string | null {
  return chat !== null && /^\d{1,15}$/.test(chat) ? Number(chat) : chat;
}

/** Shows a request that was just made here; in a new chat, that chat is now open. */
function take(request: ChatRequest, isDraft: boolean): void {
  if (openId.peek() === null && request.chat) {
    const id = String(request.chat.id);
    address.push({ chat: id, request: "" });
    openId.value = id;
    drafts.named(id);
    temporary.value = false;
  }
  if (isDraft) editing.value = false;
  add(request);
  followQuestion(request.id);
}

/** Shows a request of the open chat that was made here or elsewhere. */
export function add(request: ChatRequest): void {
  if (turns.peek().some(({ id }) => id === request.id)) return;
  turns.value = [...turns.peek(), makeTurn(request)];
}

/** Puts a message back into the composer, before what is there: nothing that was written is lost. Sent, it is a new message. */
export function edit(message: string): void {
  const written = draft.peek();
  batch(() => {
    drafts.write(written === "" || written === message ? message : `${message}\n\n${written}`);
    editing.value = true;
  });
  focusComposer();
}

/** Opens a new chat with a message in its composer. */
export function editInNewChat(message: string): void {
  open(null);
  edit(message);
  editing.value = false;
}

/** Puts the focus, and the caret behind the text, where a message is written. */
export function focusComposer(): void {
  const area = document.getElementById("composer");
  if (!(area instanceof HTMLTextAreaElement)) return;
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}

/** Ends a request. An end that came first wins. Throws ApiError if the server did not take it. */
export async function cancel(turn: Turn): Promise<void> {
  try {
    await ask(requestPath(turn.id) + "cancel/", { method: "POST" });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
  await look(turn);
}

/** Reads once how a request stands. Throws ApiError. */
export async function look(turn: Turn): Promise<void> {
  update(turn, (await ask<ChatRequest>(requestPath(turn.id))).body);
}

/** An answer can belong to another chat of the account than the one that it was asked in: the page goes there with it. */
export function moved(to: Chat): void {
  if (openId.peek() === null || isOpen(to)) return;
  const id = String(to.id);
  address.replace({ chat: id });
  openId.value = id;
  drafts.named(id);
  void loadTurns(true);
}
