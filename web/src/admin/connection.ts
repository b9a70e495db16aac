import { computed, signal } from "@preact/signals";
import { announce } from "../shared/announce";
import { t } from "./texts";

/** The shortest and the longest wait between tries while the server does not answer, in milliseconds. */
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 30_000;

/** Whether the browser has a network at all. */
const online = signal(navigator.onLine);

/** When the server is tried next, in milliseconds of the clock; null while it answers. */
const nextTry = signal<number | null>(null);
let waits = 0;

/** When the last answer came, in milliseconds of the clock. */
export const lastAnswer = signal(Date.now());

/** Raised each time the server is back: what could not be read meanwhile is read. */
export const returns = signal(0);

/** How the connection is: `lost` counts down to the next try. */
export const connection = computed<{ state: "ok" | "offline" } | { state: "lost"; nextTry: number }>(() => {
  if (!online.value) return { state: "offline" };
  return nextTry.value === null ? { state: "ok" } : { state: "lost", nextTry: nextTry.value };
});

/** An answer came, whatever it said. */
export function answered(): void {
  lastAnswer.value = Date.now();
  if (nextTry.peek() === null) return;
  nextTry.value = null;
  waits = 0;
  returns.value++;
  announce(t.frame.back);
}

/** No answer came: what is read by itself waits twice as long as the last time. */
export function unanswered(): void {
  if (nextTry.peek() !== null && Date.now() < nextTry.peek()!) return;
  nextTry.value = Date.now() + Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** waits++);
}

/** How long what is read by itself still has to wait, in milliseconds. */
export function holdsBack(): number {
  if (!online.peek()) return LONGEST_WAIT;
  return nextTry.peek() === null ? 0 : Math.max(0, nextTry.peek()! - Date.now());
}

/** Lets the next reading happen now. */
export function tryNow(): void {
  if (nextTry.peek() !== null) nextTry.value = Date.now();
}

addEventListener("online", () => {
  online.value = true;
  tryNow();
});
addEventListener("offline", () => (online.value = false));
