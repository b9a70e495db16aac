import type { Finder } from "./find";
import { bones } from "./text";

/** The turns of one question: that of the person's message, and of its answer, where the page shows them. */
export interface Pair {
  user: HTMLElement | null;
  assistant: HTMLElement | null;
}

/** Finds our question and its answer among the turns. Long chats keep only some of their turns in the document. */
export class Turns {
  private readonly wanted: string;
  /** By turn: whether its text is the message. Long texts are compared once. */
  private readonly judged = new WeakMap<Element, { length: number; is: boolean }>();

  constructor(
    private readonly finder: Finder,
    message: string,
    /** Turns that were there before the press; null where it was not seen. */
    private readonly before: ReadonlySet<string> | null,
  ) {
    this.wanted = bones(message);
  }

  static keys(finder: Finder): Set<string> {
    return new Set(finder.turns().map((turn) => finder.keyOf(turn)));
  }

  find(): Pair {
    const turns = this.finder.turns();
    let at = -1;
    for (let i = turns.length - 1; i >= 0 && at < 0; i--) {
      const turn = turns[i];
      if (turn && this.isNew(turn) && this.isQuestion(turn)) at = i;
    }
    if (at >= 0) return { user: turns[at] ?? null, assistant: this.answerIn(turns.slice(at + 1)) };
    // The question may be out of the document already; what came after the press is still known by being new.
    return { user: null, assistant: this.before ? this.answerIn(turns.filter((turn) => this.isNew(turn))) : null };
  }

  /** The last turn of the assistant's before the next question. */
  private answerIn(turns: HTMLElement[]): HTMLElement | null {
    let found: HTMLElement | null = null;
    for (const turn of turns) {
      const role = this.finder.roleOf(turn);
      if (role === "user") break;
      if (role === "assistant") found = turn;
    }
    return found;
  }

  private isNew(turn: Element): boolean {
    return this.before === null || !this.before.has(this.finder.keyOf(turn));
  }

  private isQuestion(turn: HTMLElement): boolean {
    if (this.finder.roleOf(turn) !== "user") return false;
    const text = this.finder.find("user_text", turn)?.element.textContent ?? "";
    const known = this.judged.get(turn);
    if (known?.length === text.length) return known.is;
    const is = bones(text) === this.wanted;
    this.judged.set(turn, { length: text.length, is });
    return is;
  }
}
