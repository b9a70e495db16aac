// What becomes of what was kept when the background starts.

import { findable } from "./address";
import { Seating } from "./seating";
import { begin, keyOf, submitted, type Effect, type Kept, type Moment, type State, type Suspicion, type Tab } from "./state";

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
    const a = begin(kept, now);
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
  const t = new Seating(s, now, () => "");
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
