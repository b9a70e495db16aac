// The extension's background: a service worker in Chromium, an event page in Firefox. Both may be ended at any line.
//
// Events come in one queue. Each is put through the rules (attempts.ts), and what they ask for is done in order; a write
// to storage is waited for before anything later in the queue. What must outlive this script is in storage before what
// it guards; the rest is told anew by the pages and the bridge when they connect.

import { PAGE_PORT, type FromPage, type Health, type Hello, type ToPage } from "../messages";
import { VIEW_PORT, type Command, type ToView, type View } from "../view";
import { SITE, SITE_PATTERN } from "./address";
import { reduce, revive } from "./attempts";
import { conditionOf, limitedUntil } from "./condition";
import { Doctor } from "./doctor";
import { Link, type Bridge, type Trouble } from "./link";
import { Packs } from "./packs";
import { given } from "./pairing";
import { refOf, type Effect, type Event, type Moment, type State } from "./state";
import { MAX_CAPACITY, Store, type KeptTab, type Noted, type Settings } from "./store";
import * as tabs from "./tabs";
import { Texts } from "./texts";
import { isObject, socketURL, type FromBridge, type ToBridge } from "./wire";

/** Wakes us where nothing else does: the shortest period that browsers grant. */
const ALARM = "net";
const ALARM_MINUTES = 0.5;
const TICK_MS = 1_000;
/** How long a person who pairs waits for the server. */
const PAIR_WITHIN_MS = 15_000;
/** Changes that come together are shown together. */
const SHOW_AFTER_MS = 50;

/** A page of the site, ours or a person's. */
interface Page {
  port: chrome.runtime.Port;
  url: string;
  /** What it said last, for when it turns out to be ours. */
  health: Health | null;
}

class Background {
  private readonly store = new Store(chrome.storage.local as never);
  private readonly pages = new Map<number, Page>();
  private readonly views = new Set<chrome.runtime.Port>();
  private readonly texts = new Texts((m) => this.link.send(m));
  private readonly packs = new Packs(
    (kept) => this.store.savePacks(kept),
    (pack) => {
      this.tellAll({ type: "pack", pack });
      this.dispatch({ type: "repacked" });
    },
    (text) => this.note(text),
    PACK_PUBLIC_KEY,
  );
  private readonly doctor = new Doctor((tab, m) => this.tell(tab, m));
  private readonly link = new Link({
    raise: () => this.store.raise(),
    hello: (who) => this.hello(who),
    open: (url, protocol) => new WebSocket(url, protocol),
    now: () => performance.now(),
    random: Math.random,
    received: (m) => this.received(m),
    // Firefox counts calls to the browser, not messages on a socket, as life.
    pinged: () => void chrome.runtime.getPlatformInfo(),
    lost: (trouble) => this.lost(trouble),
  });

  private s!: State;
  private settings: Settings | null = null;
  private account = "";
  private events: Noted[] = [];
  private access = true;
  private readonly queue: Event[] = [];
  private pumping = false;
  private tokens = new Map<number, string>();
  /** Tabs that were ours before the browser was restarted, and have not been found yet. */
  private missing: KeptTab[] = [];
  private savedTabs = "[]";
  private savedSuspicion = "null";
  private ticking: ReturnType<typeof setTimeout> | null = null;
  private showing: ReturnType<typeof setTimeout> | null = null;
  private trial: { bridge: Bridge; done: (ok: boolean, sentence: string) => void } | null = null;

  /** Everything that comes before this is done waits for it. */
  private readonly started: Promise<void>;

  constructor() {
    // Listeners must be there at once, or what woke us is lost.
    chrome.runtime.onConnect.addListener((port) => {
      if (port.sender?.id !== chrome.runtime.id) return;
      if (port.name === PAGE_PORT) this.connectPage(port);
      else if (port.name === VIEW_PORT && port.sender.url?.startsWith(chrome.runtime.getURL(""))) this.connectView(port);
    });
    chrome.runtime.onInstalled.addListener(() => void this.then(() => tabs.injectAll((id) => this.pages.has(id))));
    chrome.runtime.onStartup.addListener(() => void this.then(() => this.tick()));
    chrome.alarms.onAlarm.addListener(() => void this.then(() => this.tick()));
    chrome.tabs.onRemoved.addListener((tab) => void this.then(() => this.dispatch({ type: "tab_gone", tab })));
    chrome.tabs.onReplaced.addListener((by, tab) => void this.then(() => this.replaced(tab, by)));
    chrome.tabs.onUpdated.addListener((tab, change) => {
      const url = change.url;
      if (url !== undefined) void this.then(() => this.dispatch({ type: "tab_moved", tab, url }));
    });
    chrome.permissions.onAdded.addListener(() => void this.then(() => this.lookAtAccess()));
    chrome.permissions.onRemoved.addListener(() => void this.then(() => this.lookAtAccess()));
    this.started = this.start();
  }

