// Which of our tabs works on which attempt: given, led to its address, lost and replaced, looked after when a page stays away.

import { SITE, addressOf, belongs, chatOf, findable } from "./address";
import { suspect } from "./health";
import { failure } from "./result";
import { elapsed, refOf, submitted, type Attempt, type Tab } from "./state";
import { Turn } from "./turn";

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

export class Seating extends Turn {
  // ---- who works where

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

  /** Has a page that is there work on an attempt, once it is at the right address. */
  protected seat(a: Attempt, tab: Tab): void {
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

  // ---- what happens to tabs

  protected attached(id: number, url: string): void {
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

  protected detached(id: number): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    if (tab.attached) Object.assign(tab, { attached: false, health: null, since: this.now, nudges: 0 });
    const a = this.user(tab);
    if (!a) return;
    if (a.step === "preparing" || a.step === "prepared" || a.step === "asked") this.to(a, "opening");
    else if (a.step === "storing") a.orphaned = true;
    else if (a.step === "pressing") this.to(a, "watching");
  }

  protected tabOpened(key: string | null, id: number, url: string): void {
    const a = key === null ? undefined : this.s.attempts.get(key);
    const wanted = a?.step === "tab";
    if (key === null) this.s.looking = false;
    this.s.tabs.set(id, { id, url, attached: false, use: wanted ? key : null, health: null, since: this.now, nudges: 0 });
    if (!a || !wanted) return;
    a.tab = id;
    this.to(a, "opening");
  }

  protected tabFailed(key: string | null, reason: string): void {
    if (key === null) this.s.looking = false;
    const a = key === null ? undefined : this.s.attempts.get(key);
    if (a?.step !== "tab") return;
    this.effects.push({ do: "note", text: `No tab could be opened: ${reason}` });
    this.to(a, "queued");
    a.notBefore = { wall: this.now.wall + OPEN_AGAIN_MS, mono: this.now.mono + OPEN_AGAIN_MS };
  }

  protected tabGone(id: number): void {
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
  protected tabAway(id: number): void {
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

  protected tabReplaced(id: number, by: number): void {
    const tab = this.s.tabs.get(id);
    if (!tab) return;
    this.s.tabs.delete(id);
    this.s.tabs.set(by, { ...tab, id: by });
    const a = this.user(tab);
    if (a) a.tab = by;
    this.detached(by);
  }

  // ---- what is done about pages that are not as they should be

  /** A page that went away and did not come back. */
  protected nudge(tab: Tab): void {
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
  protected lookAgain(): void {
    const suspicion = this.s.suspicion;
    if (!suspicion || this.s.paused || this.s.looking || elapsed(this.now, suspicion.checked) < Math.min(LOOK_EVERY_MS, LOOK_FIRST_MS * 2 ** suspicion.looks)) return;
    if ([...this.s.attempts.values()].some((a) => a.tab !== null && a.step !== "ended")) return; // that one will tell
    this.s.suspicion = { ...suspicion, checked: this.now, looks: suspicion.looks + 1 };
    const tab = [...this.s.tabs.values()].find((tab) => tab.use === null && !tab.health?.draft);
    if (tab) return void this.effects.push({ do: "look", tab: tab.id, load: `${SITE}/` });
    this.s.looking = true;
    this.effects.push({ do: "open", key: null, url: `${SITE}/` });
  }
}
