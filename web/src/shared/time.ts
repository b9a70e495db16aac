import { signal } from "@preact/signals";
import { language } from "./language";
import { local } from "./storage";

/** The time now in milliseconds, moved once a second while something on the page counts. */
export const now = signal(Date.now());

let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Keeps `now` moving until the returned function is called. */
export function tick(): () => void {
  if (watchers++ === 0) timer = setInterval(() => (now.value = Date.now()), 1000);
  now.value = Date.now();
  return () => {
    if (--watchers === 0) clearInterval(timer);
  };
}

const two = (value: number) => String(value).padStart(2, "0");

/** A length as it counts: 0:12, 3:05, 1:02:03. Never negative: clocks differ. */
export function counting(milliseconds: number): string {
  const total = Math.max(0, Math.round(milliseconds / 1000));
  const seconds = total % 60;
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A length that is over: 850 ms, 12.3 s, 3 min 5 s, 2 h 4 min. */
export function took(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  if (length < 1000) return `${Math.round(length)} ms`;
  if (length < 59_950) return `${tenths.format(length / 1000)} s`;
  const seconds = Math.round(length / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const ZONE_KEY = "chatbridge.zone";

/** In which zone times are shown: the computer's own, or UTC. */
export type ZoneChoice = "local" | "utc";

/** The choice in force. What shows a time is drawn anew when it changes. */
export const zoneChoice = signal<ZoneChoice>(local.get(ZONE_KEY) === "utc" ? "utc" : "local");

/** Sets the choice, at once and for later visits. */
export function chooseZone(choice: ZoneChoice): void {
  zoneChoice.value = choice;
  if (choice === "utc") local.set(ZONE_KEY, choice);
  else local.remove(ZONE_KEY);
}

/** The name of the computer's time zone, such as Europe/Berlin. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The name of the zone that times are shown in. */
export function zoneName(): string {
  return zoneChoice.value === "utc" ? "UTC" : zone;
}

/** The browser's own form of the page's language (en-GB writes days as en-US does not). */
const locale = (globalThis.navigator?.languages ?? []).find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;

const SHAPES = {
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { dateStyle: "medium" },
  year: { year: "numeric" },
  moment: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  momentOfYear: { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" },
  exact: { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const formats = new Map<string, Intl.DateTimeFormat>();

function say(shape: keyof typeof SHAPES, moment: Date): string {
  if (Number.isNaN(moment.getTime())) return "";
  const name = shape + zoneChoice.value;
  let format = formats.get(name);
  if (!format) formats.set(name, (format = new Intl.DateTimeFormat(locale, { ...SHAPES[shape], ...(zoneChoice.value === "utc" && { timeZone: "UTC" }) })));
  return format.format(moment);
}

/** A moment, as short as it can be said: 10:42 today, otherwise with its day, and its year where that is another. In the chosen zone. */
export function clock(iso: string, at: number = Date.now()): string {
  const moment = new Date(iso);
  const same = (shape: "day" | "year") => say(shape, moment) === say(shape, new Date(at));
  return say(same("day") ? "time" : same("year") ? "moment" : "momentOfYear", moment);
}

/** A moment to the second, in the chosen zone. */
export function exact(iso: string): string {
  return say("exact", new Date(iso));
}