  private async then(what: () => unknown): Promise<void> {
    await this.started;
    await what();
  }

  private async start(): Promise<void> {
    // Content scripts have no business in our storage; Firefox gives no such choice.
    await chrome.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" }).catch(() => undefined);
    const kept = await this.store.load();
    const { boot } = await chrome.storage.session.get("boot");
    const fresh = boot !== true;
    this.events = kept.events;
    this.settings = kept.settings;
    this.packs.restore(kept.packs);
    const pairing = await given(kept.pairedFrom);
    if (pairing) {
      this.settings = { name: "", capacity: 1, paused: false, ...this.settings, ...pairing.pairing, halted: null };
      await this.store.saveSettings(this.settings);
      await this.store.savePairedFrom(pairing.digest);
    }
    const found = await tabs.recover(kept.tabs, fresh);
    for (const tab of found) this.tokens.set(tab.id, tab.token);
    this.missing = fresh ? kept.tabs.filter((k) => !found.some((f) => f.token === k.token)) : [];
    const begun = revive(
      {
        kept: kept.kept,
        tabs: found.map((tab) => ({ id: tab.id, url: tab.url, use: tab.use, attached: false, health: null, since: this.now(), nudges: 0 })),
        suspicion: kept.suspicion,
        capacity: this.settings?.capacity ?? 1,
        paused: this.settings?.paused ?? false,
        fresh,
      },
      this.now(),
    );
    this.s = begun.state;
    this.pumping = true;
    await this.perform(begun.effects);
    // Only now: should we have died before, the next start must still count as the browser's first.
    await chrome.storage.session.set({ boot: true });
    if (!(await chrome.alarms.get(ALARM))) await chrome.alarms.create(ALARM, { periodInMinutes: ALARM_MINUTES });
    await this.lookAtAccess();
    this.pumping = false;
    void this.pump();
    this.want();
    this.tick();
  }

  private now(): Moment {
    return { wall: Date.now(), mono: performance.now() };
  }

  // ---- events and effects

  private dispatch(event: Event): void {
    this.queue.push(event);
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    for (let event = this.queue.shift(); event; event = this.queue.shift()) {
      const { state, effects } = reduce(this.s, event, this.now(), (key) => this.texts.seen(key));
      this.s = state;
      await this.perform(effects);
    }
    this.pumping = false;
    this.show();
    this.keepTicking();
    if (this.s.paused && this.s.attempts.size === 0 && this.link.state !== "off") this.want(); // the last of them has gone
  }

  private async perform(effects: Effect[]): Promise<void> {
    await this.keepTabs();
    for (const effect of effects) {
      const waiting = this.run(effect);
      if (waiting) await waiting;
    }
  }

  /** Which tab works on what must be known before anything happens there. */
  private async keepTabs(): Promise<void> {
    const list: KeptTab[] = [...this.s.tabs.values()].map((tab) => {
      let token = this.tokens.get(tab.id);
      if (!token) this.tokens.set(tab.id, (token = crypto.randomUUID()));
      return { id: tab.id, url: tab.url, use: tab.use, token };
    });
    const json = JSON.stringify(list);
    if (json !== this.savedTabs) await this.store.saveTabs(list).then(() => (this.savedTabs = json), () => undefined); // a tab too many at worst
    const suspicion = JSON.stringify(this.s.suspicion?.code ?? null);
    if (suspicion !== this.savedSuspicion) await this.store.saveSuspicion(this.s.suspicion).then(() => (this.savedSuspicion = suspicion), () => undefined);
  }

