// The rules, step by step, and then all of them at once: every order of events that can come for one attempt, with the
// background killed and storage failing anywhere between them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { reduce, STOP_WITHIN_MS } from "./attempts";
import { revive } from "./revive";
import { LOOK_EVERY_MS } from "./seating";
import { keyOf, type Effect, type Event, type Kept, type Moment, type State, type Tab } from "./state";
import type { PageNews } from "../messages";
import { PRESS_WITHIN_MS } from "./wire";

const R = { request_id: "11111111-1111-4111-8111-111111111111", attempt: 1 };
const KEY = keyOf(R);
const SITE = "https://chatgpt.com";

/** A background made of the rules and an imitation of what is around them. */
class World {
  s: State;
  disk = new Map<string, Kept>();
  now: Moment = { wall: 1_000_000, mono: 1_000 };
  all: Effect[] = [];
  text = "";
  storageFails = false;

  constructor(settings: { capacity?: number } = {}) {
    this.s = revive({ kept: [], tabs: [], suspicion: null, capacity: settings.capacity ?? 1, paused: false, fresh: false }, this.now).state;
  }

  /** One event, and the outcome of the writes it led to; returns what else was done. */
  do(event: Event): Effect[] {
    const { state, effects } = reduce(this.s, event, this.now, () => this.text);
    this.s = state;
    const done: Effect[] = [];
    for (const e of effects) {
      done.push(e);
      if (e.do === "text") this.text = e.text;
      if (e.do === "erase") this.disk.delete(e.key);
      if (e.do !== "save") continue;
      if (!this.storageFails) this.disk.set(e.key, structuredClone(e.kept));
      done.push(...this.do({ type: this.storageFails ? "unsaved" : "saved", key: e.key, what: e.what }));
    }
    this.all.push(...done);
    return done;
  }

  bridge(message: Extract<Event, { type: "bridge" }>["message"]): Effect[] {
    return this.do({ type: "bridge", message });
  }

  welcome(keep = [R], drop: typeof keep = []): Effect[] {
    return this.bridge({ type: "welcome", account: "a@example.com", ping_seconds: 20, keep, drop, pack: null });
  }

  page(message: PageNews, tab = 1): Effect[] {
    return this.do({ type: "page", tab, message });
  }

  pass(ms: number): Effect[] {
    this.now = { wall: this.now.wall + ms, mono: this.now.mono + ms };
    return this.do({ type: "tick" });
  }

  /** The background dies and is started again. */
  kill(fresh = false): Effect[] {
    const tabs: Tab[] = [...this.s.tabs.values()];
    const begun = revive({ kept: [...this.disk.values()].map((k) => structuredClone(k)), tabs, suspicion: this.s.suspicion, capacity: 1, paused: false, fresh }, this.now);
    this.s = begun.state;
    for (const e of begun.effects) if (e.do === "erase") this.disk.delete(e.key);
    return begun.effects;
  }

  get step(): string | undefined {
    return this.s.attempts.get(KEY)?.step;
  }
}

const REQUEST = { type: "new_request", ...R, message: "Hello", response_type: "auto", thinking_time: "standard", chat_id: null, temporary: false } as const;
const ENDED = { type: "ended", ...R, response: "Hi", chat_id: "c-1", chat_title: "T", mode_used: "auto", evidence: { source: "both", complete: true } } as const;
const WELL = { type: "health", logged_in: true, page_ok: true, limited_until: null, matched: {}, trouble: null } as const;

function told(effects: Effect[], type: string): boolean {
  return effects.some((e) => e.do === "tell" && e.message.type === type);
}

function sent(effects: Effect[], type: string): Extract<Effect, { do: "send" }>["message"] | undefined {
  return effects.find((e): e is Extract<Effect, { do: "send" }> => e.do === "send" && e.message.type === type)?.message;
}

