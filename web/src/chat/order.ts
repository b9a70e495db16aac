import type { Chat, ChatRequest } from "../shared/types";

/** Whether a moment (RFC 3339) is not after another. */
export function notAfter(one: string, other: string): boolean {
  return Date.parse(one) <= Date.parse(other);
}

/** The chats of both lists, each once, newest activity first, as the server orders them. Of the same chat the later news counts. */
export function merged(known: Chat[], news: Chat[]): Chat[] {
  const byId = new Map(known.map((chat) => [chat.id, chat]));
  for (const chat of news) {
    const had = byId.get(chat.id);
    if (!had || notAfter(had.updated_at, chat.updated_at)) byId.set(chat.id, chat);
  }
  return [...byId.values()]
    .map((chat) => ({ chat, at: Date.parse(chat.updated_at) }))
    .sort((a, b) => b.at - a.at || b.chat.id - a.chat.id)
    .map(({ chat }) => chat);
}

interface Shown {
  readonly id: string;
  readonly queued_at: string;
}

/**
 * Joins the newest messages of a chat, as just read (oldest first), with those that are shown. `before`: shown ones that are older than
 * these, to keep; null if the two do not meet, and the shown ones are to go. `after`: shown ones that are newer, sent meanwhile.
 */
export function join<T extends Shown>(shown: T[], read: Pick<ChatRequest, "id" | "queued_at">[]): { before: T[] | null; after: T[] } {
  const ids = new Set(read.map(({ id }) => id));
  const newest = read.at(-1);
  const after = newest ? shown.filter((one) => !ids.has(one.id) && !notAfter(one.queued_at, newest.queued_at)) : [];
  const meets = shown.findIndex((one) => one.id === read[0]?.id);
  return { before: meets < 0 ? null : shown.slice(0, meets), after };
}
