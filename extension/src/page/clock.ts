interface Wait {
  /** By performance.now(). */
  due: number;
  timer: ReturnType<typeof setTimeout>;
  run(): void;
}

/**
 * A clock for waits that must not be slow in hidden tabs, where browsers let a page's timers run once a second, and after
 * minutes once a minute. The background's timers are not held back: it is asked to tell when the time has come. The page's
 * own timer runs beside it, for when nobody answers.
 */
export class Clock {
  private next = 1;
  private readonly waits = new Map<number, Wait>();

  constructor(
    /** The page's own timers are held back now, and it is worth to ask another. */
    private readonly slow: () => boolean,
    /** Asks the background to say woke(id) after so many milliseconds. */
    private readonly ask: (id: number, ms: number) => void,
  ) {}

  /** Runs once after so many milliseconds; returns what takes it back. */
  after(ms: number, run: () => void): () => void {
    const id = this.next++;
    this.waits.set(id, { due: performance.now() + ms, timer: setTimeout(() => this.woke(id), ms), run });
    if (this.slow()) this.ask(id, ms);
    return () => this.drop(id);
  }

  /** Runs again and again; returns what ends it. */
  every(ms: number, run: () => void): () => void {
    let off = (): void => {};
    const again = (): void => {
      off = this.after(ms, () => {
        again();
        run();
      });
    };
    again();
    return () => off();
  }

  /** The time of a wait has come, by either clock. */
  woke(id: number): void {
    const wait = this.waits.get(id);
    this.drop(id);
    wait?.run();
  }

  /** The page has been hidden: from now on its timers are held back, also those that run already. */
  slowed(): void {
    if (this.slow()) for (const [id, { due }] of this.waits) this.ask(id, Math.max(0, due - performance.now()));
  }

  close(): void {
    for (const id of [...this.waits.keys()]) this.drop(id);
  }

  private drop(id: number): void {
    clearTimeout(this.waits.get(id)?.timer);
    this.waits.delete(id);
  }
}
