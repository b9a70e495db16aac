// A real Firefox with the extension in it, spoken to over WebDriver BiDi. The
// site's names are reached through a proxy of our own, which leads them to the
// fixture and everything else nowhere.
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import WebSocket from "ws";

const patience = 20_000; // ms

export class Firefox {
  static async start({ profile, extension, site, preferences = {} }) {
    const f = new Firefox();
    f.listeners = new Set();
    f.proxy = createServer((q, r) => r.writeHead(502).end());
    f.proxy.on("connect", (q, socket, head) => {
      const ours = /^([a-z]+\.)?(chatgpt|openai)\.com:443$/.test(q.url);
      if (!ours) return socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      const to = connect(site.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        to.write(head);
        to.pipe(socket).pipe(to);
      });
      for (const s of [to, socket]) s.on("error", () => (to.destroy(), socket.destroy()));
    });
    await new Promise((done) => f.proxy.listen(0, "127.0.0.1", done));
    await mkdir(profile, { recursive: true });
    const set = {
      "network.proxy.type": 1, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": f.proxy.address().port, "network.proxy.no_proxies_on": "", "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
      "app.update.disabledForTesting": true, "browser.safebrowsing.update.enabled": false, "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.enabled": false, "extensions.update.enabled": false, "browser.shell.checkDefaultBrowser": false,
      "browser.startup.page": 0, "startup.homepage_welcome_url": "about:blank", "remote.prefs.recommended": true, ...preferences,
    };
    await writeFile(join(profile, "user.js"), Object.entries(set).map(([k, v]) => `user_pref(${JSON.stringify(k)}, ${JSON.stringify(v)});\n`).join(""));
    f.process = spawn(process.env.FIREFOX ?? "firefox-esr", ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: "1", HOME: profile } });
    f.gone = new Promise((r) => f.process.on("exit", r));
    let errors = "";
    const address = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`firefox does not listen:\n${errors}`)), 30_000);
      f.process.stderr.on("data", (d) => {
        errors += d;
        const m = errors.match(/WebDriver BiDi listening on (ws:\/\/\S+)/);
        if (m) clearTimeout(late), resolve(m[1]);
      });
      f.gone.then(() => reject(new Error(`firefox ended:\n${errors}`)));
    });
    f.socket = new WebSocket(`${address}/session`);
    f.waiting = new Map();
    f.next = 1;
    f.socket.on("message", (data) => {
      const m = JSON.parse(String(data));
      if (m.id === undefined || m.id === null) return f.listeners.forEach((l) => l(m));
      const w = f.waiting.get(m.id);
      f.waiting.delete(m.id);
      if (!w) return;
      clearTimeout(w.timer);
      if (m.type === "error") w.reject(new Error(`${w.method}: ${m.error}: ${m.message}`));
      else w.resolve(m.result);
    });
    await new Promise((resolve, reject) => (f.socket.on("open", resolve), f.socket.on("error", reject)));
    await f.send("session.new", { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
    if (extension) f.id = (await f.send("webExtension.install", { extensionData: { type: "path", path: extension } })).extension;
    return f;
  }

  send(method, params = {}) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer in ${patience} ms`)), patience);
      this.waiting.set(id, { resolve, reject, method, timer });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
  // What follows has the shape of Browser, as far as scenarios use it.
  async wait(what, found, within = 10_000) {
    for (const end = Date.now() + within; Date.now() < end; await new Promise((r) => setTimeout(r, 30))) {
      const r = await found();
      if (r) return r;
    }
    throw new Error(`never came to be: ${what}`);
  }
  async #tabs() {
    return (await this.send("browsingContext.getTree", { maxDepth: 0 })).contexts;
  }
  async urls() {
    return (await this.#tabs()).map((c) => c.url);
  }
  async sites() {
    return (await this.#tabs()).filter((c) => /^https:\/\/(chatgpt|auth\.openai)\.com/.test(c.url)).map((c) => c.context);
  }
  on(context, act) {
    return act({
      evaluate: async (expression) => {
        const r = await this.send("script.evaluate", { expression, target: { context }, awaitPromise: true, userActivation: true });
        if (r.type === "exception") throw new Error(`in the page: ${r.exceptionDetails.text}`);
        return r.result.value;
      },
      send: (method, params) => {
        if (method === "Page.reload") return this.send("browsingContext.reload", { context, wait: "none" });
        if (method === "Page.navigate") return this.send("browsingContext.navigate", { context, url: params.url, wait: "none" });
        throw new Error(`Firefox is not asked for ${method}`);
      },
    });
  }
  async open(url) {
    const { context } = await this.send("browsingContext.create", { type: "tab" });
    await this.send("browsingContext.navigate", { context, url, wait: "none" });
    return context;
  }
  front(context) {
    return this.send("browsingContext.activate", { context });
  }
  close(context) {
    return this.send("browsingContext.close", { context });
  }
  async kill() {
    this.process.kill("SIGKILL");
    await this.gone;
    this.proxy.closeAllConnections();
    this.proxy.close();
  }
  async stop() {
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    await this.gone;
    clearTimeout(late);
    this.proxy.closeAllConnections();
    this.proxy.close();
  }
}
