// The rules of chatbridge.v1 for what a worker holds, as a pure function: state + event → state + effects.
//
// Its promises: an attempt is pressed at most once, whatever dies between any two effects; never without a go of this
// connection's server that answers a ready not older than 30 s; never before `submitted` is in storage; and an attempt is
// forgotten only after its ack or when saying cancelled.

import type { FromPage } from "../messages";
import { SITE, addressOf, belongs, chatOf, findable } from "./address";
import { failure, failureOf, pausesUntilWell, responseOf } from "./result";
import { health, isWell, judge, suspect } from "./health";
import {
  elapsed,
  keyOf,
  refOf,
  submitted,
  type Attempt,
  type Effect,
  type Event,
  type Kept,
  type Moment,
  type State,
  type Step,
  type Suspicion,
  type Tab,
  type What,
} from "./state";
import { PRESS_WITHIN_MS, type Failure, type FromBridge, type Response } from "./wire";

/** How long a page may take to stop before its tab is closed, which stops it surely. */
export const STOP_WITHIN_MS = 10_000;
/** How often a person may close the tab of one attempt before we take the hint. */
const MAX_LOSSES = 3;
/** How often one page is led to its address before it is asked what is wrong. */
const MAX_TRIES = 2;
/** The wait after a tab could not be opened. */
const OPEN_AGAIN_MS = 5_000;
/** When, after a tab's page went away, something is done about it: look, then load it anew; then once a minute. */
const NUDGES_MS = [10_000, 30_000, 60_000];
const NUDGE_AGAIN_MS = 60_000;
/** The nudge after which the site counts as away. */
const UNREACHABLE_AT = 3;
/**
 * How often the page is looked at again while we can't work: soon at first, since a dialog may go or a rollout be taken
 * back; then once a minute, soon enough for a person and no burden for the site.
 */
export const LOOK_FIRST_MS = 10_000;
export const LOOK_EVERY_MS = 60_000;
const LONG_AGO: Moment = { wall: 0, mono: -1e12 };
/** How long the bridge pauses a worker whose page did not say how long the limit lasts. */
const LIMITED_S = 15 * 60;
/** More attempts than any capacity of ours needs; one that is not taken is not in the next hello, and goes elsewhere unsent. */
const MAX_ATTEMPTS = 50;
/** Ids longer than this are not stored by the bridge. */
const MAX_CHAT_ID = 200;

/** What has been read of an attempt's answer so far. */
export type Seen = (key: string) => string;

export function reduce(before: State, event: Event, now: Moment, seen: Seen): { state: State; effects: Effect[] } {
  const t = new Turn(copy(before), now, seen);
  t.happen(event);
  t.assign();
  t.tellHealth();
  return { state: t.s, effects: t.effects };
}

/**
 * The state after the background's start, from what was kept. fresh: the browser itself, or the extension, was started anew; then what was
 * not submitted is forgotten, because a power cut may have lost a `submitted` that was written: left out of holding, the
 * bridge hands it over again if it never said go, and only then.
 */
export function revive(
  from: { kept: Kept[]; tabs: Tab[]; suspicion: Suspicion | null; capacity: number; paused: boolean; fresh: boolean },
  now: Moment,
): { state: State; effects: Effect[] } {
  const s: State = {
    online: false,
    capacity: from.capacity,
    paused: from.paused,
    attempts: new Map(),
    tabs: new Map(from.tabs.map((tab) => [tab.id, { ...tab, attached: false, health: null, since: now, nudges: 0 }])),
    suspicion: from.suspicion,
    toldHealth: null,
    limitedUntil: null,
    looking: false,
  };
  const effects: Effect[] = [];
  for (const kept of from.kept) {
    const key = keyOf(kept.request);
    if (from.fresh && !kept.result && !submitted(kept)) {
      effects.push({ do: "erase", key });
      continue;
    }
    const a = attempt(kept, now);
    const tab = [...s.tabs.values()].find((tab) => tab.use === key);
    if (kept.result) Object.assign(a, { step: "ended", settled: true });
    else if (tab) Object.assign(a, { step: "opening", tab: tab.id, told: true });
    else a.step = "queued";
    s.attempts.set(key, a);
  }
  for (const tab of s.tabs.values()) {
    const a = tab.use === null ? undefined : s.attempts.get(tab.use);
    if (!a || a.step === "ended") tab.use = null;
  }
  const t = new Turn(s, now, () => "");
  for (const a of s.attempts.values()) {
    if (a.kept.result || !submitted(a.kept)) continue;
    const tab = a.tab === null ? null : s.tabs.get(a.tab);
    // Nothing that was read before is left: what can't be found again is lost.
    if (!tab && !findable(a.kept)) t.lose(a);
    // After an update the page's stream has gone to scripts that can't tell us; loaded anew, the page takes it up again.
    else if (tab && from.fresh && findable(a.kept)) t.lead(a, tab);
  }
  t.assign();
  return { state: t.s, effects: [...effects, ...t.effects] };
}

