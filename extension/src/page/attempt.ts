import type { ErrorCode, FromPage, Prepare, Press, Ref, Watch } from "../messages";
import { Following } from "./answer";
import type { Outcome, Senses } from "./answer";
import type { Composer } from "./composer";
import { covered } from "./cover";
import { Failure, SENTENCES } from "./failure";
import { chatIdAt, isTemporary } from "./location";
import type { Modes } from "./modes";
import { press, ready } from "./press";
import { isFor } from "./stream/hub";
import { Turns } from "./turns";
import { Given, nextTask } from "./wait";

/** A page that has loaded shows who is logged in and a composer within this time, or it is another page than we know. */
export const LOAD_MS = 10_000;
/** From the start; a slow line loads slowly. */
const OPEN_MS = 45_000;
/** A dialog of the page's own may go by itself. */
const DIALOG_MS = 10_000;
/** Another answer that runs in this chat is waited for. */
const BUSY_MS = 120_000;
/** With the text in it the composer gets its button within this time. */
const BUTTON_MS = 10_000;
/** The stop button comes a moment after the press, and goes a moment after it was pressed. */
const STOP_MS = 3_000;

type Stage = "preparing" | "prepared" | "following" | "done";

interface Current {
  ref: Ref;
  message: string;
  stage: Stage;
  /** The press happened here, in this page's life, or `submitted` says that it may have happened before. */
  pressed: boolean;
  modeUsed: string | null;
  /** prepared: where the page was then. */
  place: string;
  control: AbortController;
  following: Following | null;
  outcome: Outcome | null;
  /** Somebody else sent our text: it must never be typed again. */
  spent: Failure | null;
  /** What it is doing; never rejects. */
  work: Promise<void>;
}

/** The page's side of attempts: one at a time. It keeps nothing over a reload; what must last is the background's. */
export class Attempts {
  private current: Current | null = null;
  /** When the limit ends that the site last spoke of in a refusal, by Date.now(). */
  limitedUntil: number | null = null;

  constructor(
    private readonly senses: Senses,
    private readonly composer: Composer,
    private readonly modes: Modes,
    private readonly post: (message: FromPage) => void,
    /** An attempt failed because the page is not as it should be. */
    private readonly unwell: () => void,
  ) {}

  /** Our text, which is no draft of anybody else's. */
  get ours(): string | null {
    return this.current && !this.current.pressed ? this.current.message : null;
  }

  /** Something is being done for an attempt, or may be yet. */
  get busy(): boolean {
    return this.current !== null;
  }

  prepare(m: Prepare): void {
    const { current } = this;
    if (current && isOf(current, m)) {
      if (current.spent) return this.failed(current.ref, current.spent.code, current.spent.detail);
      if (current.stage === "preparing") return;
      if (current.pressed) return void this.failed(current.ref, "worker_lost", "The send button was pressed for this attempt already. It was not pressed again.");
      if (current.stage === "prepared" && this.stillReady(current)) return this.post({ type: "prepared", ...current.ref, mode_used: current.modeUsed });
    }
    const next = this.begin(m, m.message);
    const before = current?.work;
    if (current) this.end(current, !isOf(current, m));
    next.work = this.run(next, async (signal) => {
      await before;
      signal.throwIfAborted();
      this.post({ type: "phase", ...next.ref, phase: "opening" });
      await this.open(m, signal);
      next.modeUsed = await this.modes.set(m.response_type, m.thinking_time, signal);
      this.post({ type: "phase", ...next.ref, phase: "typing" });
      this.watchForOthers(next);
      await this.composer.write(m.message, signal);
      await this.waitForButton(m.message, signal);
      next.place = this.place();
      next.stage = "prepared";
      this.post({ type: "prepared", ...next.ref, mode_used: next.modeUsed });
    });
  }

  press(m: Press): void {
    const { current } = this;
    if (!current || !isOf(current, m) || current.stage !== "prepared") {
      // An attempt that was pressed already is answered by what became of it.
      if (current && isOf(current, m) && current.pressed) return;
      return this.post({ type: "refused", ...refOf(m), code: "worker_error", detail: "The page no longer holds this message: it was loaded anew. Nothing was sent." });
    }
    const refusal = current.spent ?? this.refusal(current, m);
    if (refusal) {
      this.end(current, true);
      this.current = null;
      return this.post({ type: "refused", ...current.ref, code: refusal.code, detail: refusal.detail });
    }
    const before = Turns.keys(this.senses.finder);
    const pressedAt = Date.now();
    // From here on it counts as pressed, whatever the page does within the click.
    current.pressed = true;
    const failure = press(this.senses.finder, this.composer, current.message);
    if (failure) {
      current.pressed = false;
      this.end(current, true);
      this.current = null;
      return this.post({ type: "refused", ...current.ref, code: failure.code, detail: failure.detail });
    }
    this.post({ type: "pressed", ...current.ref });
    this.follow(current, chatIdAt(this.senses.window.location, this.senses.finder.pack), pressedAt, before);
  }

