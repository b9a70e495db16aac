// A real Firefox, spoken to over WebDriver BiDi: as much of it as the scenarios of the chat page need.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { ears } from "./watch.mjs";

const patience = 20_000; // ms
const listensWithin = 30_000; // ms

// Nothing of its own goes out: no updates, no telemetry, no look for captive portals.
const preferences = {
  "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false, "app.update.disabledForTesting": true, "browser.safebrowsing.update.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.enabled": false, "extensions.update.enabled": false, "browser.shell.checkDefaultBrowser": false, "browser.startup.page": 0,
  "startup.homepage_welcome_url": "about:blank", "remote.prefs.recommended": true, "intl.accept_languages": "en-GB", "network.proxy.type": 0, "dom.events.testing.asyncClipboard": true,
};

export class Firefox {
  static async start() {
    const f = new Firefox();
    f.profile = await mkdtemp(join(tmpdir(), "pages-firefox-"));
    await writeFile(join(f.profile, "user.js"), Object.entries(preferences).map(([k, v]) => `user_pref(${JSON.stringify(k)}, ${JSON.stringify(v)});\n`).join(""));
    f.process = spawn(process.env.FIREFOX ?? "firefox-esr", ["--headless", "--no-remote", "--profile", f.profile, "--remote-debugging-port", "0", "about:blank"], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: "1", HOME: f.profile } });
    const kill = () => f.process.kill("SIGKILL");
    process.on("exit", kill);
    f.gone = new Promise((r) => f.process.on("exit", () => (process.off("exit", kill), r())));
    let errors = "";
    const address = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`firefox does not listen:\n${errors}`)), listensWithin);
      f.process.stderr.on("data", (d) => {
        errors += d;
        const m = errors.match(/WebDriver BiDi listening on (ws:\/\/\S+)/);
        if (m) clearTimeout(late), resolve(m[1]);
      });
      f.gone.then(() => reject(new Error(`firefox ended:\n${errors}`)));
    });
    f.socket = new WebSocket(`${address}/session`);
    Object.assign(f, { waiting: new Map(), listeners: new Set(), next: 1 });
    f.socket.on("message", (data) => f.#heard(JSON.parse(String(data))));
    await new Promise((resolve, reject) => (f.socket.on("open", resolve), f.socket.on("error", reject)));
    await f.send("session.new", { capabilities: {} });
    await f.send("session.subscribe", { events: ["log.entryAdded", "network.beforeRequestSent"] });
    return f;
  }
  #heard(m) {
    if (m.id === undefined || m.id === null) return this.listeners.forEach((l) => l(m));
    const w = this.waiting.get(m.id);
    this.waiting.delete(m.id);
    if (!w) return;
    clearTimeout(w.timer);
    if (m.type === "error") w.reject(new Error(`${w.method}: ${m.error}: ${m.message}`));
    else w.resolve(m.result);
  }
  send(method, params = {}) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer in ${patience} ms`)), patience);
      this.waiting.set(id, { resolve, reject, method, timer });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
  /** page opens a tab in a store of its own. */
  async page() {
    const { userContext } = await this.send("browser.createUserContext");
    await this.send("script.addPreloadScript", { functionDeclaration: String(ears), userContexts: [userContext] });
    return this.tab(userContext);
  }
  /** tab opens a further one in such a store. */
  async tab(userContext) {
    const { context } = await this.send("browsingContext.create", { type: "tab", userContext });
    return new Page(this, context, userContext);
  }
  async stop() {
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    await this.gone;
    clearTimeout(late);
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

// plain makes of a value as BiDi tells it one of ours.
function plain(v) {
  if (v.type === "array") return v.value.map(plain);
  if (v.type === "object") return Object.fromEntries((v.value ?? []).map(([k, x]) => [k, plain(x)]));
  return v.value;
}

const keyCodes = { Enter: "\uE007", Escape: "\uE00C", Tab: "\uE004", Shift: "\uE008", Control: "\uE009", End: "\uE010", Delete: "\uE017", ArrowDown: "\uE015", ArrowUp: "\uE013", Slash: "/", Semicolon: ";" };

/** Page is one tab: a person's hands and eyes in it. */
class Page {
  constructor(firefox, context, userContext) {
    Object.assign(this, { firefox, context, userContext, console: [], hosts: new Set() });
    this.listen = (m) => {
      const of = m.params?.source?.context ?? m.params?.context;
      if (of !== context) return;
      if (m.method === "log.entryAdded") this.console.push({ level: m.params.level, method: m.params.method, text: m.params.text ?? "", args: m.params.args });
      if (m.method === "network.beforeRequestSent") this.hosts.add(new URL(m.params.request.url).host);
    };
    firefox.listeners.add(this.listen);
  }
  async goto(url) {
    await this.firefox.send("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }
  reload() {
    return this.firefox.send("browsingContext.reload", { context: this.context, wait: "complete" });
  }
  /** evaluate runs an expression, or a function with one argument that is plain data. */
  async evaluate(what, argument) {
    if (typeof what === "function") return JSON.parse((await this.evaluate(`(async () => JSON.stringify((await (${what})(${JSON.stringify(argument) ?? ""})) ?? null))()`)) ?? "null");
    const r = await this.firefox.send("script.evaluate", { expression: what, target: { context: this.context }, awaitPromise: true, userActivation: true });
    if (r.type === "exception") throw new Error(`in the page: ${r.exceptionDetails.text}`);
    return plain(r.result);
  }
  /** call runs a function in the page on elements; what it returns is plain, or an element. */
  async call(what, ...nodes) {
    const r = await this.firefox.send("script.callFunction", { functionDeclaration: String(what), arguments: nodes, target: { context: this.context }, awaitPromise: true });
    if (r.type === "exception") throw new Error(`in the page: ${r.exceptionDetails.text}`);
    return r.result.type === "node" ? r.result : plain(r.result);
  }
  /** find is the first element of a role that has these words, is visible and can be used. Names are those of assistive technology. */
  async find(role, words) {
    const { nodes } = await this.firefox.send("browsingContext.locateNodes", { context: this.context, locator: { type: "accessibility", value: { role, ...(typeof words === "string" && { name: words }) } } });
    const usable = (el, source, flags) => el.checkVisibility() && !el.disabled && (source === undefined || new RegExp(source, flags).test(el.ariaLabel ?? el.innerText));
    const pattern = words instanceof RegExp ? [words.source, words.flags].map((value) => ({ type: "string", value })) : [];
    for (const node of nodes) if (await this.call(usable, node, ...pattern)) return node;
    return null;
  }
  /** field is what a person writes into: what has this label. */
  async field(label) {
    const labelled = (name) => [...document.querySelectorAll("input, textarea, select")].find((el) => el.checkVisibility() && (el.ariaLabel ?? el.labels?.[0]?.innerText ?? "").trim() === name) ?? null;
    const node = await this.call(labelled, { type: "string", value: label });
    return node?.sharedId ? node : null;
  }
  async click(node) {
    await this.call((el) => el.scrollIntoView({ block: "nearest" }), node);
    await this.firefox.send("input.performActions", { context: this.context, actions: [{ type: "pointer", id: "mouse", actions: [{ type: "pointerMove", x: 0, y: 0, origin: { type: "element", element: node } }, { type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }] }] });
  }
  async type(text) {
    await this.firefox.send("input.performActions", { context: this.context, actions: [{ type: "key", id: "keyboard", actions: [...text].flatMap((value) => [{ type: "keyDown", value }, { type: "keyUp", value }]) }] });
  }
  /** press presses keys together: "Control+k". */
  async press(chord) {
    const keys = chord.split("+").map((k) => keyCodes[k] ?? k);
    await this.firefox.send("input.performActions", { context: this.context, actions: [{ type: "key", id: "keyboard", actions: [...keys.map((value) => ({ type: "keyDown", value })), ...keys.toReversed().map((value) => ({ type: "keyUp", value }))] }] });
  }
  size(width, height) {
    return this.firefox.send("browsingContext.setViewport", { context: this.context, viewport: { width, height } });
  }
  history(delta) {
    return this.firefox.send("browsingContext.traverseHistory", { context: this.context, delta });
  }
  url() {
    return this.evaluate("location.href");
  }
  async screenshot({ path }) {
    await writeFile(path, Buffer.from((await this.firefox.send("browsingContext.captureScreenshot", { context: this.context })).data, "base64"));
  }
  front() {
    return this.firefox.send("browsingContext.activate", { context: this.context });
  }
  /** close closes all tabs of its store. */
  async close() {
    this.firefox.listeners.delete(this.listen);
    await this.firefox.send("browser.removeUserContext", { userContext: this.userContext });
  }
}
