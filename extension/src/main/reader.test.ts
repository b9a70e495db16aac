import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { FromReader } from "./channel";

// The reader expects a page: its window, document and socket. Here they are as little as it needs.
class FakeSocket extends EventTarget {
  constructor(readonly url: string) {
    super();
  }
}

test("the reader passes on what the page receives, and disturbs nothing", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/backend-api/f/conversation") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
      setTimeout(() => response.end("data: zwei ü 🎉\n\n"), 20);
    } else if (request.url?.startsWith("/backend-api/conversations/")) response.writeHead(404, { "content-type": "application/json", "retry-after": "5" }).end('{"detail":"no"}');
    else response.end("plain");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const window = Object.assign(new EventTarget(), { fetch: globalThis.fetch, WebSocket: FakeSocket });
  Object.assign(globalThis, { window, document: { baseURI: `${origin}/` }, location: new URL(origin), CustomEvent: globalThis.CustomEvent });
  const native = window.fetch;

  const { start } = await import("./reader");
  const { HELLO } = await import("./channel");
  const paths = { send: ["/backend-api/f/conversation"], resume: [], read: ["/backend-api/conversations/{chat}"], mark: "conversation-turn" };
  start(paths);
  const wrapped = window.fetch;
  start(paths);
  assert.equal(window.fetch, wrapped, "a second reader wraps nothing");
  assert.equal(String(window.fetch.name), native.name);

  const heard: FromReader[] = [];
  const nonce = "0123456789abcdef0123456789abcdef";
  // A call before the content script is there is kept for it.
  const first = window.fetch(`${origin}/backend-api/f/conversation`, { method: "POST", body: '{"x":1}' });
  window.addEventListener(nonce, (event) => heard.push(JSON.parse((event as CustomEvent<string>).detail) as FromReader));
  window.dispatchEvent(new CustomEvent(HELLO, { detail: "short" }));
  window.dispatchEvent(new CustomEvent(HELLO, { detail: nonce }));
  const response = await first;
  assert.equal(response.url, `${origin}/backend-api/f/conversation`);
  assert.equal(response.bodyUsed, false);
  assert.equal(await response.text(), "data: one\n\ndata: zwei ü 🎉\n\n");
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(heard.slice(0, 3), [
    { t: "here", version: 1 },
    { t: "call", id: 1, kind: "send", path: "/backend-api/f/conversation", body: '{"x":1}' },
    { t: "open", id: 1, status: 200, stream: true, retryAfter: null },
  ]);
  assert.equal(heard.filter((m) => m.t === "piece").map((m) => m.text).join(""), "data: one\n\ndata: zwei ü 🎉\n\n");
  assert.deepEqual(heard.at(-1), { t: "close", id: 1, error: false });

  heard.length = 0;
  const missing = await window.fetch(new Request(`${origin}/backend-api/conversations/abc`));
  assert.equal(missing.status, 404);
  assert.equal(await missing.text(), '{"detail":"no"}');
  await (await window.fetch(`${origin}/other`)).text();
  await assert.rejects(async () => window.fetch("http://["));
  await assert.rejects(async () => window.fetch("http://127.0.0.1:1/backend-api/f/conversation", { method: "POST" }));
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(heard.map((m) => m.t), ["call", "open", "piece", "close"]);

  // A call that is given up tells so, to the page and to us.
  heard.length = 0;
  const control = new AbortController();
  const given = await window.fetch("/backend-api/f/conversation".replace(/^/, origin), { method: "POST", signal: control.signal });
  control.abort();
  await assert.rejects(given.text());
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(heard.at(-1), { t: "close", id: 3, error: true });

  heard.length = 0;
  const Socket = window.WebSocket as typeof FakeSocket;
  const socket = new Socket("ws://127.0.0.1/x");
  assert.ok(socket instanceof Socket && socket instanceof FakeSocket);
  assert.equal(socket.constructor, Socket);
  socket.dispatchEvent(new MessageEvent("message", { data: '{"type":"conversation-turn-stream"}' }));
  socket.dispatchEvent(new MessageEvent("message", { data: "presence" }));
  socket.dispatchEvent(new Event("close"));
  new Socket("ws://elsewhere.example/").dispatchEvent(new MessageEvent("message", { data: "conversation-turn" }));
  assert.deepEqual(heard, [{ t: "socket", text: '{"type":"conversation-turn-stream"}' }, { t: "socket_closed" }]);
  server.closeAllConnections();
  server.close();
});
