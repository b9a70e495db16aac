// The extension's background: a service worker in Chromium, an event page in Firefox. Both may be ended at any line.
//
// Events come in one queue. Each is put through the rules (attempts.ts), and what they ask for is done in order; a write
// to storage is waited for before anything later in the queue. What must outlive this script is in storage before what
// it guards; the rest is told anew by the pages and the bridge when they connect.
//
// Around the queue: pages.ts (the site's pages), connection.ts (the bridge), views.ts (people), own-tabs.ts (which tabs
// are ours), store.ts (storage). What they hear becomes events here, and effects go out through them.

import type { Hello } from "../messages";
import type { Command, ToView, View } from "../view";
import { SITE, SITE_PATTERN } from "./address";
import { reduce } from "./attempts";
import { conditionOf, limitedUntil } from "./condition";
import { Connection } from "./connection";
import { Doctor } from "./doctor";
import { OwnTabs } from "./own-tabs";
import { Packs } from "./packs";
import { Pages } from "./pages";
import { revive } from "./revive";
import { refOf, type Effect, type Event, type Moment, type State } from "./state";
import { Store, type Noted } from "./store";
import * as tabs from "./tabs";
import { Texts } from "./texts";
import { Views } from "./views";
import type { FromBridge, Holding } from "./wire";

/** Wakes us where nothing else does: the shortest period that browsers grant. */
const ALARM = "net";
const ALARM_MINUTES = 0.5;
const TICK_MS = 1_000;

class Background {
  private readonly store = new Store(chrome.storage.local as never);
  private readonly ownTabs = new OwnTabs(this.store);
  private readonly texts = new Texts((m) => this.connection.link.send(m));
  private readonly doctor = new Doctor((tab, m) => this.pages.tell(tab, m));
  private readonly packs = new Packs(
    (kept) => this.store.savePacks(kept),
    (pack) => {
      this.pages.tellAll({ type: "pack", pack });
      this.dispatch({ type: "repacked" });
    },
    (text) => this.note(text),
    PACK_PUBLIC_KEY,
  );
  private readonly pages: Pages = new Pages({
    then: (what) => this.then(what),
    greeted: (tab, hello) => this.greet(tab, hello),
    gone: (tab) => this.dispatch({ type: "detached", tab }),
    said: (tab, message) => {
      if (this.s.tabs.has(tab)) this.dispatch({ type: "page", tab, message });
      else if (message.type === "health" && message.logged_in && message.page_ok) this.dispatch({ type: "hint" });
    },
    loaded: (tab) => this.doctor.loaded(tab),
    reported: (report) => this.doctor.reported(report),
  });
  private readonly connection: Connection = new Connection({
    store: this.store,
    holding: () => this.holding(),
    received: (m) => this.received(m),
    dispatch: (event) => this.dispatch(event),
    note: (text) => this.note(text),
    changed: () => {
      this.keepTicking();
      this.views.show();
    },
  });
  private readonly views: Views = new Views({
    then: (what) => this.then(what),
    view: () => this.view(),
    command: (c, reply) => this.command(c, reply),
  });

  private s!: State;
  private events: Noted[] = [];
  private access = true;
  private readonly queue: Event[] = [];
  private pumping = false;
  private savedSuspicion = "null";
  private ticking: ReturnType<typeof setTimeout> | null = null;

  /** Everything that comes before this is done waits for it. */
  private readonly started: Promise<void>;

