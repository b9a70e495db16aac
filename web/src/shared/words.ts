import type { IconName } from "./icons";
import { s } from "./texts";
import { clock, counting } from "./time";
import type { ChatRequest, Phase, Status, Waiting } from "./types";

/** How each status looks: never by colour alone. The word is read while drawing, in the page's language. */
export const STATUS_WORDS: Record<Status, { readonly word: string; icon: IconName; tone: string }> = {
  idle: look("idle", "clock", "plain"),
  executing: look("executing", "working", "accent"),
  done: look("done", "done", "ok"),
  failed: look("failed", "failed", "bad"),
};

function look(status: Status, icon: IconName, tone: string) {
  return {
    get word() {
      return s.words.statuses[status];
    },
    icon,
    tone,
  };
}

/** What the worker does now. `away`: its connection is gone for now. */
export function phaseWords(phase: Phase | null, away: boolean): string {
  const words = s.words.phases[phase ?? "taken"];
  return away ? s.words.away(words) : words;
}

/** Why a request waits, as a sentence. `waited` and `at` are in milliseconds. */
export function waitingWords(waiting: Waiting | null, waited: number, at: number): string {
  const until = waiting?.until ?? null;
  switch (waiting?.reason) {
    case "no_worker":
      return s.words.noWorker(until && clock(until, at));
    case "paused":
      return until ? s.words.pausedUntil(clock(until, at), counting(Date.parse(until) - at)) : s.words.paused;
    case "chat_busy":
      return s.words.chatBusy(counting(waited));
    default:
      return s.words.itsTurn(counting(waited));
  }
}

/**
 * What a person can do about a failed request: send it again, edit it, send it in the mode auto, send it in a new chat, do something
 * at the chat site, look there first whether it arrived, update the extension, or copy the request's id.
 */
export type Remedy = "again" | "edit" | "auto" | "new_chat" | "site" | "look" | "update" | "copy_id";

const REMEDIES: Record<string, Remedy> = {
  rate_limited: "again",
  logged_out: "site",
  challenge: "site",
  too_long: "edit",
  mode_unavailable: "auto",
  chat_not_found: "new_chat",
  page_changed: "update",
  timeout: "look",
  incomplete_answer: "look",
  internal: "copy_id",
};

/** The remedy of a failure, by its code. Where the message may have reached the site, it is never sent again by one click. */
export function remedy({ error_code: code, may_be_sent_at: sent }: Pick<ChatRequest, "error_code" | "may_be_sent_at">): Remedy {
  if (code === "worker_lost" && sent) return "look";
  return REMEDIES[code ?? ""] ?? "again";
}
