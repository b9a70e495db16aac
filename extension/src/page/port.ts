import { PAGE_PORT } from "../messages";
import type { FromPage, ToPage } from "../messages";

/** A port that held for so long was a good one: the next one is opened at once. */
const GOOD_MS = 5_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/** The way to the background. It breaks whenever the background dies, and is opened again, which also wakes it. */
export class Line {
  private port: chrome.runtime.Port | null = null;
  private delay = 0;
  private due = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    private readonly opened: () => void,
    private readonly heard: (message: ToPage) => void,
    /** This script is an orphan: the extension was updated or removed, and nothing of it can be reached any more. */
    private readonly orphaned: () => void,
  ) {
    this.open();
    // A page in the back/forward cache has its port cut, and runs no timers until it is shown again.
    window.addEventListener("pageshow", (event) => event.persisted && !this.port && this.open());
  }

  /** What cannot be said now is not kept: whoever listens next asks again. */
  post(message: FromPage): void {
    // In a hidden tab the timer may come a minute late.
    if (!this.port && performance.now() >= this.due) this.open();
    try {
      this.port?.postMessage(message);
    } catch {
      this.broken();
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.port?.disconnect();
    this.port = null;
  }

  private open(): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    if (!chrome.runtime?.id) return this.orphan();
    let port: chrome.runtime.Port;
    try {
      port = chrome.runtime.connect({ name: PAGE_PORT });
    } catch {
      return chrome.runtime?.id ? this.broken() : this.orphan();
    }
    this.port = port;
    const since = performance.now();
    port.onMessage.addListener((message: ToPage) => this.port === port && this.heard(message));
    port.onDisconnect.addListener(() => {
      void chrome.runtime?.lastError; // read, so that it is not logged as unseen
      if (this.port !== port) return;
      if (performance.now() - since > GOOD_MS) this.delay = 0;
      this.broken();
    });
    this.opened();
  }

  private broken(): void {
    this.port = null;
    if (this.closed) return;
    clearTimeout(this.timer);
    const { delay } = this;
    this.delay = Math.min(Math.max(FIRST_DELAY_MS, delay * 2), LONGEST_DELAY_MS);
    this.due = performance.now() + delay;
    if (delay === 0) this.open();
    else this.timer = setTimeout(() => this.open(), delay);
  }

  private orphan(): void {
    if (this.closed) return;
    this.close();
    this.orphaned();
  }
}
