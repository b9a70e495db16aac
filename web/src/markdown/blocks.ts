// Keeps an answer's top-level blocks while its text grows. All blocks but the last are settled: no text to come can change them,
// so they are read once. Only what follows them is read again with each piece. Text that comes in pieces, corrections included,
// ends in the same blocks as the whole text read at once.
import type { Token, Tokens } from "marked";
import { definitions, fingerprint, lex, type Links } from "./lexer";

/** How much is read in one step, in UTF-16 units: a few milliseconds. */
const STEP = 8_192;

/** The longest block; what goes on longer begins a new one, so that a step stays short. Fenced code alone has no such end. */
const BLOCK_AT_MOST = 32_768;

/**
 * A list or a table that is longer (UTF-16 units) goes on as a block of its own from the next item or row on: what stands before is
 * settled, and only the rest is read and drawn again with each piece of text.
 */
const PART = 6_000;

/** Link definitions that are taken: each step looks at all of them. */
const LINKS_AT_MOST = 300;

/** One top-level block. */
export interface Block {
  /** Where it begins and ends in the text, in UTF-16 units; blank lines after it count as its own once it is settled. */
  readonly start: number;
  readonly end: number;
  readonly token: Token;
  /** The text up to here settled it. */
  readonly sureAt: number;
  /** The link definitions that were known when it was read. */
  readonly known: string;
  /** Fenced code that has not ended yet. */
  readonly open: boolean;
  /** Where the list or table goes on in the next block: what that one begins with. */
  readonly goesOn: Rest | null;
  /** What this one began with, if it goes on with the one before. */
  readonly rest: Rest | null;
}

/** What the rest of a list or table can't tell by itself: the number it goes on with, or the head of the table. */
export interface Rest {
  readonly start: number;
  readonly head: string;
}

/** The same to look at. */
export function alike(a: Block, b: Block): boolean {
  return a === b || (a.token.type === b.token.type && a.known === b.known && a.open === b.open && a.goesOn === b.goesOn && a.token.raw === b.token.raw);
}