/** A world in which the request has come as far as a step. */
function at(step: "opening" | "preparing" | "asked" | "pressing" | "watching", request: Partial<typeof REQUEST> = {}): World {
  const w = new World();
  w.welcome([]);
  w.bridge({ ...REQUEST, ...request });
  w.do({ type: "tab_opened", key: KEY, tab: 1, url: `${SITE}/` });
  if (step === "opening") return w;
  w.do({ type: "attached", tab: 1, url: request.chat_id ? `${SITE}/c/${request.chat_id as string}` : request.temporary ? `${SITE}/?temporary-chat=true` : `${SITE}/` });
  if (step === "preparing") return w;
  w.page({ type: "prepared", ...R, mode_used: "auto" });
  if (step === "asked") return w;
  w.bridge({ type: "go", ...R });
  if (step === "pressing") return w;
  w.page({ type: "pressed", ...R });
  return w;
}

test("one request, from the bridge to its ack", () => {
  const w = new World();
  w.welcome([]);
  const first = w.bridge(REQUEST);
  assert.deepEqual(
    first.map((e) => e.do),
    ["save", "open"],
  );
  w.do({ type: "tab_opened", key: KEY, tab: 1, url: `${SITE}/` });
  assert.ok(told(w.do({ type: "attached", tab: 1, url: `${SITE}/` }), "prepare"));
  assert.ok(sent(w.page({ type: "prepared", ...R, mode_used: "auto" }), "ready"));
  const go = w.bridge({ type: "go", ...R });
  const order = go.map((e) => (e.do === "tell" ? e.message.type : e.do));
  assert.ok(order.indexOf("save") >= 0 && order.indexOf("save") < order.indexOf("press"), order.join());
  assert.equal(w.disk.get(KEY)?.phase, "submitted");
  w.page({ type: "pressed", ...R });
  assert.equal((sent(w.page({ type: "chat", ...R, chat_id: "c-1" }), "status_update") as { chat_id?: string }).chat_id, "c-1");
  w.page({ type: "text", ...R, offset: 0, text: "H" });
  const end = w.page(ENDED);
  assert.ok(sent(end, "response"));
  assert.equal(w.disk.get(KEY)?.result?.type, "response");
  w.bridge({ type: "ack", ...R });
  assert.equal(w.disk.size, 0);
  assert.equal(w.s.attempts.size, 0);
  assert.equal(w.s.tabs.get(1)?.use, null);
});

test("where the tab is led", () => {
  const opened = (request: Partial<typeof REQUEST>): string | undefined => {
    const w = new World();
    w.welcome([]);
    return w.bridge({ ...REQUEST, ...request }).find((e): e is Extract<Effect, { do: "open" }> => e.do === "open")?.url;
  };
  assert.equal(opened({}), `${SITE}/`);
  assert.equal(opened({ temporary: true } as never), `${SITE}/?temporary-chat=true`);
  assert.equal(opened({ chat_id: "abc-1" } as never), `${SITE}/c/abc-1`);
  assert.equal(opened({ chat_id: "../evil?x=1" } as never), `${SITE}/c/..%2Fevil%3Fx%3D1`);
});

test("the page of the same chat is used as it is; a new chat wants a new page", () => {
  const w = at("watching");
  w.page({ type: "chat", ...R, chat_id: "c-1" });
  w.page(ENDED);
  w.bridge({ type: "ack", ...R });
  w.do({ type: "tab_moved", tab: 1, url: `${SITE}/c/c-1` });
  const next = { ...REQUEST, request_id: "22222222-1111-4111-8111-111111111111", chat_id: "c-1" };
  assert.ok(told(w.bridge(next as never), "prepare"));
  const other = new World();
  Object.assign(other, { s: at("watching").s });
  other.page(ENDED);
  assert.ok(other.bridge({ ...REQUEST, attempt: 2 }).some((e) => e.do === "navigate" && e.url === `${SITE}/`));
});

