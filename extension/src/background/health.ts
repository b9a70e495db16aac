// What the bridge hears of our health, and when we may say that we are well again.

import type { Health } from "../messages";
import { elapsed, type Moment, type State, type Suspicion, type Tab } from "./state";
import type { HealthReport } from "./wire";

/** What is to be said now; null where nothing is known, or nobody listens. */
export function health(s: Omit<State, "toldHealth">): HealthReport | null {
  if (!s.online) return null;
  const known = [...s.tabs.values()].flatMap((tab) => (tab.attached && tab.health ? [tab.health] : []));
  const matched = Object.assign({}, ...known.map((h) => h.matched)) as HealthReport["matched"];
  const limits = known.flatMap((h) => (h.limited_until === null ? [] : [h.limited_until])).sort();
  const report = (logged_in: boolean, page_ok: boolean): HealthReport => ({ type: "health", logged_in, page_ok, limited_until: limits.at(-1) ?? null, matched });
  if (s.paused) return report(true, false);
  if (s.suspicion) return report(s.suspicion.code !== "logged_out", s.suspicion.code === "logged_out");
  if (known.length === 0) return null;
  return report(
    known.every((h) => h.logged_in),
    known.every((h) => h.page_ok),
  );
}

/**
 * The suspicion after a page has told its health. It is raised by a page that is not well, so that it lasts over the death
 * of the background and of the tab. It is lifted by one that was not well and is, or that was loaded since: a page that
 * was well all along has nothing new to say about what an attempt met with in it.
 */
export function judge(s: State, tab: Tab, before: Health | null, now: Moment): Suspicion | null {
  const h = tab.health;
  if (!h) return s.suspicion;
  if (!isWell(h)) {
    const code = h.trouble ?? (h.logged_in ? "page_changed" : "logged_out");
    return s.suspicion?.code === code ? s.suspicion : suspect(code, now);
  }
  const mended = before !== null && !isWell(before);
  return s.suspicion && !mended && elapsed(tab.since, s.suspicion.since) <= 0 ? s.suspicion : null;
}

export function suspect(code: string, now: Moment): Suspicion {
  return { code, since: now, checked: now, looks: 0 };
}

export function isWell(h: Health): boolean {
  return h.logged_in && h.page_ok;
}
