import type { ErrorCode } from "../messages";

/** Ends an attempt with a code of chatbridge.v1 and a sentence for a person. */
export class Failure extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    /** Seconds, where the page told them. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

export const SENTENCES = {
  logged_out: "Nobody is logged in at the chat site. Log in there, in the browser that has the extension.",
  challenge: "The chat site asks to prove that a human is there. Open its tab and answer it.",
  rate_limited: "The chat site limits this account for now. Wait, then send again.",
  too_long: "The chat site does not take a message of this length. Shorten it.",
  chat_not_found: "The chat site does not have this chat, or no longer. Start a new one.",
  mode_unavailable: "The chat site does not offer this mode to this account now. Ask for auto, or another one.",
  page_changed: "The chat page does not look as the extension knows it. Run the doctor, and take a newer pack or extension.",
} as const;