test("a stray address is led back, at most twice", () => {
  const w = at("opening");
  for (let i = 0; i < 2; i++) assert.ok(w.do({ type: "attached", tab: 1, url: `${SITE}/c/other` }).some((e) => e.do === "navigate"));
  assert.ok(told(w.do({ type: "attached", tab: 1, url: `${SITE}/auth/login` }), "prepare"), "then the page says what is wrong");
});

test("no go within 30 seconds: connect anew, look again, ask again", () => {
  const w = at("asked");
  assert.deepEqual(w.pass(PRESS_WITHIN_MS), []);
  assert.ok(w.pass(1).some((e) => e.do === "hang_up"));
  w.do({ type: "offline" });
  const back = w.welcome();
  assert.ok(told(back, "prepare"));
  assert.ok(!sent(back, "ready"));
  assert.ok(sent(w.page({ type: "prepared", ...R, mode_used: "auto" }), "ready"));
  assert.ok(told(w.bridge({ type: "go", ...R }), "press"));
});

test("a go that comes too late by either clock presses nothing", () => {
  for (const clock of ["wall", "mono"] as const) {
    const w = at("asked");
    w.now = { ...w.now, [clock]: w.now[clock] + PRESS_WITHIN_MS + 1 };
    const effects = w.bridge({ type: "go", ...R });
    assert.ok(effects.some((e) => e.do === "hang_up") && !told(effects, "press"));
    assert.equal(w.disk.get(KEY)?.phase, "opening");
  }
});

test("storage that fails: nothing is pressed without `submitted`, and an answer is told all the same", () => {
  const w = at("asked");
  w.storageFails = true;
  const effects = w.bridge({ type: "go", ...R });
  assert.ok(!told(effects, "press"));
  assert.equal((sent(effects, "error") as { code: string }).code, "worker_error");

  const answered = at("watching");
  answered.storageFails = true;
  assert.ok(sent(answered.page(ENDED), "response"));
  assert.equal(answered.s.tabs.get(1)?.use, KEY, "the page can be read again");
});

test("killed with `submitted` stored: it watches and never presses", () => {
  const w = at("pressing");
  w.kill();
  w.welcome();
  const effects = w.do({ type: "attached", tab: 1, url: `${SITE}/c/c-1` });
  assert.ok(told(effects, "watch") && !told(effects, "press") && !told(effects, "prepare"));
  assert.ok(!told(w.bridge({ type: "go", ...R }), "press"));
});

test("after a restart of the browser what was not submitted is not held any more", () => {
  const w = at("asked");
  assert.ok(w.kill(true).some((e) => e.do === "erase"));
  assert.equal(w.s.attempts.size, 0);
});

test("after an update the page of what was submitted is loaded anew, for its stream has gone to scripts of old", () => {
  const w = at("watching");
  w.page({ type: "chat", ...R, chat_id: "c-1" });
  assert.ok(w.kill(true).some((e) => e.do === "navigate" && e.url === `${SITE}/c/c-1`));
  assert.ok(told(w.do({ type: "attached", tab: 1, url: `${SITE}/c/c-1` }), "watch"));
});

