// The messages of chatbridge.v1 between this worker and the bridge, and how what the bridge sends is read.

import type { ErrorCode, Evidence, Hook, Phase, Ref, ResponseType, ThinkingTime } from "../messages";

/** Where workers connect, and the subprotocol. */
export const PATH = "/ws/extension/";
export const SUBPROTOCOL = "chatbridge.v1";

/** The most that one message and one answer may have, in bytes of UTF-8, as sent. */
export const MAX_MESSAGE_BYTES = 8 << 20;
export const MAX_ANSWER_BYTES = 7 << 20;

/** At most 20 deltas a second for each attempt. */
export const DELTA_EVERY_MS = 50;

/** How long after its ready a worker may still press. */
export const PRESS_WITHIN_MS = 30_000;

export interface NewRequest extends Ref {
  message: string;
  response_type: ResponseType;
  thinking_time: ThinkingTime;
  chat_id: string | null;
  temporary: boolean;
}

export interface Holding extends Ref {
  phase: Phase | "ended";
}

export type ToBridge =
  | { type: "hello"; key: string; worker_id: string; n: number; name: string; version: string; site: string; capacity: number; holding: Holding[] }
  | ({ type: "ready" } & Ref)
  | ({ type: "status_update"; status: "executing"; phase: Phase; chat_id?: string } & Ref)
  | ({ type: "delta"; offset: number; text: string } & Ref)
  | Response
  | Failure
  | ({ type: "cancelled" } & Ref)
  | HealthReport
  | { type: "doctor"; id: string; hooks: Hook[] }
  | { type: "pong" };

export interface Response extends Ref {
  type: "response";
  response: string;
  chat_id: string | null;
  chat_title: string | null;
  mode_used: string | null;
  evidence: Evidence;
}

/** An attempt's end without an answer. error: a sentence for a person, with the remedy. */
export interface Failure extends Ref {
  type: "error";
  error: string;
  code: ErrorCode;
  retry_after?: number;
  partial_response?: string;
}

export interface HealthReport {
  type: "health";
  logged_in: boolean;
  page_ok: boolean;
  limited_until: string | null;
  matched: Record<string, number | string>;
}

export type ByeCode = "bad_key" | "replaced" | "draining" | "too_old" | "bad_hello" | "bad_message";

export type FromBridge =
  | { type: "welcome"; account: string; ping_seconds: number; keep: Ref[]; drop: Ref[]; pack: unknown }
  | { type: "bye"; code: string; reason: string }
  | ({ type: "new_request" } & NewRequest)
  | ({ type: "go" | "cancel" | "ack" | "resync" } & Ref)
  | { type: "ping" }
  | { type: "pack"; pack: unknown }
  | { type: "doctor"; id: string };

/** Reads a message. null: a type that is unknown or lacks what it needs, to be ignored. Throws on what is no JSON object. */
export function read(data: string): FromBridge | null {
  const m: unknown = JSON.parse(data);
  if (!isObject(m)) throw new Error("not a JSON object");
  switch (m.type) {
    case "welcome":
      return {
        type: "welcome",
        account: string(m.account),
        ping_seconds: typeof m.ping_seconds === "number" && m.ping_seconds > 0 ? m.ping_seconds : 20,
        keep: refs(m.keep),
        drop: refs(m.drop),
        pack: m.pack ?? null,
      };
    case "bye":
      return { type: "bye", code: string(m.code), reason: string(m.reason) };
    case "new_request": {
      const of = ref(m);
      if (!of || typeof m.message !== "string") return null;
      return {
        type: "new_request",
        ...of,
        message: m.message,
        response_type: m.response_type === "thinking" || m.response_type === "instant" ? m.response_type : "auto",
        thinking_time: m.thinking_time === "extended" ? "extended" : "standard",
        chat_id: typeof m.chat_id === "string" && m.chat_id !== "" ? m.chat_id : null,
        temporary: m.temporary === true,
      };
    }
    case "go":
    case "cancel":
    case "ack":
    case "resync": {
      const of = ref(m);
      return of && { type: m.type, ...of };
    }
    case "ping":
      return { type: "ping" };
    case "pack":
      return { type: "pack", pack: m.pack ?? null };
    case "doctor":
      return typeof m.id === "string" ? { type: "doctor", id: m.id } : null;
    default:
      return null;
  }
}

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function string(v: unknown): string {
  return typeof v === "string" ? v : "";
}

function ref(m: Record<string, unknown>): Ref | null {
  if (typeof m.request_id !== "string" || m.request_id === "" || typeof m.attempt !== "number" || !Number.isSafeInteger(m.attempt)) return null;
  return { request_id: m.request_id.toLowerCase(), attempt: m.attempt };
}

function refs(v: unknown): Ref[] {
  return Array.isArray(v) ? v.flatMap((m: unknown) => (isObject(m) ? (ref(m) ?? []) : [])) : [];
}

/** The WebSocket's address for a bridge's URL (http, https, ws or wss); throws a sentence where it is none. */
export function socketURL(server: string): string {
  let url: URL;
  try {
    url = new URL(server);
  } catch {
    throw new Error("This is not a URL. It begins with http:// or https://, such as http://localhost:8000.");
  }
  const scheme = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url.protocol];
  if (!scheme || url.hostname === "") throw new Error("The URL must begin with http:// or https://.");
  if (url.username || url.password) throw new Error("The URL must hold no user name and no password; the key says who you are.");
  const path = url.pathname.endsWith(PATH) ? url.pathname : url.pathname.replace(/\/$/, "") + PATH;
  return `${scheme}//${url.host}${path}`;
}

/** What the browser is asked for, to reach a bridge: its origin with any path. Match patterns know no ports and no ws:. */
export function originPattern(server: string): string {
  const url = new URL(socketURL(server));
  return `${url.protocol === "wss:" ? "https:" : "http:"}//${url.hostname}/*`;
}

/** The bytes that a string has in UTF-8. */
export function utf8Length(s: string): number {
  return new TextEncoder().encode(s).length;
}
