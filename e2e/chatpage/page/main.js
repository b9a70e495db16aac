// The page's app: routing, the chat, sending, and what goes wrong.
import { composer } from "./composer.js";
import { el } from "./dom.js";
import { hooksOf } from "./hooks.js";
import { dialog, toast } from "./notices.js";
import { picker } from "./pickers.js";
import { readStream, readTopic, Turn, unseal } from "./stream.js";
import { thread } from "./thread.js";
import { wordsOf } from "./words.js";

const { settings, secret } = JSON.parse(document.getElementById("client-bootstrap").textContent);
const hooks = hooksOf(settings.markup);
const words = wordsOf(settings.lang);
const uuid = () => crypto.randomUUID();

let token = null;
const call = (path, options = {}) =>
  fetch(settings.sealed ? path.replace("/backend-api/", "/rpc/").replace(/conversation/g, "talk") : path, { ...options, headers: { "x-page": secret, ...(token ? { authorization: `Bearer ${token}` } : {}), ...(options.body ? { "content-type": "application/json" } : {}), ...options.headers } });
const hear = (what) => fetch("/fixture/heard", { method: "POST", body: JSON.stringify(what), keepalive: true }).catch(() => {});

const app = {
  settings, hooks, words,
  turns: [],
  chatId: null,
  current: null, // {abort, turn} while an answer runs
  running: () => app.current !== null,
  promo: () => dialog(app, "promo"),
  mounted: () => hear({ what: "mounted" }),
  draft: (text) => hear({ what: text ? "typed" : "emptied" }),
};
hear({ what: "loading" });

// opened is the JSON of a response, sealed or not.
const opened = async (r) => (settings.sealed ? JSON.parse(unseal((await r.text()).trim())) : r.json());

// ---- the chat's place

const pathOf = () => location.pathname.match(/^\/(?:g\/[^/]+\/)?c\/([0-9a-zA-Z:-]+)$/)?.[1] ?? null;
const temporary = new URLSearchParams(location.search).get("temporary-chat") === "true";
const go = (path) => history.replaceState(null, "", path);

// ---- what is seen

let parts; // {thread, composer, list, ask}

function build(signedIn) {
  const list = el("div", { id: "history" });
  const header = el("header", { id: "page-header" });
  const view = thread(app);
  const nav = signedIn && el("nav", { ...hooks.nav, "aria-label": words.history }, el("a", { ...hooks.newChat, href: "/" }, words.newChat), list, el("button", { ...hooks.profile, type: "button", "aria-label": words.profile }, "Ada"));
  if (!signedIn) header.append(el("button", { ...hooks.login, type: "button" }, words.login), el("button", { ...hooks.signup, type: "button" }, words.signup));
  if (temporary) header.append(el("span", { class: "badge" }, words.temporary), settings.temporaryMenu && el("button", { "aria-haspopup": "menu" }, "Unpersonalized"));
  if (settings.workMode) header.append(el("div", { role: "radiogroup" }, el("button", { role: "radio", "aria-checked": "true" }, "Chat"), el("button", { role: "radio", "aria-checked": "false" }, "Work")));
  parts = { thread: view, composer: null, list, ask: () => ({ model: "auto" }) };
  const main = el("main", { id: "main" }, header, view.dom);
  if (signedIn || settings.login === "guest") {
    parts.composer = composer(app);
    main.append(parts.composer.form);
    parts.ask = picker(app, { header, extra: parts.composer.extra });
  }
  document.getElementById("root").replaceChildren(...[nav, main].filter(Boolean));
}

function redraw() {
  parts.thread.structure();
  parts.composer?.refresh();
}

async function showHistory() {
  const r = await call("/backend-api/conversations?offset=0&limit=28&order=updated");
  if (!r.ok) return;
  const { items } = await r.json();
  parts.list.replaceChildren(...items.map(({ id, title }, n) => el("a", { ...hooks.history(n), href: `/c/${id}` }, el("div", { class: "truncate" }, el("span", { dir: "auto" }, title)))));
}

function titled(title) {
  if (!title) return;
  if (!temporary) document.title = title;
  void showHistory();
}

// ---- a chat that was there before

const cited = (m) => m.metadata?.content_references ?? [];

