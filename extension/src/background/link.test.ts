import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_WAIT_MS, MIN_WAIT_MS, backoff } from "./backoff";
import { Link, type LinkEnv, type Trouble } from "./link";
import { read, socketURL, type FromBridge, type ToBridge } from "./wire";

class Socket {
  readyState = 0;
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {}
  send(data: string): void {
    this.sent.push(data);
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(m: unknown): void {
    this.onmessage?.({ data: typeof m === "string" ? m : JSON.stringify(m) });
  }
}

Object.assign(globalThis, { WebSocket: { OPEN: 1 } });

class Env implements LinkEnv {
  clock = 0;
  n = 0;
  raising: Promise<void> = Promise.resolve();
  sockets: Socket[] = [];
  heard: FromBridge[] = [];
  losses: Trouble[] = [];
  pings = 0;
  async raise(): Promise<{ worker_id: string; n: number }> {
    this.n++;
    const n = this.n;
    await this.raising;
    return { worker_id: "w", n };
  }
  hello(who: { worker_id: string; n: number }): Extract<ToBridge, { type: "hello" }> {
    return { type: "hello", key: "k", ...who, name: "", version: "", site: "", capacity: 1, holding: [] };
  }
  open(url: string): WebSocket {
    const socket = new Socket(url);
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }
  now(): number {
    return this.clock;
  }
  random(): number {
    return 0.5;
  }
  received(m: FromBridge): void {
    this.heard.push(m);
  }
  pinged(): void {
    this.pings++;
  }
  lost(trouble: Trouble): void {
    this.losses.push(trouble);
  }
}

const WELCOME = { type: "welcome", worker_id: "w", account: "a", lease_seconds: 60, ping_seconds: 20, keep: [], drop: [], pack: null };
const bridge = { server: "http://localhost:8000", key: "k" };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function connected(): Promise<{ env: Env; link: Link; socket: Socket }> {
  const env = new Env();
  const link = new Link(env);
  link.want(bridge);
  await settle();
  const socket = env.sockets[0]!;
  socket.open();
  socket.say(WELCOME);
  return { env, link, socket };
}

test("n is raised and stored before the socket is opened", async () => {
  const env = new Env();
  let stored = (): void => undefined;
  env.raising = new Promise((resolve) => (stored = resolve));
  const link = new Link(env);
  link.want(bridge);
  await settle();
  assert.equal(env.sockets.length, 0);
  stored();
  await settle();
  assert.equal(env.sockets[0]?.url, "ws://localhost:8000/ws/extension/");
  env.sockets[0]!.open();
  assert.equal((JSON.parse(env.sockets[0]!.sent[0]!) as { n: number }).n, 1);
  assert.ok(!env.sockets[0]!.url.includes("k="), "the key is in no URL");
});

test("a ping is answered at once", async () => {
  const { env, socket } = await connected();
  socket.say({ type: "ping" });
  assert.deepEqual(socket.sent.slice(1), ['{"type":"pong"}']);
  assert.equal(env.pings, 1);
});

test("nothing counts before welcome, and nothing is sent", async () => {
  const env = new Env();
  const link = new Link(env);
  link.want(bridge);
  await settle();
  const socket = env.sockets[0]!;
  socket.open();
  socket.say({ type: "go", request_id: "r", attempt: 1 });
  assert.deepEqual(env.heard, []);
  assert.equal(link.send({ type: "pong" }), false);
});

test("after bad_key and replaced it does not come back by itself, after the others it does", async () => {
  for (const [code, back] of [
    ["bad_key", false],
    ["replaced", false],
    ["draining", true],
    ["bad_hello", true],
    ["bad_message", true],
    ["too_old", true],
    ["something_new", true],
  ] as const) {
    const { env, link, socket } = await connected();
    socket.say({ type: "bye", code, reason: "" });
    assert.ok(socket.closed);
    assert.equal(env.losses.length, 1);
    env.clock += 6 * 60_000;
    link.tick();
    await settle();
    assert.equal(env.sockets.length, back ? 2 : 1, code);
  }
});

test("a silent connection is given up", async () => {
  const { env, link, socket } = await connected();
  env.clock += 60_000;
  link.tick();
  assert.equal(link.state, "online");
  env.clock += 1;
  link.tick();
  assert.ok(socket.closed && link.state === "waiting");
});

test("no welcome within 30 seconds", async () => {
  const env = new Env();
  const link = new Link(env);
  link.want(bridge);
  await settle();
  env.clock += 30_001;
  link.tick();
  assert.ok(env.sockets[0]!.closed);
});

test("what a socket says after it was given up does not count", async () => {
  const { env, link, socket } = await connected();
  const late = socket.onmessage;
  link.hangUp("test");
  late?.({ data: JSON.stringify({ type: "new_request", request_id: "r", attempt: 1, message: "x" }) });
  assert.equal(env.heard.length, 1, "welcome only");
  assert.equal(link.send({ type: "pong" }), false);
});

test("what is no JSON object ends the connection, what is unknown does not", async () => {
  const { link, socket } = await connected();
  socket.say({ type: "news" });
  socket.say({ type: "go" });
  assert.equal(link.state, "online");
  socket.say("[]");
  assert.equal(link.state, "waiting");
});

test("the wait doubles, is half random, and is short again after a connection that lasted", async () => {
  for (let failures = 0; failures < 40; failures++) {
    const least = backoff(failures, 0);
    const most = backoff(failures, 0.999999);
    assert.ok(least >= MIN_WAIT_MS / 2 && most <= MAX_WAIT_MS && most >= least * 1.9);
    if (failures > 0) assert.ok(least >= backoff(failures - 1, 0));
  }
  const { env, link, socket } = await connected();
  socket.onclose?.();
  assert.equal(link.dialAt, backoff(0, 0.5));
  env.clock = link.dialAt;
  link.tick();
  await settle();
  env.sockets[1]!.onclose?.();
  assert.equal(link.dialAt - env.clock, backoff(1, 0.5));
  env.clock = link.dialAt;
  link.tick();
  await settle();
  env.sockets[2]!.open();
  env.sockets[2]!.say(WELCOME);
  env.clock += 10_000;
  env.sockets[2]!.onclose?.();
  assert.equal(link.dialAt - env.clock, backoff(0, 0.5));
});

test("addresses", () => {
  for (const [server, want] of [
    ["http://localhost:8000", "ws://localhost:8000/ws/extension/"],
    ["https://bridge.example/", "wss://bridge.example/ws/extension/"],
    ["https://bridge.example/below", "wss://bridge.example/below/ws/extension/"],
    ["wss://bridge.example/ws/extension/", "wss://bridge.example/ws/extension/"],
    ["http://[::1]:8000", "ws://[::1]:8000/ws/extension/"],
  ] as const)
    assert.equal(socketURL(server), want);
  for (const server of ["", "localhost:8000", "ftp://x", "http://a:b@x"]) assert.throws(() => socketURL(server), server);
});

test("reading", () => {
  assert.equal(read('{"type":"nonsense"}'), null);
  assert.equal(read('{"type":"go","request_id":"r"}'), null);
  assert.equal(read('{"type":"new_request","request_id":"r","attempt":1}'), null);
  assert.deepEqual(read('{"type":"ack","request_id":"AB","attempt":2,"more":1}'), { type: "ack", request_id: "ab", attempt: 2 });
  assert.throws(() => read("[]"));
  assert.throws(() => read("x"));
  const m = read('{"type":"new_request","request_id":"r","attempt":1,"message":" x ","response_type":"odd","thinking_time":"odd","chat_id":""}');
  assert.deepEqual(m, { type: "new_request", request_id: "r", attempt: 1, message: " x ", response_type: "auto", thinking_time: "standard", chat_id: null, temporary: false });
});