test("the tab is closed", async (t) => {
  await t.test("before the press: another is opened, three times", () => {
    const w = at("asked");
    for (let i = 2; i < 5; i++) {
      assert.ok(w.do({ type: "tab_gone", tab: i - 1 }).some((e) => e.do === "open"), `time ${i - 1}`);
      assert.ok(!told(w.bridge({ type: "go", ...R }), "press"), "no go for a page that is gone");
      w.do({ type: "tab_opened", key: KEY, tab: i, url: `${SITE}/` });
    }
    assert.equal((sent(w.do({ type: "tab_gone", tab: 4 }), "error") as { code: string }).code, "worker_error");
  });
  await t.test("after it: the chat is opened again where it is known", () => {
    const w = at("watching");
    w.page({ type: "chat", ...R, chat_id: "c-1" });
    assert.ok(w.do({ type: "tab_gone", tab: 1 }).some((e) => e.do === "open" && e.url === `${SITE}/c/c-1`));
    w.do({ type: "tab_opened", key: KEY, tab: 2, url: `${SITE}/c/c-1` });
    assert.ok(told(w.do({ type: "attached", tab: 2, url: `${SITE}/c/c-1` }), "watch"));
  });
  await t.test("after it, chat unknown: worker_lost, or incomplete_answer with what was seen", () => {
    const silent = at("pressing");
    assert.equal((sent(silent.do({ type: "tab_gone", tab: 1 }), "error") as { code: string }).code, "worker_lost");
    const seen = at("watching");
    seen.page({ type: "text", ...R, offset: 0, text: "Half" });
    const error = sent(seen.do({ type: "tab_gone", tab: 1 }), "error") as { code: string; partial_response: string };
    assert.deepEqual([error.code, error.partial_response], ["incomplete_answer", "Half"]);
  });
  await t.test("a temporary chat is never found again", () => {
    const w = at("watching", { temporary: true } as never);
    w.page({ type: "chat", ...R, chat_id: "c-1" });
    assert.equal((sent(w.do({ type: "tab_gone", tab: 1 }), "error") as { code: string }).code, "worker_lost");
  });
  await t.test("between go and press: nothing was sent, and it is said so", () => {
    const w = at("asked");
    const { state, effects } = reduce(w.s, { type: "bridge", message: { type: "go", ...R } }, w.now, () => "");
    w.s = state;
    assert.deepEqual(effects.map((e) => e.do), ["save"]);
    w.do({ type: "detached", tab: 1 });
    w.do({ type: "attached", tab: 1, url: `${SITE}/` });
    const after = w.do({ type: "saved", key: KEY, what: "submitted" });
    assert.ok(!told(after, "press"));
    assert.equal((sent(after, "error") as { code: string }).code, "worker_error");
  });
});

test("cancel", async (t) => {
  await t.test("waits for the page, then forgets and says so", () => {
    const w = at("watching");
    assert.ok(told(w.bridge({ type: "cancel", ...R }), "abandon"));
    assert.equal(w.disk.size, 1, "not forgotten before it says cancelled");
    const effects = w.page({ type: "stopped", ...R });
    assert.ok(sent(effects, "cancelled") && effects.some((e) => e.do === "erase"));
  });
  await t.test("while `submitted` is being stored: no press", () => {
    const w = at("asked");
    w.s = reduce(w.s, { type: "bridge", message: { type: "go", ...R } }, w.now, () => "").state;
    w.bridge({ type: "cancel", ...R });
    assert.ok(!told(w.do({ type: "saved", key: KEY, what: "submitted" }), "press"));
  });
  await t.test("a page that does not stop loses its tab", () => {
    const w = at("watching");
    w.bridge({ type: "cancel", ...R });
    const effects = w.pass(STOP_WITHIN_MS + 1);
    assert.ok(effects.findIndex((e) => e.do === "close") < effects.findIndex((e) => e.do === "send" && e.message.type === "cancelled"));
  });
  await t.test("of what is not known: said at once", () => {
    const w = new World();
    w.welcome([]);
    assert.ok(sent(w.bridge({ type: "cancel", ...R }), "cancelled"));
    assert.ok(sent(w.welcome([], [R]), "cancelled"));
  });
});

test("what welcome does not keep is stopped", () => {
  const w = at("asked");
  w.do({ type: "offline" });
  assert.ok(told(w.welcome([], []), "abandon"));
});

test("an ack while the page works: forgotten at once, stopped without a word", () => {
  const w = at("watching");
  const effects = w.bridge({ type: "ack", ...R });
  assert.ok(effects.some((e) => e.do === "erase") && told(effects, "abandon"));
  assert.ok(!sent(w.page({ type: "stopped", ...R }), "cancelled"));
  assert.equal(w.s.attempts.size, 0);
});

