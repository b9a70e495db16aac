// Asks a page what all its hooks find.

import type { DoctorReport, Hook, ToPage } from "../messages";

/** A page that is still loading may take this long. */
const WITHIN_MS = 20_000;

export class Doctor {
  private readonly asked = new Map<string, (hooks: Hook[] | null) => void>();
  /** Questions that wait for any page. */
  private readonly unplaced = new Set<string>();

  constructor(private readonly tell: (tab: number, m: ToPage) => void) {}

  /** tab: undefined asks the next page that has loaded. null: none did, or it did not answer. */
  examine(tab: number | undefined): Promise<Hook[] | null> {
    const id = crypto.randomUUID();
    return new Promise((resolve) => {
      const late = setTimeout(() => this.done(id, null), WITHIN_MS);
      this.asked.set(id, (hooks) => {
        clearTimeout(late);
        resolve(hooks);
      });
      if (tab === undefined) this.unplaced.add(id);
      else this.tell(tab, { type: "doctor", id });
    });
  }

  loaded(tab: number): void {
    for (const id of this.unplaced) this.tell(tab, { type: "doctor", id });
    this.unplaced.clear();
  }

  reported(m: DoctorReport): void {
    this.done(m.id, m.hooks);
  }

  private done(id: string, hooks: Hook[] | null): void {
    this.asked.get(id)?.(hooks);
    this.asked.delete(id);
    this.unplaced.delete(id);
  }
}