function attempt(kept: Kept, now: Moment): Attempt {
  return {
    kept,
    step: "receiving",
    since: now,
    held: false,
    readyAt: null,
    tab: null,
    told: false,
    orphaned: false,
    settled: false,
    quiet: false,
    losses: 0,
    tries: 0,
    notBefore: null,
  };
}

function copy(s: State): State {
  return {
    ...s,
    attempts: new Map([...s.attempts].map(([key, a]) => [key, { ...a, kept: { ...a.kept } }])),
    tabs: new Map([...s.tabs].map(([id, tab]) => [id, { ...tab }])),
  };
}

/** One event's work on a copy of the state. */
class Turn {
  readonly effects: Effect[] = [];

  constructor(
    readonly s: State,
    private readonly now: Moment,
    private readonly seen: Seen,
  ) {}

  happen(e: Event): void {
    switch (e.type) {
      case "bridge":
        return this.bridge(e.message);
      case "offline":
        this.s.online = false;
        this.s.toldHealth = null;
        for (const a of this.s.attempts.values()) {
          a.held = false;
          if (a.step === "asked") this.to(a, "prepared"); // its go can't come any more
        }
        return;
      case "saved":
      case "unsaved":
        return this.wrote(e.key, e.what, e.type === "saved");
      case "attached":
        return this.attached(e.tab, e.url);
      case "detached":
        return this.detached(e.tab);
      case "page":
        return this.page(e.tab, e.message);
      case "tab_opened":
        return this.tabOpened(e.key, e.tab, e.url);
      case "tab_failed":
        return this.tabFailed(e.key, e.reason);
      case "tab_gone":
        return this.tabGone(e.tab);
      case "tab_away":
        return this.tabAway(e.tab);
      case "tab_replaced": {
        const tab = this.s.tabs.get(e.tab);
        if (!tab) return;
        this.s.tabs.delete(e.tab);
        this.s.tabs.set(e.by, { ...tab, id: e.by });
        const a = this.user(tab);
        if (a) a.tab = e.by;
        return this.detached(e.by);
      }
      case "tab_moved": {
        const tab = this.s.tabs.get(e.tab);
        if (tab) tab.url = e.url;
        return;
      }
      case "settings":
        // If the bridge was told that we can't work, it must hear of a page that is well before it goes on.
        if (this.s.suspicion?.code === "paused" && !e.paused) this.s.suspicion = this.well() ? null : { ...this.s.suspicion, checked: LONG_AGO };
        this.s.capacity = e.capacity;
        this.s.paused = e.paused;
        return;
      case "hint":
        if (this.s.suspicion) this.s.suspicion = { ...this.s.suspicion, checked: LONG_AGO };
        return this.lookAgain();
      case "repacked":
        // It was made for this. Where it does not help, the next attempt says so again.
        if (this.s.suspicion?.code === "page_changed" && this.well()) this.s.suspicion = null;
        return;
      case "let_go":
        for (const a of [...this.s.attempts.values()]) if (!a.quiet) this.forget(a);
        return;
      case "tick":
        return this.tick();
    }
  }

  // ---- the bridge

