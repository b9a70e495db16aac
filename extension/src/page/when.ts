import type { When } from "../pack/types";

/** Longer limits than this are not believed: a week. */
const LONGEST_S = 7 * 86_400;

/** The seconds from now until the limit ends that a text tells, by the first rule that fits; or null. `text` is plain(). */
export function secondsUntil(text: string, rules: readonly When[], units: Record<string, number>, now: Date, read: (rule: When) => string | null = () => null): number | null {
  for (const rule of rules) {
    const seconds = rule.form === "instant" ? instant(read(rule), now) : inText(text, rule, units, now);
    if (seconds !== null && seconds > 0 && seconds <= LONGEST_S) return Math.ceil(seconds);
  }
  return null;
}

function inText(text: string, rule: When, units: Record<string, number>, now: Date): number | null {
  // The words may stand there more than once, and only once before a time.
  for (let at = text.indexOf(rule.after); at >= 0; at = text.indexOf(rule.after, at + 1)) {
    const rest = text.slice(at + rule.after.length);
    const found = rule.form === "duration" ? duration(rest, units) : clock(rest, now);
    if (found !== null) return found;
    if (rule.after === "") return null;
  }
  return null;
}

/** "1 hour and 5 minutes", "30 s". */
function duration(text: string, units: Record<string, number>): number | null {
  let seconds = 0;
  let any = false;
  let rest = text;
  for (;;) {
    const match = /^(?:\s|,|and\b|und\b|about\b|~)*(\d{1,6})\s*([\p{L}]+)/u.exec(rest);
    const unit = match && Object.hasOwn(units, match[2] ?? "") ? units[match[2] ?? ""] : undefined;
    if (!match || unit === undefined) return any ? seconds : null;
    seconds += Number(match[1]) * unit;
    any = true;
    rest = rest.slice(match[0].length);
  }
}

/** "10:42 pm", "22.42", "tomorrow at 9 am": the next such moment by this computer's clock. */
function clock(text: string, now: Date): number | null {
  const match = /^(tomorrow\s+)?(?:at\s+)?(\d{1,2})(?:[:.](\d{2}))?\s*([ap])?\.?(?:m\b)?/.exec(text);
  if (!match || (match[3] === undefined && match[4] === undefined)) return null;
  let hour = Number(match[2]);
  const minute = Number(match[3] ?? 0);
  if (match[4]) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (match[4] === "p" ? 12 : 0);
  }
  if (hour > 23 || minute > 59) return null;
  const then = new Date(now);
  then.setHours(hour, minute, 0, 0);
  if (match[1] || then <= now) then.setDate(then.getDate() + 1);
  return (then.getTime() - now.getTime()) / 1000;
}

function instant(text: string | null, now: Date): number | null {
  const then = text === null ? NaN : Date.parse(text);
  return Number.isNaN(then) ? null : (then - now.getTime()) / 1000;
}
