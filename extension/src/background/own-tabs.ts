// Which tabs are ours, kept over the background's death, and by a token over a restart of the browser.

import type { State } from "./state";
import type { KeptTab, Store } from "./store";
import * as tabs from "./tabs";

export class OwnTabs {
  private readonly tokens = new Map<number, string>();
  /** Ours before the browser was restarted, and not found yet. */
  private missing: KeptTab[] = [];
  private saved = "[]";

  constructor(private readonly store: Pick<Store, "saveTabs">) {}

  /** Finds again what was kept. fresh: the browser itself was started anew, and ids mean nothing any more. */
  async recover(kept: KeptTab[], fresh: boolean): Promise<KeptTab[]> {
    const found = await tabs.recover(kept, fresh);
    for (const tab of found) this.tokens.set(tab.id, tab.token);
    this.missing = fresh ? kept.filter((k) => !found.some((f) => f.token === k.token)) : [];
    return found;
  }

  /** A restored session brings our tabs back when it likes: whether this is one of those. */
  async isFoundAgain(id: number): Promise<boolean> {
    if (this.missing.length === 0) return false;
    const token = await tabs.tokenOf(id);
    const match = this.missing.find((k) => k.token === token);
    if (!match) return false;
    this.missing = this.missing.filter((k) => k !== match);
    this.tokens.set(id, match.token);
    return true;
  }

  replaced(tab: number, by: number): void {
    const token = this.tokens.get(tab);
    if (token) this.tokens.set(by, token);
  }

  /** Writes down which tabs there are and what they work on, if that has changed. */
  async save(own: State["tabs"]): Promise<void> {
    const list: KeptTab[] = [...own.values()].map(({ id, url, use }) => {
      let token = this.tokens.get(id);
      if (!token) this.tokens.set(id, (token = crypto.randomUUID()));
      return { id, url, use, token };
    });
    const json = JSON.stringify(list);
    if (json === this.saved) return;
    await this.store.saveTabs(list).then(() => (this.saved = json), () => undefined); // a tab too many at worst
  }

  /** Puts the token into a tab's page. */
  mark(id: number): void {
    const token = this.tokens.get(id);
    if (token) void tabs.mark(id, token);
  }
}