  private bridge(m: Extract<Event, { type: "bridge" }>["message"]): void {
    switch (m.type) {
      case "welcome":
        return this.welcome(m);
      case "new_request":
        return this.newRequest(m);
      case "resync":
        return void (this.s.attempts.has(keyOf(m)) && this.effects.push({ do: "retext", key: keyOf(m) }));
      case "cancel":
        return this.cancel(keyOf(m), { request_id: m.request_id, attempt: m.attempt });
      case "ack": {
        const a = this.s.attempts.get(keyOf(m));
        if (a && !a.quiet) this.forget(a);
        return;
      }
      case "go": {
        const a = this.s.attempts.get(keyOf(m));
        if (!a || a.step !== "asked" || !a.readyAt) return; // nothing waits for it; ready will be said again
        if (this.late(a)) return void this.effects.push({ do: "hang_up", reason: "go came too late" });
        a.kept.phase = "submitted";
        this.to(a, "storing", true);
        return this.save(a, "submitted");
      }
    }
  }

  private welcome(m: Extract<FromBridge, { type: "welcome" }>): void {
    this.s.online = true;
    this.s.toldHealth = null;
    const keep = new Set(m.keep.map(keyOf));
    for (const of of m.drop) if (!this.s.attempts.has(keyOf(of))) this.effects.push({ do: "send", message: { type: "cancelled", ...of } });
    for (const [key, a] of this.s.attempts) {
      if (keep.has(key) && a.step !== "stopping") this.resume(a);
      else this.cancel(key, refOf(a)); // dropped, or not even named
    }
  }

  /** Goes on, on a new connection, with an attempt that the bridge keeps. */
  private resume(a: Attempt): void {
    a.held = true;
    this.effects.push({ do: "retext", key: keyOf(a.kept.request) });
    if (a.step === "ended") return void (a.settled && this.sendResult(a));
    this.tellPhase(a, true);
    // The text may have been lying there for long: the page looks again before ready is said again.
    const tab = this.tabOf(a);
    if (tab?.attached && a.step === "prepared") this.seat(a, tab);
  }

  private newRequest(m: Extract<FromBridge, { type: "new_request" }>): void {
    const key = keyOf(m);
    if (this.s.attempts.has(key) || this.s.attempts.size >= MAX_ATTEMPTS) return;
    const { type: _, ...request } = m;
    const a = attempt({ request, phase: "opening", chat_id: m.chat_id, result: null }, this.now);
    a.held = true;
    this.s.attempts.set(key, a);
    this.save(a, "request");
  }

  /** cancel or drop: stop, forget, say cancelled. */
  private cancel(key: string, of: { request_id: string; attempt: number }): void {
    const a = this.s.attempts.get(key);
    if (!a) return void this.effects.push({ do: "send", message: { type: "cancelled", ...of } });
    if (a.step === "stopping") return;
    if (a.step === "ended" || !this.stop(a)) this.stopped(a);
  }

  /** ack: forget at once, whatever it is doing. */
  private forget(a: Attempt): void {
    this.effects.push({ do: "erase", key: keyOf(a.kept.request) });
    a.quiet = true;
    if (a.step === "stopping") return;
    if (a.step === "ended" || !this.stop(a)) this.stopped(a);
  }

  /** Has the page stop, if one may be at work; false where nothing is to be waited for. */
  private stop(a: Attempt): boolean {
    const tab = this.tabOf(a);
    this.effects.push({ do: "untext", key: keyOf(a.kept.request) });
    if (!tab || !a.told) return false;
    this.to(a, "stopping");
    if (tab.attached) this.effects.push({ do: "tell", tab: tab.id, message: { type: "abandon", ...refOf(a) } });
    return true;
  }

  /** Nothing of it runs any more. */
  private stopped(a: Attempt): void {
    const key = keyOf(a.kept.request);
    this.free(a);
    this.s.attempts.delete(key);
    this.effects.push({ do: "untext", key });
    if (a.quiet) return;
    this.effects.push({ do: "erase", key });
    if (this.s.online) this.effects.push({ do: "send", message: { type: "cancelled", ...refOf(a) } });
  }

  // ---- storage

  private save(a: Attempt, what: What): void {
    this.effects.push({ do: "save", key: keyOf(a.kept.request), kept: { ...a.kept }, what });
  }