test("an answer is sent again after each connect, until its ack", () => {
  const w = at("watching");
  w.do({ type: "offline" });
  assert.ok(!sent(w.page(ENDED), "response"));
  assert.ok(sent(w.welcome(), "response"));
  w.kill();
  assert.ok(sent(w.welcome(), "response"));
});

test("a tab with a person's draft in it is left to them", () => {
  const w = new World();
  w.welcome([]);
  w.do({ type: "tab_opened", key: null, tab: 1, url: `${SITE}/` });
  w.do({ type: "attached", tab: 1, url: `${SITE}/` });
  w.page({ ...WELL, draft: true });
  const effects = w.bridge(REQUEST);
  assert.ok(effects.some((e) => e.do === "open") && !effects.some((e) => e.do === "navigate"));
  assert.ok(!w.s.tabs.has(1));
});

test("what another page says of an attempt does not count", () => {
  const w = at("watching");
  w.do({ type: "settings", capacity: 2, paused: false });
  w.do({ type: "tab_opened", key: null, tab: 2, url: `${SITE}/` });
  w.do({ type: "attached", tab: 2, url: `${SITE}/` });
  assert.ok(w.s.tabs.has(2));
  assert.deepEqual(w.page(ENDED, 2), []);
  assert.deepEqual(w.page(ENDED, 3), []);
  assert.ok(sent(w.page(ENDED, 1), "response"));
});

test("a tab that the browser replaces is followed", () => {
  const w = at("watching");
  w.page({ type: "chat", ...R, chat_id: "c-1" });
  w.do({ type: "tab_replaced", tab: 1, by: 9 });
  assert.ok(told(w.do({ type: "attached", tab: 9, url: `${SITE}/c/c-1` }), "watch"));
  assert.ok(sent(w.page(ENDED, 9), "response"));
});

test("a tab that shows something else", async (t) => {
  await t.test("in use before the press: logged out, as far as we can see", () => {
    const w = at("opening");
    assert.equal((sent(w.do({ type: "tab_away", tab: 1 }), "error") as { code: string }).code, "logged_out");
    assert.ok(w.s.tabs.has(1), "kept, for the log-in");
  });
  await t.test("idle: a person took it", () => {
    const w = new World();
    w.welcome([]);
    w.do({ type: "tab_opened", key: null, tab: 1, url: `${SITE}/` });
    w.do({ type: "tab_away", tab: 1 });
    assert.ok(!w.s.tabs.has(1));
  });
});

test("unpaired: all is forgotten, and the page is stopped", () => {
  const w = at("watching");
  const effects = w.do({ type: "let_go" });
  assert.ok(told(effects, "abandon") && w.disk.size === 0);
});

test("capacity: a tab for each, and no more", () => {
  const w = new World({ capacity: 2 });
  w.welcome([]);
  const opens = [1, 2, 3].map((attempt) => w.bridge({ ...REQUEST, attempt }).some((e) => e.do === "open"));
  assert.deepEqual(opens, [true, true, false]);
});

