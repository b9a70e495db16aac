// The popup and the options page: what they are shown, and what people ask for there.

import { VIEW_PORT, type Command, type ToView, type View } from "../view";

/** Changes that come together are shown together. */
const SHOW_AFTER_MS = 50;

export interface ViewsEnv {
  /** Runs something once the background has started. */
  then(what: () => unknown): Promise<void>;
  view(): View;
  command(c: Command, reply: (m: ToView) => void): Promise<void>;
}

export class Views {
  private readonly ports = new Set<chrome.runtime.Port>();
  private due: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly env: ViewsEnv) {}

  connect(port: chrome.runtime.Port): void {
    if (port.name !== VIEW_PORT || !port.sender?.url?.startsWith(chrome.runtime.getURL(""))) return;
    this.ports.add(port);
    port.onDisconnect.addListener(() => this.ports.delete(port));
    const reply = (m: ToView): void => {
      if (this.ports.has(port)) port.postMessage(m);
    };
    port.onMessage.addListener((c: Command) => void this.env.then(() => this.env.command(c, reply)));
    void this.env.then(() => reply({ type: "view", view: this.env.view() }));
  }

  /** Something that is shown has changed. */
  show(): void {
    if (this.due !== null) return;
    this.due = setTimeout(() => {
      this.due = null;
      const view = this.env.view();
      for (const port of this.ports) port.postMessage({ type: "view", view } satisfies ToView);
      const quiet = view.condition === "ready" || view.condition === "working" || view.condition === "limited" || view.condition === "paused";
      const text = quiet ? "" : view.condition === "connecting" || view.condition === "away" ? "…" : "!";
      void chrome.action.setBadgeText({ text });
    }, SHOW_AFTER_MS);
  }
}
