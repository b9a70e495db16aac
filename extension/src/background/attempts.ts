// The rules of chatbridge.v1 for what a worker holds, as a pure function: state + event → state + effects.
//
// Its promises: an attempt is pressed at most once, whatever dies between any two effects; never without a go of this
// connection's server that answers a ready not older than 30 s; never before `submitted` is in storage; and an attempt is
// forgotten only after its ack or when saying cancelled.

import type { PageNews } from "../messages";
import { failure, failureOf, pausesUntilWell, responseOf } from "./result";
import { health, judge, suspect } from "./health";
import { Seating } from "./seating";
import { begin, elapsed, keyOf, refOf, submitted, type Attempt, type Effect, type Event, type Kept, type Moment, type State, type What } from "./state";
import type { Seen } from "./turn";
import { PRESS_WITHIN_MS, type FromBridge } from "./wire";

/** How long a page may take to stop before its tab is closed, which stops it surely. */
export const STOP_WITHIN_MS = 10_000;
const LONG_AGO: Moment = { wall: 0, mono: -1e12 };
/** More attempts than any capacity of ours needs; one that is not taken is not in the next hello, and goes elsewhere unsent. */
const MAX_ATTEMPTS = 50;
/** Ids longer than this are not stored by the bridge. */
const MAX_CHAT_ID = 200;

export function reduce(before: State, event: Event, now: Moment, seen: Seen): { state: State; effects: Effect[] } {
  const t = new Rules(copy(before), now, seen);
  t.happen(event);
  t.assign();
  t.tellHealth();
  return { state: t.s, effects: t.effects };
}

function copy(s: State): State {
  return {
    ...s,
    attempts: new Map([...s.attempts].map(([key, a]) => [key, { ...a, kept: { ...a.kept } }])),
    tabs: new Map([...s.tabs].map(([id, tab]) => [id, { ...tab }])),
  };
}

class Rules extends Seating {
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
      case "tab_replaced":
        return this.tabReplaced(e.tab, e.by);
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
    const a = begin({ request, phase: "opening", chat_id: m.chat_id, result: null }, this.now);
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

  // ---- storage

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

  private page(id: number, m: PageNews): void {
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
        return this.fail(a, failureOf(refOf(a), m, this.seen(a)));
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

  // ---- what is sent when an attempt has ended, and the health

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

  tellHealth(): void {
    // An error that pauses us comes first: it says more, and counts for its request.
    if ([...this.s.attempts.values()].some((a) => a.step === "ended" && !a.settled && a.kept.result && pausesUntilWell(a.kept.result))) return;
    if (this.s.paused && this.s.online) this.s.suspicion ??= suspect("paused", this.now);
    const report = health(this.s);
    if (!report || JSON.stringify(report) === JSON.stringify(this.s.toldHealth)) return;
    this.s.toldHealth = report;
    this.effects.push({ do: "send", message: report });
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
}