  private run(e: Effect): Promise<void> | undefined {
    switch (e.do) {
      case "save":
        return this.store.saveAttempt(e.kept).then(
          () => void this.queue.push({ type: "saved", key: e.key, what: e.what }),
          () => void this.queue.push({ type: "unsaved", key: e.key, what: e.what }),
        );
      case "erase":
        return this.store.eraseAttempt(e.key).catch(() => undefined); // named once more in a hello, and dropped
      case "send":
        this.link.send(e.message);
        return;
      case "tell":
        this.tell(e.tab, e.message);
        return;
      case "open":
        void tabs.open(e.url).then(
          (tab) => {
            this.dispatch({ type: "tab_opened", key: e.key, tab, url: e.url });
            this.attach(tab); // where it was quicker than the browser's answer
          },
          (error: unknown) => this.dispatch({ type: "tab_failed", key: e.key, reason: error instanceof Error ? error.message : "unknown" }),
        );
        return;
      case "navigate":
        this.pages.delete(e.tab); // what the old page still says does not count
        void tabs.navigate(e.tab, e.url).catch(() => this.dispatch({ type: "tab_gone", tab: e.tab }));
        return;
      case "mark": {
        const token = this.tokens.get(e.tab);
        if (token) void tabs.mark(e.tab, token);
        return;
      }
      case "look":
        void tabs.look(e.tab, e.load).then((found) => {
          if (found === "gone") this.dispatch({ type: "tab_gone", tab: e.tab });
          else if (found === "away") this.dispatch({ type: "tab_away", tab: e.tab });
        });
        return;
      case "close":
        void tabs.close(e.tab);
        return;
      case "hang_up":
        this.link.hangUp(e.reason);
        return;
      case "text": {
        const a = this.s.attempts.get(e.key);
        if (a) this.texts.change(e.key, refOf(a), e.offset, e.text);
        return;
      }
      case "retext":
        this.texts.again(e.key);
        return;
      case "untext":
        this.texts.forget(e.key);
        return;
      case "note":
        this.note(e.text);
        return;
    }
  }

  private tick(): void {
    this.link.tick();
    this.dispatch({ type: "tick" });
  }

  /** Ticks every second while there is something to wait for; else the alarm is enough. */
  private keepTicking(): void {
    const link = this.link.state;
    const busy = link === "waiting" || link === "connecting" || this.s.attempts.size > 0 || this.s.suspicion !== null;
    if (!busy || this.ticking !== null) return;
    this.ticking = setTimeout(() => {
      this.ticking = null;
      this.tick();
    }, TICK_MS);
  }

  // ---- pages

  private connectPage(port: chrome.runtime.Port): void {
    const id = port.sender?.tab?.id;
    if (id === undefined || port.sender?.frameId !== 0 || !port.sender.url?.startsWith(`${SITE}/`)) return;
    let attached = false;
    port.onMessage.addListener((m: FromPage) => {
      if (!isObject(m)) return;
      void this.then(() => {
        if (m.type === "hello" && !attached) {
          attached = true;
          this.pages.set(id, { port, url: m.url, health: null });
          return this.greet(id, m);
        }
        const page = this.pages.get(id);
        if (page?.port !== port || m.type === "hello") return;
        if (m.type === "doctor") return this.doctor.reported(m);
        if (m.type === "health") {
          if (!page.health) this.doctor.loaded(id);
          page.health = m;
        }
        if (this.s.tabs.has(id)) this.dispatch({ type: "page", tab: id, message: m });
        else if (m.type === "health" && m.logged_in && m.page_ok) this.dispatch({ type: "hint" });
      });
    });
    port.onDisconnect.addListener(() => {
      void chrome.runtime.lastError; // why it went does not matter
      void this.then(() => {
        if (this.pages.get(id)?.port !== port) return;
        this.pages.delete(id);
        this.dispatch({ type: "detached", tab: id });
      });
    });
  }

  private async greet(id: number, hello: Hello): Promise<void> {
    if (this.packs.newer) this.tell(id, { type: "pack", pack: this.packs.current });
    if (!this.s.tabs.has(id) && this.missing.length > 0) await this.findAgain(id, hello.url);
    this.attach(id);
  }

  /** Tells the rules of a page; of one that is not ours they take no notice. */
  private attach(id: number): void {
    const page = this.pages.get(id);
    if (!page) return;
    this.dispatch({ type: "attached", tab: id, url: page.url });
    if (page.health) this.dispatch({ type: "page", tab: id, message: page.health });
  }

