import type { Refusal, Streams, TroubleCode } from "../../pack/types";
import { ASK, HELLO, READER_VERSION } from "../../main/channel";
import type { FromReader, Kind, ToReader } from "../../main/channel";
import { bones } from "../text";
import { isObject } from "./delta";
import type { Json } from "./delta";
import { parseReadBack } from "./readback";
import type { ReadBack } from "./readback";
import { partsOf, Transcript } from "./transcript";

/** The site said no to the page's own call. */
export interface Refused {
  code: TroubleCode | "worker_error";
  status: number;
  retryAfter: number | null;
}

/** One call of the page's own, and what came of it. */
export interface Call {
  id: number;
  kind: Kind;
  /** Date.now(). */
  at: number;
  /** The text that the page sends, where it could be read; exactly as sent. */
  message: string | null;
  transcript: Transcript;
  refused: Refused | null;
  /** It failed before an answer came: a network error. */
  failed: boolean;
}

interface Open {
  call: Call;
  status: number;
  stream: boolean;
  retryAfter: string | null;
  body: string;
}

/** Calls that are remembered; an answer needs its own and those that resume it. */
const MAX_CALLS = 10;
const MAX_BODY = 33_554_432;

/** Hears the reader in the page's world, and makes calls and transcripts of it. */
export class Hub {
  readonly calls: Call[] = [];
  /** The chat that the page read back last; understood only when somebody asks, since most of the time nobody does. */
  private lastRead: { at: number; body: string; read: ReadBack | null | undefined } | null = null;
  /** The reader is there; without it there is only the document to read. */
  here = false;
  private readonly open = new Map<number, Open>();
  private readonly nonce: string;
  private readonly off = new AbortController();

  constructor(
    private readonly window: Window,
    private rules: Streams,
    private readonly changed: () => void,
  ) {
    this.nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const options = { signal: this.off.signal };
    window.addEventListener(this.nonce, (event) => this.hear((event as CustomEvent<unknown>).detail), options);
    // The reader may start before this or after it; once it is here nobody else is told.
    window.addEventListener(ASK, () => !this.here && this.hello(), options);
    this.hello();
  }

  get readBack(): { at: number; read: ReadBack } | null {
    const { lastRead } = this;
    if (!lastRead) return null;
    if (lastRead.read === undefined) Object.assign(lastRead, { read: parseReadBack(lastRead.body), body: "" });
    return lastRead.read ? { at: lastRead.at, read: lastRead.read } : null;
  }

  use(rules: Streams): void {
    this.rules = rules;
    this.tellPaths();
  }

  close(): void {
    this.off.abort();
  }

  /** Takes one message of the reader's, or what the page put in its place: anything is possible. */
  hear(detail: unknown): void {
    if (typeof detail !== "string") return;
    let message: FromReader;
    try {
      message = JSON.parse(detail) as FromReader;
    } catch {
      return;
    }
    if (!isObject(message)) return;
    this.take(message);
    if (message.t !== "here") this.changed();
  }

  private hello(): void {
    this.window.dispatchEvent(new CustomEvent(HELLO, { detail: this.nonce }));
  }

  private tellPaths(): void {
    const { send, resume, read, socket } = this.rules;
    const message: ToReader = { t: "paths", paths: { send, resume, read, mark: socket.turn } };
    this.window.dispatchEvent(new CustomEvent(`${this.nonce}<`, { detail: JSON.stringify(message) }));
  }

  private take(message: FromReader): void {
    switch (message.t) {
      case "here":
        this.here = message.version === READER_VERSION;
        this.tellPaths();
        return;
      case "call": {
        const call: Call = {
          id: message.id,
          kind: message.kind,
          at: Date.now(),
          message: typeof message.body === "string" ? messageIn(message.body) : null,
          transcript: new Transcript(this.rules),
          refused: null,
          failed: false,
        };
        this.open.set(message.id, { call, status: 0, stream: false, retryAfter: null, body: "" });
        if (message.kind === "read") return;
        this.calls.push(call);
        if (this.calls.length > MAX_CALLS) this.calls.shift();
        return;
      }
      case "open": {
        const open = this.open.get(message.id);
        if (open) Object.assign(open, { status: message.status, stream: message.stream, retryAfter: message.retryAfter });
        return;
      }
      case "piece": {
        const open = this.open.get(message.id);
        if (!open || typeof message.text !== "string") return;
        if (open.stream && open.status < 400 && open.call.kind !== "read") open.call.transcript.push(message.text);
        else if (open.body.length + message.text.length <= MAX_BODY) open.body += message.text;
        return;
      }
      case "close": {
        const open = this.open.get(message.id);
        this.open.delete(message.id);
        if (open) this.closed(open, message.error === true);
        return;
      }
      case "socket":
        if (typeof message.text === "string") this.socket(message.text);
        return;
      case "socket_closed":
        for (const { transcript } of this.calls) if (transcript.topics.length > 0) transcript.close("error", true);
    }
  }

