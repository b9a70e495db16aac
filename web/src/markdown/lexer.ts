// Markdown as tokens: marked's lexer with bounds. Whatever an answer holds, reading it takes little time and little stack:
// nesting is capped, very long runs of text are not searched for emphasis and links, and raw HTML stays text.
import { Lexer, Tokenizer, type Token, type TokenizerExtension, type Tokens } from "marked";
import { blockFormula, formula, formulaStart } from "./formula";

/** Quotes and lists inside one another. What is nested deeper is shown as text with its marks. */
const NESTED_AT_MOST = 8;

/** Emphasis and links inside one another. */
const INLINE_NESTED_AT_MOST = 12;

/** A run of text longer than this (UTF-16 units) is shown as it is: searching it for pairs of marks takes time that grows with its square. */
const INLINE_AT_MOST = 8_000;

/** Marks looked at in one run of text; the ones after them are shown as they are. Each may cost a search through the whole run. */
const MARKS_AT_MOST = 400;

/** Targets of reference links by their labels. */
export type Links = Record<string, Pick<Tokens.Def, "href" | "title">>;

/** Raw HTML at the start of a block: its lines, shown as they are. */
const HTML_LINES = /^[ \t]*<[^\n]*(?:\n[ \t]*<[^\n]*)*/;

class BoundedTokenizer extends Tokenizer {
  depth = 0;
  inlineDepth = 0;
  marks = 0;

  override blockquote(src: string): Tokens.Blockquote | undefined {
    return this.deeper(() => super.blockquote(src));
  }

  override list(src: string): Tokens.List | undefined {
    return this.deeper(() => super.list(src));
  }

  private deeper<T>(read: () => T): T | undefined {
    if (this.depth >= NESTED_AT_MOST) return undefined;
    this.depth++;
    try {
      return read();
    } finally {
      this.depth--;
    }
  }

  /**
   * A definition stands in one line: its end is then known when the line ends, and later text can't reach back into it.
   * A footnote ("[^1]: …") is none: it is text to be read.
   */
  override def(src: string): Tokens.Def | undefined {
    const end = src.indexOf("\n");
    return /^ *\[\^/.test(src) ? undefined : super.def(end < 0 ? src : src.slice(0, end + 1));
  }

  override html(src: string): Tokens.HTML | undefined {
    const token = super.html(src);
    const lines = token && HTML_LINES.exec(src)?.[0];
    return lines ? { ...token, raw: lines, text: lines } : undefined;
  }

  override tag(): undefined {
    return undefined;
  }

  override link(src: string): Tokens.Link | Tokens.Image | undefined {
    return this.inner(src, "[!", () => super.link(src));
  }

  override reflink(src: string, links: Links): Tokens.Link | Tokens.Image | Tokens.Text | undefined {
    return this.inner(src, "[!", () => super.reflink(src, links));
  }

  override emStrong(src: string, masked: string, before?: string): Tokens.Em | Tokens.Strong | undefined {
    return this.inner(src, "*_", () => super.emStrong(src, masked, before));
  }

  override del(src: string, masked: string, before?: string): Tokens.Del | undefined {
    return this.inner(src, "~", () => super.del(src, masked, before));
  }

  private inner<T>(src: string, marks: string, read: () => T): T | undefined {
    if (!marks.includes(src[0] ?? " ") || this.inlineDepth >= INLINE_NESTED_AT_MOST || this.marks >= MARKS_AT_MOST) return undefined;
    this.marks++;
    this.inlineDepth++;
    try {
      return read();
    } finally {
      this.inlineDepth--;
    }
  }
}

const tokenizer = new BoundedTokenizer();

/** While a formula that stands alone may still be closed by text to come. */
let mayClose = false;

const inlineExtension: TokenizerExtension["tokenizer"] = (src, tokens) => formula(src, tokens.at(-1)?.raw.at(-1) ?? "");
const blockExtension: TokenizerExtension["tokenizer"] = (src) => blockFormula(src, mayClose && tokenizer.depth === 0);

const options = {
  async: false,
  breaks: false,
  gfm: true,
  hooks: null,
  pedantic: false,
  renderer: null,
  silent: false,
  tokenizer,
  walkTokens: null,
  extensions: {
    renderers: {},
    childTokens: {},
    inline: [inlineExtension],
    startInline: [formulaStart],
    block: [blockExtension],
  },
} as unknown as ConstructorParameters<typeof Lexer>[0];

/**
 * Reads a piece of Markdown that begins at the start of a top-level block. `links` are the definitions known before it; those that
 * the piece holds come on top. `open`: text may follow. The tokens' raws together are the source; `known` names the definitions that
 * they were read with.
 */
export function lex(source: string, links: Links, open: boolean): { tokens: Token[]; known: string } {
  const lexer = new Lexer(options);
  lexer.tokens.links = Object.assign(Object.create(null), links);
  mayClose = open;
  tokenizer.depth = tokenizer.inlineDepth = 0;
  try {
    const tokens = lexer.blockTokens(source, []);
    for (const { src, tokens } of lexer.inlineQueue) {
      tokenizer.marks = 0;
      if (src.length > INLINE_AT_MOST) tokens.push({ type: "text", raw: src, text: src } as Tokens.Text);
      else lexer.inlineTokens(src, tokens);
    }
    return { tokens, known: fingerprint(lexer.tokens.links as Links) };
  } catch {
    // No input known does this; if one does, it is shown as it is.
    return { tokens: [{ type: "html", block: true, pre: false, raw: source, text: source } as Tokens.HTML], known: fingerprint(links) };
  }
}

/** Tells one set of definitions from another. */
export function fingerprint(links: Links): string {
  let name = "";
  for (const [label, { href, title }] of Object.entries(links)) name += `${label}\n${href}\n${title ?? ""}\n`;
  return name;
}

/** The link definitions in a block, in their order. */
export function definitions(token: Token): Tokens.Def[] {
  if (token.type === "def") return [token as Tokens.Def];
  if (!token.raw.includes("]:")) return [];
  if (token.type === "list") return (token as Tokens.List).items.flatMap(({ tokens }) => tokens.flatMap(definitions));
  if (token.type === "blockquote") return (token as Tokens.Blockquote).tokens.flatMap(definitions);
  return [];
}