async function open(id) {
  const r = await call(settings.read === "new" ? `/backend-api/conversations/${id}?num_turns=20` : `/backend-api/conversation/${id}`);
  if (!r.ok) {
    toast(`Unable to load conversation ${id}`);
    go("/");
    return;
  }
  const data = await opened(r);
  const messages = data.messages ?? walk(data);
  app.chatId = id;
  app.turns = messages.map((m) => {
    const user = m.author.role === "user";
    const text = m.content.parts.join("");
    const over = m.status === "in_progress" ? "running" : m.status === "finished_successfully" ? "done" : "stopped";
    return { key: uuid(), role: m.author.role, id: m.id, text: user ? text : undefined, nodes: user ? [] : [{ id: m.id, kind: "final", text, references: cited(m), image: m.metadata?.image }], state: user ? "done" : over, error: null };
  });
  titled(data.title);
  const last = app.turns.at(-1);
  if (last?.state === "running" && settings.resume !== "none") void resume(id, last);
  redraw();
}

function walk({ mapping, current_node: at }) {
  const out = [];
  for (let n = mapping[at]; n?.message; n = mapping[n.parent]) out.unshift(n.message);
  return out;
}

// resume goes on with an answer that runs at the site: by its stream, or by reading again.
async function resume(id, turn) {
  const mine = (app.current = { abort: new AbortController(), turn, chatId: id });
  redraw();
  try {
    if (settings.resume === "sse") {
      const r = await call("/backend-api/f/conversation/resume", { method: "POST", body: JSON.stringify({ conversation_id: id, offset: 0 }), signal: mine.abort.signal });
      if (r.ok) return await follow(r, mine);
    }
    for (;;) {
      await new Promise((done) => setTimeout(done, 400));
      if (app.current !== mine) return;
      const r = await call(settings.read === "new" ? `/backend-api/conversations/${id}?num_turns=20` : `/backend-api/conversation/${id}`);
      const data = await opened(r);
      const m = (data.messages ?? walk(data)).at(-1);
      turn.id = m.id;
      turn.nodes = [{ id: m.id, kind: "final", text: m.content.parts.join(""), references: cited(m) }];
      turn.state = m.status === "in_progress" ? "running" : m.status === "finished_successfully" ? "done" : "stopped";
      redraw();
      if (turn.state !== "running") return;
    }
  } finally {
    if (app.current === mine) app.current = null;
    redraw();
  }
}

// ---- sending

app.send = (text) => {
  const user = { key: uuid(), role: "user", id: uuid(), text, nodes: [], state: "done" };
  const turn = { key: uuid(), role: "assistant", id: uuid(), nodes: [], state: "waiting", error: null };
  app.turns.push(user, turn);
  app.current = { abort: new AbortController(), turn, chatId: app.chatId };
  const asked = parts.ask();
  if (!app.chatId && !temporary && settings.transient) go(`/c/WEB:${uuid()}`);
  redraw();
  void ask(text, user, asked, app.current);
};

async function ask(text, user, asked, mine) {
  const { turn } = mine;
  try {
    if (settings.prepareFor) await new Promise((done) => setTimeout(done, settings.prepareFor));
    await call("/backend-api/f/conversation/prepare", { method: "POST", body: "{}" });
    if (mine.abort.signal.aborted) return;
    const r = await call("/backend-api/f/conversation", {
      method: "POST", headers: { accept: "text/event-stream" }, signal: mine.abort.signal,
      body: JSON.stringify({
        action: "next", conversation_id: app.chatId ?? undefined, parent_message_id: "client-created-root", ...asked, history_and_training_disabled: temporary || undefined,
        messages: [{ id: user.id, author: { role: "user" }, content: { content_type: "text", parts: [text] } }],
      }),
    });
    if (settings.strict && (r.url !== new URL(settings.sealed ? "/rpc/f/talk" : "/backend-api/f/conversation", location.origin).href || r.type !== "basic" || r.redirected)) throw new Error(`a strange response: ${r.url} ${r.type}`);
    if (!r.ok) return refused(r.status, await r.json().catch(() => ({})), text, user, turn);
    await follow(r, mine);
  } catch (err) {
    if (mine.abort.signal.aborted) return;
    await broke(err, mine);
  } finally {
    if (app.current === mine) app.current = null;
    redraw();
  }
}

