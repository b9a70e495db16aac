import { ASK, HELLO, READER_VERSION, TAKEN } from "./channel";
import type { FromReader, Paths, ToReader } from "./channel";
import { watchFetch } from "./fetch";
import { watchSockets } from "./socket";

// Taken before any script of the page can put others in their place.
const dispatch = window.dispatchEvent.bind(window);
const listen = window.addEventListener.bind(window);
const NativeCustomEvent = CustomEvent;
const { stringify, parse } = JSON;

export type Send = (message: FromReader) => void;

/** More than the page says before the content script is there: then it is not there at all. */
const MAX_WAITING = 1_000;

/** Sets up the reader, unless one is there. */
export function start(initial: Paths): void {
  if (!dispatch(new NativeCustomEvent(TAKEN, { cancelable: true }))) return;
  listen(TAKEN, (event) => event.preventDefault());

  let paths = initial;
  let nonce: string | null = null;
  let waiting: FromReader[] = [];

  const send: Send = (message) => {
    if (nonce === null) {
      if (waiting.length < MAX_WAITING) waiting.push(message);
      return;
    }
    dispatch(new NativeCustomEvent(nonce, { detail: stringify(message) }));
  };

  let mine: AbortController | null = null;
  listen(HELLO, (event) => {
    const { detail } = event as CustomEvent<unknown>;
    if (typeof detail !== "string" || !/^[0-9a-f]{32}$/.test(detail)) return;
    nonce = detail;
    mine?.abort();
    mine = new AbortController();
    listen(
      `${nonce}<`,
      (news) => {
        const text = (news as CustomEvent<unknown>).detail;
        if (typeof text !== "string") return;
        const message = parse(text) as ToReader;
        if (message.t === "paths") ({ paths } = message);
      },
      { signal: mine.signal },
    );
    send({ t: "here", version: READER_VERSION });
    const before = waiting;
    waiting = [];
    for (const message of before) send(message);
  });
  watchFetch(() => paths, send);
  watchSockets(() => paths.mark, send);
  dispatch(new NativeCustomEvent(ASK));
}