  constructor() {
    // Listeners must be there at once, or what woke us is lost.
    chrome.runtime.onConnect.addListener((port) => {
      if (port.sender?.id !== chrome.runtime.id) return;
      this.pages.connect(port);
      this.views.connect(port);
    });
    chrome.runtime.onInstalled.addListener(({ reason }) => void this.then(() => this.installed(reason)));
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
    this.packs.restore(kept.packs);
    await this.connection.restore(kept.settings, kept.pairedFrom);
    const { settings } = this.connection;
    const found = await this.ownTabs.recover(kept.tabs, fresh);
    const begun = revive(
      {
        kept: kept.kept,
        tabs: found.map((tab) => ({ id: tab.id, url: tab.url, use: tab.use, attached: false, health: null, since: this.now(), nudges: 0 })),
        suspicion: kept.suspicion,
        capacity: settings?.capacity ?? 1,
        paused: settings?.paused ?? false,
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
    this.connection.want();
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
    this.views.show();
    this.keepTicking();
    if (this.s.paused && this.s.attempts.size === 0 && this.connection.link.state !== "off") this.connection.want(); // the last of them has gone
  }

  private async perform(effects: Effect[]): Promise<void> {
    // Which tab works on what must be known before anything happens there.
    await this.ownTabs.save(this.s.tabs);
    const suspicion = JSON.stringify(this.s.suspicion?.code ?? null);
    if (suspicion !== this.savedSuspicion) await this.store.saveSuspicion(this.s.suspicion).then(() => (this.savedSuspicion = suspicion), () => undefined);
    for (const effect of effects) {
      const waiting = this.run(effect);
      if (waiting) await waiting;
    }
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
        this.connection.link.send(e.message);
        return;
      case "tell":
        this.pages.tell(e.tab, e.message);
        return;
      case "open":
        this.open(e.key, e.url);
        return;
      case "navigate":
        this.pages.forget(e.tab);
        void tabs.navigate(e.tab, e.url).catch(() => this.dispatch({ type: "tab_gone", tab: e.tab }));
        return;
      case "mark":
        this.ownTabs.mark(e.tab);
        return;
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
        this.connection.link.hangUp(e.reason);
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
        this.texts.forget(e.key, e.answer);
        return;
      case "note":
        this.note(e.text);
        return;
    }
  }

  private tick(): void {
    this.connection.link.tick();
    this.dispatch({ type: "tick" });
  }

  /** Ticks every second while there is something to wait for; else the alarm is enough. */
  private keepTicking(): void {
    const link = this.connection.link.state;
    const busy = link === "waiting" || link === "connecting" || this.s.attempts.size > 0 || this.s.suspicion !== null;
    if (!busy || this.ticking !== null) return;
    this.ticking = setTimeout(() => {
      this.ticking = null;
      this.tick();
    }, TICK_MS);
  }

  // ---- the site's tabs and pages

  /** key: the attempt that a tab is for; null: to look how the site is. */
  private open(key: string | null, url: string): void {
    void tabs.open(url).then(
      (tab) => {
        this.dispatch({ type: "tab_opened", key, tab, url });
        this.attach(tab); // where it was quicker than the browser's answer
      },
      (error: unknown) => this.dispatch({ type: "tab_failed", key, reason: error instanceof Error ? error.message : "unknown" }),
    );
  }

  private async greet(tab: number, { url }: Hello): Promise<void> {
    if (this.packs.newer) this.pages.tell(tab, { type: "pack", pack: this.packs.current });
    if (!this.s.tabs.has(tab) && (await this.ownTabs.isFoundAgain(tab)) && !this.s.tabs.has(tab)) this.dispatch({ type: "tab_opened", key: null, tab, url });
    this.attach(tab);
  }

  /** Tells the rules of a page; of one that is not ours they take no notice. */
  private attach(tab: number): void {
    const page = this.pages.known(tab);
    if (!page) return;
    this.dispatch({ type: "attached", tab, url: page.url });
    if (page.health) this.dispatch({ type: "page", tab, message: page.health });
  }

  private replaced(tab: number, by: number): void {
    this.ownTabs.replaced(tab, by);
    this.pages.forget(tab);
    this.dispatch({ type: "tab_replaced", tab, by });
  }

  private async installed(reason: `${chrome.runtime.OnInstalledReason}`): Promise<void> {
    await tabs.injectAll((tab) => this.pages.has(tab));
    // There is nothing that it could do before somebody has told it where its server is.
    if (reason === "install" && !this.connection.settings) await chrome.runtime.openOptionsPage();
  }

  private async lookAtAccess(): Promise<void> {
    this.access = await chrome.permissions.contains({ origins: [SITE_PATTERN] });
    this.views.show();
  }

  // ---- the bridge

  private holding(): Holding[] {
    return [...this.s.attempts.values()].filter((a) => !a.quiet).map((a) => ({ ...refOf(a), phase: a.step === "ended" ? "ended" : a.kept.phase }));
  }

  private received(m: Exclude<FromBridge, { type: "ping" | "bye" }>): void {
    if (m.type === "doctor") return void this.examine().then((hooks) => this.connection.link.send({ type: "doctor", id: m.id, hooks: hooks ?? [] }));
    if (m.type === "pack" || m.type === "welcome") void this.packs.offer(m.pack).finally(() => this.views.show());
    if (m.type !== "pack") this.dispatch({ type: "bridge", message: m });
  }

  // ---- people

  private async command(c: Command, reply: (m: ToView) => void): Promise<void> {
    switch (c.do) {
      case "connect":
        return this.connection.hurry();
      case "pause":
        return this.connection.pause(true);
      case "resume":
        return this.connection.pause(false);
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
        return this.views.show();
      case "settings":
        return this.connection.rename(c.name, c.capacity);
      case "pair":
        return this.connection.pair({ server: c.server, key: c.key }, (ok, sentence) => reply({ type: "paired", ok, sentence }));
      case "unpair":
        return this.connection.unpair();
    }
  }

  /** Runs all hooks on a page, ours before a person's; opens one where there is none. null: no page could be asked. */
  private examine(): ReturnType<Doctor["examine"]> {
    const { loaded } = this.pages;
    const asked = loaded.find((tab) => this.s.tabs.has(tab)) ?? loaded[0];
    if (asked === undefined && this.s.tabs.size === 0 && !this.pages.any) this.open(null, `${SITE}/`);
    return this.doctor.examine(asked);
  }

  private note(text: string): void {
    this.events = this.store.note(text);
    this.views.show();
  }

  private view(): View {
    const { settings, link, account } = this.connection;
    const condition = conditionOf(this.s, settings, link, this.access, Date.now());
    const trouble = link.trouble;
    return {
      condition,
      detail: trouble?.kind === "bye" ? trouble.reason : (trouble?.detail ?? ""),
      server: settings?.server ?? "",
      account,
      name: settings?.name ?? "",
      capacity: settings?.capacity ?? 1,
      version: VERSION,
      pack: this.packs.current.version,
      packWaiting: this.packs.waiting?.version ?? null,
      until: condition === "limited" ? limitedUntil(this.s, Date.now()) : condition === "away" ? Date.now() + Math.max(0, link.dialAt - performance.now()) : null,
      working: [...this.s.attempts.values()].filter((a) => a.step !== "ended").map((a) => ({ phase: a.kept.phase, since: a.since.wall })),
      events: this.events,
    };
  }
}

new Background();