const BLANK = /(?:[ \t]*\n)+/y;
const OPENER = /( {0,3})(`{3,}(?!`)(?=[^`\n]*\n)|~{3,}(?!~))([^\n]*)\n/y;
const ESCAPED = /\\([\p{P}\p{S}])/gu;
const NO_FORMULA = /^ {0,3}(?:\$\$|\\\[)/;
const MAY_END = /^ {0,3}(?:`+|~+)? *$/;

/** Where fenced code at the end of the text begins, and how far its end has been looked for. */
interface Fence {
  start: number;
  indent: number;
  mark: string;
  lang: string;
  content: number;
  looked: number;
}

export class Blocks {
  /** All blocks of what has been read: first the settled ones, then those that the next text may change. */
  blocks: Block[] = [];
  /** How many of them are settled. */
  settled = 0;
  /** Where what is not settled begins. */
  private at = 0;
  /** More can be read at once. */
  private more = false;
  private text = "";
  private complete = false;
  private links: Links = Object.create(null) as Links;
  private linkCount = 0;
  private fence: Fence | null = null;
  /** Blocks looked at for links that were defined after them. */
  private relinked = 0;

  /** Takes the text as it is now; `complete`: nothing follows. Reading it is `advance`'s work. */
  set(text: string, complete: boolean): void {
    if (text.includes("\r")) text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    if (text === this.text && complete === this.complete) return;
    const same = beginsWith(text, this.text) ? this.text.length : commonLength(this.text, text);
    if (same < this.text.length || (this.complete && !complete)) this.takeBack(this.complete ? 0 : same);
    this.text = text;
    this.complete = complete;
    this.relinked = 0;
  }

  /** Forgets what text after `same` had settled. */
  private takeBack(same: number): void {
    let keep = this.settled;
    while (keep > 0 && this.blocks[keep - 1]!.sureAt > same) keep--;
    this.blocks.length = this.settled = keep;
    this.at = keep > 0 ? this.blocks[keep - 1]!.end : 0;
    this.fence = null;
    this.links = Object.create(null) as Links;
    this.linkCount = 0;
    for (const block of this.blocks) this.learn(block.token);
  }

  private learn(token: Token): void {
    for (const { tag, href, title } of definitions(token)) {
      if (this.links[tag] || this.linkCount >= LINKS_AT_MOST) continue;
      this.links[tag] = { href, title };
      this.linkCount++;
    }
  }

  /** Reads on for a few milliseconds. True if all has been read. */
  advance(): boolean {
    if (this.at < this.text.length) {
      this.blocks.length = this.settled;
      BLANK.lastIndex = this.at;
      if (BLANK.test(this.text)) this.at = BLANK.lastIndex;
      if (!this.readFence()) this.readBlocks();
      if (this.at < this.text.length && this.more) return false;
    }
    if (!this.complete) return true;
    for (; this.settled < this.blocks.length; this.settled++) this.learn(this.blocks[this.settled]!.token);
    this.at = this.text.length;
    return this.relink();
  }

  /** Reads fenced code, if that is what comes now. Only its new lines are looked at, however long it is. */
  private readFence(): boolean {
    if (this.fence?.start !== this.at) {
      OPENER.lastIndex = this.at;
      const opener = OPENER.exec(this.text);
      if (!opener) return false;
      const content = OPENER.lastIndex;
      this.fence = { start: this.at, indent: opener[1]!.length, mark: opener[2]!, lang: opener[3]!.trim().replace(ESCAPED, "$1"), content, looked: content };
    }
    const fence = this.fence;
    const end = new RegExp(`^ {0,3}${fence.mark}${fence.mark[0]}* *$`);
    for (;;) {
      const lineEnd = this.text.indexOf("\n", fence.looked);
      const line = this.text.slice(fence.looked, lineEnd < 0 ? undefined : lineEnd);
      if (end.test(line) && (lineEnd >= 0 || this.complete)) {
        this.at = lineEnd < 0 ? this.text.length : lineEnd + 1;
        this.pushFence(fence, fence.looked, this.at, false);
        this.settled = this.blocks.length;
        this.more = true;
        return true;
      }
      if (lineEnd < 0) {
        // A last line that may become the end is not shown yet.
        const holds = !this.complete && MAY_END.test(line);
        this.pushFence(fence, holds ? fence.looked : this.text.length, this.text.length, true);
        this.more = false;
        return true;
      }
      fence.looked = lineEnd + 1;
    }
  }

  private pushFence(fence: Fence, contentEnd: number, end: number, open: boolean): void {
    const content = this.text.slice(fence.content, contentEnd);
    // As the lexer gives it: without its last line break, unless an empty line stands before that.
    let text = content.endsWith("\n") && !content.endsWith("\n\n") && content !== "\n" ? content.slice(0, -1) : content;
    if (fence.indent > 0 && fence.mark[0] === "`") text = text.replace(new RegExp(`^[ \\t]{0,${fence.indent}}`, "gm"), "");
    const token: Tokens.Code = { type: "code", raw: this.text.slice(fence.start, end), lang: fence.lang, text };
    this.blocks.push({ start: fence.start, end, token, sureAt: end, known: "", open: open && !this.complete, goesOn: null, rest: null });
  }

  /** Reads what follows the settled blocks, and settles what can't change any more. */
  private readBlocks(): void {
    const from = this.at;
    for (let size = STEP; ; size *= 2) {
      const to = Math.min(this.text.length, from + Math.min(size, BLOCK_AT_MOST));
      const whole = to === this.text.length && to - from < BLOCK_AT_MOST;
      this.blocks.length = this.settled;
      this.read(from, to, !(whole && this.complete));
      const found = this.blocks.length - this.settled;
      // What begins the block after it must be certain too: "***" may become a rule or a word.
      let sure = found - 1;
      while (sure > 0 && !this.begun(this.settled + sure)) sure--;
      this.more = !whole;
      if (whole && this.complete) return;
      if (sure > 0) this.settle(this.settled + sure);
      if (whole || sure > 0) return;
      if (size < BLOCK_AT_MOST) continue;
      if (found > 1) this.settle(this.settled + 1);
      else this.cut(from, to);
      return;
    }
  }

  private read(from: number, to: number, open: boolean): void {
    let at = from;
    const last = this.blocks.at(-1);
    let rest = last?.end === from ? last.goesOn : null;
    const { tokens, known } = lexRest(this.text.slice(from, to), rest, this.links, open);
    for (let token of tokens) {
      let length = partLength(token, this.text, at, to);
      for (; length > 0 && token.type === "table"; length = partLength(token, this.text, at, to)) {
        // Rows stand one in a line, so nothing has to be read again.
        const [part, after] = splitTable(token as Tokens.Table, length, rest ? 0 : HEAD_LINES);
        const goesOn = restAfter(part, rest);
        this.blocks.push({ start: at, end: at + length, token: part, sureAt: to, known, open: false, goesOn, rest });
        [token, rest, at] = [after, goesOn, at + length];
      }
      if (length > 0) {
        const part = lexRest(this.text.slice(at, at + length), rest, this.links, false);
        const first = part.tokens.find(({ type }) => type !== "space")!;
        this.blocks.push({ start: at, end: at + length, token: first, sureAt: to, known: part.known, open: false, goesOn: restAfter(first, rest), rest });
        return this.read(at + length, to, open);
      }
      const end = at + token.raw.length;
      if (token.type !== "space") this.blocks.push({ start: at, end, token, sureAt: to, known, open: false, goesOn: null, rest });
      at = end;
      rest = null;
    }
  }

  /** The lines that make the block what it is have come whole: one, or two where it may be the head of a table. */
  private begun(index: number): boolean {
    const block = this.blocks[index]!;
    const before = this.blocks[index - 1];
    const line = this.text.indexOf("\n", block.start);
    const head = block.token.type === "table" || (before?.token.type === "paragraph" && this.text[block.start - 2] !== "\n");
    return line >= 0 && (!head || this.text.indexOf("\n", line + 1) >= 0);
  }

  /** Settles the blocks before the one at `count`, which begins what is still open. */
  private settle(count: number): void {
    for (let index = this.settled; index < count; index++) {
      const block = this.blocks[index]!;
      const next = this.blocks[index + 1]!;
      // The start of the next block settles this one; that it is no formula only what closes it not.
      const sureAt = NO_FORMULA.test(block.token.raw) ? block.sureAt : Math.min(block.sureAt, next.end + 1);
      this.blocks[index] = { ...block, end: next.start, sureAt: Math.max(sureAt, this.blocks[index - 1]?.sureAt ?? 0) };
      this.learn(block.token);
    }
    this.settled = count;
    this.at = this.blocks[count]!.start;
  }

  /** Ends a block that is too long at its last line break, or where there is none, right there. */
  private cut(from: number, to: number): void {
    const line = this.text.lastIndexOf("\n", to - 1);
    let end = line >= from + BLOCK_AT_MOST / 2 ? line + 1 : to;
    if (end === to && isHighSurrogate(this.text.charCodeAt(end - 1))) end--;
    this.blocks.length = this.settled;
    this.read(from, end, false);
    for (; this.settled < this.blocks.length; this.settled++) {
      const block = this.blocks[this.settled]!;
      this.blocks[this.settled] = { ...block, end: this.blocks[this.settled + 1]?.start ?? end, sureAt: to };
      this.learn(block.token);
    }
    this.at = end;
  }

  /** Reads blocks again that may name links defined after them. True when none is left. */
  private relink(): boolean {
    let read = 0;
    const known = fingerprint(this.links);
    for (; this.relinked < this.blocks.length && read < STEP; this.relinked++) {
      const block = this.blocks[this.relinked]!;
      if (block.known === known || !block.token.raw.includes("[") || block.token.type === "code" || block.token.type === "def") continue;
      read += block.token.raw.length;
      const token = lexRest(block.token.raw, block.rest, this.links, false).tokens.find(({ type }) => type !== "space");
      if (token) this.blocks[this.relinked] = { ...block, token, known };
    }
    return this.relinked >= this.blocks.length;
  }
}

/** Reads text that may go on with the list or table before it. The first token's raw is what stands in the text. */
function lexRest(source: string, rest: Rest | null, links: Links, open: boolean): { tokens: Token[]; known: string } {
  if (!rest) return lex(source, links, open);
  const { tokens, known } = lex(rest.head + source, links, open);
  const first = tokens[0]!;
  first.raw = first.raw.slice(rest.head.length);
  if (first.type === "list" && first.ordered) first.start = rest.start;
  return { tokens, known };
}

/** How much of a list or table that begins at `at` is a block of its own, up to an item or row whose first line is here whole; 0: all of it. */
function partLength(token: Token, text: string, at: number, to: number): number {
  let length = 0;
  if (token.type === "list") {
    for (const item of (token as Tokens.List).items) {
      if (length >= PART) return ITEM.test(text.slice(at + length, at + length + 16)) && lineIsWhole(text, at + length, to) ? length : 0;
      length += item.raw.length;
    }
  } else if (token.type === "table" && token.raw.length > PART) {
    length = text.indexOf("\n", at + PART) + 1;
    if (length > 0 && length - at < token.raw.trimEnd().length && lineIsWhole(text, length, to)) return length - at;
  }
  return 0;
}

const ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;

function lineIsWhole(text: string, at: number, to: number): boolean {
  const end = text.indexOf("\n", at);
  return end >= 0 && end < to;
}

/** The lines of a table before its first row. */
const HEAD_LINES = 2;

function splitTable(table: Tokens.Table, length: number, headLines: number): [Tokens.Table, Tokens.Table] {
  const raw = table.raw.slice(0, length);
  const rows = raw.split("\n").length - 1 - headLines;
  return [
    { ...table, raw, rows: table.rows.slice(0, rows) },
    { ...table, raw: table.raw.slice(length), rows: table.rows.slice(rows) },
  ];
}

function restAfter(token: Token, before: Rest | null): Rest {
  if (token.type !== "table") return { start: Number((token as Tokens.List).start) + (token as Tokens.List).items.length, head: "" };
  return before ?? { start: 0, head: /^[^\n]*\n[^\n]*\n/.exec(token.raw)![0] };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

/** What startsWith says, for long texts: that compares unit by unit, half a millisecond for 500 kB; comparing a slice takes a twentieth of it. */
export function beginsWith(text: string, start: string): boolean {
  return text.slice(0, start.length) === start;
}

/** How many units at the start two texts share: by halves, as comparing slices is far quicker than comparing units. */
function commonLength(a: string, b: string): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (a.slice(low, middle) === b.slice(low, middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
