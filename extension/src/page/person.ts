/** What only a person does in a field. execCommand causes trusted beforeinput and input events too, so these need `ours`. */
const EVENTS = ["keydown", "beforeinput", "paste", "drop", "compositionstart"] as const;
/** Keys that change nothing by themselves. */
const QUIET = new Set(["Shift", "Control", "Alt", "Meta", "CapsLock", "Tab", "Escape", "PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "F5"]);

/** Notices a person at the keyboard: in the composer, and at the stop button. */
export class Person {
  /** performance.now() of the last thing they did in a composer. */
  private typed = -Infinity;
  /** Date.now() of when they last pressed what `isStop` says is the stop button. */
  stopped = -Infinity;
  private depth = 0;
  private readonly off = new AbortController();

  constructor(document: Document, composer: () => HTMLElement | null, isStop: (element: Element) => boolean) {
    const options = { capture: true, passive: true, signal: this.off.signal };
    for (const name of EVENTS) {
      document.addEventListener(
        name,
        (event) => {
          if (!event.isTrusted || this.depth > 0) return;
          if (event instanceof KeyboardEvent && (QUIET.has(event.key) || ((event.ctrlKey || event.metaKey) && /^[ac]$/i.test(event.key)))) return;
          const field = composer();
          if (field && event.target instanceof Node && field.contains(event.target)) this.typed = performance.now();
        },
        options,
      );
    }
    document.addEventListener(
      "click",
      (event) => {
        if (event.isTrusted && event.target instanceof Element && isStop(event.target)) this.stopped = Date.now();
      },
      options,
    );
  }

  /** Runs what changes the composer by our own hand. It must not wait for anything. */
  ours<T>(act: () => T): T {
    this.depth++;
    try {
      return act();
    } finally {
      this.depth--;
    }
  }

  typedSince(moment: number): boolean {
    return this.typed >= moment;
  }

  close(): void {
    this.off.abort();
  }
}