  watch(m: Watch): void {
    const { current } = this;
    if (current && isOf(current, m)) {
      if (current.spent) return this.failed(current.ref, current.spent.code, current.spent.detail);
      if (!current.pressed) {
        this.end(current, true);
        this.current = null;
        return this.failed(current.ref, "worker_lost", "The send button was not pressed: the extension was interrupted right before. Nothing was sent; send the message again.");
      }
      if (current.outcome) return this.tell(current, current.outcome);
      return current.following?.restart();
    }
    if (current) this.end(current, true);
    const next = this.begin(m, m.message);
    next.pressed = true;
    this.follow(next, m.chat_id, null, null);
  }

  async abandon(ref: Ref): Promise<void> {
    const { current } = this;
    if (!current || !isOf(current, ref)) return this.post({ type: "stopped", ...refOf(ref) });
    this.current = null;
    const ran = current.stage === "following";
    const pressed = current.pressed;
    current.control.abort(new Given("given up"));
    await current.work;
    if (!pressed) this.takeBack(current);
    else if (ran) await this.pressStop();
    this.post({ type: "stopped", ...current.ref });
  }

  close(): void {
    this.current?.control.abort(new Given("closed"));
  }

  // ---- before the press

  private begin(ref: Ref, message: string): Current {
    this.current = { ref: refOf(ref), message, stage: "preparing", pressed: false, modeUsed: null, place: "", control: new AbortController(), following: null, outcome: null, spent: null, work: Promise.resolve() };
    return this.current;
  }

