// What the background knows, what happens to it, and what it then does. attempts.ts has the rules.

import type { Health, PageNews, Phase, Ref, ToPage } from "../messages";
import type { Failure, FromBridge, HealthReport, NewRequest, Response, ToBridge } from "./wire";

/** A moment by two clocks, in milliseconds: the one may be set back, the other may stand still in a computer's sleep. */
export interface Moment {
  wall: number;
  mono: number;
}

/** How long ago, by the clock that says more. */
export function elapsed(now: Moment, then: Moment): number {
  return Math.max(now.wall - then.wall, now.mono - then.mono);
}

/** What is kept of an attempt over the background's death. */
export interface Kept {
  request: NewRequest;
  phase: Phase;
  /** The site's id of the chat: the request's, or what the page told since. */
  chat_id: string | null;
  /** What is sent until its ack. */
  result: Response | Failure | null;
}

/**
 * How far an attempt has come, in what it waits for:
 * receiving (what the bridge asked is being stored) → queued (a free tab) → tab (a new tab) → opening (the tab's page) →
 * preparing (`prepared`) → prepared (the bridge to be there) → asked (`go`) → storing (`submitted` in storage) →
 * pressing (`pressed` or `refused`) → watching (the answer) → ended (`ack`). stopping: the page's `stopped`.
 * With `submitted` stored, a tab that is lost leads back to queued and opening, and from there to watching.
 */
export type Step =
  | "receiving"
  | "queued"
  | "tab"
  | "opening"
  | "preparing"
  | "prepared"
  | "asked"
  | "storing"
  | "pressing"
  | "watching"
  | "ended"
  | "stopping";

export interface Attempt {
  kept: Kept;
  step: Step;
  since: Moment;
  /** The bridge, on this connection, has it as ours. */
  held: boolean;
  /** The ready that waits for go. */
  readyAt: Moment | null;
  tab: number | null;
  /** The page in that tab was told something of it, and may be at work. */
  told: boolean;
  /** The page went away between go and the press. */
  orphaned: boolean;
  /** ended: the result is in storage, or could not be put there. */
  settled: boolean;
  /** stopping: already forgotten, so nothing is said at its end. */
  quiet: boolean;
  /** How often its tab was closed before the press, and how often the page was led to its address. */
  losses: number;
  tries: number;
  /** queued: not before this, after a tab could not be opened. */
  notBefore: Moment | null;
}

/** A tab of ours. */
export interface Tab {
  id: number;
  url: string;
  /** Its content script is connected. */
  attached: boolean;
  /** The attempt that works in it. */
  use: string | null;
  health: Health | null;
  /** When it was last attached, detached or led somewhere; nudges: what was done since about its not being attached. */
  since: Moment;
  nudges: number;
}

/** The bridge was told, or is to be, that we can't work; until a page says that it is well. */
export interface Suspicion {
  code: string;
  since: Moment;
  /** When the page was last loaded anew to see whether it is well again. */
  checked: Moment;
  /** How often that was. */
  looks: number;
}

export interface State {
  /** The bridge has said welcome on the present socket. */
  online: boolean;
  capacity: number;
  /** The person has paused us. */
  paused: boolean;
  attempts: Map<string, Attempt>;
  tabs: Map<number, Tab>;
  suspicion: Suspicion | null;
  /** The health that the bridge heard last on this connection. */
  toldHealth: HealthReport | null;
  /** When the site's limit ends, as far as an attempt heard of it; milliseconds since 1970. */
  limitedUntil: number | null;
  /** A tab was asked for, to look whether the page is well again. */
  looking: boolean;
}

export type What = "request" | "submitted" | "chat" | "result";

export type Event =
  | { type: "bridge"; message: Extract<FromBridge, { type: "welcome" | "new_request" | "go" | "cancel" | "ack" | "resync" }> }
  | { type: "offline" }
  | { type: "saved" | "unsaved"; key: string; what: What }
  | { type: "attached"; tab: number; url: string }
  | { type: "detached"; tab: number }
  | { type: "page"; tab: number; message: PageNews }
  | { type: "tab_opened"; key: string | null; tab: number; url: string }
  | { type: "tab_failed"; key: string | null; reason: string }
  | { type: "tab_gone"; tab: number }
  /** The tab shows what is not the site, as far as we may see. */
  | { type: "tab_away"; tab: number }
  | { type: "tab_replaced"; tab: number; by: number }
  | { type: "tab_moved"; tab: number; url: string }
  | { type: "settings"; capacity: number; paused: boolean }
  /** A person's own tab is well: then ours may be, too. */
  | { type: "hint" }
  /** A new selector pack is in use. */
  | { type: "repacked" }
  /** Unpaired: everything is forgotten, and nobody is told. */
  | { type: "let_go" }
  | { type: "tick" };

export type Effect =
  /** Write, wait, then say saved or unsaved; what comes after it in the list does not wait for that answer. */
  | { do: "save"; key: string; kept: Kept; what: What }
  | { do: "erase"; key: string }
  | { do: "send"; message: ToBridge }
  | { do: "tell"; tab: number; message: ToPage }
  | { do: "open"; key: string | null; url: string }
  | { do: "navigate"; tab: number; url: string }
  /**
   * Look what a tab shows: say tab_gone or tab_away, or else inject the scripts where they are not. load: an address to
   * load anew, unless a person is looking at that tab.
   */
  | { do: "look"; tab: number; load: string | null }
  /** Put our mark into a page, by which its tab is known again after the browser was restarted. */
  | { do: "mark"; tab: number }
  | { do: "close"; tab: number }
  | { do: "hang_up"; reason: string }
  /** The live text of an attempt: changed, to be sent from the start, of no more use. */
  | { do: "text"; key: string; offset: number; text: string }
  | { do: "retext"; key: string }
  /** answer: what it became, if it ended well. */
  | { do: "untext"; key: string; answer?: string }
  /** For the event list that people see. */
  | { do: "note"; text: string };

export function keyOf(of: Ref): string {
  return `${of.request_id}/${of.attempt}`;
}

export function refOf(a: Attempt): Ref {
  return { request_id: a.kept.request.request_id, attempt: a.kept.request.attempt };
}

/** The press may have happened, as far as storage says. */
export function submitted(k: Kept): boolean {
  return k.phase === "submitted" || k.phase === "answering";
}

/** An attempt as it is at first. */
export function begin(kept: Kept, now: Moment): Attempt {
  return {
    kept,
    step: "receiving",
    since: now,
    held: false,
    readyAt: null,
    tab: null,
    told: false,
    orphaned: false,
    settled: false,
    quiet: false,
    losses: 0,
    tries: 0,
    notBefore: null,
  };
}
