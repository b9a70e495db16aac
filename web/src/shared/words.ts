import type { IconName } from "./icons";
import { clock, counting } from "./time";
import type { ChatRequest, Phase, Status, Waiting } from "./types";

/** How each status looks: never by colour alone. */
export const STATUS_WORDS: Record<Status, { word: string; icon: IconName; tone: string }> = {
  idle: { word: "Queued", icon: "clock", tone: "plain" },
  executing: { word: "Executing", icon: "working", tone: "accent" },
  done: { word: "Done", icon: "done", tone: "ok" },
  failed: { word: "Failed", icon: "failed", tone: "bad" },
};

const PHASE_WORDS: Record<Phase, string> = {
  opening: "Opening the chat",
  typing: "Typing the message",
  submitted: "Sent, waiting for the answer",
  answering: "Answering",
};

/** What the worker does now. `away`: its connection is gone for now. */
export function phaseWords(phase: Phase | null, away: boolean): string {
  const words = phase ? PHASE_WORDS[phase] : "Taken by a browser";
  return away ? `${words}. The browser is away for now and goes on when it is back` : words;
}

/** Why a request waits, as a sentence. `waited` and `at` are in milliseconds. */
export function waitingWords(waiting: Waiting | null, waited: number, at: number): string {
  const until = waiting?.until ?? null;
  switch (waiting?.reason) {
    case "no_worker":
      return until ? `No browser is connected. Waiting until ${clock(until, at)}.` : "No browser is connected.";
    case "paused":
      return until
        ? `The site limits this account until ${clock(until, at)} (${counting(Date.parse(until) - at)}).`
        : "The browser is paused. Look at the chat site there: it may want a log-in.";
    case "chat_busy":
      return `Waiting for the message before it in this chat, ${counting(waited)}`;
    default:
      return `Waiting its turn, ${counting(waited)}`;
  }
}

/** What a person can do about a failed request. */
export type Remedy = "again" | "edit" | "auto" | "new_chat" | "copy_id";

/** The remedy of a failure, by its code. Where the message may have reached the site, it is never sent again by one click. */
export function remedy(request: Pick<ChatRequest, "error_code" | "may_be_sent_at">): Remedy {
  switch (request.error_code) {
    case "too_long":
    case "page_changed":
    case "timeout":
    case "incomplete_answer":
      return "edit";
    case "worker_lost":
      return request.may_be_sent_at ? "edit" : "again";
    case "mode_unavailable":
      return "auto";
    case "chat_not_found":
      return "new_chat";
    case "internal":
      return "copy_id";
    default:
      return "again";
  }
}
