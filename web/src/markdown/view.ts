// Shows an answer while its text comes. Drawing takes at most a slice of each frame, and of an answer that grows a quarter of the time.
import type { Token, Tokens } from "marked";
import { alike, type Block, Blocks } from "./blocks";
import { changeCode, colour, pressed } from "./code";
import { make, patch } from "./dom";
import { draw, growList, growTable } from "./draw";

/** The longest that drawing goes on without a pause, in milliseconds. */
const SLICE = 8;

/** Blocks that share a box. What is outside the screen is then passed over by the box, and not block by block. */
const PART = 32;

/** After drawing what grows, the page rests this many times as long. */
const REST = 3;

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
  private complete = false;
  private readAll = true;
  private restUntil = 0;

  constructor(private readonly into: HTMLElement) {
    into.addEventListener("click", (event) => void pressed(event.target));
  }

  /** Shows this text from the next frame on. `complete`: nothing follows. */
  show(text: string, complete: boolean): void {
    this.blocks.set(text, complete);
    this.complete = complete;
    this.readAll = false;
    if (complete) this.restUntil = 0;
    wake(this);
  }

  /** Ends its work; what is shown stays. */
  stop(): void {
    waiting.delete(this);
  }

  /** When it wants to draw again, by performance.now. */
  get due(): number {
    return this.restUntil;
  }

  /** Draws until all is drawn (true) or until `deadline`. */
  step(deadline: number): boolean {
    const began = performance.now();
    for (;;) {
      const reached = this.drawn.length;
      if (!this.drawRead(deadline)) return false;
      if (this.readAll) break;
      if (performance.now() > deadline && this.drawn.length >= reached) return false;
      this.readAll = this.blocks.advance();
    }
    while (this.drawn.length > this.blocks.blocks.length) this.takeAway(this.drawn.pop()!.node);
    if (!this.complete) this.restUntil = performance.now() + REST * (performance.now() - began);
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
      if (index % 8 === 7 && performance.now() > deadline && index + 1 < count) return false;
    }
    return true;
  }

  /** Draws code a part further. */
  private drawCode(present: Drawn, text: string): void {
    const same = text.startsWith(present.code) ? present.code.length : 0;
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
let rest: ReturnType<typeof setTimeout> | undefined;
let fresh = false;

function wake(view: AnswerView): void {
  // The one that came last goes first: a chat is read from its end.
  waiting.delete(view);
  waiting.add(view);
  if (frame) return;
  frame = true;
  // A page that has been at rest draws before it is shown; one that draws, once a frame.
  if (!fresh) {
    fresh = true;
    queueMicrotask(run);
    requestAnimationFrame(() => (fresh = false));
  } else requestAnimationFrame(run);
}

function run(): void {
  frame = false;
  clearTimeout(rest);
  const now = performance.now();
  let next = Infinity;
  for (const view of [...waiting].reverse()) {
    if (view.due > now) {
      next = Math.min(next, view.due);
      continue;
    }
    if (performance.now() <= now + SLICE && view.step(now + SLICE)) waiting.delete(view);
    else next = now;
  }
  if (next === Infinity) return;
  const later = () => {
    if (frame) return;
    frame = true;
    requestAnimationFrame(run);
  };
  rest = setTimeout(later, Math.max(0, next - performance.now()));
}

/** True while answers are still being drawn. */
export function drawing(): boolean {
  return waiting.size > 0;
}
