// In which of the conditions that the popup knows we are.

import type { Condition } from "../view";
import type { Link } from "./link";
import type { State } from "./state";
import type { Settings } from "./store";

export function conditionOf(s: State, settings: Settings | null, link: Pick<Link, "state" | "trouble">, access: boolean, now: number): Condition {
  if (!settings) return "unpaired";
  if (!access) return "no_access";
  if (settings.halted) return settings.halted;
  if (s.paused) return "paused";
  if (link.state !== "online") {
    if (link.trouble?.kind === "bye" && link.trouble.code === "too_old") return "too_old";
    return link.trouble ? "away" : "connecting";
  }
  const code = s.suspicion?.code;
  if (code === "logged_out" || code === "challenge" || code === "unreachable") return code;
  if (code !== undefined && code !== "paused" && code !== "rate_limited") return "page_changed";
  if (limitedUntil(s, now) !== null) return "limited";
  return [...s.attempts.values()].some((a) => a.step !== "ended") ? "working" : "ready";
}

/** When the site's limit ends, as far as a page or an attempt says; null where there is none now. */
export function limitedUntil(s: State, now: number): number | null {
  const ends = [...s.tabs.values()].flatMap((tab) => (tab.health?.limited_until ? [Date.parse(tab.health.limited_until)] : []));
  const last = Math.max(s.limitedUntil ?? 0, ...ends.filter(Number.isFinite));
  return last > now ? last : null;
}
