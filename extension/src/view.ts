// What the popup and the options page are told, and what they may ask for, over a runtime.Port.

import type { Hook } from "./messages";

/** The name of the port that the popup and the options page open. */
export const VIEW_PORT = "view";

/** How things are, the first that applies. */
export type Condition =
  | "unpaired"
  | "no_access"
  | "bad_key"
  | "replaced"
  | "paused"
  | "too_old"
  | "connecting"
  | "away"
  | "logged_out"
  | "challenge"
  | "page_changed"
  | "unreachable"
  | "limited"
  | "working"
  | "ready";

/** Everything that is shown; never a key, a message or an answer. */
export interface View {
  condition: Condition;
  /** The server's own sentence, or what the socket met with. */
  detail: string;
  server: string;
  account: string;
  name: string;
  capacity: number;
  version: string;
  pack: number;
  /** The version of a pack that waits for consent. */
  packWaiting: number | null;
  /** limited: its end; away: the next try; milliseconds since 1970. */
  until: number | null;
  working: { phase: string; since: number }[];
  events: { at: number; text: string }[];
}

export type Command =
  | { do: "connect" | "pause" | "resume" | "open_site" | "unpair" | "doctor" }
  | { do: "pack"; take: boolean }
  | { do: "pair"; server: string; key: string }
  | { do: "settings"; name: string; capacity: number };

export type ToView =
  | { type: "view"; view: View }
  /** hooks: null where no tab could be asked. */
  | { type: "doctor"; hooks: Hook[] | null }
  | { type: "paired"; ok: boolean; sentence: string };