  /** A restored session brings our tabs back when it likes. */
  private async findAgain(id: number, url: string): Promise<void> {
    const token = await tabs.tokenOf(id);
    const match = this.missing.find((k) => k.token === token);
    if (!match || this.s.tabs.has(id)) return;
    this.missing = this.missing.filter((k) => k !== match);
    this.tokens.set(id, match.token);
    this.dispatch({ type: "tab_opened", key: null, tab: id, url });
  }

  private replaced(tab: number, by: number): void {
    const token = this.tokens.get(tab);
    if (token) this.tokens.set(by, token);
    this.pages.delete(tab);
    this.dispatch({ type: "tab_replaced", tab, by });
  }

  private tell(tab: number, m: ToPage): void {
    try {
      this.pages.get(tab)?.port.postMessage(m);
    } catch {
      // the port has just broken: its end is told, too
    }
  }

  private tellAll(m: ToPage): void {
    for (const tab of this.pages.keys()) this.tell(tab, m);
  }

  // ---- the bridge

  private hello(who: { worker_id: string; n: number }): Extract<ToBridge, { type: "hello" }> {
    const holding = [...this.s.attempts.values()].filter((a) => !a.quiet).map((a) => ({ ...refOf(a), phase: a.step === "ended" ? ("ended" as const) : a.kept.phase }));
    return {
      type: "hello",
      key: (this.trial?.bridge ?? this.settings)?.key ?? "",
      ...who,
      name: this.settings?.name || "Browser extension",
      version: VERSION,
      site: new URL(SITE).host,
      capacity: this.settings?.capacity ?? 1,
      holding,
    };
  }

  private received(m: Exclude<FromBridge, { type: "ping" | "bye" }>): void {
    switch (m.type) {
      case "pack":
        return void this.packs.offer(m.pack).finally(() => this.show());
      case "doctor":
        return void this.examine().then((hooks) => this.link.send({ type: "doctor", id: m.id, hooks: hooks ?? [] }));
      case "welcome":
        this.account = m.account;
        this.note(`Connected as ${m.account}.`);
        if (this.trial) this.trial.done(true, `Connected as ${m.account}.`);
        void this.packs.offer(m.pack).finally(() => this.show());
    }
    this.dispatch({ type: "bridge", message: m });
  }

  private lost(trouble: Trouble): void {
    this.dispatch({ type: "offline" });
    if (trouble.kind === "bye") this.note(`The server said ${trouble.code}: ${trouble.reason}`);
    if (this.trial) {
      const sentence = trouble.kind === "bye" ? trouble.reason : `${trouble.detail} Is the server running, and is the URL right?`;
      return this.trial.done(false, sentence);
    }
    if (trouble.kind === "bye" && (trouble.code === "bad_key" || trouble.code === "replaced")) void this.change({ halted: trouble.code });
  }

  /** Connects or keeps away, as the settings say. */
  private want(): void {
    const s = this.settings;
    const away = !s || s.halted !== null || (s.paused && this.s.attempts.size === 0);
    this.link.want(away ? null : { server: s.server, key: s.key });
    this.keepTicking();
    this.show();
  }

  private async change(to: Partial<Settings>): Promise<void> {
    if (!this.settings) return;
    this.settings = { ...this.settings, ...to };
    await this.store.saveSettings(this.settings);
    this.dispatch({ type: "settings", capacity: this.settings.capacity, paused: this.settings.paused });
    this.want();
  }

  // ---- people

  private connectView(port: chrome.runtime.Port): void {
    this.views.add(port);
    port.onDisconnect.addListener(() => this.views.delete(port));
    const reply = (m: ToView): void => {
      if (this.views.has(port)) port.postMessage(m);
    };
    port.onMessage.addListener((c: Command) => void this.then(() => this.command(c, reply)));
    void this.then(() => reply({ type: "view", view: this.view() }));
  }

  private async command(c: Command, reply: (m: ToView) => void): Promise<void> {
    switch (c.do) {
      case "connect":
        if (this.settings?.halted) await this.change({ halted: null });
        return this.link.hurry();
      case "pause":
        return this.change({ paused: true });
      case "resume":
        return this.change({ paused: false });
      case "open_site": {
        const id = [...this.s.tabs.keys()][0];
        if (id !== undefined) return tabs.show(id).catch(() => undefined);
        await chrome.tabs.create({ url: `${SITE}/` });
        return;
      }
      case "doctor":
        return reply({ type: "doctor", hooks: await this.examine() });
      case "pack":
        await this.packs.decide(c.take);
        return this.show();
      case "settings": {
        const before = this.settings?.capacity;
        await this.change({ name: c.name.trim().slice(0, 100), capacity: Math.min(Math.max(1, Math.floor(c.capacity) || 1), MAX_CAPACITY) });
        if (before !== undefined) this.link.hangUp("the settings have changed"); // hello says them
        return this.link.hurry();
      }
      case "pair":
        return this.pair({ server: c.server, key: c.key }, (ok, sentence) => reply({ type: "paired", ok, sentence }));
      case "unpair":
        this.settings = null;
        this.account = "";
        this.link.want(null);
        await this.store.saveSettings(null);
        this.dispatch({ type: "let_go" });
        return this.note("Unpaired.");
    }
  }

