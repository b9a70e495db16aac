// The ground of the rules: one event's work on a copy of the state, and how an attempt's step, phase and end are set down.
// seating.ts adds which tab works on what, attempts.ts the protocol.

import { isWell, suspect } from "./health";
import { failure, pausesUntilWell } from "./result";
import { keyOf, refOf, type Attempt, type Effect, type Moment, type State, type Step, type Tab, type What } from "./state";
import type { Failure, Response } from "./wire";

/** How long the bridge pauses a worker whose page did not say how long the limit lasts. */
const LIMITED_S = 15 * 60;

/** What has been read of an attempt's answer so far. */
export type Seen = (key: string) => string;

export class Turn {
  readonly effects: Effect[] = [];

  constructor(
    readonly s: State,
    protected readonly now: Moment,
    private readonly seenOf: Seen,
  ) {}

  protected to(a: Attempt, step: Step, keepReady = false): void {
    a.step = step;
    a.since = this.now;
    if (!keepReady) a.readyAt = null;
    if (step === "queued") a.notBefore = null;
  }

  protected save(a: Attempt, what: What): void {
    this.effects.push({ do: "save", key: keyOf(a.kept.request), kept: { ...a.kept }, what });
  }

  protected tabOf(a: Attempt): Tab | null {
    return a.tab === null ? null : (this.s.tabs.get(a.tab) ?? null);
  }

  protected user(tab: Tab): Attempt | null {
    return tab.use === null ? null : (this.s.attempts.get(tab.use) ?? null);
  }

  protected free(a: Attempt): void {
    const tab = this.tabOf(a);
    if (tab) tab.use = null;
    a.tab = null;
  }

  /** A page of ours is known to be well. */
  protected well(): boolean {
    return [...this.s.tabs.values()].some((tab) => tab.attached && tab.health !== null && isWell(tab.health));
  }

  /** What has been read of its answer. */
  protected seen(a: Attempt): string {
    return this.seenOf(keyOf(a.kept.request));
  }

  // ---- ends

  /** Its page is gone and can't be found again. */
  lose(a: Attempt): void {
    const seen = this.seen(a);
    const sentence =
      seen === ""
        ? "The chat page was closed after the message may have been sent, and its chat is not known. Look at the site whether an answer came, or send it again yourself."
        : "The chat page was closed while it answered, and its chat is not known. What had arrived is kept; look at the site for the rest.";
    this.fail(a, failure(refOf(a), seen === "" ? "worker_lost" : "incomplete_answer", sentence, { partial: seen }));
  }

  protected fail(a: Attempt, f: Failure): void {
    this.effects.push({ do: "note", text: `A request failed: ${f.code}.` });
    this.conclude(a, f);
    if (pausesUntilWell(f)) this.s.suspicion = suspect(f.code, this.now);
    if (f.code === "rate_limited") this.s.limitedUntil = this.now.wall + (f.retry_after ?? LIMITED_S) * 1000;
  }

  protected conclude(a: Attempt, result: Response | Failure): void {
    a.kept.result = result;
    this.to(a, "ended");
    a.settled = false;
    this.effects.push({ do: "untext", key: keyOf(a.kept.request), ...(result.type === "response" ? { answer: result.response } : {}) });
    this.save(a, "result");
  }

  /** Nothing of it runs any more. */
  protected stopped(a: Attempt): void {
    const key = keyOf(a.kept.request);
    this.free(a);
    this.s.attempts.delete(key);
    this.effects.push({ do: "untext", key });
    if (a.quiet) return;
    this.effects.push({ do: "erase", key });
    if (this.s.online) this.effects.push({ do: "send", message: { type: "cancelled", ...refOf(a) } });
  }
}