test("health", async (t) => {
  await t.test("is told when it changes, and anew on each connection", () => {
    const w = at("opening");
    w.do({ type: "attached", tab: 1, url: `${SITE}/` });
    assert.ok(sent(w.page(WELL), "health"));
    assert.ok(!sent(w.page(WELL), "health"));
    w.do({ type: "offline" });
    assert.ok(sent(w.welcome(), "health"));
  });
  await t.test("an error that pauses comes before the health, and only a page lifts it", () => {
    const w = at("preparing");
    w.page(WELL);
    const effects = w.page({ type: "failed", ...R, code: "page_changed", detail: "No send button." });
    const order = effects.flatMap((e) => (e.do === "send" ? [e.message.type] : []));
    assert.deepEqual(order, ["error", "health"]);
    assert.equal((sent(effects, "health") as { page_ok: boolean }).page_ok, false);
    w.bridge({ type: "ack", ...R });
    w.do({ type: "offline" });
    assert.equal((sent(w.welcome([]), "health") as { page_ok: boolean }).page_ok, false, "what was known before does not count");
    w.page({ ...WELL, matched: { composer: 2 } });
    assert.ok(w.s.suspicion, "a page that was well all along has nothing new to say");
    assert.ok(w.pass(LOOK_EVERY_MS).some((e) => e.do === "look" && e.load !== null));
    w.do({ type: "attached", tab: 1, url: `${SITE}/` });
    assert.equal((sent(w.page(WELL), "health") as { page_ok: boolean }).page_ok, true);
  });
  await t.test("a page that gets well by itself, or a new pack, lifts it at once", () => {
    const w = at("preparing");
    w.page({ ...WELL, page_ok: false, trouble: "page_changed" });
    assert.equal(w.s.suspicion?.code, "page_changed");
    w.page(WELL);
    assert.equal(w.s.suspicion, null);
    w.page({ type: "failed", ...R, code: "page_changed", detail: "" });
    assert.ok(w.s.suspicion);
    assert.equal((sent(w.do({ type: "repacked" }), "health") as { page_ok: boolean }).page_ok, true);
  });
  await t.test("with no tab left one is opened to look", () => {
    const w = at("preparing");
    w.page({ type: "failed", ...R, code: "logged_out", detail: "Log in." });
    w.bridge({ type: "ack", ...R });
    w.do({ type: "tab_gone", tab: 1 });
    w.kill();
    w.welcome([]);
    assert.ok(w.pass(LOOK_EVERY_MS).some((e) => e.do === "open" && e.key === null));
    assert.ok(!w.pass(LOOK_EVERY_MS).some((e) => e.do === "open"), "one at a time");
  });
  await t.test("a site that does not load pauses us rather than fail requests", () => {
    const w = at("opening");
    for (let i = 0; i < 3; i++) w.pass(30_000);
    const health = w.all.findLast((e): e is Extract<Effect, { do: "send" }> => e.do === "send" && e.message.type === "health")?.message;
    assert.equal((health as { page_ok: boolean } | undefined)?.page_ok, false);
    assert.equal(w.step, "opening");
  });
  await t.test("paused by a person", () => {
    const w = at("watching");
    w.page(WELL);
    const pause = w.do({ type: "settings", capacity: 1, paused: true });
    assert.equal((sent(pause, "health") as { page_ok: boolean }).page_ok, false);
    const resume = w.do({ type: "settings", capacity: 1, paused: false });
    assert.equal((sent(resume, "health") as { page_ok: boolean }).page_ok, true);
  });
});

test("every order of events, deaths and failures keeps the promises", () => {
  const states = explore();
  assert.ok(states > 30_000, `only ${states} states were met`);
});

// ---- all orders

/** All there is to know of one path through the rules, small enough to be remembered. */
interface Path {
  s: State;
  disk: Kept | null;
  /** Outcomes of writes that have not been heard yet, in order. */
  pending: Event[];
  /** What the bridge and the page know. */
  taken: boolean;
  presses: number;
  prepared: boolean;
  readied: boolean;
  went: boolean;
  requests: number;
  kills: number;
  age: number;
}

const T0: Moment = { wall: 1_000_000, mono: 1_000_000 };
const LATE = PRESS_WITHIN_MS + 1_000;

function moment(p: Path): Moment {
  return { wall: T0.wall + p.age, mono: T0.mono + p.age };
}

/** Walks all paths to a depth, each state once, and returns how many states there were. */
function explore(depth = 14): number {
  const s = revive({ kept: [], tabs: [], suspicion: null, capacity: 1, paused: false, fresh: false }, T0).state;
  const first: Path = { s, disk: null, pending: [], taken: false, presses: 0, prepared: false, readied: false, went: false, requests: 0, kills: 0, age: 0 };
  let level = new Map([[print(first), first]]);
  const met = new Set(level.keys());
  for (let d = 0; d < depth; d++) {
    const next = new Map<string, Path>();
    for (const p of level.values())
      for (const [name, go] of moves(p)) {
        const q = go();
        check(p, q, name);
        const id = print(q);
        if (!met.has(id)) {
          met.add(id);
          next.set(id, q);
        }
      }
    level = next;
  }
  return met.size;
}

