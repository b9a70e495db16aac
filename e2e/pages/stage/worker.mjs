// A worker of chatbridge.v1 on a real WebSocket. What it answers is decided by a script, by default the
// message's own text (script.mjs). It keeps what the protocol asks a worker to keep, so it may be cut off,
// and the server killed, at any moment.
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { byText } from "./script.mjs";

const reconnectAfter = 150; // ms
let made = 1;

export class Worker {
  /**
   * join connects and waits for the welcome. account: {server, key}; script(attempt): what to do with each;
   * the rest of the options goes into hello as it is.
   */
  static async join(account, { script = byText, ...hello } = {}) {
    const w = new Worker();
    Object.assign(w, { account, script, n: 0, wanted: true, held: new Map(), all: [], last: null, hooks: sampleHooks, doctorSilent: false, health: null });
    w.hello = { worker_id: "stage-worker", name: "Stage", version: "1.0.0", site: "chatgpt.com", capacity: 4, ...hello };
    await w.connect();
    return w;
  }

  /** connect opens the socket, and opens it again whenever it breaks, until disconnect. */
  connect() {
    this.wanted = true;
    return new Promise((resolve) => {
      this.#welcomed = resolve;
      this.#open();
    });
  }
  #welcomed = () => {};
  #open() {
    if (!this.wanted) return;
    const socket = new WebSocket(this.account.server.url.replace(/^http/, "ws") + "/ws/extension/", "chatbridge.v1");
    this.socket = socket;
    socket.on("open", () => {
      const holding = [...this.held.values()].map((a) => ({ ...a.ref, phase: a.outcome ? "ended" : a.phaseNow }));
      this.send({ type: "hello", key: this.account.key, n: ++this.n, ...this.hello, holding });
    });
    socket.on("message", (data) => socket === this.socket && this.#heard(JSON.parse(String(data))));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (socket === this.socket && this.wanted) setTimeout(() => this.#open(), reconnectAfter);
    });
  }
  /** disconnect cuts the socket, without a word, and stays away. */
  disconnect() {
    this.wanted = false;
    this.socket?.terminate();
  }
  /** lose forgets one attempt, or all, as a browser that lost its profile does; the server hears of it at the next connect. */
  async lose(attempt) {
    for (const a of attempt ? [attempt] : [...this.held.values()]) this.#forget(a);
    this.disconnect();
    await this.connect();
  }

  /** another comes back as a worker of a new name, which knows of no pause: a limit of the site ends by its time only. */
  async another() {
    this.disconnect();
    this.held.clear();
    [this.hello.worker_id, this.n] = [`${this.hello.worker_id.replace(/-\d+$/, "")}-${++made}`, 0];
    await this.connect();
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
  /** report tells the worker's health; what is left out is well. */
  report({ logged_in = true, page_ok = true, limited_until = null, matched = sampleMatched } = {}) {
    this.health = { logged_in, page_ok, limited_until, matched };
    this.send({ type: "health", ...this.health });
  }
  /** pause says that the site limits the account for so many seconds. */
  pause(seconds) {
    this.report({ limited_until: new Date(Date.now() + seconds * 1000).toISOString() });
  }
  resume() {
    this.report();
  }

  #heard(m) {
    const attempt = m.request_id && this.held.get(`${m.request_id}.${m.attempt}`);
    switch (m.type) {
      case "welcome":
        for (const ref of m.drop) this.#away(this.held.get(`${ref.request_id}.${ref.attempt}`), ref);
        for (const a of this.held.values()) a.revive();
        if (this.health) this.send({ type: "health", ...this.health });
        return this.#welcomed(m);
      case "new_request": {
        const a = new Attempt(this, m);
        this.held.set(a.key, a);
        this.last = a;
        this.all.push(a);
        Promise.resolve(this.script(a)).catch((err) => a.signal.aborted || a.fail("worker_error", String(err.message ?? err)));
        return;
      }
      case "go":
        return attempt?.allowed();
      case "ack":
        return attempt && this.#forget(attempt);
      case "cancel":
        return this.#away(attempt, m);
      case "resync":
        return attempt?.sendAll();
      case "ping":
        return this.send({ type: "pong" });
      case "doctor":
        if (!this.doctorSilent) this.send({ type: "doctor", id: m.id, hooks: this.hooks });
        return;
      case "bye":
        this.bye = m;
        if (m.code === "bad_key" || m.code === "replaced") this.wanted = false;
    }
  }
  #away(attempt, ref) {
    if (attempt) this.#forget(attempt);
    this.send({ type: "cancelled", request_id: ref.request_id, attempt: ref.attempt });
  }
  #forget(attempt) {
    this.held.delete(attempt.key);
    attempt.over.abort(new Error("taken away"));
  }
}

