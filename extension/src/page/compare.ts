// Whether the stream's Markdown and the page's rendering say the same. They never agree to the letter: marks are drawn,
// lists are numbered, links hide their addresses. What matters is the words and numbers, in their order.

export type Likeness = "same" | "close" | "behind" | "different";

/** Runs of characters whose presence is looked for on the other side. */
const SHINGLE = 8;
/** As much of the shorter text must be found in the longer one for them to be one answer drawn in two ways. */
const CLOSE = 0.9;

/** stream: Markdown without citations. page: the text of the cleaned element, without citations. */
export function compare(stream: string, page: string): Likeness {
  const a = essence(stream);
  const b = letters(page);
  if (a === b) return "same";
  if (b.length < a.length && a.startsWith(b)) return "behind";
  // A few characters more or less, as of a drawn entity.
  const prefix = common(a, b, false);
  const suffix = Math.min(common(a, b, true), a.length - prefix, b.length - prefix);
  if (Math.max(a.length, b.length) - prefix - suffix <= 12 + a.length / 100) return "close";
  if (b.length < a.length * 0.8) return isWithin(b, a) ? "behind" : "different";
  return isWithin(b, a) && isWithin(a, b) ? "close" : "different";
}

/** The letters and digits that a reader of the drawn Markdown would see. */
export function essence(markdown: string): string {
  let out = "";
  let fence = "";
  let prose = "";
  const flush = (): void => {
    out += letters(withoutMarks(prose));
    prose = "";
  };
  for (const line of markdown.split("\n")) {
    const mark = /^[\s>]*(?:[-*+]\s+|\d{1,9}[.)]\s+)*(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence !== "") {
      if (mark?.[1] && mark[1].startsWith(fence) && (mark[2] ?? "").trim() === "") fence = "";
      else out += letters(line);
    } else if (mark?.[1]) {
      flush();
      fence = mark[1];
    } else prose += `${line}\n`;
  }
  flush();
  return out;
}

function withoutMarks(prose: string): string {
  return prose
    .replace(/^([\s>]*)(?:[-*+]\s+)?\d{1,9}[.)]\s/gm, "$1")
    .replace(/^[\s>]*\[[^\]]+\]:\s+\S+.*$/gm, "")
    .replace(/!\[([^\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+"[^"]*")?\)/g, "")
    .replace(/\]\(\s*<?[^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*>?(?:\s+"[^"]*")?\s*\)/g, "]")
    .replace(/<\/?[a-z][^<>]*>/gi, (tag) => (/^<https?:/i.test(tag) ? tag : ""))
    .replace(/&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);/gi, " ");
}

/** Only letters and digits count; the rest is drawn, spaced or set in other ways. */
export function letters(text: string): string {
  return text.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "");
}

function common(a: string, b: string, fromEnd: boolean): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && (fromEnd ? a[a.length - 1 - n] === b[b.length - 1 - n] : a[n] === b[n])) n++;
  return n;
}

/** Nearly all of `inner` is found in `outer`, wherever. */
function isWithin(inner: string, outer: string): boolean {
  const known = new Set<string>();
  for (let i = 0; i + SHINGLE <= outer.length; i++) known.add(outer.slice(i, i + SHINGLE));
  let found = 0;
  let all = 0;
  for (let i = 0; i + SHINGLE <= inner.length; i += SHINGLE / 2) {
    all++;
    if (known.has(inner.slice(i, i + SHINGLE))) found++;
  }
  return all === 0 ? outer.includes(inner) : found / all >= CLOSE;
}
