import { matchPaths } from "../pack/paths";
import type { Evidence, TroubleCode } from "../pack/types";
import type { Finder } from "./find";
import { textWithout } from "./find";
import { plain } from "./text";
import { secondsUntil } from "./when";

export interface Trouble {
  code: TroubleCode;
  /** The evidence's name in the pack. */
  name: string;
  /** Seconds from now, where the page tells it. */
  retryAfter: number | null;
}

/** Looks for the pack's evidence of trouble. It only looks: nothing is evaded or clicked away. */
export class Troubles {
  /** Since when each evidence has held, by performance.now(). */
  private readonly since = new Map<string, number>();

  constructor(
    private readonly finder: Finder,
    private readonly location: Location,
  ) {}

  /** All trouble that has held long enough, in the pack's order. */
  look(): Trouble[] {
    const found: Trouble[] = [];
    const now = performance.now();
    for (const evidence of this.finder.pack.trouble) {
      const proof = this.holds(evidence);
      if (!proof) {
        this.since.delete(evidence.name);
        continue;
      }
      const since = this.since.get(evidence.name) ?? now;
      this.since.set(evidence.name, since);
      if (now - since >= (evidence.for_ms ?? 0)) found.push({ code: evidence.code, name: evidence.name, retryAfter: this.retryAfter(evidence, proof.element) });
    }
    return found;
  }

  /** Whether some evidence holds, if not yet long enough to be believed. */
  get suspects(): boolean {
    return this.since.size > 0;
  }

  private holds(evidence: Evidence): { element: Element | null } | null {
    const { host, path, title, find, none, shorter_than } = evidence;
    const { document } = this.finder;
    if (!host && !path && !title && !find) return null;
    if (host && !host.includes(this.location.hostname)) return null;
    if (path && !matchPaths(path, this.location.pathname)) return null;
    if (title && !title.some((word) => plain(document.title).includes(word))) return null;
    if (shorter_than !== undefined && (document.body?.textContent ?? "").length >= shorter_than) return null;
    const { composer } = this.finder.context();
    // What a turn or the composer says is the chat's content, and no notice of the page's.
    const outside = (element: Element): boolean => !this.finder.turnOf(element) && !composer?.contains(element);
    if (none && this.finder.byAlternatives(none, document, () => true).length > 0) return null;
    if (!find) return { element: null };
    const element = this.finder.byAlternatives(find, document, outside, composer)[0]?.element;
    return element ? { element } : null;
  }

  private retryAfter(evidence: Evidence, element: Element | null): number | null {
    if (!element || !evidence.when) return null;
    const { composer } = this.finder.context();
    return secondsUntil(plain(textWithout(element, composer)), evidence.when, this.finder.pack.units, new Date(), (rule) => {
      const at = rule.css ? this.finder.byAlternatives([{ css: rule.css }], element, () => true)[0]?.element : element;
      return at?.getAttribute(rule.attribute ?? "datetime") ?? null;
    });
  }
}
