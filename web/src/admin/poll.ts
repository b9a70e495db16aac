import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connection, holdsBack } from "./connection";
import { ended } from "./session";

interface Watch {
  read: () => Promise<void>;
  every: number;
  due: number;
  running: boolean;
}

const watches = new Set<Watch>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Reads what is due, and sets the clock for what is due next. Nothing is read while nobody sees it. */
function look(): void {
  clearTimeout(timer);
  if (document.hidden || ended.peek() || watches.size === 0) return;
  const held = holdsBack();
  const now = Date.now();
  let next = Infinity;
  for (const watch of watches) {
    if (watch.running) continue;
    if (held === 0 && watch.due <= now) void run(watch);
    else next = Math.min(next, Math.max(watch.due - now, held));
  }
  if (next < Infinity) timer = setTimeout(look, next);
}

async function run(watch: Watch): Promise<void> {
  watch.running = true;
  try {
    await watch.read();
  } finally {
    // The next look is counted from the answer: a slow server is not asked twice at once.
    watch.running = false;
    watch.due = Date.now() + watch.every;
    look();
  }
}

let started = false;

function start(): void {
  if (started) return;
  started = true;
  document.addEventListener("visibilitychange", look);
  effect(() => {
    void connection.value;
    void ended.value;
    look();
  });
}

/** Reads again every `milliseconds` while the page is seen and `active`. `read` must not throw. */
export function usePoll(read: () => Promise<void>, active: boolean, milliseconds: number): void {
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (!active) return;
    start();
    const watch: Watch = { read: () => latest.current(), every: milliseconds, due: Date.now() + milliseconds, running: false };
    watches.add(watch);
    look();
    return () => {
      watches.delete(watch);
      look();
    };
  }, [active, milliseconds]);
}