let lastEffects: Effect[] = [];

function step(p: Path, event: Event, change: Partial<Path> = {}, writes: "ok" | "fail" = "ok"): Path {
  const { state, effects } = reduce(p.s, event, moment(p), () => "");
  return after({ ...p, ...change, s: state }, effects, writes);
}

function after(q: Path, effects: Effect[], writes: "ok" | "fail"): Path {
  q = { ...q, pending: [...q.pending] };
  lastEffects = effects;
  for (const e of effects) {
    if (e.do === "save") {
      if (writes === "ok") q.disk = e.kept;
      q.pending.push({ type: writes === "ok" ? "saved" : "unsaved", key: e.key, what: e.what });
    }
    if (e.do === "erase") {
      assert.ok(q.taken || q.disk === null || q.disk.phase === "opening" || q.disk.phase === "typing", "forgotten without ack, cancel or drop");
      q.disk = null;
    }
    if (e.do === "send" && e.message.type === "ready") {
      assert.ok(q.prepared && q.s.online, "ready without a prepared page");
      q.readied = true;
    }
    if (e.do === "send" && (e.message.type === "response" || e.message.type === "error"))
      assert.ok(q.disk?.result || q.pending.length === 0 || q.pending.every((w) => w.type !== "saved"), "a result is sent before it is kept");
    if (e.do === "tell" && e.message.type === "prepare") {
      assert.equal(q.presses, 0, "prepared after a press");
      assert.ok(!q.disk || q.disk.phase === "opening" || q.disk.phase === "typing", "prepared with submitted in storage");
      q.prepared = false;
      q.readied = false;
    }
    if (e.do === "tell" && e.message.type === "press") {
      q.presses++;
      assert.equal(q.presses, 1, "pressed twice");
      assert.ok(q.went, "pressed without go");
      assert.ok(q.prepared, "pressed in a page that had not prepared it");
      assert.ok(!q.taken, "pressed after it was taken away");
      assert.equal(q.disk?.phase, "submitted", "pressed before submitted was stored");
      const ready = q.s.attempts.get(KEY)?.kept;
      assert.ok(ready, "pressed what is not held");
    }
  }
  return q;
}

