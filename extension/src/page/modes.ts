import type { ResponseType, ThinkingTime } from "../messages";
import type { Picker, Tier } from "../pack/types";
import { Failure } from "./failure";
import type { Finder } from "./find";
import type { Pickers, Seen } from "./picker";
import { unavailable } from "./picker";

/** What to have of a picker for a request; null: leave it as it is. */
export function wantedTier(type: ResponseType, time: ThinkingTime): Tier | null {
  if (type === "auto") return null;
  return type === "instant" ? "instant" : time;
}

/**
 * Sets how hard the site thinks, and reads back what is set. `auto` touches nothing, so that it never depends on a
 * picker, but for undoing what an earlier request of this page set: an expensive mode must not leak into the next one.
 */
export class Modes {
  /** What stood there before this page's first change; undefined: nothing was changed. */
  private before: Tier | null | undefined;

  constructor(
    private readonly finder: Finder,
    private readonly pickers: Pickers,
  ) {}

  /** Returns what is set then, for mode_used. Throws Failure mode_unavailable rather than settle for another mode. */
  async set(type: ResponseType, time: ThinkingTime, signal: AbortSignal): Promise<string> {
    const wanted = wantedTier(type, time);
    if (wanted === null) {
      await this.restore(signal);
      return "auto";
    }
    const all = this.finder.pack.pickers;
    const seen = await this.change(all, wanted, signal);
    if (!seen) throw unavailable("The page offers no choice that the extension knows.");
    if (this.before === undefined && seen.now !== wanted) this.before = seen.now;
    return wanted;
  }

  /** Puts back what stood there before this page's own changes; where it cannot be, the page is left as it is. */
  async restore(signal: AbortSignal): Promise<void> {
    const { before } = this;
    this.before = undefined;
    if (before === undefined || before === null) return;
    try {
      await this.change(this.finder.pack.pickers, before, signal);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }

  /** Sets a tier and reads it back. Returns what was seen before; null where no such picker is there. */
  private async change(all: readonly Picker[], wanted: Tier, signal: AbortSignal): Promise<Seen | null> {
    const seen = await this.pickers.open(all, signal);
    if (!seen) return null;
    const { effort } = seen.picker;
    const first = effort && wanted === "extended" ? "standard" : wanted;
    try {
      if (seen.now !== first) await this.pickers.choose(seen, first, signal);
    } finally {
      await this.pickers.shut(seen.picker);
    }
    if (seen.now !== first) {
      const after = await this.pickers.open([seen.picker], signal);
      if (after) await this.pickers.shut(after.picker);
      if (after?.now !== first) throw unavailable(`The page shows ${after?.now ?? "nothing"} after ${first} was chosen.`);
    }
    if (effort && (wanted === "standard" || wanted === "extended")) {
      const second = await this.change([effort], wanted, signal);
      // Without a choice of efforts thinking is the standard one.
      if (!second && wanted === "extended") throw unavailable();
    }
    return seen;
  }
}