  /** Tries a server and key for real; only where it says welcome are they kept. */
  private pair(bridge: Bridge, tell: (ok: boolean, sentence: string) => void): void {
    try {
      socketURL(bridge.server);
    } catch (error) {
      return tell(false, error instanceof Error ? error.message : "This is not a URL.");
    }
    this.trial?.done(false, "Another try has begun.");
    const late = setTimeout(() => this.trial?.done(false, "The server did not answer within 15 seconds."), PAIR_WITHIN_MS);
    this.trial = null;
    this.link.want(null);
    this.trial = {
      bridge,
      done: (ok, sentence) => {
        clearTimeout(late);
        this.trial = null;
        if (ok) {
          this.settings = { name: "", capacity: 1, ...this.settings, ...bridge, paused: false, halted: null };
          void this.store.saveSettings(this.settings).then(
            () => tell(true, sentence),
            () => tell(false, "Connected, but the browser's storage can't be written: it will not last."),
          );
          this.dispatch({ type: "settings", capacity: this.settings.capacity, paused: false });
        } else {
          this.link.want(null);
          tell(false, sentence);
        }
        this.want(); // the one that was kept
      },
    };
    this.link.want(bridge);
  }

  /** Runs all hooks on a page, ours before a person's; opens one where there is none. null: no page could be asked. */
  private examine(): ReturnType<Doctor["examine"]> {
    // A page says its health first when it has loaded; before that, it has nothing to be found in.
    const loaded = [...this.pages].flatMap(([id, page]) => (page.health ? [id] : []));
    const asked = loaded.find((id) => this.s.tabs.has(id)) ?? loaded[0];
    if (asked === undefined && this.s.tabs.size === 0 && this.pages.size === 0)
      void tabs.open(`${SITE}/`).then(
        (tab) => {
          this.dispatch({ type: "tab_opened", key: null, tab, url: `${SITE}/` });
          this.attach(tab);
        },
        () => undefined,
      );
    return this.doctor.examine(asked);
  }

  private async lookAtAccess(): Promise<void> {
    this.access = await chrome.permissions.contains({ origins: [SITE_PATTERN] });
    this.show();
  }

  private note(text: string): void {
    this.events = this.store.note(text);
    this.show();
  }

  private view(): View {
    const condition = conditionOf(this.s, this.settings, this.link, this.access, Date.now());
    const trouble = this.link.trouble;
    return {
      condition,
      detail: trouble?.kind === "bye" ? trouble.reason : (trouble?.detail ?? ""),
      server: this.settings?.server ?? "",
      account: this.account,
      name: this.settings?.name ?? "",
      capacity: this.settings?.capacity ?? 1,
      version: VERSION,
      pack: this.packs.current.version,
      packWaiting: this.packs.waiting?.version ?? null,
      until: condition === "limited" ? limitedUntil(this.s, Date.now()) : condition === "away" ? Date.now() + Math.max(0, this.link.dialAt - performance.now()) : null,
      working: [...this.s.attempts.values()].filter((a) => a.step !== "ended").map((a) => ({ phase: a.kept.phase, since: a.since.wall })),
      events: this.events,
    };
  }

  private show(): void {
    if (this.showing !== null) return;
    this.showing = setTimeout(() => {
      this.showing = null;
      const view = this.view();
      for (const port of this.views) port.postMessage({ type: "view", view } satisfies ToView);
      const quiet = view.condition === "ready" || view.condition === "working" || view.condition === "limited" || view.condition === "paused";
      const text = quiet ? "" : view.condition === "connecting" || view.condition === "away" ? "…" : "!";
      void chrome.action.setBadgeText({ text });
    }, SHOW_AFTER_MS);
  }
}

new Background();
