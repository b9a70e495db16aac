// What the background and the page's content script say to each other.
//
// The content script opens a runtime.Port with the name PAGE_PORT, says hello, and opens it again whenever it breaks,
// which also wakes a sleeping background. Messages of one port come in order. The page keeps nothing over a reload: what
// must last is the background's.

/** The name of the port that the content script opens. */
export const PAGE_PORT = "page";

/** One hand-over of a request; part of every message about it. */
export interface Ref {
  request_id: string;
  attempt: number;
}

/** How far an attempt has come, in the words of chatbridge.v1. */
export type Phase = "opening" | "typing" | "submitted" | "answering";

/** Why an attempt failed, in the words of chatbridge.v1: those that a worker may say. */
export type ErrorCode =
  | "rate_limited"
  | "logged_out"
  | "challenge"
  | "mode_unavailable"
  | "too_long"
  | "chat_not_found"
  | "page_changed"
  | "incomplete_answer"
  | "worker_lost"
  | "worker_error";

export type ResponseType = "auto" | "thinking" | "instant";
export type ThinkingTime = "standard" | "extended";

/** How the page knows the answer. complete: the site itself said that it is whole. */
export interface Evidence {
  source: "stream" | "dom" | "both";
  complete: boolean;
  note?: string;
}

/** What one hook of the pack found. wanted_on: where it should be found, such as "composer" or "chat"; "" anywhere. */
export interface Hook {
  name: string;
  found: boolean;
  alternative: string;
  wanted_on: string;
}

// ---- page → background

/** First on every port. visible: document.visibilityState. build: VERSION, so that an orphan of an older build is known. */
export interface Hello {
  type: "hello";
  url: string;
  visible: boolean;
  build: string;
}

/**
 * Right after hello as soon as it can be told, then when it changes.
 * limited_until: RFC 3339 UTC. matched: for each hook the alternative that matched, by its number or name.
 * draft: someone else's text is in the composer; the background then navigates that tab nowhere.
 */
export interface Health {
  type: "health";
  logged_in: boolean;
  page_ok: boolean;
  limited_until: string | null;
  matched: Record<string, number | string>;
  trouble: ErrorCode | null;
  draft?: boolean;
}

export interface PhaseNews extends Ref {
  type: "phase";
  phase: Phase;
}

/** The text is in the composer, read back and equal; the mode is set and read back; no answer runs in this chat. */
export interface Prepared extends Ref {
  type: "prepared";
  mode_used: string | null;
}

/** The answer to press: the button was pressed, once. */
export interface Pressed extends Ref {
  type: "pressed";
}

/** The answer to press: it was not pressed, and never will be for this attempt. */
export interface Refused extends Ref {
  type: "refused";
  code: ErrorCode;
  detail: string;
}

/**
 * The answer becomes its first `offset` code points and `text`. As soon as it was seen: the background spaces it for the
 * bridge. The first one after each `press` or `watch` has offset 0. No surrogate pair is split.
 */
export interface TextNews extends Ref {
  type: "text";
  offset: number;
  text: string;
}

/** The site's id of the chat, as soon as it is known; never a passing one (WEB:…). */
export interface ChatNews extends Ref {
  type: "chat";
  chat_id: string;
}

/** The whole answer. Said once; again after a `watch` that comes later. */
export interface Ended extends Ref {
  type: "ended";
  response: string;
  chat_id: string | null;
  chat_title: string | null;
  mode_used: string | null;
  evidence: Evidence;
}

/**
 * The attempt ended without an answer: before the press (it was not pressed and never will be) or after it.
 * detail: a sentence for a person, with the remedy. retry_after: seconds. partial: what had been seen of the answer.
 */
export interface Failed extends Ref {
  type: "failed";
  code: ErrorCode;
  detail: string;
  retry_after?: number;
  partial?: string;
}

/** The answer to abandon: nothing of this attempt runs here any more. Also where the page knows nothing of it. */
export interface Stopped extends Ref {
  type: "stopped";
}

export interface DoctorReport {
  type: "doctor";
  id: string;
  hooks: Hook[];
}

/** Say woke with this id after so many milliseconds: a hidden page's own timers are held back. */
export interface Wake {
  type: "wake";
  id: number;
  ms: number;
}

/** What the rules of the background hear of. */
export type PageNews = Health | PhaseNews | Prepared | Pressed | Refused | TextNews | ChatNews | Ended | Failed | Stopped;

export type FromPage = Hello | PageNews | DoctorReport | Wake;

// ---- background → page

/**
 * Put the text into the composer and say prepared. The tab is already at the right address: / for a new chat, /c/ID, or
 * /?temporary-chat=true. It may come again for the same attempt (the background was restarted, or the bridge asks anew):
 * a page that still holds the text looks once more and says prepared again. For another attempt it ends the one before.
 */
export interface Prepare extends Ref {
  type: "prepare";
  message: string;
  response_type: ResponseType;
  thinking_time: ThinkingTime;
  chat_id: string | null;
  temporary: boolean;
}

/**
 * Press send. It comes once, after `go` came and `submitted` is stored. The page looks again that the composer holds
 * exactly this text, presses once, says pressed or refused, and then goes on as after `watch`. After press_by
 * (milliseconds since 1970, a clock that runs on in sleep) it must refuse.
 */
export interface Press extends Ref {
  type: "press";
  message: string;
  press_by: number;
}

/**
 * The message may have been sent: find its turn and the answer; never press. Where the page already follows this attempt
 * it goes on, with text from offset 0 again. Where the turn is not there it says failed (worker_lost).
 */
export interface Watch extends Ref {
  type: "watch";
  message: string;
  chat_id: string | null;
}

/**
 * Stop and say stopped. Before the press: take our own text out of the composer if it is still exactly ours. After it:
 * press the page's stop button if an answer of ours runs.
 */
export interface Abandon extends Ref {
  type: "abandon";
}

export interface AskDoctor {
  type: "doctor";
  id: string;
}

/** A pack that was validated, to be used from now on. It follows the page's hello where it is newer than the built-in one. */
export interface TakePack {
  type: "pack";
  pack: unknown;
}

export interface Woke {
  type: "woke";
  id: number;
}

export type ToPage = Prepare | Press | Watch | Abandon | AskDoctor | TakePack | Woke;