  private wrote(key: string, what: What, ok: boolean): void {
    const a = this.s.attempts.get(key);
    if (!a) return;
    if (what === "request" && a.step === "receiving") {
      if (ok) this.to(a, "queued");
      else this.fail(a, failure(refOf(a), "worker_error", "The extension could not write to the browser's storage, so the message was not sent. Look at the disk, then send the message again."));
    } else if (what === "submitted" && a.step === "storing") {
      this.press(a, ok);
    } else if (what === "result" && a.step === "ended" && !a.settled) {
      a.settled = true;
      if (ok) this.free(a); // else the tab stays: the page can be read again
      if (this.s.online && a.held) this.sendResult(a);
    }
  }

  /** `submitted` is in storage, or could not be put there. */
  private press(a: Attempt, stored: boolean): void {
    const tab = this.tabOf(a);
    const why = !stored
      ? "The extension could not write to the browser's storage, so the message was not sent. Look at the disk, then send the message again."
      : this.late(a) || !a.readyAt
        ? "Storing took more than 30 seconds, so the message was not sent. Look at the disk, then send the message again."
        : a.orphaned || !tab?.attached
          ? "The page went away right before the message was to be sent. It was not sent: send it again."
          : null;
    if (why !== null || !tab || !a.readyAt) return this.fail(a, failure(refOf(a), "worker_error", why ?? ""));
    const message = a.kept.request.message;
    this.effects.push({ do: "tell", tab: tab.id, message: { type: "press", ...refOf(a), message, press_by: a.readyAt.wall + PRESS_WITHIN_MS } });
    this.to(a, "pressing");
    this.tellPhase(a);
  }

  private late(a: Attempt): boolean {
    return a.readyAt !== null && elapsed(this.now, a.readyAt) > PRESS_WITHIN_MS;
  }

  // ---- the page

