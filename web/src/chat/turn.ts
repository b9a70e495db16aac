import { batch, signal, type Signal } from "@preact/signals";
import type { ChatRequest } from "../shared/types";
import { Answer } from "./answer";

/** How the page hears of something: of an unfinished answer, or of all that happens in the account. */
export type Link = { state: "off" | "connecting" | "live" } | { state: "retrying"; at: number; now: () => void };

/** One message with its answer, as the page shows it. It lives as long as its chat is open. */
export interface Turn {
  readonly id: string;
  readonly request: Signal<ChatRequest>;
  /** The text that is shown: of an unfinished answer what has arrived, of an ended one its answer or what was kept of it. */
  readonly text: Signal<string>;
  /** The worker's connection is gone for now. */
  readonly away: Signal<boolean>;
  readonly link: Signal<Link>;
  /** Text that was shown has been changed in place. */
  readonly corrected: Signal<boolean>;
  /** What the stream has brought, and the id of its last event: a stream that is opened again goes on there. */
  readonly heard: { answer: Answer; lastEventId: string };
}

export function makeTurn(request: ChatRequest): Turn {
  return {
    id: request.id,
    request: signal(request),
    text: signal(request.response ?? request.partial_response ?? ""),
    away: signal(false),
    link: signal<Link>({ state: "off" }),
    corrected: signal(false),
    heard: { answer: new Answer(), lastEventId: "" },
  };
}

/** True while the request may still change. */
export function unfinished(request: ChatRequest): boolean {
  return request.status === "idle" || request.status === "executing";
}

/** Takes what the server says of the request now. An end is never taken back by an older reply. */
export function update(turn: Turn, request: ChatRequest): void {
  if (!unfinished(turn.request.peek()) && unfinished(request)) return;
  batch(() => {
    turn.request.value = request;
    if (unfinished(request)) return;
    // Of a failed answer, what was seen here stays where the server kept nothing.
    turn.text.value = request.response ?? request.partial_response ?? turn.text.peek();
    turn.away.value = false;
    turn.link.value = { state: "off" };
  });
}