  /** Runs a step of an attempt; what it throws becomes its end. */
  private async run(current: Current, step: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await step(current.control.signal);
    } catch (error) {
      if (error instanceof Given || current.control.signal.aborted) return;
      const failure = error instanceof Failure ? error : new Failure("worker_error", `The extension's page script failed: ${String(error)}. Nothing was sent.`);
      this.takeBack(current);
      if (this.current === current) this.current = null;
      this.failed(current.ref, failure.code, failure.detail, failure.retryAfter);
      if (failure.code === "page_changed") this.unwell();
    }
  }

  /** Waits until the page is the right one, ready, and nobody else's. */
  private async open(m: Prepare, signal: AbortSignal): Promise<void> {
    const { changes, finder, troubles, window } = this.senses;
    let lost = performance.now();
    let missing = performance.now();
    const look = (): true | null => {
      const trouble = troubles.look().find(({ code }) => code !== "too_long" && code !== "mode_unavailable");
      if (trouble) throw new Failure(trouble.code, SENTENCES[trouble.code], trouble.retryAfter);
      const now = performance.now();
      if (window.document.readyState === "loading" || troubles.suspects) missing = now;
      if (!finder.composer() || !finder.find("account")) {
        if (now - missing > LOAD_MS) throw new Failure("page_changed", SENTENCES.page_changed);
        return null;
      }
      missing = now;
      if (this.isThere(m)) return true;
      // The page goes elsewhere by itself when it does not have the chat.
      if (m.chat_id === null || this.place() === `/c/${m.chat_id}`) lost = now;
      else if (now - lost > LOAD_MS / 2) throw new Failure("chat_not_found", SENTENCES.chat_not_found);
      return null;
    };
    if (!(await changes.until(look, OPEN_MS, signal))) throw new Failure("page_changed", m.chat_id === null ? SENTENCES.page_changed : `The chat did not load. ${SENTENCES.page_changed}`);
    if (!(await changes.until(() => !covered(finder), DIALOG_MS, signal))) throw new Failure("page_changed", "A dialog covers the chat page. Answer it there. Nothing was sent.");
    if (!(await changes.until(() => !finder.find("stop"), BUSY_MS, signal))) throw new Failure("worker_error", "Another answer runs in this chat, and did not end. Nothing was sent.");
  }

  private isThere(m: Prepare): boolean {
    const { finder, window } = this.senses;
    const id = chatIdAt(window.location, finder.pack);
    const turns = finder.find("turn") !== null;
    if (m.chat_id !== null) return id === m.chat_id && (turns || this.isReadBack(m.chat_id));
    return id === null && !turns && isTemporary(window.location) === m.temporary;
  }

  /** A page in a hidden tab may not draw the turns that it has. */
  private isReadBack(chatId: string): boolean {
    const { hub, window } = this.senses;
    return window.document.visibilityState !== "visible" && hub.readBack?.read.chatId === chatId;
  }

  /** From the first letter to the press: who presses send now is a person, and it is our text that goes out. */
  private watchForOthers(current: Current): void {
    const { changes, hub } = this.senses;
    const since = Date.now();
    const { signal } = current.control;
    const off = changes.on(() => {
      if (current.pressed || signal.aborted) return off();
      const sent = hub.calls.some((call) => call.kind === "send" && call.at >= since && isFor(call, current.message) !== false);
      if (!sent) return;
      off();
      current.spent = new Failure("worker_error", "Somebody sent this message in the extension's tab before its turn came. It was not sent again: its answer is in the chat at the site.");
      current.stage = "done";
      current.control.abort(new Given("sent by somebody else"));
      this.failed(current.ref, current.spent.code, current.spent.detail);
    });
    signal.addEventListener("abort", off);
  }

  private async waitForButton(message: string, signal: AbortSignal): Promise<void> {
    const { changes, finder, troubles } = this.senses;
    let why: Failure | null = null;
    const found = await changes.until(
      () => {
        const trouble = troubles.look()[0];
        if (trouble) throw new Failure(trouble.code, SENTENCES[trouble.code], trouble.retryAfter);
        const button = ready(finder, this.composer, message);
        if (!(button instanceof Failure)) return true;
        why = button;
        return null;
      },
      BUTTON_MS,
      signal,
    );
    if (!found) throw why ?? new Failure("page_changed", SENTENCES.page_changed);
  }

  private stillReady(current: Current): boolean {
    return current.place === this.place() && !(ready(this.senses.finder, this.composer, current.message) instanceof Failure);
  }

  private refusal(current: Current, m: Press): Failure | null {
    if (Date.now() > m.press_by) return new Failure("worker_error", "The word to send came too late. Nothing was sent; send the message again.");
    if (m.message !== current.message) return new Failure("worker_error", "The message to send is not the one that was prepared. Nothing was sent.");
    if (current.place !== this.place()) return new Failure("page_changed", "The page went to another chat meanwhile. Nothing was sent; send the message again.");
    return null;
  }

  private place(): string {
    const { location } = this.senses.window;
    return location.pathname + (isTemporary(location) ? "?temporary-chat=true" : "");
  }

  // ---- from the press on

  private follow(current: Current, chatId: string | null, pressedAt: number | null, before: ReadonlySet<string> | null): void {
    current.stage = "following";
    const { ref } = current;
    const question = { message: current.message, chatId, pressedAt, before, composerHolds: () => this.composer.holds(current.message), hasDraft: () => this.composer.hasDraft(current.message) };
    const following = new Following(this.senses, question, {
      answering: () => this.post({ type: "phase", ...ref, phase: "answering" }),
      chat: (id) => this.post({ type: "chat", ...ref, chat_id: id }),
      text: (offset, text) => this.post({ type: "text", ...ref, offset, text }),
    });
    current.following = following;
    current.work = this.finish(current, following);
  }

  private async finish(current: Current, following: Following): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await following.run(current.control.signal);
    } catch (error) {
      if (error instanceof Given || current.control.signal.aborted) return;
      outcome = { code: "incomplete_answer", detail: `The extension's page script failed: ${String(error)}. The message was sent: look at the chat at the site.` };
    }
    current.stage = "done";
    current.outcome = outcome;
    // A page gives a message back to the composer that the site refused: it must not lie there as somebody's draft.
    if ("code" in outcome) {
      this.takeBack(current);
      if (outcome.code === "rate_limited" && outcome.retry_after) this.limitedUntil = Date.now() + outcome.retry_after * 1000;
    }
    this.tell(current, outcome);
    try {
      await nextTask();
      await this.modes.restore(current.control.signal);
    } catch {
      // The mode is only put back where that is easy.
    }
  }

  private tell({ ref, modeUsed }: Current, outcome: Outcome): void {
    if ("code" in outcome) this.post({ type: "failed", ...ref, ...outcome });
    else this.post({ type: "ended", ...ref, ...outcome, mode_used: modeUsed });
  }

  private async pressStop(): Promise<void> {
    const { changes, finder } = this.senses;
    const signal = new AbortController().signal;
    const found = await changes.until(() => finder.find("stop"), STOP_MS, signal);
    found?.element.click();
    if (found) await changes.until(() => !finder.find("stop"), STOP_MS, signal);
  }

  /** Ends an attempt that another one takes the place of. */
  private end(current: Current, clear: boolean): void {
    // One that is done may be putting the mode back, and is soon through.
    if (current.stage !== "done") current.control.abort(new Given("another attempt"));
    if (clear && !current.pressed) this.takeBack(current);
  }

  private takeBack(current: Current): void {
    this.composer.takeBack(current.message);
  }

  private failed(ref: Ref, code: ErrorCode, detail: string, retryAfter: number | null = null): void {
    this.post({ type: "failed", ...ref, code, detail, ...(retryAfter !== null ? { retry_after: retryAfter } : {}) });
  }
}

function isOf(current: Current, ref: Ref): boolean {
  return current.ref.request_id === ref.request_id && current.ref.attempt === ref.attempt;
}

function refOf({ request_id, attempt }: Ref): Ref {
  return { request_id, attempt };
}
