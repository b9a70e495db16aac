// The pages of the site that have our content script, ours or a person's, and what is said on their ports.

import { PAGE_PORT, type DoctorReport, type FromPage, type Health, type Hello, type PageNews, type ToPage, type Wake } from "../messages";
import { SITE } from "./address";
import { isObject } from "./wire";

interface Page {
  port: chrome.runtime.Port;
  url: string;
  /** What it said last, for when it turns out to be ours. */
  health: Health | null;
}

export interface PagesEnv {
  /** Runs something once the background has started. */
  then(what: () => unknown): Promise<void>;
  /** A page has said hello; what is done here is waited for before anything else that it says. */
  greeted(tab: number, hello: Hello): Promise<void>;
  gone(tab: number): void;
  said(tab: number, news: PageNews): void;
  /** It told its health for the first time: there is something to be found in it now. */
  loaded(tab: number): void;
  reported(report: DoctorReport): void;
}

export class Pages {
  private readonly pages = new Map<number, Page>();

  constructor(private readonly env: PagesEnv) {}

  has(tab: number): boolean {
    return this.pages.has(tab);
  }

  get any(): boolean {
    return this.pages.size > 0;
  }

  /** The tabs whose page has loaded: a page says its health first then. */
  get loaded(): number[] {
    return [...this.pages].flatMap(([tab, page]) => (page.health ? [tab] : []));
  }

  /** Where a page is and how it is, as far as it has said. */
  known(tab: number): Pick<Page, "url" | "health"> | undefined {
    return this.pages.get(tab);
  }

  /** What a page that is led elsewhere, or has gone, still says does not count. */
  forget(tab: number): void {
    this.pages.delete(tab);
  }

  tell(tab: number, m: ToPage): void {
    post(this.pages.get(tab)?.port, m);
  }

  tellAll(m: ToPage): void {
    for (const { port } of this.pages.values()) post(port, m);
  }

  connect(port: chrome.runtime.Port): void {
    const tab = port.sender?.tab?.id;
    if (port.name !== PAGE_PORT || tab === undefined || port.sender?.frameId !== 0 || !port.sender.url?.startsWith(`${SITE}/`)) return;
    let greeted = false;
    port.onMessage.addListener((m: FromPage) => {
      if (!isObject(m)) return;
      if (m.type === "wake") return wake(port, m);
      void this.env.then(() => {
        if (m.type !== "hello") return this.hear(tab, port, m);
        if (greeted) return;
        greeted = true;
        this.pages.set(tab, { port, url: m.url, health: null });
        return this.env.greeted(tab, m);
      });
    });
    port.onDisconnect.addListener(() => {
      void chrome.runtime.lastError; // why it went does not matter
      void this.env.then(() => {
        if (this.pages.get(tab)?.port !== port) return;
        this.pages.delete(tab);
        this.env.gone(tab);
      });
    });
  }

  private hear(tab: number, port: chrome.runtime.Port, m: PageNews | DoctorReport): void {
    const page = this.pages.get(tab);
    if (page?.port !== port) return;
    if (m.type === "doctor") return this.env.reported(m);
    if (m.type === "health") {
      if (!page.health) this.env.loaded(tab);
      page.health = m;
    }
    this.env.said(tab, m);
  }
}

/** Is the clock of a hidden page, whose own timers are held back. */
function wake(port: chrome.runtime.Port, { id, ms }: Wake): void {
  setTimeout(() => post(port, { type: "woke", id }), ms);
}

function post(port: chrome.runtime.Port | undefined, m: ToPage): void {
  try {
    port?.postMessage(m);
  } catch {
    // the port has just broken: its end is told, too
  }
}
