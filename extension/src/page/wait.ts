/** Why a wait or a step was given up. */
export class Given extends Error {}

/** The shortest time between two looks that the page's own changes ask for. */
const LOOK_MS = 50;
/** How often to look where the page does not stir. Hidden tabs make it a second, and after minutes a minute. */
const IDLE_LOOK_MS = 500;

/**
 * Looks again when the page changes. One observer serves all; it works in hidden tabs too, where timers are slow and
 * animation frames do not come.
 */
export class Changes {
  private readonly listeners = new Set<() => void>();
  private readonly observer: MutationObserver;

  constructor(document: Document) {
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

  /** Calls `look` at most every `gap` ms while things change, and never later than a change asks for. */
  throttled(look: () => void, gap: number): () => void {
    let last = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = (): void => {
      clearTimeout(timer);
      timer = undefined;
      last = performance.now();
      look();
    };
    const off = this.on(() => {
      const due = last + gap - performance.now();
      if (due <= 0) run();
      else timer ??= setTimeout(run, due);
    });
    return () => {
      off();
      clearTimeout(timer);
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
      let timer: ReturnType<typeof setInterval> | undefined;
      const finish = (): void => {
        off();
        clearInterval(timer);
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
      off = this.throttled(run, LOOK_MS);
      timer = setInterval(run, Math.min(IDLE_LOOK_MS, Math.max(20, ms)));
      run();
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

/** A pause that a signal ends; it then throws Given. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Given("given up"));
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    const aborted = (): void => {
      clearTimeout(timer);
      reject(new Given("given up"));
    };
    signal.addEventListener("abort", aborted, { once: true });
  });
}
