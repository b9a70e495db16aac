import { batch, computed, signal } from "@preact/signals";
import { sentence } from "../shared/api";
import type { Chat, ChatRequest } from "../shared/types";
import { chats, chatsLoaded, type Loaded, moreChats } from "./chats";
import { ask, key } from "./key";
import { merged } from "./order";
import { finder } from "./snippet";
import { titleOf } from "./title";

/** The server is asked this long after the last key. Milliseconds. */
const AFTER_KEY = 250;

/** Read at once: titles are short, messages come with their whole answers. */
const TITLES_A_PAGE = 100;
const MESSAGES_A_PAGE = 20;

/** A search may look through much and find little: after so many pages without a find it waits until it is told to go on. */
const PAGES_ON_ITS_OWN = 5;

/** What is searched for; "" where nothing is. */
export const query = signal("");

/** Messages that hold it. */
export const hits = signal<ChatRequest[]>([]);

/** The search at the server: under way, at its end or at a stop, failed. */
export const searched = signal<Loaded>({ state: "ready" });

/** There may be more to find. */
export const searchesOn = computed(() => next.value !== null);

/** It has looked for long and found nothing more: it goes on when told to. */
export const searchRests = signal(false);

/** Titles that hold it: of the chats that are here at once, of all others when the server has answered. */
export const titles = computed<Chat[]>(() => {
  const q = query.value.trim();
  if (q === "") return [];
  const find = finder(q);
  const here = chats.value.filter((chat) => find(titleOf(chat)));
  return there.value.length > 0 ? merged(here, there.value) : here;
});

/** What is read next. */
interface Page {
  what: "titles" | "messages";
  path: string;
}

const there = signal<Chat[]>([]);
const next = signal<Page | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;
let running: AbortController | undefined;

/** Searches for something else; "" ends the search. */
export function searchFor(text: string): void {
  const before = query.peek().trim();
  query.value = text;
  if (text.trim() === before) return;
  stopSearch();
  if (text.trim() === "") return;
  searched.value = { state: "loading" };
  timer = setTimeout(searchFurther, AFTER_KEY);
}

/** Ends what runs and forgets what was found. */
export function stopSearch(): void {
  clearTimeout(timer);
  running?.abort();
  running = undefined;
  batch(() => {
    hits.value = [];
    there.value = [];
    searched.value = { state: "ready" };
    searchRests.value = false;
    next.value = query.peek().trim() === "" ? null : firstPage("titles");
  });
}

function firstPage(what: Page["what"]): Page {
  const q = encodeURIComponent(query.peek().trim());
  return { what, path: what === "titles" ? `/api/chat/chats/?limit=${TITLES_A_PAGE}&q=${q}` : `/api/chat/requests/?limit=${MESSAGES_A_PAGE}&q=${q}` };
}

/** Goes on with the search until something more is found, it is at its end, or it has looked for long. */
export async function searchFurther(): Promise<void> {
  if (running || next.peek() === null || key.peek() === null) return;
  const mine = (running = new AbortController());
  searched.value = { state: "loading" };
  searchRests.value = false;
  let found = 0;
  // Where all chats are here already, their titles need no server.
  if (next.peek()!.what === "titles" && chatsLoaded.peek().state === "ready" && moreChats.peek() === null) next.value = firstPage("messages");
  try {
    for (let pages = 0; found === 0 && next.peek() !== null && pages < PAGES_ON_ITS_OWN; pages++) {
      const { what, path } = next.peek()!;
      const reply = await ask<(Chat | ChatRequest)[]>(path, { signal: mine.signal });
      if (running !== mine) return;
      batch(() => {
        if (what === "titles") {
          there.value = [...there.peek(), ...(reply.body as Chat[])];
          next.value = reply.next ? { what, path: reply.next } : firstPage("messages");
        } else {
          const requests = reply.body as ChatRequest[];
          hits.value = [...hits.peek(), ...requests];
          next.value = reply.next ? { what, path: reply.next } : null;
          found += requests.length;
        }
      });
    }
    searched.value = { state: "ready" };
    searchRests.value = found === 0 && next.peek() !== null;
  } catch (error) {
    if (running === mine) searched.value = { state: "failed", error: sentence(error) };
  } finally {
    if (running === mine) running = undefined;
  }
}
