// Where on the site an attempt belongs.

import { submitted, type Kept } from "./state";

export const SITE = "https://chatgpt.com";

/** A match pattern for the site's pages. */
export const SITE_PATTERN = `${SITE}/*`;

/** Where the tab is led: the chat, a temporary one, or a new one. */
export function addressOf(k: Kept): string {
  if (k.request.temporary) return `${SITE}/?temporary-chat=true`;
  return k.chat_id === null ? `${SITE}/` : `${SITE}/c/${encodeURIComponent(k.chat_id)}`;
}

/** Whether a tab's address is the right one. What was submitted without a known chat may be anywhere: the page looks. */
export function belongs(k: Kept, address: string): boolean {
  const url = parse(address);
  if (!url || url.origin !== SITE) return false;
  if (k.chat_id !== null && !k.request.temporary) return chatOf(address) === k.chat_id;
  if (submitted(k)) return true;
  return url.pathname === "/" && (url.searchParams.get("temporary-chat") === "true") === k.request.temporary;
}

/** The chat that an address names; a GPT's chats have its name before. Passing ids (WEB:…) are none. */
export function chatOf(address: string): string | null {
  return /^\/(?:g\/[^/]+\/)?c\/([0-9a-zA-Z-]+)\/?$/.exec(parse(address)?.pathname ?? "")?.[1] ?? null;
}

/** Whether the page of a chat that was submitted can be found again. */
export function findable(k: Kept): boolean {
  return k.chat_id !== null && !k.request.temporary;
}

function parse(address: string): URL | null {
  return URL.canParse(address) ? new URL(address) : null;
}
