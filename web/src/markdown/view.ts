// Shows an answer while its text comes. Drawing takes at most a slice of a frame. While an answer grows, the page rests after each frame
// that draws it, so that what the reader types or presses comes between them.
import type { Token, Tokens } from "marked";
import { alike, beginsWith, type Block, Blocks } from "./blocks";
import { changeCode, colour, pressed } from "./code";
import { make, patch } from "./dom";
import { draw, growList, growTable } from "./draw";

/** The longest that drawing goes on without a pause, in milliseconds; and where an answer grows: laying out what came takes twice as long again. */
const SLICE = 8;
const SLICE_GROWING = 3.5;

/** Blocks that share a box. What is outside the screen is then passed over by the box, and not block by block. */
const PART = 32;

/**
 * After a frame that drew what grows, the page rests. One that took so long (milliseconds, with its layout and painting) is followed by a
 * rest as long; one of twice that by twice its own: the slower the machine, the less of its time goes into drawing.
 */
const EASY = 10;

/** Text that has waited this long (milliseconds) is drawn after a short rest, so that it is shown four times a second on a slow machine, too. */
const LATE = 250;
const SHORT_REST = 0.5;

/** So much code is drawn at once, in UTF-16 units; the rest of a long block follows in further slices. */
const CODE_AT_ONCE = 65_536;

interface Drawn {
  block: Block;
  node: ChildNode;
  /** Of a block of code: as much of it as is drawn. */
  code: string;
  /** Its code has been handed on for colouring. */
  finished: boolean;
}

/** An answer in an element of its own. */
export class AnswerView {
  private readonly blocks = new Blocks();
  private readonly drawn: Drawn[] = [];
  private text = "";
  private complete = false;
  private readAll = true;
  private shownWhole = false;
  /** When the oldest text came that is not drawn, by performance.now; null: all is. */
  private since: number | null = null;

  constructor(private readonly into: HTMLElement) {
    into.addEventListener("click", (event) => void pressed(event.target));
  }

  /** Shows this text soon. `complete`: nothing follows. */
  show(text: string, complete: boolean): void {
    this.text = text;
    this.complete = complete;
    this.readAll = false;
    this.since ??= performance.now();
    // What was not there yet, or is the last word, is drawn before the page is shown next.
    wake(this, complete || !this.shownWhole);
  }

  /** Ends its work; what is shown stays. */
  stop(): void {
    waiting.delete(this);
  }

  /** It grows, and has been drawn whole before. */
  get grows(): boolean {
    return this.shownWhole && !this.complete;
  }

  /** When text that waits has waited long enough, by performance.now. */
  get late(): number {
    return (this.since ?? Infinity) + LATE;
  }

  /** Draws until all is drawn (true), or for `slice` milliseconds. */
  step(slice: number): boolean {
    this.blocks.set(this.text, this.complete);
    const deadline = performance.now() + slice;
    for (;;) {
      const reached = this.drawn.length;
      if (!this.drawRead(deadline)) return false;
      if (this.readAll) break;
      if (performance.now() > deadline && this.drawn.length >= reached) return false;
      this.readAll = this.blocks.advance();
    }
    while (this.drawn.length > this.blocks.blocks.length) this.takeAway(this.drawn.pop()!.node);
    this.shownWhole = true;
    this.since = null;
    return true;
  }

  /** Draws the blocks that have been read: the settled ones, and those after them once the end has been reached. */
  private drawRead(deadline: number): boolean {
    const { blocks, settled } = this.blocks;
    const count = this.readAll ? blocks.length : settled;
    for (let index = 0; index < count; index++) {
      const block = blocks[index]!;
      const present = this.drawn[index];
      if (present?.block !== block) {
        if (present && alike(present.block, block)) present.block = block;
        else this.drawBlock(index, block);
      }
      const now = this.drawn[index]!;
      while (block.token.type === "code" && now.code !== block.token.text) {
        this.drawCode(now, block.token.text);
        if (performance.now() > deadline) return false;
      }
      if (!now.finished && index < settled) {
        now.finished = true;
        if (now.node instanceof HTMLElement && HOLDS_CODE.has(block.token.type)) colour(now.node);
      }
      if (index % 4 === 3 && performance.now() > deadline && index + 1 < count) return false;
    }
    return true;
  }

  /** Draws code a part further. */
  private drawCode(present: Drawn, text: string): void {
    const same = beginsWith(text, present.code) ? present.code.length : 0;
    const next = text.slice(0, same + CODE_AT_ONCE);
    changeCode(present.node as HTMLElement, present.code, next);
    present.code = next;
  }

  /** Where the next block goes. A block stays in its part: nothing that is shown is ever moved. */
  private lastPart(): HTMLElement {
    let part = this.into.lastElementChild as HTMLElement | null;
    if (!part || part.childNodes.length >= PART) this.into.append((part = make("div", { class: "part" })));
    return part;
  }