function moves(p: Path): [string, () => Path][] {
  const a = p.s.attempts.get(KEY);
  const tab = [...p.s.tabs.values()][0];
  const out: [string, () => Path][] = [];
  const add = (name: string, go: () => Path): void => void out.push([name, go]);
  const bridge = (message: Extract<Event, { type: "bridge" }>["message"]): Event => ({ type: "bridge", message });
  if (p.pending.length > 0) {
    const [outcome, ...pending] = p.pending as [Event, ...Event[]];
    add(outcome.type, () => step(p, outcome, { pending }));
  }
  if (p.s.online) {
    if (p.requests === 0) for (const w of ["ok", "fail"] as const) add(`new_request ${w}`, () => step(p, bridge(REQUEST), { requests: 1 }, w));
    if (p.requests > 0) {
      // A go answers a ready; one that answers nothing must do no harm either.
      for (const w of ["ok", "fail"] as const) add(`go ${w}`, () => step(p, bridge({ type: "go", ...R }), { went: p.went || p.readied }, w));
      add("cancel", () => step(p, bridge({ type: "cancel", ...R }), { taken: true }));
      add("ack", () => step(p, bridge({ type: "ack", ...R }), { taken: true }));
    }
    add("offline", () => step(p, { type: "offline" }, { readied: false }));
  } else {
    const welcome = (keep: (typeof R)[]): Event => bridge({ type: "welcome", account: "", ping_seconds: 20, keep, drop: [], pack: null });
    if (!p.taken) add("welcome", () => step(p, welcome(a ? [R] : [])));
    if (a) add("welcome without", () => step(p, welcome([]), { taken: true }));
  }
  if (p.kills < 2)
    for (const fresh of [false, true])
      add(fresh ? "browser restarted" : "killed", () => {
        const begun = revive({ kept: p.disk ? [structuredClone(p.disk)] : [], tabs: [...p.s.tabs.values()], suspicion: p.s.suspicion, capacity: 1, paused: false, fresh }, moment(p));
        // A write whose outcome was not heard may or may not have reached the disk; both have been walked.
        return after({ ...p, s: begun.state, pending: [], readied: false, prepared: false, kills: p.kills + 1 }, begun.effects, "ok");
      });
  if (a?.step === "tab") add("tab opened", () => step(p, { type: "tab_opened", key: KEY, tab: 1, url: `${SITE}/` }));
  if (tab) {
    add("tab gone", () => step(p, { type: "tab_gone", tab: tab.id }, { prepared: false }));
    if (tab.attached) {
      add("detached", () => step(p, { type: "detached", tab: tab.id }, { prepared: false }));
      if (a) {
        const said: PageNews[] = [
          { type: "prepared", ...R, mode_used: null },
          { type: "pressed", ...R },
          { type: "refused", ...R, code: "worker_error", detail: "" },
          { type: "chat", ...R, chat_id: "c-1" },
          { type: "text", ...R, offset: 0, text: "x" },
          ENDED,
          { type: "failed", ...R, code: "page_changed", detail: "" },
          { type: "stopped", ...R },
        ];
        for (const message of said) add(message.type, () => step(p, { type: "page", tab: tab.id, message }, message.type === "prepared" ? { prepared: true } : {}));
      }
    } else for (const path of ["/", "/c/c-1"]) add(`attached ${path}`, () => step(p, { type: "attached", tab: tab.id, url: SITE + path }, { prepared: false }));
  }
  if (p.age === 0) add("time", () => step({ ...p, age: LATE }, { type: "tick" }));
  return out;
}

function check(p: Path, q: Path, name: string): void {
  const users = [...q.s.attempts.values()].filter((a) => a.tab !== null).map((a) => a.tab);
  assert.equal(new Set(users).size, users.length, `${name}: two attempts in one tab`);
  for (const tab of q.s.tabs.values()) if (tab.use !== null) assert.equal(q.s.attempts.get(tab.use)?.tab, tab.id, `${name}: a tab is taken by what does not use it`);
  if (p.s.attempts.has(KEY) && !q.s.attempts.has(KEY)) {
    const fresh = name === "browser restarted" || name === "killed";
    assert.ok(q.taken || fresh, `${name}: let go of without ack, cancel or drop`);
    if (name === "killed") assert.equal(p.disk, null, "a kill forgot what was kept");
  }
  if (lastEffects.some((e) => e.do === "send" && e.message.type === "cancelled")) assert.ok(q.taken && !q.s.attempts.has(KEY), `${name}: cancelled was said too early`);
}

/** What makes two paths the same for all that can follow. */
function print(p: Path): string {
  const { s, ...rest } = p;
  const a = s.attempts.get(KEY);
  const tab = [...s.tabs.values()][0];
  return JSON.stringify([
    { ...rest, disk: p.disk && [p.disk.phase, p.disk.chat_id, p.disk.result?.type], pending: p.pending.map((e) => e.type + ("what" in e ? e.what : "")) },
    s.online,
    s.suspicion?.code,
    a && [a.step, a.held, a.tab, a.told, a.orphaned, a.settled, a.quiet, a.losses, a.tries, a.kept.phase, a.kept.chat_id, a.kept.result?.type, a.readyAt && a.readyAt.mono - T0.mono, a.since.mono - T0.mono],
    tab && [tab.attached, tab.use, tab.url, tab.nudges],
  ]);
}