// follow reads an answer's events into a turn.
async function follow(r, mine) {
  const { turn } = mine;
  const read = new Turn();
  turn.state = "running";
  redraw();
  const changed = () => {
    if (read.chatId && read.chatId !== app.chatId) {
      app.chatId = mine.chatId = read.chatId;
      if (!temporary) go(`/c/${read.chatId}`);
    }
    if (read.title) titled(read.title), (read.title = null);
    show(read, turn);
    parts.thread.changed();
  };
  await readStream(r, read, changed, settings.sealed);
  if (read.handoff) {
    const { websocket_url: url } = await (await call("/backend-api/celsius/ws/user")).json();
    await readTopic(url, read.handoff.topic_id, read, changed, mine.abort.signal);
  }
  if (mine.abort.signal.aborted) return;
  const last = [...read.messages.values()].at(-1);
  if (read.complete || last?.status === "finished_successfully") turn.state = last?.metadata?.finish_details?.type === "max_tokens" ? "limit" : "done";
  else throw new Error("the stream ended early");
}

// show puts into a turn what its messages say.
function show(read, turn) {
  turn.nodes = [];
  for (const m of read.messages.values()) {
    if (m.author.role !== "assistant" || m.recipient !== "all") continue;
    if (m.content.content_type === "thoughts") turn.nodes.push({ id: m.id, kind: "thinking", text: m.content.thoughts.map((t) => t.content).join("\n") });
    else if (m.content.content_type === "multimodal_text") turn.nodes.push({ id: m.id, kind: "final", text: "", image: true, references: [] });
    else if (m.content.content_type === "text" && m.channel === "commentary") turn.nodes.push({ id: m.id, kind: "commentary", text: m.content.parts[0], references: [] });
    else if (m.content.content_type === "text") {
      turn.nodes.push({ id: m.id, kind: "final", text: m.content.parts[0], references: cited(m) });
      turn.id = m.id;
    }
  }
}

// broke is what the page does when a stream broke: it looks whether the answer still runs.
async function broke(err, mine) {
  const { turn } = mine;
  console.warn("stream:", String(err));
  if (mine.chatId && settings.resume !== "none") {
    const r = await call(`/backend-api/conversation/${mine.chatId}/stream_status`).catch(() => null);
    if (r?.ok && (await r.json()).status === "IS_STREAMING") return resume(mine.chatId, turn);
  }
  turn.state = "cut";
  turn.error = words.broken;
}

function refused(status, { detail }, text, user, turn) {
  const message = typeof detail === "string" ? detail : detail?.message ?? "Something went wrong. If this issue persists please contact us through our help center at help.openai.com.";
  turn.state = "refused";
  turn.error = message;
  if (status === 429) {
    if (detail?.code === "model_cap_exceeded") turn.error = `You've reached our limit of messages. Please try again later.`;
    else dialog(app, "too_many");
  }
  if (status === 413) {
    app.turns = app.turns.filter((t) => t !== user && t !== turn);
    toast("The message you submitted was too long, please edit it and resubmit.");
    parts.composer.set(text);
  }
  if (app.chatId === null && !temporary && settings.transient) go("/");
}

app.stop = () => {
  const mine = app.current;
  if (!mine) return;
  app.current = null;
  mine.abort.abort();
  mine.turn.state = "stopped";
  if (mine.chatId) void call("/backend-api/stop_conversation", { method: "POST", body: JSON.stringify({ conversation_id: mine.chatId }) });
  hear({ what: "stopped" });
  redraw();
};

// ---- begin

const tellVisible = () => hear({ visible: document.visibilityState });
document.addEventListener("visibilitychange", tellVisible);
tellVisible();

// A link within the app does not load the page anew.
document.addEventListener("click", (e) => {
  const a = e.target.closest?.("nav a[href^='/']");
  if (!a) return;
  e.preventDefault();
  history.pushState(null, "", a.getAttribute("href"));
  app.stop();
  app.chatId = null;
  app.turns = [];
  const id = pathOf();
  redraw();
  if (id) void open(id);
});

const told = new EventSource("/fixture/told");
addEventListener("pagehide", () => told.close()); // a page kept for going back would keep its connection
told.onmessage = ({ data }) => {
  const { show, draft, toast: text } = JSON.parse(data);
  if (show) dialog(app, show);
  if (text) toast(text);
  if (draft !== undefined) parts.composer.set(draft);
};

const session = await (await call("/api/auth/session")).json();
token = session.accessToken ?? null;
build(!!session.user);
if (session.user) void showHistory();
if (settings.modal) dialog(app, settings.modal);
if (settings.alert) toast(settings.alert);
const id = pathOf();
if (id?.startsWith("WEB:")) go("/");
else if (id) await open(id);