/** Attempt is one request in the worker's hands. Its steps end with an error once it was taken away. */
export class Attempt {
  constructor(worker, { request_id, attempt, ...request }) {
    Object.assign(this, { worker, ref: { request_id, attempt }, key: `${request_id}.${attempt}`, request, phaseNow: "opening", text: "", outcome: null });
    this.over = new AbortController();
    this.signal = this.over.signal;
    this.go = new Promise((resolve, reject) => {
      this.allowed = resolve;
      this.signal.addEventListener("abort", () => reject(this.signal.reason));
    });
    this.go.catch(() => {});
  }
  get id() {
    return this.ref.request_id;
  }
  get message() {
    return this.request.message;
  }

  /** wait lets time pass, in ms. */
  wait(ms) {
    return sleep(ms, undefined, { signal: this.signal });
  }
  /** hold waits until it is taken away. */
  hold() {
    return this.wait(2 ** 31 - 1);
  }
  phase(phase, chat_id) {
    this.signal.throwIfAborted();
    this.phaseNow = phase;
    this.worker.send({ type: "status_update", ...this.ref, status: "executing", phase, ...(chat_id && { chat_id }) });
  }
  /** ready asks whether it may be sent and waits for go. */
  async ready() {
    this.asked = true;
    this.worker.send({ type: "ready", ...this.ref });
    await this.go;
    this.phaseNow = "submitted";
  }
  /** take goes through the phases before an answer, pausing ms in each. */
  async take(ms = 0) {
    for (const phase of ["opening", "typing"]) {
      this.phase(phase);
      if (ms) await this.wait(ms);
    }
    await this.ready();
    this.phase("submitted");
    if (ms) await this.wait(ms);
    this.phase("answering");
  }
  /** say appends to the answer. */
  say(text) {
    this.correct([...this.text].length, text);
  }
  /** correct makes the answer its first code points and text. */
  correct(offset, text) {
    this.signal.throwIfAborted();
    this.text = [...this.text].slice(0, offset).join("") + text;
    this.worker.send({ type: "delta", ...this.ref, offset, text });
  }
  sendAll() {
    this.worker.send({ type: "delta", ...this.ref, offset: 0, text: this.text });
  }
  /** end sends the answer, by default what was said, and keeps it until its ack. */
  end({ response = this.text, chat_id = this.request.chat_id ?? `site-${this.request.chat_db_id}`, chat_title = null, mode_used = "Stage 1", evidence = { source: "both", complete: true } } = {}) {
    this.signal.throwIfAborted();
    this.#ended({ type: "response", ...this.ref, response, chat_id, chat_title, mode_used, evidence });
  }
  /** fail ends it without an answer. */
  fail(code, error, { retry_after, partial_response = this.text || null } = {}) {
    this.signal.throwIfAborted();
    this.#ended({ type: "error", ...this.ref, error, code, partial_response, ...(retry_after !== undefined && { retry_after }) });
  }
  #ended(outcome) {
    this.outcome = outcome;
    this.worker.send(outcome);
  }
  /** revive says again what a lost connection may have swallowed. */
  revive() {
    if (this.outcome) return this.worker.send(this.outcome);
    if (this.asked && !["submitted", "answering"].includes(this.phaseNow)) this.worker.send({ type: "ready", ...this.ref });
    this.worker.send({ type: "status_update", ...this.ref, status: "executing", phase: this.phaseNow });
    if (this.text) this.sendAll();
  }
}

const sampleMatched = { composer: "composer-id", send: "send-testid", stop: "stop-testid", turns: "turn-testid" };
const sampleHooks = [
  { name: "composer", found: true, alternative: "composer-id", wanted_on: "every page" },
  { name: "send", found: false, alternative: "", wanted_on: "with text" },
  { name: "stop", found: false, alternative: "", wanted_on: "while answering" },
  { name: "turns", found: true, alternative: "turn-testid", wanted_on: "in a chat" },
  { name: "model", found: false, alternative: "", wanted_on: "every page" },
];
