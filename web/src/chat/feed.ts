import { signal } from "@preact/signals";
import { online } from "../shared/online";
import type { ChatRequest, StreamEvent } from "../shared/types";
import { Backoff } from "./backoff";
import { bySocket, type Source, streamAddress } from "./source";
import type { Link } from "./turn";

/** What happens in the account, in any of its chats. */
export type News = { type: "reset" } | { type: "made"; request: ChatRequest } | (StreamEvent & { request_id: string });

/** How the page hears of the account. */
export const feedLink = signal<Link>({ state: "off" });

/** Who hears the news. */
export interface Hearer {
  /** The connection stands, again or for the first time: what happened before may have been missed. */
  opened(): void;
  heard(news: News): void;
  /** It broke: because the server is away, or because it does not take the key any more. */
  broke(): void;
}

/** Keeps an account's stream of news open, over cuts. `place.last` is the id of the last stored event; it goes on after that. Returns a function that ends it. */
export function follow(key: string, place: { last: string }, hearer: Hearer): () => void {
  const backoff = new Backoff();
  let source: Source | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function connect(): void {
    clearTimeout(retry);
    source?.close();
    feedLink.value = { state: "connecting" };
    source = bySocket(
      streamAddress("/ws/stream/", place.last, location.href),
      {
        opened() {
          backoff.opened();
          feedLink.value = { state: "live" };
          hearer.opened();
        },
        heard(data, id) {
          if (id) place.last = id;
          hearer.heard(data as News);
        },
        broke() {
          const pause = backoff.broken();
          retry = setTimeout(connect, pause);
          feedLink.value = { state: "retrying", at: Date.now() + pause, now: connect };
          hearer.broke();
        },
      },
      { key },
    );
  }

  const stopWatching = online.subscribe((now) => {
    if (now && feedLink.peek().state === "retrying") connect();
  });
  connect();
  return () => {
    stopWatching();
    clearTimeout(retry);
    source?.close();
    feedLink.value = { state: "off" };
  };
}
