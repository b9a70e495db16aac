// What was written and not sent, kept over everything. Each tab writes under a name of its own, so that two tabs of one chat never
// write over one another; a chat that is opened shows the tab's own draft, else the newest of the others, which it only takes over
// once something is written here.
import { type ReadonlySignal, signal } from "@preact/signals";
import { freshToken } from "../shared/random";
import { local, type Memory, session } from "../shared/storage";

/** Longer drafts (UTF-16 units) are stored a moment after the last key, and not with each: writing a megabyte takes time. */
const LONG = 20_000;
const LATER = 400; // milliseconds

/** Drafts that nobody touched for so long are removed. Milliseconds: 90 days. */
const KEPT_FOR = 90 * 86_400_000;

const PREFIX = "chatbridge.draft.";
const TAB = "chatbridge.tab";

interface Kept {
  text: string;
  /** When it was written last. */
  at: number;
}

/** The drafts of one tab. */
export class Drafts {
  private readonly shown = signal("");
  private chat: string | null = null;
  /** Something was written here since the chat was opened, so what other tabs do changes nothing here. */
  private own = false;
  /** The draft of another tab that is shown here. */
  private taken: { name: string; text: string } | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly shelf: Memory,
    private tab: string,
    /** Makes this tab another name, where a copy of the tab goes by the same. */
    private readonly rename: () => string,
    private readonly now: () => number = Date.now,
  ) {
    for (const name of shelf.names()) if (name.startsWith(PREFIX) && (this.read(name)?.at ?? now()) < now() - KEPT_FOR) shelf.remove(name);
  }

  /** The text in the composer. */
  get text(): ReadonlySignal<string> {
    return this.shown;
  }

  /** Shows what was written in a chat and not sent; null: in a new chat. */
  open(chat: string | null): void {
    this.flush();
    this.chat = chat;
    this.look();
  }

  /** Keeps the text of the open chat's composer. */
  write(text: string): void {
    this.shown.value = text;
    this.own = true;
    clearTimeout(this.timer);
    if (text.length > LONG) this.timer = setTimeout(() => this.flush(), LATER);
    else this.store();
  }

  /** Stores at once what waits to be stored. */
  flush(): void {
    if (this.timer === undefined) return;
    this.store();
  }

  /** The text of a chat has been sent. The composer is emptied if it still shows it. */
  sent(chat: string | null, text: string): void {
    if (this.chat === chat && this.shown.peek() === text) {
      this.write("");
      this.own = false;
    } else if (this.read(this.nameOf(chat))?.text === text) {
      this.shelf.remove(this.nameOf(chat));
    }
  }

  /** The new chat that is open has got its id. What is in the composer goes on with it. */
  named(chat: string): void {
    const text = this.shown.peek();
    const own = this.own && text !== "";
    if (own) this.write("");
    this.chat = chat;
    if (own) this.write(text);
    else this.look();
  }

  /** Another tab has changed what is kept under a name. */
  changed(name: string | null, value: string | null): void {
    if (name === null) return;
    if (name === this.nameOf(this.chat)) {
      // Browsers copy a tab with its memory, so a copy goes by the same name; and who took this tab for closed took its draft.
      if (value !== null) this.tab = this.rename();
      if (this.own && this.shown.peek() !== "") this.store();
    } else if (!this.own && name === this.taken?.name) {
      this.look();
    }
  }

  private look(): void {
    const mine = this.read(this.nameOf(this.chat));
    this.own = mine !== null;
    this.taken = null;
    let text = mine?.text ?? "";
    if (!mine) {
      let newest = -Infinity;
      for (const name of this.shelf.names()) {
        const kept = name.startsWith(prefixOf(this.chat)) ? this.read(name) : null;
        if (!kept || kept.at <= newest) continue;
        newest = kept.at;
        text = kept.text;
        this.taken = { name, text };
      }
    }
    this.shown.value = text;
  }

  private store(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const name = this.nameOf(this.chat);
    const text = this.shown.peek();
    if (text === "") this.shelf.remove(name);
    else this.shelf.set(name, JSON.stringify({ text, at: this.now() } satisfies Kept));
    // What is written on, or thrown away, here is no longer the other tab's. If that is still open, it puts it back.
    if (this.taken && this.read(this.taken.name)?.text === this.taken.text) this.shelf.remove(this.taken.name);
    this.taken = null;
  }

  private nameOf(chat: string | null): string {
    return prefixOf(chat) + this.tab;
  }

  private read(name: string): Kept | null {
    try {
      const kept = JSON.parse(this.shelf.get(name) ?? "null") as Kept | null;
      return typeof kept?.text === "string" ? kept : null;
    } catch {
      return null;
    }
  }
}

function prefixOf(chat: string | null): string {
  return `${PREFIX}${encodeURIComponent(chat ?? "new")}:`;
}

/** The browser's storage; where it is forbidden or full, that of the tab. */
const browser: Memory = {
  get: (name) => local.get(name) ?? session.get(name),
  set(name, value) {
    local.set(name, value);
    if (local.get(name) === value) session.remove(name);
    else session.set(name, value);
  },
  remove(name) {
    local.remove(name);
    session.remove(name);
  },
  names: () => [...new Set([...local.names(), ...session.names()])],
};

function freshTab(): string {
  const tab = freshToken().slice(0, 12);
  session.set(TAB, tab);
  return tab;
}

/** The drafts of this tab; `start` must be called once. */
export const drafts = new Drafts(browser, session.get(TAB) ?? freshTab(), freshTab);

/** The text in the composer. */
export const draft = drafts.text;

/** Listens to the other tabs, and stores what waits when the page goes. */
export function keepDrafts(): void {
  addEventListener("storage", (event) => drafts.changed(event.key, event.newValue));
  addEventListener("pagehide", () => drafts.flush());
  document.addEventListener("visibilitychange", () => drafts.flush());
}
