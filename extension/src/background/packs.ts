// Which selector pack is used: the extension's own, or a newer one that came from the bridge. A signed one is taken at
// once, another waits for one click of a person, and none that validation refuses is ever kept.

import { defaultPack } from "../pack/default";
import { isSigned } from "../pack/signature";
import type { Pack } from "../pack/types";
import { validatePack } from "../pack/validate";
import type { KeptPacks } from "./store";

export class Packs {
  current: Pack = defaultPack;
  waiting: Pack | null = null;
  /** The newest version that a person declined: the bridge offers it at each connect. */
  private declined = 0;

  constructor(
    private readonly store: (kept: KeptPacks) => Promise<void>,
    private readonly changed: (pack: Pack) => void,
    private readonly note: (text: string) => void,
    private readonly publicKey: string,
  ) {}

  /** Takes up what was kept, checked anew: an update of the extension may know better. */
  restore(kept: KeptPacks): void {
    const pack = kept.pack === null ? null : validatePack(kept.pack);
    if (pack?.ok && pack.pack.version > defaultPack.version) this.current = pack.pack;
    const waiting = kept.waiting === null ? null : validatePack(kept.waiting);
    if (waiting?.ok && waiting.pack.version > this.current.version) this.waiting = waiting.pack;
    this.declined = kept.declined;
  }

  get newer(): boolean {
    return this.current !== defaultPack;
  }

  async offer(json: unknown): Promise<void> {
    if (json === null || json === undefined) return;
    const verdict = validatePack(json);
    if (!verdict.ok) return this.note(`A selector pack was refused: ${verdict.reason}.`);
    const pack = verdict.pack;
    if (pack.version <= this.current.version) return;
    if (await isSigned(pack, this.publicKey)) return this.use(pack, "signed");
    if (pack.version <= Math.max(this.declined, this.waiting?.version ?? 0)) return;
    this.waiting = pack;
    this.note(`Selector pack ${pack.version} waits for your consent.`);
    await this.save();
  }

  /** What a person said of the waiting pack. */
  async decide(take: boolean): Promise<void> {
    const pack = this.waiting;
    if (!pack) return;
    if (take) return this.use(pack, "allowed by you");
    this.waiting = null;
    this.declined = pack.version;
    this.note(`Selector pack ${pack.version} was declined.`);
    await this.save();
  }

  private async use(pack: Pack, why: string): Promise<void> {
    this.current = pack;
    if (this.waiting && this.waiting.version <= pack.version) this.waiting = null;
    this.changed(pack);
    this.note(`Selector pack ${pack.version} is in use (${why}).`);
    await this.save();
  }

  private save(): Promise<void> {
    return this.store({ pack: this.newer ? this.current : null, waiting: this.waiting, declined: this.declined });
  }
}
