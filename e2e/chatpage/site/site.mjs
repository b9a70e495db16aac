// The fixture site: what a browser sees as https://chatgpt.com. It is an
// imitation from public descriptions, made to be as awkward as the real one.
import { createServer } from "node:https";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { WebSocketServer } from "ws";
import { Chats } from "./chats.mjs";
import * as defaults from "./settings.mjs";
import { shell, interstitial, loginHost } from "./html.mjs";

// assets builds the page's own front end, once in a process.
let built;
const assets = () =>
  (built ??= build({
    entryPoints: [fileURLToPath(new URL("../page/main.js", import.meta.url))], bundle: true, write: false, format: "esm", target: "es2022", minify: true, legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  }).then((r) => r.outputFiles[0].contents));

export class Site {
  // start serves one site; certificate is from tls.mjs.
  static async start(certificate) {
    const s = new Site();
    s.app = await assets();
    s.secret = randomUUID(); // what only the page's own requests carry
    s.reset();
    s.server = createServer({ key: certificate.key, cert: certificate.cert, keepAliveTimeout: 60_000 }, (q, r) => void s.#serve(q, r));
    s.sockets = new WebSocketServer({ server: s.server });
    s.sockets.on("connection", (ws) => s.#topic(ws));
    await new Promise((done) => s.server.listen(0, "127.0.0.1", done));
    s.port = s.server.address().port;
    s.spki = certificate.spki;
    return s;
  }

  // reset forgets everything and sets what is given over the defaults.
  reset({ page = {}, reply = {}, replies = [] } = {}) {
    for (const p of this.chats?.prompts ?? []) p.run?.end();
    this.settings = { page: { ...defaults.page, ...page }, reply: { ...defaults.reply, ...reply }, replies };
    this.chats = new Chats(this.settings);
    this.dropped = []; // ids of messages whose connection broke before any byte of an answer
    this.strangers = []; // requests for the site's data that were not the page's own
    this.visible = []; // what pages said of their visibility, newest last
    this.heard = []; // {what, at}: what pages did
  }

  set({ page = {}, reply = {}, replies }) {
    Object.assign(this.settings.page, page);
    Object.assign(this.settings.reply, reply);
    if (replies) this.settings.replies = replies;
  }

  async stop() {
    for (const p of this.chats.prompts) p.run?.end();
    for (const ws of this.sockets.clients) ws.terminate();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  // sites' pages may be told to do something, such as show a dialog.
  tell(what) {
    for (const r of this.listening ?? []) r.write(`data: ${JSON.stringify(what)}\n\n`);
  }

  async #serve(q, r) {
    try {
      await this.#route(q, r);
    } catch (err) {
      if (!r.headersSent) r.writeHead(500);
      r.end(String(err));
    }
  }

  async #route(q, r) {
    const sealed = this.settings.page.sealed;
    const url = new URL(sealed ? q.url.replace("/rpc/", "/backend-api/").replaceAll("talk", "conversation") : q.url, `https://${q.headers.host}`);
    const path = url.pathname;
    if (url.hostname === "auth.openai.com") return html(r, 200, loginHost);
    if (path === "/cdn/assets/app.js") return void r.writeHead(200, { "content-type": "text/javascript", "cache-control": "public, max-age=600" }).end(this.app);
    if (path === "/fixture/told") {
      r.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      (this.listening ??= new Set()).add(r);
      r.on("close", () => this.listening.delete(r));
      return;
    }
    if (path === "/fixture/heard") {
      const { what, visible } = JSON.parse((await body(q)) || "{}");
      if (visible) this.visible.push(visible);
      if (what) this.heard.push({ what, at: Date.now() });
      return void r.writeHead(204).end();
    }
    if (path.startsWith("/cdn-cgi/")) return void r.writeHead(200, { "content-type": "text/javascript" }).end("/* a script that healthy pages have too */");
    if (path.startsWith("/backend-api/") || path.startsWith("/api/")) {
      if (q.headers["x-page"] !== this.secret) this.strangers.push(`${q.method} ${path}`);
      return this.#data(q, r, url);
    }
    if (this.settings.page.challenge) return html(r, 403, interstitial);
    if (this.settings.page.login === "redirect") return void r.writeHead(302, { location: "https://auth.openai.com/log-in" }).end();
    if (/\.(ico|png|svg)$/.test(path)) return void r.writeHead(404).end();
    html(r, 200, shell({ settings: this.settings.page, secret: this.secret }));
  }

  async #data(q, r, url) {
    const path = url.pathname;
    const inside = this.settings.page.login === "in";
    if (path === "/api/auth/session") return json(r, 200, inside ? { user: { id: "user-1", name: "Ada" }, accessToken: "not-for-extensions", expires: "2099-01-01T00:00:00Z" } : {});
    if (inside && q.headers.authorization !== "Bearer not-for-extensions") return json(r, 401, { detail: "Unauthorized" });
    if (path === "/backend-api/f/conversation/prepare") return json(r, 200, { status: "ok", conduit_token: "c" });
    if (path === "/backend-api/sentinel/chat-requirements") return json(r, 200, { token: "t" });
    if (path === "/backend-api/conversations") return json(r, 200, { items: [...this.chats.chats.values()].filter((c) => c.title).map(({ id, title }) => ({ id, title })) });
    if (path === "/backend-api/f/conversation" && q.method === "POST") return this.#ask(r, JSON.parse(await body(q)));
    if (path === "/backend-api/stop_conversation") {
      this.chats.stop(JSON.parse(await body(q)).conversation_id);
      return json(r, 200, {});
    }
    if (path === "/backend-api/f/conversation/resume") {
      const run = this.chats.chats.get(JSON.parse(await body(q)).conversation_id)?.run;
      if (!run) return json(r, 404, { detail: "not running" });
      return this.#stream(r, run, { resumed: true });
    }
    if (path === "/backend-api/celsius/ws/user") return json(r, 200, { websocket_url: `wss://ws.chatgpt.com/p10/ws/user/user-1?verify=1` });
    const read = path.match(/^\/backend-api\/conversations?\/([^/]+)(\/stream_status)?$/);
    if (read) {
      const chat = this.chats.chats.get(read[1]);
      if (!chat || chat.temporary) return json(r, 404, { detail: { message: `Conversation ${read[1]} not found`, code: "conversation_not_found" } });
      if (read[2]) return json(r, 200, { status: chat.run ? "IS_STREAMING" : "IDLE" });
      const data = this.settings.page.read === "new" ? pageOf(chat) : treeOf(chat);
      return this.settings.page.sealed ? void r.writeHead(200, { "content-type": "text/plain" }).end(seal(JSON.stringify(data))) : json(r, 200, data);
    }
    json(r, 404, { detail: "Not Found" });
  }

