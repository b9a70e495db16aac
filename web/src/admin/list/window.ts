/** Up to so many rows all are drawn; of more only those near the part that is seen. */
export const ALL_DRAWN = 200;

/** So many rows are drawn above and below the part that is seen. */
const MARGIN = 8;

/** The window moves by so many rows at once, so that not every pixel of scrolling draws anew. Divides MARGIN. */
const STEP = 4;

/** Which of `count` rows are drawn: from `first` to before `end`. */
export interface Window {
  first: number;
  end: number;
}

/** The rows to draw where the list's first row stands `above` pixels above the part that is seen, which is `height` pixels high. */
export function windowOf(count: number, row: number, above: number, height: number): Window {
  if (count <= ALL_DRAWN) return { first: 0, end: count };
  const seen = Math.floor(Math.min(Math.max(0, above), (count - 1) * row) / row);
  const first = Math.max(0, Math.floor(seen / STEP) * STEP - MARGIN);
  return { first, end: Math.min(count, first + Math.ceil(height / row) + 2 * MARGIN + STEP) };
}
