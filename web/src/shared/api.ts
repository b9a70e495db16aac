import { s } from "./texts";

/** How long a call may take before it counts as unanswered, in milliseconds. */
const CALL_TIMEOUT = 30_000;

/** Why a call failed. `status` is 0 where no answer came at all. */
export class ApiError extends Error {
  constructor(
    /** The HTTP status, or 0. */
    readonly status: number,
    /** The problem's code for programs; "unreachable" without an answer. */
    readonly code: string,
    /** A sentence for a person. */
    readonly detail: string,
    /** Sentences by field, for bad input. */
    readonly fields: Record<string, string[]> = {},
    /** Seconds to wait, from Retry-After; null if none was said. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** One answer: its body, and where the next page is. */
export interface Reply<T> {
  body: T;
  /** The path and query of the next page, or null. */
  next: string | null;
  /** Of a search that is not at its end: it looked at what is newer than this time (RFC 3339). */
  lookedBack?: string | null;
}

/** What a call sends. */
export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long it may take, in milliseconds, where that is more than usual. */
  timeout?: number;
}

/**
 * Calls the server this page came from and reads JSON. Throws ApiError for every answer but 2xx and for no answer;
 * throws the signal's AbortError where the caller gave up.
 */
export async function call<T>(path: string, { method = "GET", body, headers = {}, signal, timeout: within = CALL_TIMEOUT }: Call = {}): Promise<Reply<T>> {
  const timeout = AbortSignal.timeout(within);
  const init: RequestInit = { method, headers: { Accept: "application/json", ...headers }, cache: "no-store", signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", navigator.onLine ? s.noReply : s.offline);
  }
  const parsed = parse(text);
  if (!response.ok) throw problem(response, parsed);
  return { body: parsed as T, next: nextPage(response.headers.get("Link"), location.href), lookedBack: response.headers.get("Looked-Back-To") };
}

function parse(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function problem(response: Response, body: unknown): ApiError {
  const said = (typeof body === "object" && body !== null ? body : {}) as { code?: string; detail?: string; errors?: Record<string, string[]> };
  const seconds = Number(response.headers.get("Retry-After") ?? "");
  return new ApiError(
    response.status,
    said.code ?? "http_" + response.status,
    said.detail ?? s.answered(response.status),
    said.errors ?? {},
    seconds > 0 ? seconds : null,
  );
}

/**
 * Finds rel="next" in a Link header (RFC 8288) and returns its path and query; null if there is none.
 * The host is dropped: behind a proxy the server may not know its own name.
 */
export function nextPage(header: string | null, base: string): string | null {
  for (const match of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    const relations = /;\s*rel=(?:"([^"]*)"|([^\s,;]+))/i.exec(match[2] ?? "");
    if (!(relations?.[1] ?? relations?.[2] ?? "").toLowerCase().split(/\s+/).includes("next")) continue;
    const url = new URL(match[1] ?? "", base);
    return url.pathname + url.search;
  }
  return null;
}

/** Whether a call failed because nobody is logged in: the form to log in lies over the page then, and is all there is to say. */
export function needsLogIn(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** What went wrong, as a sentence. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError) return error.detail;
  return error instanceof Error ? error.message : String(error);
}
