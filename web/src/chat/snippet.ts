/** A piece of a text around what was searched for. */
export interface Snippet {
  before: string;
  match: string;
  after: string;
}

/** How much is shown around the match, in UTF-16 units; a hit is one line of the list, cut at its end. */
const BEFORE = 12;
const AFTER = 120;

/** The first place where `text` holds it, in one line; null if it does not hold it. */
export function snippet(text: string, find: Finder): Snippet | null {
  const at = find(text);
  if (!at) return null;
  const from = whole(text, Math.max(0, at.from - BEFORE));
  const to = whole(text, Math.min(text.length, at.to + AFTER));
  return {
    before: (from > 0 ? "… " : "") + line(text.slice(from, at.from)).trimStart(),
    match: line(text.slice(at.from, at.to)),
    after: line(text.slice(at.to, to)).trimEnd() + (to < text.length ? " …" : ""),
  };
}

/** Says where a text holds what is searched for; null if it does not. */
export type Finder = (text: string) => { from: number; to: number } | null;

/** Finds `q`, in any case. */
export function finder(q: string): Finder {
  if (q === "") return () => null;
  const pattern = new RegExp(q.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "iu");
  return (text) => {
    const found = pattern.exec(text);
    return found && { from: found.index, to: found.index + found[0].length };
  };
}

/** The nearest place at or before `unit` that splits no surrogate pair. */
function whole(text: string, unit: number): number {
  const code = text.charCodeAt(unit);
  return code >= 0xdc00 && code <= 0xdfff ? unit - 1 : unit;
}

function line(text: string): string {
  return text.replace(/\s+/g, " ");
}
