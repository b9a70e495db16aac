import { batch } from "@preact/signals";
import { announce } from "../shared/announce";
import { ApiError } from "../shared/api";
import { online } from "../shared/online";
import type { ChatRequest, StreamEnd, StreamEvent } from "../shared/types";
import { Answer } from "./answer";
import { Backoff } from "./backoff";
import { ask } from "./key";
import { type Release, takeSlot } from "./slots";
import { byEvents, bySocket, type Reader, type Source, streamAddress } from "./source";
import { t } from "./texts";
import { type Turn, unfinished, update } from "./turn";

/** After so many EventSources that never stood, a WebSocket is tried: something on the way may hold back one and not the other. */
const EVENT_SOURCES_TRIED = 2;

/**
 * Shows the answer of a request as it is written: opens its stream and keeps it open, over cuts, until the end.
 * Returns a function that stops listening (the request goes on at the server).
 */
export function pollForResponse(turn: Turn): () => void {
  const backoff = new Backoff();
  let source: Source | undefined;
  let release: Release | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let connects = 0;
  let neverStood = 0;

  async function connect(): Promise<void> {
    disconnect();
    const mine = ++connects;
    turn.link.value = { state: "connecting" };
    const slot = neverStood < EVENT_SOURCES_TRIED ? await takeSlot(() => void (mine === connects && connect())) : null;
    if (stopped || mine !== connects) {
      slot?.();
      return;
    }
    release = slot ?? undefined;
    const address = streamAddress(turn.request.peek().stream_url, turn.heard.lastEventId, location.href);
    if (slot) {
      console.log(`📡 Connecting to SSE for request: ${turn.id}`);
      source = byEvents(address, reader("SSE", mine));
    } else {
      console.debug(`Connecting to WebSocket for request: ${turn.id}`);
      source = bySocket(address, reader("WebSocket", mine));
    }
  }

  function reader(by: "SSE" | "WebSocket", mine: number): Reader {
    const log = by === "SSE" ? console.log : console.debug;
    let stood = false;
    return {
      opened() {
        stood = true;
        neverStood = 0;
        backoff.opened();
        log(by === "SSE" ? "✅ SSE connection established" : "WebSocket connection established");
        turn.link.value = { state: "live" };
      },
      heard(data, id) {
        if (id) turn.heard.lastEventId = id;
        receive(data as StreamEvent, (event) => log(by === "SSE" ? "📨 SSE message received:" : "WebSocket message received:", event));
      },
      broke(event) {
        if (by === "SSE") console.error("SSE error", event);
        else console.debug("WebSocket closed", event);
        if (!stood) neverStood = by === "SSE" ? neverStood + 1 : 0;
        disconnect();
        void fallbackToPolling(turn.id, mine);
      },
    };
  }

  function receive(data: StreamEvent, log: (data: StreamEvent) => void): void {
    // The end is told by its status: the receiver of the guide passes on messages without a type.
    if ("status" in data && (data.status === "done" || data.status === "failed")) {
      log(data);
      finish(data);
    } else if (data.type === "connected") {
      log(data);
    } else if (data.type === "delta") {
      console.debug("SSE delta", data);
      applyDelta(data.offset, data.text);
    } else if (data.type === "status") {
      console.debug("SSE status", data);
      applyStatus(data);
    }
  }

  function applyDelta(offset: number, text: string): void {
    const { heard } = turn;
    const applied = heard.answer.apply(offset, text);
    if (applied === "gap") {
      heard.answer = new Answer();
      heard.lastEventId = "";
      later();
      return;
    }
    if (applied === "corrected") turn.corrected.value = true;
    turn.text.value = heard.answer.text;
  }

  function applyStatus(data: Extract<StreamEvent, { type: "status" }>): void {
    const before = turn.request.peek();
    const phase = data.phase ?? null;
    const waiting = data.waiting ?? null;
    if (phase === "answering" && before.phase !== "answering") announce(t.stream.answering);
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
  async function fallbackToPolling(requestId: string, mine: number): Promise<void> {
    const over = () => stopped || mine !== connects;
    try {
      const { body } = await ask<ChatRequest>(requestPath(requestId));
      if (over()) return;
      if (!unfinished(body)) {
        stop();
        update(turn, body);
        announceEnd(body);
        return;
      }
      update(turn, body);
    } catch (error) {
      if (over()) return;
      if (error instanceof ApiError && error.status === 404) {
        stop();
        update(turn, { ...turn.request.peek(), status: "failed", error_code: "internal", error_message: t.stream.gone });
        return;
      }
      // Anything else passes: the server is restarting, or the network is away.
    }
    later();
  }

  function later(): void {
    disconnect();
    const pause = backoff.broken();
    retry = setTimeout(connect, pause);
    turn.link.value = { state: "retrying", at: Date.now() + pause, now: connect };
  }

  function disconnect(): void {
    clearTimeout(retry);
    source?.close();
    release?.();
    source = release = undefined;
  }

  function stop(): void {
    stopped = true;
    disconnect();
    stopWatching();
    turn.link.value = { state: "off" };
  }

  const stopWatching = online.subscribe((now) => {
    if (now && turn.link.peek().state === "retrying") void connect();
  });
  void connect();
  return stop;
}

/** The path of one request. */
export function requestPath(id: string): string {
  return `/api/chat/requests/${encodeURIComponent(id)}/`;
}

function announceEnd(request: ChatRequest): void {
  if (request.status === "done") {
    console.log("✅ Response received successfully");
    announce(t.stream.complete);
  } else {
    announce(request.error_message ?? t.stream.failed);
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