  private page(id: number, m: Exclude<FromPage, { type: "hello" | "doctor" }>): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    if (m.type === "health") {
      const before = tab.health;
      tab.health = m;
      this.s.suspicion = judge(this.s, tab, before, this.now);
      return;
    }
    const a = this.s.attempts.get(keyOf(m));
    if (!a || a.tab !== id || a.step === "ended") return; // of an attempt that has gone on without this page
    if (m.type === "stopped") return void (a.step === "stopping" && this.stopped(a));
    if (a.step === "stopping") return;
    const watched = a.step === "pressing" || a.step === "watching";
    switch (m.type) {
      case "phase":
        if (m.phase === "answering" ? watched : m.phase !== "submitted" && !submitted(a.kept)) this.phase(a, m.phase);
        return;
      case "prepared":
        if (a.step !== "preparing") return;
        if (a.kept.phase === "opening") this.phase(a, "typing");
        if (!this.s.online || !a.held) return this.to(a, "prepared");
        this.to(a, "asked");
        a.readyAt = this.now;
        return void this.effects.push({ do: "send", message: { type: "ready", ...refOf(a) } });
      case "pressed":
        return void (a.step === "pressing" && this.to(a, "watching"));
      case "refused":
        return void (a.step === "pressing" && this.fail(a, failureOf(refOf(a), m, "")));
      case "text":
        if (!watched) return;
        if (m.text !== "") this.phase(a, "answering");
        return void this.effects.push({ do: "text", key: keyOf(m), offset: m.offset, text: m.text });
      case "chat":
        if (!watched || a.kept.chat_id === m.chat_id || m.chat_id === "" || m.chat_id.length > MAX_CHAT_ID) return;
        a.kept.chat_id = m.chat_id;
        this.save(a, "chat");
        return this.tellPhase(a);
      case "ended":
        return void (watched && this.conclude(a, responseOf(refOf(a), m)));
      case "failed":
        return this.fail(a, failureOf(refOf(a), m, this.seen(keyOf(m))));
    }
  }

  private phase(a: Attempt, phase: Kept["phase"]): void {
    if (a.kept.phase === phase) return;
    a.kept.phase = phase;
    this.tellPhase(a);
  }

  /** connected: the connection is new, so that the chat's id is told even where it is the request's own. */
  private tellPhase(a: Attempt, connected = false): void {
    if (!this.s.online || !a.held) return;
    const chat = a.kept.chat_id !== null && (connected || submitted(a.kept)) ? { chat_id: a.kept.chat_id } : {};
    this.effects.push({ do: "send", message: { type: "status_update", ...refOf(a), status: "executing", phase: a.kept.phase, ...chat } });
  }

  private attached(id: number, url: string): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    if (tab.attached) this.detached(id); // a new page, and the old one's end comes later or never
    Object.assign(tab, { attached: true, url, health: null, since: this.now, nudges: 0 });
    this.effects.push({ do: "mark", tab: id });
    const a = this.user(tab);
    if (!a) return;
    if (a.step === "opening" || a.step === "pressing" || a.step === "watching") this.seat(a, tab);
    else if (a.step === "stopping") this.effects.push({ do: "tell", tab: id, message: { type: "abandon", ...refOf(a) } });
  }

  /** Has a page that is there work on an attempt, once it is at the right address. */
  private seat(a: Attempt, tab: Tab): void {
    if (!belongs(a.kept, tab.url) && a.tries < MAX_TRIES) {
      a.tries++;
      return this.lead(a, tab);
    }
    a.told = true;
    const { message, response_type, thinking_time, temporary } = a.kept.request;
    const chat_id = a.kept.chat_id;
    if (submitted(a.kept)) {
      this.to(a, "watching");
      return void this.effects.push({ do: "tell", tab: tab.id, message: { type: "watch", ...refOf(a), message, chat_id } });
    }
    this.to(a, "preparing");
    this.effects.push({ do: "tell", tab: tab.id, message: { type: "prepare", ...refOf(a), message, response_type, thinking_time, chat_id, temporary } });
  }

  /** Leads a tab to an attempt's address. What its old page still says does not count. */
  lead(a: Attempt, tab: Tab): void {
    this.to(a, "opening");
    const url = addressOf(a.kept);
    Object.assign(tab, { attached: false, url, health: null, since: this.now, nudges: 0 });
    this.effects.push({ do: "navigate", tab: tab.id, url });
  }

  private detached(id: number): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    if (tab.attached) Object.assign(tab, { attached: false, health: null, since: this.now, nudges: 0 });
    const a = this.user(tab);
    if (!a) return;
    if (a.step === "preparing" || a.step === "prepared" || a.step === "asked") this.to(a, "opening");
    else if (a.step === "storing") a.orphaned = true;
    else if (a.step === "pressing") this.to(a, "watching");
  }

  // ---- tabs

  private tabOpened(key: string | null, id: number, url: string): void {
    const a = key === null ? undefined : this.s.attempts.get(key);
    const wanted = a?.step === "tab";
    if (key === null) this.s.looking = false;
    this.s.tabs.set(id, { id, url, attached: false, use: wanted ? key : null, health: null, since: this.now, nudges: 0 });
    if (!a || !wanted) return;
    a.tab = id;
    this.to(a, "opening");
  }

  private tabFailed(key: string | null, reason: string): void {
    if (key === null) this.s.looking = false;
    const a = key === null ? undefined : this.s.attempts.get(key);
    if (a?.step !== "tab") return;
    this.effects.push({ do: "note", text: `No tab could be opened: ${reason}` });
    this.to(a, "queued");
    a.notBefore = { wall: this.now.wall + OPEN_AGAIN_MS, mono: this.now.mono + OPEN_AGAIN_MS };
  }

  private tabGone(id: number): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    this.s.tabs.delete(id);
    const a = this.user(tab);
    if (!a) return;
    a.tab = null;
    a.told = false;
    a.tries = 0;
    if (a.step === "stopping") return this.stopped(a);
    if (a.step === "storing") return void (a.orphaned = true);
    if (a.step === "ended") return;
    if (submitted(a.kept) && !findable(a.kept)) return this.lose(a);
    if (!submitted(a.kept) && ++a.losses > MAX_LOSSES)
      return this.fail(a, failure(refOf(a), "worker_error", "The extension's tab was closed again and again. The message was not sent: leave the pinned tab open and send it again."));
    this.to(a, "queued");
  }

  /** It shows something else: the site's own log-in, or what a person went to. */
  private tabAway(id: number): void {
    const tab = this.s.tabs.get(id);
    if (!tab || tab.attached) return;
    tab.url = "";
    const a = this.user(tab);
    if (!a) {
      if (!this.s.suspicion) this.s.tabs.delete(id); // a person went elsewhere with it: it is theirs
      return;
    }
    if (a.step !== "opening" && a.step !== "watching") return;
    if (!submitted(a.kept))
      return this.fail(a, failure(refOf(a), "logged_out", "The chat page leads elsewhere, most likely to its log-in. Log in at the site in the extension's pinned tab; the message was not sent."));
    if (!findable(a.kept)) return this.lose(a);
    if (a.tries++ < MAX_TRIES) this.lead(a, tab);
  }

  /** Finds tabs for what waits for one. */
  assign(): void {
    for (const [key, a] of this.s.attempts) {
      if (a.step !== "queued" || (a.notBefore && elapsed(this.now, a.notBefore) < 0)) continue;
      const tab = this.freeTab(a);
      if (tab) {
        tab.use = key;
        a.tab = tab.id;
        a.told = false;
        a.tries = 0;
        // A new chat wants a new page; the page of the same chat is good as it is.
        if (tab.attached && findable(a.kept) && belongs(a.kept, tab.url)) this.seat(a, tab);
        else this.lead(a, tab);
      } else if (this.s.tabs.size + this.opening() < this.s.capacity) {
        this.to(a, "tab");
        this.effects.push({ do: "open", key, url: addressOf(a.kept) });
      }
    }
    this.shed();
  }

  private freeTab(a: Attempt): Tab | null {
    const free: Tab[] = [];
    for (const tab of [...this.s.tabs.values()]) {
      if (tab.use !== null) continue;
      if (tab.attached && tab.health?.draft) {
        this.s.tabs.delete(tab.id); // someone writes there: it is theirs now
        this.effects.push({ do: "note", text: "A tab with someone's draft in it was left alone." });
        continue;
      }
      free.push(tab);
    }
    const chat = a.kept.chat_id;
    return free.find((tab) => chat !== null && chatOf(tab.url) === chat) ?? free.find((tab) => tab.attached) ?? free[0] ?? null;
  }

  private opening(): number {
    return [...this.s.attempts.values()].filter((a) => a.step === "tab").length + (this.s.looking ? 1 : 0);
  }

  /** Closes what there are too many of, after the capacity was lowered. */
  private shed(): void {
    for (const tab of [...this.s.tabs.values()]) {
      if (this.s.tabs.size <= Math.max(1, this.s.capacity)) return;
      if (tab.use !== null || tab.health?.draft) continue;
      this.s.tabs.delete(tab.id);
      this.effects.push({ do: "close", tab: tab.id });
    }
  }

  private free(a: Attempt): void {
    const tab = this.tabOf(a);
    if (tab) tab.use = null;
    a.tab = null;
  }

  private tabOf(a: Attempt): Tab | null {
    return a.tab === null ? null : (this.s.tabs.get(a.tab) ?? null);
  }

  private user(tab: Tab): Attempt | null {
    return tab.use === null ? null : (this.s.attempts.get(tab.use) ?? null);
  }

  // ---- ends

  /** Its page is gone and can't be found again. */
  lose(a: Attempt): void {
    const seen = this.seen(keyOf(a.kept.request));
    const sentence =
      seen === ""
        ? "The chat page was closed after the message may have been sent, and its chat is not known. Look at the site whether an answer came, or send it again yourself."
        : "The chat page was closed while it answered, and its chat is not known. What had arrived is kept; look at the site for the rest.";
    this.fail(a, failure(refOf(a), seen === "" ? "worker_lost" : "incomplete_answer", sentence, { partial: seen }));
  }

  private fail(a: Attempt, f: Failure): void {
    this.effects.push({ do: "note", text: `A request failed: ${f.code}.` });
    this.conclude(a, f);
    if (pausesUntilWell(f)) this.s.suspicion = suspect(f.code, this.now);
    if (f.code === "rate_limited") this.s.limitedUntil = this.now.wall + (f.retry_after ?? LIMITED_S) * 1000;
  }

  private conclude(a: Attempt, result: Response | Failure): void {
    a.kept.result = result;
    this.to(a, "ended");
    a.settled = false;
    this.effects.push({ do: "untext", key: keyOf(a.kept.request) });
    this.save(a, "result");
  }

  private sendResult(a: Attempt): void {
    const result = a.kept.result;
    if (!result) return;
    this.effects.push({ do: "send", message: result });
    // It pauses us, also where it is sent again: what is known of the page's health must come after it.
    if (pausesUntilWell(result)) {
      this.s.toldHealth = null;
      if (!this.well()) this.s.suspicion ??= suspect(result.code, this.now);
    }
  }

  // ---- clocks

  private tick(): void {
    for (const a of [...this.s.attempts.values()]) {
      if (a.step === "asked" && this.late(a)) {
        this.effects.push({ do: "hang_up", reason: "no go came" });
      } else if (a.step === "stopping" && elapsed(this.now, a.since) > STOP_WITHIN_MS) {
        if (a.tab !== null) {
          this.s.tabs.delete(a.tab);
          this.effects.push({ do: "close", tab: a.tab });
        }
        this.stopped(a);
      }
    }
    for (const tab of this.s.tabs.values()) this.nudge(tab);
    this.lookAgain();
  }

  /** A page that went away and did not come back. */
  private nudge(tab: Tab): void {
    if (tab.attached) return;
    const due = NUDGES_MS[tab.nudges] ?? NUDGES_MS[NUDGES_MS.length - 1]! + (tab.nudges - NUDGES_MS.length + 1) * NUDGE_AGAIN_MS;
    if (elapsed(this.now, tab.since) < due) return;
    if (tab.use === null && tab.nudges > 0) return; // nobody waits for it
    tab.nudges++;
    if (tab.use !== null && tab.nudges >= UNREACHABLE_AT) this.s.suspicion ??= suspect("unreachable", this.now);
    const a = this.user(tab);
    this.effects.push({ do: "look", tab: tab.id, load: a && tab.nudges > 1 ? addressOf(a.kept) : null });
  }

  /** While we can't work, the page is loaded anew now and then, to see whether it is well again. */
  private lookAgain(): void {
    const suspicion = this.s.suspicion;
    if (!suspicion || this.s.paused || this.s.looking || elapsed(this.now, suspicion.checked) < Math.min(LOOK_EVERY_MS, LOOK_FIRST_MS * 2 ** suspicion.looks)) return;
    if ([...this.s.attempts.values()].some((a) => a.tab !== null && a.step !== "ended")) return; // that one will tell
    this.s.suspicion = { ...suspicion, checked: this.now, looks: suspicion.looks + 1 };
    const tab = [...this.s.tabs.values()].find((tab) => tab.use === null && !tab.health?.draft);
    if (tab) return void this.effects.push({ do: "look", tab: tab.id, load: `${SITE}/` });
    this.s.looking = true;
    this.effects.push({ do: "open", key: null, url: `${SITE}/` });
  }

  /** A page of ours is known to be well. */
  private well(): boolean {
    return [...this.s.tabs.values()].some((tab) => tab.attached && tab.health !== null && isWell(tab.health));
  }

  tellHealth(): void {
    // An error that pauses us comes first: it says more, and counts for its request.
    if ([...this.s.attempts.values()].some((a) => a.step === "ended" && !a.settled && a.kept.result && pausesUntilWell(a.kept.result))) return;
    if (this.s.paused && this.s.online) this.s.suspicion ??= suspect("paused", this.now);
    const report = health(this.s);
    if (!report || JSON.stringify(report) === JSON.stringify(this.s.toldHealth)) return;
    this.s.toldHealth = report;
    this.effects.push({ do: "send", message: report });
  }

  private to(a: Attempt, step: Step, keepReady = false): void {
    a.step = step;
    a.since = this.now;
    if (!keepReady) a.readyAt = null;
    if (step === "queued") a.notBefore = null;
  }
}
