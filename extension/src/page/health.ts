import type { ErrorCode, Health } from "../messages";
import type { Composer } from "./composer";
import { covered } from "./cover";
import { LOAD_MS } from "./attempt";
import type { Attempts } from "./attempt";
import type { Finder } from "./find";
import type { Troubles } from "./trouble";
import type { Changes } from "./wait";

/** How often changes of the page are looked at for trouble. */
const GAP_MS = 500;
/** How often without any change. */
const IDLE_MS = 5_000;
/** What passes sooner is the page putting itself up anew. */
const BAD_MS = 5_000;
/** A limit whose end the page does not tell, in seconds: as long as the bridge takes for it. */
const LIMIT_S = 900;
/** Trouble of one message or chat says nothing of the page's health. */
const ABOUT_PAGE = new Set<ErrorCode>(["logged_out", "challenge", "rate_limited"]);

/** Tells how the page is, as soon as that can be said, and when it changes. */
export class HealthTeller {
  private told = "";
  private readonly began = performance.now();
  private loaded: number | null = null;
  private badSince: number | null = null;
  private wasWell = false;
  private admitted = false;
  private limit: { name: string; until: number } | null = null;
  private readonly off: () => void;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly finder: Finder,
    private readonly troubles: Troubles,
    private readonly composer: Composer,
    changes: Changes,
    private readonly attempts: Pick<Attempts, "ours" | "limitedUntil">,
    private readonly post: (health: Health) => void,
  ) {
    this.off = changes.throttled(() => this.look(), () => GAP_MS);
    this.timer = setInterval(() => this.look(), IDLE_MS);
  }

  close(): void {
    this.off();
    clearInterval(this.timer);
  }

  /** Says it again: somebody new listens. */
  again(): void {
    this.told = "";
    this.look();
  }

  /** An attempt has just failed for the page's sake: then it is told at once, so that its getting well can be told too. */
  admit(): void {
    this.admitted = true;
    this.look();
  }

  look(): void {
    const health = this.judge();
    if (!health) return;
    const text = JSON.stringify(health);
    if (text === this.told) return;
    this.told = text;
    this.post(health);
  }

  /** Null while it cannot be said yet. */
  private judge(): Health | null {
    const { finder } = this;
    const now = performance.now();
    if (finder.document.readyState !== "loading") this.loaded ??= now;
    const trouble = this.troubles.look().find(({ code }) => ABOUT_PAGE.has(code)) ?? null;
    const seen = finder.composer() !== null && finder.find("account") !== null;
    const well = seen && !trouble && !covered(finder);
    this.badSince = well ? null : (this.badSince ?? now);
    if (well) this.wasWell = true;
    const patience = this.wasWell ? BAD_MS : LOAD_MS;
    const since = Math.max(this.badSince ?? now, this.wasWell ? 0 : (this.loaded ?? now), this.began);
    if (well || trouble) this.admitted = false;
    // What may turn out to be trouble is waited for: it says more than that something is missing.
    if (!well && !trouble && (this.troubles.suspects || (!this.admitted && now - since < patience))) return null;
    const limited = this.limitOf(trouble);
    const over = trouble?.code === "rate_limited" && limited === null;
    const code: ErrorCode | null = trouble && !over ? trouble.code : well ? null : "page_changed";
    const draft = this.composer.hasForeignDraft(this.attempts.ours);
    return {
      type: "health",
      logged_in: code !== "logged_out",
      // Who is logged out or limited sees the page that we know.
      page_ok: well || code === "logged_out" || code === "rate_limited",
      limited_until: limited,
      matched: { ...finder.matched },
      trouble: code,
      ...(draft ? { draft: true } : {}),
    };
  }

  /** The end is reckoned from when the notice came, since its words stay as they were; null once it is past. */
  private limitOf(trouble: { name: string; code: string; retryAfter: number | null } | null): string | null {
    if (trouble?.code !== "rate_limited") {
      this.limit = null;
      return null;
    }
    if (this.limit?.name !== trouble.name) this.limit = { name: trouble.name, until: 0 };
    const { retryAfter } = trouble;
    // What the site said in its refusal is the better word on the same limit.
    const said = this.attempts.limitedUntil;
    if (said !== null) this.limit.until = said;
    else if (this.limit.until === 0) this.limit.until = Date.now() + (retryAfter ?? LIMIT_S) * 1000;
    return this.limit.until > Date.now() ? new Date(Math.ceil(this.limit.until / 1000) * 1000).toISOString() : null;
  }
}
