// A real Chromium with the extension in it, without a window.
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Pipe, Session } from "./cdp.mjs";

export class Browser {
  // start opens a browser. profile: a folder, kept over restarts; extension: an
  // unpacked one, or none yet: see load; site: {port, spki}, served as https://chatgpt.com.
  static async start({ profile, extension, site, hooks = {} }) {
    const b = new Browser();
    b.options = { profile, extension, site, hooks };
    await mkdir(join(profile, "Default"), { recursive: true });
    await writeFile(join(profile, "Default", "Preferences"), JSON.stringify({ extensions: { ui: { developer_mode: true } } }), { flag: "wx" }).catch(() => {});
    const args = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-component-update", "--disable-sync",
      "--disable-background-networking", "--disable-default-apps", "--disable-search-engine-choice-screen", "--password-store=basic", "--use-mock-keychain", "--mute-audio",
      "--disable-features=Translate,MediaRouter,OptimizationHints,DialMediaRouteProvider", "--hide-crash-restore-bubble", "--window-size=1200,900",
      `--user-data-dir=${profile}`, ...(extension ? [`--disable-extensions-except=${extension}`, `--load-extension=${extension}`] : ["--enable-unsafe-extension-debugging"]),
      `--host-resolver-rules=MAP chatgpt.com 127.0.0.1:${site.port},MAP *.chatgpt.com 127.0.0.1:${site.port},MAP auth.openai.com 127.0.0.1:${site.port}`,
      `--ignore-certificate-errors-spki-list=${site.spki}`, `--ip-address-space-overrides=127.0.0.1:${site.port}=public`,
      "--remote-debugging-pipe", "about:blank",
    ];
    b.process = spawn(process.env.CHROMIUM ?? "chromium", args, { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], detached: true });
    b.errors = "";
    b.process.stderr.on("data", (d) => (b.errors = (b.errors + d).slice(-20_000)));
    b.gone = new Promise((resolve) => b.process.on("exit", resolve));
    b.pipe = new Pipe(b.process.stdio[3], b.process.stdio[4]);
    b.targets = new Map();
    b.pipe.on((m) => {
      const info = m.params?.targetInfo;
      if (m.method === "Target.targetCreated" || m.method === "Target.targetInfoChanged") b.targets.set(info.targetId, info);
      if (m.method === "Target.targetDestroyed") b.targets.delete(m.params.targetId);
    });
    await b.pipe.send("Target.setDiscoverTargets", { discover: true });
    return b;
  }

  // load does what “Load unpacked” does on the browser's page of extensions; it returns the extension's id.
  async load(extension) {
    return (await this.pipe.send("Extensions.loadUnpacked", { path: extension })).id;
  }

  // allow gives an extension access to a server, as the browser's question would: nothing can press that from here, as it is no page.
  async allow(id, pattern) {
    const tab = await this.open("chrome://extensions/");
    try {
      await this.wait("the page of extensions", () => this.on(tab, (s) => s.evaluate(`!!chrome.developerPrivate && document.readyState === "complete"`)).catch(() => false));
      await this.on(tab, (s) => s.evaluate(`chrome.developerPrivate.addHostPermission(${JSON.stringify(id)}, ${JSON.stringify(pattern)})`));
    } finally {
      await this.close(tab);
    }
  }

  list(type, match = () => true) {
    return [...this.targets.values()].filter((t) => t.type === type && match(t));
  }
  // worker is the extension's service worker: the newest, as one that was replaced may be listed for a while.
  worker() {
    return this.list("service_worker", (t) => t.url.startsWith("chrome-extension://")).at(-1);
  }
  // sites are the tabs at the site.
  sites() {
    return this.list("page", (t) => t.url.startsWith("https://chatgpt.com") || t.url.startsWith("https://auth.openai.com"));
  }
  // urls are the addresses of all tabs.
  async urls() {
    return this.list("page").map((t) => t.url);
  }
  async wait(what, found, within = 10_000) {
    for (const end = Date.now() + within; Date.now() < end; ) {
      const r = await found();
      if (r) return r;
      await new Promise((r) => setTimeout(r, 15));
    }
    throw new Error(`never came to be: ${what}`);
  }
  async attach(target) {
    const { sessionId } = await this.pipe.send("Target.attachToTarget", { targetId: target.targetId, flatten: true });
    return new Session(this.pipe, sessionId);
  }
  // on attaches to a target, does one thing and lets go.
  async on(target, act) {
    const session = await this.attach(target);
    try {
      return await act(session);
    } finally {
      await session.detach();
    }
  }
  async open(url, background = false) {
    const { targetId } = await this.pipe.send("Target.createTarget", { url, background });
    return this.wait(`a tab at ${url}`, () => this.targets.get(targetId));
  }
  close(target) {
    return this.pipe.send("Target.closeTarget", { targetId: target.targetId });
  }
  // front brings a tab to the front of its window: the others are then hidden.
  front(target) {
    return this.pipe.send("Target.activateTarget", { targetId: target.targetId });
  }
  // killWorker ends the extension's service worker, as the browser does when it
  // is idle or short of memory.
  async killWorker() {
    const w = this.worker();
    if (!w) return false;
    await this.pipe.send("Target.closeTarget", { targetId: w.targetId });
    await this.wait("the service worker's end", () => !this.targets.has(w.targetId));
    return true;
  }
  // kill ends the browser at once; nothing is saved.
  async kill() {
    try {
      process.kill(-this.process.pid, "SIGKILL");
    } catch {}
    await this.gone;
  }
  async stop() {
    await this.pipe.send("Browser.close").catch(() => {});
    const late = setTimeout(() => void this.kill(), 5000);
    await this.gone;
    clearTimeout(late);
  }
}
