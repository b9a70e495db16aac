// Finds formulas in Markdown: $…$, $$…$$, \(…\) and \[…\]. Prices are no formulas.
import type { Tokens } from "marked";

/** A longer source is no formula but a mark that nobody closed. UTF-16 units. */
const FORMULA_AT_MOST = 4_000;

/** A formula. `display`: on a line of its own. `open`: not closed yet, so its source is shown. */
export interface Formula extends Tokens.Generic {
  type: "formula";
  text: string;
  display: boolean;
  open?: boolean;
}

const BLANK_LINE = /\n[ \t]*\n/;
const ALNUM = /[\p{L}\p{N}]/u;

/** "$5 for 2$": an amount and a word after it. */
const AMOUNT = /^\d[\d.,]*\s+[\p{L}]{2,}/u;

/** Where the next formula may begin, for the lexer; backslashes it looks at by itself. */
export function formulaStart(source: string): number | undefined {
  const at = source.indexOf("$");
  return at < 0 ? undefined : at;
}

/** The formula that `source` begins with, inside a paragraph. `before` is the character before it, or "". */
export function formula(source: string, before: string): Formula | undefined {
  if (source[0] === "\\") {
    if (source[1] === "(") return closed(source, "\\(", "\\)", false);
    if (source[1] === "[") return closed(source, "\\[", "\\]", true);
    return undefined;
  }
  if (source[0] !== "$" || before === "$" || before === "\\") return undefined;
  if (source[1] === "$") return source[2] === "$" ? undefined : closed(source, "$$", "$$", true);
  if (ALNUM.test(before) || /[\s$]/.test(source[1] ?? " ")) return undefined;
  for (let at = 2; at < source.length && at < FORMULA_AT_MOST; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (character === "\n" && /^\n[ \t]*\n/.test(source.slice(at, at + 40))) return undefined;
    else if (character === "$") {
      const text = source.slice(1, at);
      // The first dollar sign that could close it decides, as the reader's eye does.
      if (/\s$/.test(text) || ALNUM.test(source[at + 1] ?? "") || source[at + 1] === "$" || AMOUNT.test(text)) return undefined;
      return { type: "formula", raw: source.slice(0, at + 1), text, display: false };
    }
  }
  return undefined;
}

function closed(source: string, from: string, to: string, display: boolean): Formula | undefined {
  const end = source.slice(0, FORMULA_AT_MOST).indexOf(to, from.length);
  const text = source.slice(from.length, end);
  if (end < 0 || text.trim() === "" || BLANK_LINE.test(text)) return undefined;
  return { type: "formula", raw: source.slice(0, end + to.length), text, display };
}

/**
 * The formula that a block begins with, alone on its lines. Its lines are no Markdown ("+ b" is no list there), so that one without
 * an end yet takes all that follows, up to a blank line, where `mayClose` says that text is still coming.
 */
export function blockFormula(source: string, mayClose: boolean): Formula | undefined {
  const opened = /^ {0,3}(\$\$|\\\[)/.exec(source);
  if (!opened) return undefined;
  const from = opened[0].length;
  const to = opened[1] === "$$" ? "$$" : "\\]";
  const near = source.slice(0, FORMULA_AT_MOST);
  const end = near.indexOf(to, from);
  const blank = near.slice(from).search(BLANK_LINE);
  if (end < 0 || (blank >= 0 && from + blank < end)) {
    if (!mayClose || blank >= 0 || source.length > FORMULA_AT_MOST) return undefined;
    return { type: "formula", raw: source, text: source, display: true, open: true };
  }
  const text = source.slice(from, end);
  const after = /^[ \t]*(?:\n|$)/.exec(source.slice(end + to.length));
  if (!after || text.trim() === "") return undefined;
  return { type: "formula", raw: source.slice(0, end + to.length) + after[0], text, display: true };
}
