import { batch } from "@preact/signals";
import { announce } from "../shared/announce";
import { ApiError } from "../shared/api";
import type { ChatRequest, StreamEnd, StreamEvent } from "../shared/types";
import { waitingWords } from "../shared/words";
import { Answer } from "./answer";
import { ask } from "./key";
import { type Turn, unfinished, update } from "./turn";

/** Pauses before connecting again, in milliseconds; the last one repeats. Each is stretched by up to a fifth, so that many pages do not come at once. */
const PAUSES = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/** A stream that lived this long was a good one: the pauses start over. Milliseconds. */
const LIVED = 10_000;

/**
 * Shows the answer of a request as it is written: opens its stream and keeps it open, over cuts, until the end.
 * Returns a function that stops listening (the request goes on at the server).
 */
export function pollForResponse(turn: Turn): () => void {
  const answer = new Answer();
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  let stopped = false;
  let failures = 0;
  let openedAt = 0;
  let lastEventId = "";

  function connect(): void {
    clearTimeout(retry);
    turn.link.value = { state: "connecting" };
    console.log(`📡 Connecting to SSE for request: ${turn.id}`);
    source = new EventSource(streamAddress(turn.request.peek().stream_url, lastEventId, location.href));
    source.onopen = () => {
      console.log("✅ SSE connection established");
      openedAt = Date.now();
      turn.link.value = { state: "live" };
    };
    source.onmessage = (event: MessageEvent<string>) => {
      if (event.lastEventId) lastEventId = event.lastEventId;
      receive(JSON.parse(event.data) as StreamEvent);
    };
    source.onerror = (event) => {
      console.error("SSE error", event);
      source?.close();
      if (openedAt && Date.now() - openedAt > LIVED) failures = 0;
      openedAt = 0;
      void fallbackToPolling(turn.id);
    };
  }

  function receive(data: StreamEvent): void {
    // The end is told by its status: the receiver of the guide passes on messages without a type.
    if ("status" in data && (data.status === "done" || data.status === "failed")) {
      console.log("📨 SSE message received:", data);
      finish(data);
    } else if (data.type === "connected") {
      console.log("📨 SSE message received:", data);
    } else if (data.type === "delta") {
      console.debug("SSE delta", data);
      applyDelta(data.offset, data.text);
    } else if (data.type === "status") {
      console.debug("SSE status", data);
      applyStatus(data);
    }
  }

  function applyDelta(offset: number, text: string): void {
    const applied = answer.apply(offset, text);
    if (applied === "gap") {
      source?.close();
      lastEventId = "";
      later();
      return;
    }
    if (applied === "corrected") turn.corrected.value = true;
    // At most one drawing a frame, however many deltas come.
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      turn.text.value = answer.text;
    });
  }

  function applyStatus(data: Extract<StreamEvent, { type: "status" }>): void {
    const before = turn.request.peek();
    const phase = data.phase ?? null;
    const waiting = data.waiting ?? null;
    if (phase === "answering" && before.phase !== "answering") announce("Answering");
    if (waiting && waiting.reason !== before.waiting?.reason) announce(waitingWords(waiting, Date.now() - Date.parse(before.queued_at), Date.now()));
    batch(() => {
      turn.away.value = data.away ?? false;
      turn.request.value = { ...before, status: data.status, phase, waiting, attempt: data.attempt ?? before.attempt, started_at: startedAt(before, data.status) };
    });
  }

  function finish(end: StreamEnd): void {
    stop();
    update(turn, ended(turn.request.peek(), end));
    announceEnd(turn.request.peek());
    // The end on the stream has no mode and no times of the attempt: one look brings them.
    ask<ChatRequest>(requestPath(turn.id)).then(({ body }) => update(turn, body)).catch(() => {});
  }

  /** One look at the request; if it has not ended, the stream is opened again after a pause. */
  async function fallbackToPolling(requestId: string): Promise<void> {
    try {
      const { body } = await ask<ChatRequest>(requestPath(requestId));
      if (stopped) return;
      update(turn, body);
      if (!unfinished(body)) {
        stop();
        announceEnd(body);
        return;
      }
    } catch (error) {
      if (stopped) return;
      if (error instanceof ApiError && error.status === 404) {
        stop();
        update(turn, { ...turn.request.peek(), status: "failed", error_code: "internal", error_message: "The server no longer has this request." });
        return;
      }
      // Anything else passes: the server is restarting, or the network is away.
    }
    later();
  }

  function later(): void {
    const pause = PAUSES[Math.min(failures++, PAUSES.length - 1)]! * (1 + Math.random() / 5);
    clearTimeout(retry);
    retry = setTimeout(connect, pause);
    turn.link.value = { state: "retrying", at: Date.now() + pause, now: connect };
  }

  function stop(): void {
    stopped = true;
    source?.close();
    clearTimeout(retry);
    cancelAnimationFrame(frame);
    removeEventListener("online", online);
    turn.link.value = { state: "off" };
  }

  function online(): void {
    if (turn.link.peek().state === "retrying") connect();
  }

  addEventListener("online", online);
  connect();
  return stop;
}

/** The path of one request. */
export function requestPath(id: string): string {
  return `/api/chat/requests/${encodeURIComponent(id)}/`;
}

/** The stream's address, resumed after `lastEventId`. Only ever on the host that the page came from. */
export function streamAddress(streamUrl: string, lastEventId: string, base: string): string {
  const url = new URL(streamUrl, base);
  if (lastEventId) url.searchParams.set("last_event_id", lastEventId);
  return url.pathname + url.search;
}

function announceEnd(request: ChatRequest): void {
  if (request.status === "done") {
    console.log("✅ Response received successfully");
    announce("Answer complete");
  } else {
    announce(request.error_message ?? "The request failed.");
  }
}

function startedAt(before: ChatRequest, status: "idle" | "executing"): string | null {
  if (status === "idle") return null;
  return before.started_at ?? new Date().toISOString();
}

function ended(before: ChatRequest, end: StreamEnd): ChatRequest {
  return {
    ...before,
    status: end.status,
    phase: null,
    waiting: null,
    response: end.response ?? null,
    partial_response: end.partial_response ?? null,
    error_message: end.error ?? null,
    error_code: end.error_code ?? null,
    retry_after: end.retry_after ?? null,
    may_be_sent_at: end.may_be_sent_at ?? before.may_be_sent_at,
    completed_at: end.completed_at ?? new Date().toISOString(),
  };
}
