import { clock, counting } from "../shared/time";
import { t } from "./texts";
import type { Hook, Worker } from "./types";

/** How a worker is: a paused one that is away is away first. */
export type WorkerState = "connected" | "paused" | "away";

export function stateOf(worker: Worker): WorkerState {
  if (!worker.connected) return "away";
  return worker.pause ? "paused" : "connected";
}

/** What names a worker among those of all accounts, as a row's id. */
export function idOf(worker: Worker): string {
  return `${worker.account.id}/${worker.worker_id}`;
}

/** What people call it. */
export function nameOf(worker: Worker): string {
  return worker.name || worker.worker_id;
}

/** Why it is paused, how long yet, and what to do, as sentences; null if it is not. `at` is the time now, in milliseconds. */
export function pauseWords(worker: Worker, at: number): string | null {
  const { pause, paused_until: until } = worker;
  if (!pause) return null;
  const remedy = (t.workers.pauses as Record<string, string>)[pause];
  if (!remedy) return t.workers.pauseOther(pause);
  if (pause !== "rate_limited") return remedy;
  return `${until ? t.workers.pausedUntil(clock(until, at), counting(Date.parse(until) - at)) : t.workers.pausedNoTime} ${remedy}`;
}

/** What it matched on its page: hooks with the alternative that was found; sorted by name. */
export function matchedOf(worker: Worker): [hook: string, alternative: string][] {
  const matched = worker.health?.matched;
  if (typeof matched !== "object" || matched === null || Array.isArray(matched)) return [];
  return Object.entries(matched)
    .map(([hook, alternative]): [string, string] => [hook, String(alternative)])
    .sort(([a], [b]) => a.localeCompare(b));
}

/** When a hook is to be there: always, if nothing is said. */
const ALWAYS = "every page";

/** When a hook is wanted, in words. */
export function wantedWords(hook: Hook): string {
  const wanted = hook.wanted_on || ALWAYS;
  return t.workers.wantedOn[wanted] ?? wanted;
}

/** Whether the doctor's report is well, and the sentence that says so. */
export function verdict(hooks: Hook[]): { tone: "ok" | "plain" | "bad"; words: string } {
  const missing = hooks.filter(({ found }) => !found);
  const bad = missing.filter((hook) => (hook.wanted_on || ALWAYS) === ALWAYS);
  if (hooks.length === 0) return { tone: "plain", words: t.workers.doctorEmpty };
  if (bad.length > 0) return { tone: "bad", words: t.workers.doctorBad(bad.map(({ name }) => name).join(", ")) };
  if (missing.length > 0) return { tone: "ok", words: t.workers.doctorSome(missing.length, hooks.length) };
  return { tone: "ok", words: t.workers.doctorWell(hooks.length) };
}

/** The report as text, a hook a line with tabs between. */
export function reportText(worker: Worker, hooks: Hook[]): string {
  const head = [`${nameOf(worker)} (${worker.worker_id}), ${worker.version}, ${worker.site}`, verdict(hooks).words, ""];
  const rows = hooks.map((hook) => [hook.name, hook.found ? t.workers.yes : t.workers.no, hook.alternative, wantedWords(hook)].join("\t"));
  return [...head, [t.workers.hook, t.workers.found, t.workers.alternative, t.workers.wanted].join("\t"), ...rows].join("\n");
}
