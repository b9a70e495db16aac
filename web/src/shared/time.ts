import { signal } from "@preact/signals";

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
  if (length < 59_950) return `${(length / 1000).toFixed(1)} s`;
  const seconds = Math.round(length / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

/** A moment, as short as it can be said: 10:42 today, otherwise with its day. Local time. */
export function clock(iso: string, at: number = Date.now()): string {
  const moment = new Date(iso);
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  if (moment.toDateString() === new Date(at).toDateString()) return time;
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${time}`;
}

/** A moment to the second, local time. */
export function exact(iso: string): string {
  const moment = new Date(iso);
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

/** The name of the local time zone, such as Europe/Berlin. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
