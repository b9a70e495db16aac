// What an attempt ends with, within the limits of the protocol.

import type { Ended, ErrorCode, Failed, Ref } from "../messages";
import { headBytes } from "./live-text";
import { MAX_ANSWER_BYTES, MAX_MESSAGE_BYTES, utf8Length, type Failure, type Response } from "./wire";

/** The most that an error's sentence may have, in UTF-16 units: far below the bridge's 64 KiB. */
const MAX_SENTENCE = 4_000;

/** The response to what the page read, or the failure where it can't be one. */
export function responseOf(of: Ref, m: Ended): Response | Failure {
  if (m.response === "")
    return failure(of, "incomplete_answer", "The answer came without any text. Look at the chat, or send the message again.");
  const response: Response = {
    type: "response",
    request_id: of.request_id,
    attempt: of.attempt,
    response: m.response,
    chat_id: m.chat_id,
    chat_title: m.chat_title,
    mode_used: m.mode_used,
    evidence: m.evidence,
  };
  if (utf8Length(m.response) > MAX_ANSWER_BYTES || utf8Length(JSON.stringify(response)) > MAX_MESSAGE_BYTES)
    return failure(of, "incomplete_answer", "The answer is longer than 7 MiB and was cut off. Ask for it in parts.", { partial: m.response });
  return response;
}

const CODES: readonly string[] = [
  "rate_limited",
  "logged_out",
  "challenge",
  "mode_unavailable",
  "too_long",
  "chat_not_found",
  "page_changed",
  "incomplete_answer",
  "worker_lost",
  "worker_error",
] satisfies ErrorCode[];

/** The failure to what the page said; a code that a worker may not say is worker_error. seen: the answer as far as it was read. */
export function failureOf(of: Ref, m: Pick<Failed, "code" | "detail" | "retry_after" | "partial">, seen: string): Failure {
  const code = CODES.includes(m.code) ? m.code : "worker_error";
  const partial = m.partial !== undefined && m.partial.length >= seen.length ? m.partial : seen;
  return failure(of, code, m.detail || "The page gave no reason.", { retryAfter: m.retry_after, partial });
}

export function failure(of: Ref, code: ErrorCode, sentence: string, more: { retryAfter?: number | undefined; partial?: string } = {}): Failure {
  const f: Failure = { type: "error", request_id: of.request_id, attempt: of.attempt, error: sentence.slice(0, MAX_SENTENCE), code };
  if (more.retryAfter !== undefined && more.retryAfter >= 0) f.retry_after = Math.ceil(more.retryAfter);
  let partial = headBytes(more.partial ?? "", MAX_ANSWER_BYTES);
  while (partial !== "" && utf8Length(JSON.stringify(partial)) > MAX_ANSWER_BYTES) partial = headBytes(partial, Math.floor(utf8Length(partial) / 2)); // its escapes are too long
  if (partial !== "") f.partial_response = partial;
  return f;
}

/** Whether a failure pauses the worker at the bridge until a health that is well. */
export function pausesUntilWell(m: Response | Failure): m is Failure {
  return m.type === "error" && (m.code === "logged_out" || m.code === "challenge" || m.code === "page_changed");
}
