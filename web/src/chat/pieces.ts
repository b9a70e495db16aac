/** The shortest piece, in UTF-16 units: about a screen. */
const SHORTEST = 4_000;

/**
 * Cuts a long text at line breaks, so that adding to it lays out its last piece only (500 kB in one element cost 170 ms an update).
 * Each piece is a block of its own; the one line break at each cut is left out, as blocks break the line by themselves.
 */
export function pieces(text: string): string[] {
  const found: string[] = [];
  let from = 0;
  for (;;) {
    const cut = text.indexOf("\n", from + SHORTEST);
    if (cut < 0) break;
    // A break at a piece's end would not show; further breaks begin the next piece, where they do.
    let end = cut;
    while (end > from && text[end - 1] === "\n") end--;
    found.push(text.slice(from, end));
    from = end + 1;
  }
  found.push(text.slice(from));
  return found;
}