  private takeAway(node: ChildNode): void {
    const part = node.parentElement;
    node.remove();
    if (part && !part.hasChildNodes()) part.remove();
  }

  private drawBlock(index: number, block: Block): void {
    const present = this.drawn[index];
    if (!present) {
      const node = draw(block.token, CODE_AT_ONCE);
      markGoesOn(node, block);
      this.lastPart().append(node);
      this.drawn.push({ block, node, code: firstCode(block), finished: false });
      return;
    }
    const [before, after] = [present.block.token, block.token];
    // Items and rows that stayed are kept only where the same links were known.
    const sameLinks = present.block.known === block.known;
    present.block = block;
    present.finished = false;
    if (before.type === "code" && after.type === "code" && before.lang === after.lang) return;
    markGoesOn(present.node, block);
    if (sameLinks && grow(present.node as HTMLElement, before, after)) return;
    present.code = firstCode(block);
    const node = draw(after, CODE_AT_ONCE);
    markGoesOn(node, block);
    if (present.node instanceof HTMLElement && node instanceof HTMLElement && present.node.tagName === node.tagName && present.node.className === node.className) {
      patch(present.node, node);
    } else {
      present.node.replaceWith(node);
      present.node = node;
    }
  }
}

/** Adds to a list or table what came to it. False: it has to be drawn again. */
function grow(node: HTMLElement, before: Token, after: Token): boolean {
  if (before.type === "list" && after.type === "list") return growList(node, before as Tokens.List, after as Tokens.List);
  if (before.type === "table" && after.type === "table") return growTable(node, before as Tokens.Table, after as Tokens.Table);
  return false;
}

/** A list or table that goes on in the next block is followed by it as an item or row is. */
function markGoesOn(node: ChildNode, { goesOn }: Block): void {
  if (node instanceof HTMLElement) node.classList.toggle("goes-on", goesOn !== null);
}

/** As much of a block's code as is drawn with the block itself. */
function firstCode({ token }: Block): string {
  return token.type === "code" ? token.text.slice(0, CODE_AT_ONCE) : "";
}

const HOLDS_CODE = new Set(["code", "list", "blockquote"]);

const waiting = new Set<AnswerView>();
let frame = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let fresh = false;

/** What grows is drawn again: at the earliest, and without haste. By performance.now. */
let soonest = 0;
let rested = 0;

/** A key was pressed since the last frame. The frame that shows it draws nothing that can wait. */
let pressedKey = false;
addEventListener("keydown", () => (pressedKey = true), { capture: true, passive: true });

function wake(view: AnswerView, atOnce: boolean): void {
  // The one that came last goes first: a chat is read from its end.
  waiting.delete(view);
  waiting.add(view);
  if (!atOnce || frame || fresh) {
    plan();
    return;
  }
  // Once a frame at most.
  frame = fresh = true;
  queueMicrotask(run);
  requestAnimationFrame(() => (fresh = false));
}

function due(view: AnswerView): number {
  return view.grows ? Math.max(soonest, Math.min(rested, view.late)) : 0;
}

/** Sees to it that what waits is drawn when it is due. */
function plan(): void {
  clearTimeout(timer);
  if (frame || waiting.size === 0) return;
  const pause = Math.min(...[...waiting].map(due)) - performance.now();
  if (pause > 0) {
    timer = setTimeout(plan, pause);
    return;
  }
  frame = true;
  requestAnimationFrame(run);
}

function run(): void {
  frame = false;
  const began = performance.now();
  const givesWay = pressedKey;
  pressedKey = false;
  let grew = false;
  for (const view of [...waiting].reverse()) {
    const left = began + SLICE - performance.now();
    if (left < 0) break;
    if (due(view) > began || (givesWay && view.grows && began < view.late)) continue;
    grew ||= view.grows;
    if (view.step(view.grows ? Math.min(SLICE_GROWING, left) : left)) waiting.delete(view);
  }
  if (grew) restAfter(began);
  plan();
}

const painted = new MessageChannel();
let paintedSince = 0;
painted.port1.onmessage = () => {
  const now = performance.now();
  soonest = now + Math.min(LATE, SHORT_REST * (now - paintedSince));
  rested = now + (now - paintedSince) ** 2 / EASY;
  plan();
};

/** Rests after the frame that `began` then. Its message comes when the frame has been laid out and painted. */
function restAfter(began: number): void {
  paintedSince = began;
  soonest = rested = began + LATE;
  painted.port2.postMessage(null);
}

/** True while answers are being drawn that are not just growing. */
export function drawing(): boolean {
  return [...waiting].some(({ grows }) => !grows);
}
