import type { Changes } from "./wait";
import { nextTask } from "./wait";
import { bones, lines } from "./text";
import { chunks, clearText, holds, insertPiece, isEmpty, readText, waysFor } from "./editor";
import type { Way } from "./editor";
import { Failure, SENTENCES } from "./failure";
import type { Finder } from "./find";
import type { Person } from "./person";

/** How long a draft, an attachment or a person at the keyboard is waited for. */
const DRAFT_MS = 30_000;
/** How often the text is put in anew where the page put up its editor again meanwhile. */
const TRIES = 4;
/** An editor that takes its input in later, and has not moved for so long, is done. */
const SETTLE_MS = 2_000;
/** For what the page does next; in a hidden tab it comes at the page's own slow pace. */
const AFTER_MS = 60;
/** No editor that works takes longer for the longest message. */
const WRITE_MS = 60_000;

/** Puts texts into the composer, exactly or not at all. Never touches what somebody else wrote there. */
export class Composer {
  constructor(
    private readonly finder: Finder,
    private readonly person: Person,
    private readonly changes: Changes,
    private readonly firefox: boolean,
  ) {}

  /** The text is going in. */
  private writing = false;
  /** Editors that have kept a text, and how long it was: they are past putting themselves up anew, or cutting that much. */
  private readonly proven = new WeakMap<Element, number>();

  /** As hasDraft, but our own text may be there by half. */
  hasForeignDraft(ours: string | null): boolean {
    return !this.writing && this.hasDraft(ours);
  }

  /** Someone else's text or files are there. `ours`: the text that may be. */
  hasDraft(ours: string | null): boolean {
    const composer = this.finder.composer();
    if (!composer) return false;
    if (this.finder.find("attachment")) return true;
    return !isEmpty(composer) && !(ours !== null && holds(composer, ours));
  }

  holds(text: string): boolean {
    const composer = this.finder.composer();
    return composer !== null && holds(composer, text);
  }

  /** Waits for the composer, and for a draft in it to go; then puts the text in. Throws Failure; Given when aborted. */
  async write(text: string, signal: AbortSignal): Promise<void> {
    await this.waitForRoom(text, signal);
    if (this.holds(text)) return;
    let tries = 0;
    let refused = 0;
    const ways = waysFor(this.here(), this.firefox, text);
    while (tries++ < TRIES && refused < ways.length) {
      const outcome = await this.try(text, ways[refused] as Way, signal);
      if (outcome === "done") return;
      if (outcome === "person") {
        // Only one's own text is taken out; what is mixed with theirs stays until they have sent or cleared it.
        if (this.holds(text)) this.clear();
        await this.waitForRoom(text, signal);
      } else if (outcome === "other") {
        refused++;
        this.clearWhatIsOurs(text);
        await nextTask();
        await this.waitForRoom(text, signal);
      } else await this.waitForRoom(text, signal);
    }
    this.takeBack(text);
    throw new Failure("page_changed", "The composer did not take the text exactly as it was given. Nothing was sent.");
  }

  /** Takes the text out if it is still exactly this one. */
  takeBack(text: string): void {
    if (this.holds(text)) this.clear();
  }

  private async try(text: string, way: Way, signal: AbortSignal): Promise<"done" | "person" | "again" | "other"> {
    this.writing = true;
    try {
      return await this.insert(text, way, signal);
    } finally {
      this.writing = false;
    }
  }

  private async insert(text: string, way: Way, signal: AbortSignal): Promise<"done" | "person" | "again" | "other"> {
    const began = performance.now();
    const composer = this.here();
    let soFar = "";
    for (const piece of chunks(lines(text), way)) {
      signal.throwIfAborted();
      if (this.person.typedSince(began)) return this.backOff(composer, soFar);
      if (!composer.isConnected || this.finder.composer() !== composer) return "again";
      this.person.ours(() => insertPiece(composer, piece, way));
      this.finder.forget();
      soFar += piece;
      await nextTask();
    }
    let length = -1;
    let grew = performance.now();
    const settled = await this.changes.until<"person" | "again" | "done" | "still">(
      () => {
        if (this.person.typedSince(began)) return "person";
        if (!composer.isConnected || this.finder.composer() !== composer) return "again";
        if (holds(composer, text)) return "done";
        const now = readText(composer).length;
        if (now !== length) [length, grew] = [now, performance.now()];
        return performance.now() - grew > SETTLE_MS ? "still" : null;
      },
      WRITE_MS,
      signal,
    );
    if (settled === "person") return this.backOff(composer, soFar);
    // The page may do something about what it was given with its next task: put its editor up anew, or cut the text.
    if (settled === "done") {
      if ((this.proven.get(composer) ?? 0) >= text.length) return "done";
      await this.changes.pause(AFTER_MS, signal);
      if (this.person.typedSince(began)) return this.backOff(composer, soFar);
      if (!composer.isConnected || this.finder.composer() !== composer) return "again";
      if (holds(composer, text)) {
        this.proven.set(composer, text.length);
        return "done";
      }
    }
    if (settled === "again") return settled;
    const found = readText(composer);
    if (found !== "" && found.length < text.length && lines(text).startsWith(found)) {
      this.clearWhatIsOurs(text);
      throw new Failure("too_long", `The composer took only ${found.length} of ${text.length} characters. Shorten the message. Nothing was sent.`);
    }
    return "other";
  }

  /** The beginning of our text with other line ends is ours; anything else, such as a draft the page brought back, is not. */
  private clearWhatIsOurs(text: string): void {
    const composer = this.finder.composer();
    if (composer && bones(text).startsWith(bones(readText(composer)))) this.clear();
  }

  private backOff(composer: HTMLElement, soFar: string): "person" {
    if (composer.isConnected && holds(composer, soFar)) this.clear();
    return "person";
  }

  private async waitForRoom(text: string, signal: AbortSignal): Promise<void> {
    const free = await this.changes.until(() => this.finder.composer() !== null && !this.hasDraft(text), DRAFT_MS, signal);
    if (free) return;
    if (!this.finder.composer()) throw new Failure("page_changed", SENTENCES.page_changed);
    throw new Failure("worker_error", "A draft of somebody else stands in the composer of the extension's tab and was left alone. Send or clear it there. Nothing was sent.");
  }

  private clear(): void {
    const composer = this.finder.composer();
    if (composer) this.person.ours(() => clearText(composer));
    this.finder.forget();
  }

  private here(): HTMLElement {
    const composer = this.finder.composer();
    if (!composer) throw new Failure("page_changed", SENTENCES.page_changed);
    return composer;
  }
}
