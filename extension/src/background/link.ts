// The socket to the bridge: one at a time, from the raised number to the bye.

import { backoff } from "./backoff";
import { SUBPROTOCOL, read, socketURL, type FromBridge, type ToBridge } from "./wire";

/** Bounds dialling and the wait for welcome together. */
const CONNECT_WITHIN_MS = 30_000;
/** After how many missing pings a socket counts as dead. */
const SILENT_PINGS = 3;
/** How long a connection must have been welcome for the next wait to be short again. */
const LASTING_MS = 10_000;
/** A bridge that no longer serves this version is not asked more often than this. */
const TOO_OLD_WAIT_MS = 5 * 60_000;

export interface Bridge {
  server: string;
  key: string;
}

/** Why there is no connection, for people. */
export type Trouble =
  | { kind: "away"; detail: string }
  | { kind: "bye"; code: string; reason: string };

export interface LinkEnv {
  /** Raises the number of this worker in storage and returns it once it is there. */
  raise(): Promise<{ worker_id: string; n: number }>;
  hello(who: { worker_id: string; n: number }): Extract<ToBridge, { type: "hello" }>;
  open(url: string, protocol: string): WebSocket;
  /** Milliseconds of a clock that does not stand still while the worker lives. */
  now(): number;
  random(): number;
  /** What the bridge says, but for ping and bye. welcome comes first. */
  received(m: Exclude<FromBridge, { type: "ping" | "bye" }>): void;
  pinged(): void;
  /** The connection is gone, or was never made. */
  lost(trouble: Trouble): void;
}

interface Line {
  bridge: Bridge;
  socket: WebSocket | null;
  began: number;
  welcomed: number | null;
  heard: number;
  ping: number;
}

export class Link {
  private bridge: Bridge | null = null;
  private line: Line | null = null;
  private failures = 0;
  /** When to connect; meaningful while there is no line. */
  dialAt = 0;
  trouble: Trouble | null = null;

  constructor(private readonly env: LinkEnv) {}

  get state(): "off" | "waiting" | "connecting" | "online" {
    if (this.line) return this.line.welcomed === null ? "connecting" : "online";
    return this.bridge ? "waiting" : "off";
  }

  /** Connects, or with null keeps away. Nothing happens where that is so already. */
  want(bridge: Bridge | null): void {
    if (bridge && this.bridge && bridge.server === this.bridge.server && bridge.key === this.bridge.key) return;
    this.bridge = bridge;
    if (this.line) this.drop(this.line, { kind: "away", detail: "" });
    this.failures = 0;
    this.dialAt = 0;
    this.trouble = null;
    this.tick();
  }

  /** Connects at once where a wait is on. */
  hurry(): void {
    this.dialAt = 0;
    this.failures = 0;
    this.tick();
  }

  /** Does what is due; to be called about once a second while there is something to wait for, and at each wake-up. */
  tick(): void {
    const now = this.env.now();
    const line = this.line;
    if (!line) {
      if (this.bridge && now >= this.dialAt) void this.connect(this.bridge);
      return;
    }
    if (line.welcomed === null ? now - line.began > CONNECT_WITHIN_MS : now - line.heard > SILENT_PINGS * line.ping)
      this.drop(line, { kind: "away", detail: line.welcomed === null ? "The server did not answer." : "The server fell silent." });
  }

  /** Returns false where there is no connection that was welcomed. */
  send(m: ToBridge): boolean {
    const line = this.line;
    if (!line || line.welcomed === null || line.socket?.readyState !== WebSocket.OPEN) return false;
    line.socket.send(JSON.stringify(m));
    return true;
  }

  hangUp(reason: string): void {
    if (this.line) this.drop(this.line, { kind: "away", detail: reason });
  }

  private async connect(bridge: Bridge): Promise<void> {
    const now = this.env.now();
    const line: Line = { bridge, socket: null, began: now, welcomed: null, heard: now, ping: 20_000 };
    this.line = line;
    let who: { worker_id: string; n: number };
    try {
      who = await this.env.raise();
    } catch {
      return this.drop(line, { kind: "away", detail: "The extension could not write to the browser's storage." });
    }
    if (this.line !== line) return;
    let socket: WebSocket;
    try {
      socket = this.env.open(socketURL(bridge.server), SUBPROTOCOL);
    } catch (error) {
      return this.drop(line, { kind: "away", detail: error instanceof Error ? error.message : "The URL can't be used." });
    }
    line.socket = socket;
    socket.onopen = () => {
      if (this.line === line) socket.send(JSON.stringify(this.env.hello(who)));
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.line === line) this.received(line, event.data);
    };
    socket.onerror = null; // close follows
    socket.onclose = () => this.drop(line, { kind: "away", detail: line.welcomed === null ? "The server can't be reached." : "The connection broke." });
  }

  private received(line: Line, data: unknown): void {
    line.heard = this.env.now();
    let m: FromBridge | null;
    try {
      m = read(typeof data === "string" ? data : "");
    } catch {
      return this.drop(line, { kind: "away", detail: "What answers at this URL is no chatbridge." });
    }
    if (!m) return; // unknown: ignored
    switch (m.type) {
      case "ping":
        this.send({ type: "pong" });
        return this.env.pinged();
      case "bye":
        return this.drop(line, { kind: "bye", code: m.code, reason: m.reason });
      case "welcome":
        if (line.welcomed !== null) return;
        line.welcomed = line.heard;
        line.ping = Math.min(Math.max(m.ping_seconds, 5), 300) * 1000;
        this.trouble = null;
        return this.env.received(m);
      default:
        if (line.welcomed !== null) this.env.received(m); // nothing counts before welcome
    }
  }

  private drop(line: Line, trouble: Trouble): void {
    if (this.line !== line) return;
    this.line = null;
    if (line.socket) {
      line.socket.onopen = line.socket.onmessage = line.socket.onclose = null;
      line.socket.close();
    }
    const now = this.env.now();
    if (line.welcomed !== null && now - line.welcomed >= LASTING_MS) this.failures = 0;
    this.dialAt = now + (trouble.kind === "bye" && trouble.code === "too_old" ? TOO_OLD_WAIT_MS : backoff(this.failures, this.env.random()));
    this.failures++;
    this.trouble = trouble;
    // There is one socket at a time, so it was the newest: after these two it does not come back by itself.
    if (trouble.kind === "bye" && (trouble.code === "bad_key" || trouble.code === "replaced")) this.bridge = null;
    this.env.lost(trouble);
  }
}