  private closed({ call, status, stream, retryAfter, body }: Open, error: boolean): void {
    if (status >= 400) {
      const found = refusalOf(status, body, retryAfter, this.rules.refusals);
      if (call.kind !== "read") call.refused = found;
    } else if (call.kind === "read") {
      if (!error && body !== "") this.lastRead = { at: Date.now(), body, read: undefined };
    } else if (stream) call.transcript.close(error ? "error" : "end");
    else if (status === 0) {
      call.failed = true;
      call.transcript.close("error");
    } else {
      // No stream and no refusal: a whole message in JSON, as older faces had it.
      const value = parse(body);
      if (isObject(value) && isObject(value.message)) call.transcript.takeMessage(value.message);
      call.transcript.close(error ? "error" : "end");
    }
  }

  /** Messages of a topic that an answer was handed over to: single, in lists, and as catch-ups of a reply. */
  private socket(text: string): void {
    const value = parse(text);
    for (const message of Array.isArray(value) ? value : [value]) this.topic(message);
  }

  private topic(message: Json | undefined): void {
    if (!isObject(message)) return;
    const { socket } = this.rules;
    const { reply, payload, topic_id: topic } = message;
    if (isObject(reply) && Array.isArray(reply.catchups)) for (const caught of reply.catchups) this.topic(caught);
    if (message.type !== socket.message || typeof topic !== "string" || !isObject(payload) || payload.type !== socket.turn || !isObject(payload.payload)) return;
    const { transcript } = this.calls.findLast((call) => call.transcript.topics.includes(topic)) ?? {};
    if (!transcript) return;
    const inner = payload.payload;
    if (inner.type === socket.item && typeof inner.encoded_item === "string") transcript.push(inner.encoded_item.endsWith("\n\n") ? inner.encoded_item : `${inner.encoded_item}\n\n`);
    else if (inner.type === socket.done) transcript.close("end", true);
  }
}

/** The text in the body of the page's own call: that of its last message by a user. */
export function messageIn(body: string): string | null {
  const value = parse(body);
  if (!isObject(value) || !Array.isArray(value.messages)) return null;
  const asked = value.messages.findLast((message) => isObject(message) && isObject(message.author) && message.author.role === "user");
  return isObject(asked) ? partsOf(asked.content) : null;
}

/** Whether what a call sent, or says was sent, is this message; null where it cannot be known. */
export function isFor(call: Call, message: string): boolean | null {
  const sent = call.message ?? call.transcript.input;
  return sent === null ? null : bones(sent) === bones(message);
}

/** What the site's refusal means. */
export function refusalOf(status: number, body: string, retryAfter: string | null, rules: readonly Refusal[]): Refused {
  const text = body.toLowerCase();
  for (const rule of rules) {
    if (rule.status && !rule.status.includes(status)) continue;
    if (rule.body && !rule.body.some((word) => text.includes(word))) continue;
    return { code: rule.code, status, retryAfter: rule.code === "rate_limited" ? (secondsIn(parse(body), rule.seconds ?? []) ?? fromHeader(retryAfter)) : null };
  }
  return { code: "worker_error", status, retryAfter: null };
}

function secondsIn(value: Json | undefined, names: readonly string[]): number | null {
  for (const name of names) {
    let at = value;
    for (const part of name.split(".")) at = isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
    if (typeof at === "number" && at > 0 && at < 31_536_000) return Math.ceil(at);
  }
  return null;
}

/** Retry-After: seconds, or a date (RFC 9110, section 10.2.3). */
function fromHeader(value: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d{1,8}$/.test(value.trim()) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return seconds > 0 ? seconds : null;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
