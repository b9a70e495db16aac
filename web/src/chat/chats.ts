import { batch, signal } from "@preact/signals";
import { sentence } from "../shared/api";
import type { Chat } from "../shared/types";
import { ask } from "./key";
import { merged, notAfter } from "./order";

/** What is shown of something that is read from the server. */
export type Loaded = { state: "loading" | "ready" } | { state: "failed"; error: string };

/** Chats read at once. */
const A_PAGE = 100;

/** How many pages are read at most to meet what is known again; beyond that the list starts over. */
const PAGES_TO_MEET = 5;

/** However much happens, the newest chats are read again no sooner than this after the last time. Milliseconds. */
const REFRESH_EVERY = 1_000;

/** The chats that were read, newest activity first. */
export const chats = signal<Chat[]>([]);
export const chatsLoaded = signal<Loaded>({ state: "loading" });

/** Where the next older chats are; null: all are here. */
export const moreChats = signal<string | null>(null);
export const moreLoaded = signal<Loaded>({ state: "ready" });

/** Up to here (updated_at) the list was whole when it was last read. */
let wholeTo: string | null = null;

/** Counts what makes a reply void: another key, a list that starts over. */
let generation = 0;

/** Nothing is known any more. */
export function forgetChats(): void {
  generation++;
  wholeTo = null;
  batch(() => {
    chats.value = [];
    moreChats.value = null;
    chatsLoaded.value = { state: "loading" };
    moreLoaded.value = { state: "ready" };
  });
}

/** Reads the newest chats. `quiet`: what is shown stays meanwhile, and if it fails. */
export async function loadChats(quiet = false): Promise<void> {
  const mine = generation;
  if (!quiet) chatsLoaded.value = { state: "loading" };
  try {
    const read: Chat[] = [];
    let path: string | null = `/api/chat/chats/?limit=${A_PAGE}`;
    let meets = false;
    for (let page = 0; path !== null && !meets && page < (wholeTo === null ? 1 : PAGES_TO_MEET); page++) {
      const reply: { body: Chat[]; next: string | null } = await ask<Chat[]>(path);
      if (mine !== generation) return;
      read.push(...reply.body);
      path = reply.next;
      meets = wholeTo !== null && read.some((chat) => notAfter(chat.updated_at, wholeTo!));
    }
    batch(() => {
      if (meets) {
        chats.value = merged(chats.peek(), read);
      } else {
        chats.value = read;
        moreChats.value = path;
      }
      wholeTo = read[0]?.updated_at ?? null;
      chatsLoaded.value = { state: "ready" };
    });
    if (missed) refreshChats();
    missed = false;
  } catch (error) {
    if (!quiet && mine === generation) chatsLoaded.value = { state: "failed", error: sentence(error) };
  }
}

/** Reads the next older chats, where there are any. */
export async function loadMoreChats(): Promise<void> {
  const path = moreChats.peek();
  if (path === null || moreLoaded.peek().state === "loading") return;
  const mine = generation;
  moreLoaded.value = { state: "loading" };
  try {
    const { body, next } = await ask<Chat[]>(path);
    if (mine !== generation) return;
    batch(() => {
      chats.value = merged(chats.peek(), body);
      if (moreChats.peek() === path) moreChats.value = next;
      moreLoaded.value = { state: "ready" };
    });
  } catch (error) {
    if (mine === generation) moreLoaded.value = { state: "failed", error: sentence(error) };
  }
}

/** Something was heard of a chat while the list was on its way, which may not know it yet. */
let missed = false;

/** Puts in what the server just said of a chat. */
export function putChat(chat: Chat): void {
  if (chatsLoaded.peek().state === "ready") chats.value = merged(chats.peek(), [chat]);
  else missed = true;
}

let refreshed = 0;
let soon: ReturnType<typeof setTimeout> | undefined;

/** Reads the newest chats again, soon. */
export function refreshChats(): void {
  soon ??= setTimeout(() => {
    soon = undefined;
    refreshed = Date.now();
    if (chatsLoaded.peek().state === "ready") void loadChats(true);
    else missed = true;
  }, Math.max(0, refreshed + REFRESH_EVERY - Date.now()));
}