  #ask(r, sent) {
    const { id, content } = sent.messages[0];
    const { drops } = this.chats.reply(content.parts.join(""));
    if (this.dropped.length < drops) {
      this.dropped.push(id);
      return r.destroy();
    }
    const { refused, run, reply } = this.chats.ask(sent);
    if (refused) {
      if (refused.retryAfter) r.setHeader("retry-after", String(refused.retryAfter));
      return json(r, refused.status, refused.body ?? { detail: "refused" });
    }
    if (reply.protocol === "handoff") {
      const once = {
        step: (step, at) => {
          if (at <= run.handed && step.frame) r.write(step.frame);
          if (at !== run.handed) return;
          r.write(`data: ${JSON.stringify({ type: "stream_handoff", options: [{ type: "resume_sse_endpoint", url: "/backend-api/f/conversation/resume" }, { type: "subscribe_ws_topic", topic_id: run.topic }] })}\n\ndata: [DONE]\n\n`);
          r.end();
        },
        end: () => r.end(),
      };
      r.writeHead(200, sse);
      run.follow(once);
      return;
    }
    this.#stream(r, run, { lost: reply.end === "lost" });
  }

  #stream(r, run, { lost = false, resumed = false }) {
    const sealed = this.settings.page.sealed;
    r.writeHead(200, sealed ? { "content-type": "application/octet-stream" } : sse).flushHeaders();
    if (lost) {
      run.end();
      return void setTimeout(() => r.destroy(), 30);
    }
    let broken = false;
    const leave = run.follow({
      step: (step) => {
        if (broken) return;
        if (step.frame) r.write(sealed ? seal(step.frame) : step.frame);
        if (step.breaks && !resumed) {
          broken = true;
          setTimeout(() => r.destroy(), 5); // after what was written has gone
        }
      },
      end: () => broken || r.end(),
    });
    r.on("close", leave);
  }

  // #topic serves the WebSocket of a hand-over.
  #topic(ws) {
    const leave = [];
    ws.on("close", () => leave.forEach((f) => f()));
    ws.on("message", (data) => {
      for (const { id, command } of JSON.parse(String(data))) {
        if (command.type !== "subscribe") {
          ws.send(JSON.stringify({ type: "reply", id, reply: { type: command.type } }));
          continue;
        }
        const run = this.chats.prompts.find((p) => p.run?.topic === command.topic_id)?.run;
        if (!run) continue;
        const item = (payload) => ({ type: "message", topic_id: run.topic, payload: { type: "conversation-turn-stream", payload } });
        // The first third of what was sent comes as catch-ups, the rest as messages.
        const catchups = [];
        let live = false;
        const send = (m) => (live ? ws.send(JSON.stringify(m)) : catchups.push(m));
        leave.push(run.follow({
          step: (step) => {
            if (step.breaks) return void setTimeout(() => ws.terminate(), 5);
            if (step.frame) send(item({ type: "stream-item", encoded_item: step.frame }));
          },
          end: () => send(item({ type: "done" })),
        }, run.handed));
        live = true;
        ws.send(JSON.stringify({ type: "reply", id, reply: { type: "subscribe", topic_id: run.topic, catchups } }));
      }
    });
  }
}

const sse = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no" };

const seal = (text) => `${Buffer.from(text).toString("base64")}\n`;
async function body(q) {
  const parts = [];
  for await (const p of q) parts.push(p);
  return Buffer.concat(parts).toString();
}
function json(r, status, value) {
  r.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
function html(r, status, { head, text }) {
  r.writeHead(status, { "content-type": "text/html; charset=utf-8", ...head }).end(text);
}

const asMessages = (chat) =>
  chat.turns.map((t) => ({
    id: t.id, author: { role: t.role }, content: { content_type: "text", parts: [t.text] }, status: t.whole ? "finished_successfully" : chat.run ? "in_progress" : "finished_partial_completion",
    end_turn: t.role === "assistant" && t.whole, recipient: "all", channel: t.role === "assistant" ? "final" : null, metadata: { content_references: t.references, image: t.image }, create_time: 0,
  }));
const pageOf = (chat) => ({ id: chat.id, title: chat.title, messages: asMessages(chat), page_info: { has_previous_page: false, start_cursor: null }, async_status: chat.run ? 1 : null });
function treeOf(chat) {
  const mapping = { root: { id: "root", message: null, parent: null, children: [] } };
  let parent = "root";
  for (const m of asMessages(chat)) {
    mapping[m.id] = { id: m.id, message: m, parent, children: [] };
    mapping[parent].children.push(m.id);
    parent = m.id;
  }
  return { conversation_id: chat.id, title: chat.title, mapping, current_node: parent, async_status: chat.run ? 1 : null };
}
