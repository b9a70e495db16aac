// How the reader in the page's own world speaks to the content script: by events of the window whose name is a nonce, in
// JSON. The content script makes the nonce; both run before any script of the page, which therefore cannot know it.
//
// What the page can still do: it makes these very streams, so it can have in them what it likes, just as it can in its
// document; and where the extension was put into a page that already ran (after an update), it can have listened for the
// nonce and speak under it. Nothing that comes this way is ever pressed, run or shown as markup: it is text to read.

/** Sent by the content script with the nonce as detail; the reader speaks under the newest one. */
export const HELLO = "chatbridge:hello";
/** Sent by a reader that starts, to be told the nonce. */
export const ASK = "chatbridge:ask";
/** Sent by a reader that starts; one that is there already cancels it, and the new one goes. */
export const TAKEN = "chatbridge:taken";

/** Which of the page's calls are of use: paths as in a pack. */
export interface Paths {
  send: string[];
  resume: string[];
  read: string[];
  /** What every message of interest on a socket holds. */
  mark: string;
}

export type Kind = Exclude<keyof Paths, "mark">;

/** Reader → content script. */
export type FromReader =
  | { t: "here"; version: number }
  /** The page calls: for `send`, with the body that it sends, if that is text and not too long. */
  | { t: "call"; id: number; kind: Kind; path: string; body: string | null }
  | { t: "open"; id: number; status: number; stream: boolean; retryAfter: string | null }
  | { t: "piece"; id: number; text: string }
  /** error: it broke, or the page gave it up. */
  | { t: "close"; id: number; error: boolean }
  | { t: "socket"; text: string }
  | { t: "socket_closed" };

/** Content script → reader: under the nonce and "<". */
export type ToReader = { t: "paths"; paths: Paths };

/** Of the messages above. A reader of another version stays until the page is loaded anew. */
export const READER_VERSION = 1;
