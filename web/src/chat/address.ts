/** What the page's URL says: `/?chat=ID&q=TEXT#REQUEST`. */
export interface Address {
  /** The chat that is open; null: a new one. */
  chat: string | null;
  /** What the chats are searched for; "" for all of them. */
  q: string;
  /** The request that is to be shown; "" for the end. */
  request: string;
}

/** Reads a URL. */
export function parse(href: string): Address {
  const { searchParams, hash } = new URL(href);
  return { chat: searchParams.get("chat") || null, q: searchParams.get("q") ?? "", request: decode(hash.slice(1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The URL with another address in it; what else it holds stays. */
export function format(href: string, { chat, q, request }: Address): string {
  const url = new URL(href);
  if (chat === null) url.searchParams.delete("chat");
  else url.searchParams.set("chat", chat);
  if (q === "") url.searchParams.delete("q");
  else url.searchParams.set("q", q);
  url.hash = request;
  return url.href;
}

/** Goes to another address: Back returns from it. */
export function push(change: Partial<Address>): void {
  const next = format(location.href, { ...parse(location.href), ...change });
  if (next !== location.href) history.pushState(null, "", next);
}

/** Changes the present address in place. */
export function replace(change: Partial<Address>): void {
  const next = format(location.href, { ...parse(location.href), ...change });
  if (next !== location.href) history.replaceState(null, "", next);
}
