import type { Clock } from "./clock";

/** Why a wait or a step was given up. */
export class Given extends Error {}

/** The shortest time between two looks that the page's own changes ask for. */
const LOOK_MS = 50;
/** How often to look where the page does not stir. */
const IDLE_LOOK_MS = 500;

/**
 * Looks again when the page changes. One observer serves all; it works in hidden tabs too, where animation frames do not
 * come. Where time must pass, it is the clock's, which hidden tabs do not slow.
 */
export class Changes {
  private readonly listeners = new Set<() => void>();
  private readonly observer: MutationObserver;

  constructor(
    document: Document,
    readonly clock: Clock,
  ) {
    this.observer = new MutationObserver(() => this.tell());
    this.observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  }

  /** Anything else that is worth a look: a stream's event, an address that changed. */
  tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  on(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.observer.disconnect();
    this.listeners.clear();
  }

  /** Calls `look` when something changes, but not before `gap()` milliseconds have passed since it was called last. */
  throttled(look: () => void, gap: () => number): () => void {
    let last = -Infinity;
    let waits: (() => void) | null = null;
    const run = (): void => {
      waits?.();
      waits = null;
      last = performance.now();
      look();
    };
    const off = this.on(() => {
      const due = last + gap() - performance.now();
      if (due <= 0) run();
      else waits ??= this.clock.after(due, run);
    });
    return () => {
      off();
      waits?.();
    };
  }

  /**
   * Waits until `look` gives something, and gives null when `ms` have passed without. Throws Given when the signal is
   * aborted; what `look` throws ends the wait too.
   */
  until<T>(look: () => T | null | undefined | false, ms: number, signal: AbortSignal): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const end = performance.now() + ms;
      let off = (): void => {};
      let rest = (): void => {};
      const finish = (): void => {
        off();
        rest();
        signal.removeEventListener("abort", aborted);
      };
      const aborted = (): void => {
        finish();
        reject(new Given("given up"));
      };
      const run = (): void => {
        try {
          const found = look();
          if (found) {
            finish();
            resolve(found);
          } else if (performance.now() >= end) {
            finish();
            resolve(null);
          }
        } catch (error) {
          finish();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted);
      off = this.throttled(run, () => LOOK_MS);
      rest = this.clock.every(Math.min(IDLE_LOOK_MS, Math.max(20, ms)), run);
      run();
    });
  }

  /** A pause that a signal ends; it then throws Given. */
  pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Given("given up"));
      const aborted = (): void => {
        off();
        reject(new Given("given up"));
      };
      const off = this.clock.after(ms, () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
}

/** Lets the page's own tasks run once; not slowed in hidden tabs, as timers are. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
