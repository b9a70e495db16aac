import { ApiError } from "../shared/api";
import { freshToken } from "../shared/random";
import { local } from "../shared/storage";
import type { ChatRequest, ResponseType, ThinkingTime } from "../shared/types";
import { ask } from "./key";
import { forget, type Send, tokenFor } from "./unanswered";

/** What a send says. */
export interface Message {
  message: string;
  response_type: ResponseType;
  thinking_time: ThinkingTime;
  chat_id: number | string | null;
  /** A new chat that the site does not keep. */
  temporary?: true;
}

/** The sends that got no answer yet, of all tabs; stored, so that they outlive the page. */
const STORED = "chatbridge.unanswered";

/** Where nothing can be stored, they live as long as the page. */
let unstored: Send[] = [];

/**
 * Sends a message. A send that got no answer may have arrived: sending the same again repeats its Idempotency-Key, also after the page
 * was loaded anew, so that the server makes one request of it. Throws ApiError.
 */
export async function submit(message: Message): Promise<ChatRequest> {
  const body = JSON.stringify(message);
  const [token, kept] = tokenFor(unanswered(), body, freshToken);
  keep(kept);
  try {
    const reply = await ask<ChatRequest>("/api/chat/submit/", { method: "POST", body: message, headers: { "Idempotency-Key": token } });
    keep(forget(unanswered(), token));
    return reply.body;
  } catch (error) {
    // A refusal is an answer: nothing was made of this send. After 5xx or silence nobody knows.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) keep(forget(unanswered(), token));
    throw error;
  }
}

function keep(sends: Send[]): void {
  const text = JSON.stringify(sends);
  if (sends.length > 0) local.set(STORED, text);
  else local.remove(STORED);
  unstored = sends.length > 0 && local.get(STORED) !== text ? sends : [];
}

function unanswered(): Send[] {
  if (unstored.length > 0) return unstored;
  try {
    return JSON.parse(local.get(STORED) ?? "[]") as Send[];
  } catch {
    return [];
  }
}
