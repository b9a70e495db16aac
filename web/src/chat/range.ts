/** Rows drawn above and below those that are seen, so that quick scrolling meets no gap. */
const BEYOND = 6;

/** Never more rows than this, however high the window is. */
const AT_MOST = 58;

/** Which of `count` rows of one `height` are drawn: from `first` up to, without, `end`. */
export function range(scrolled: number, seen: number, height: number, count: number): { first: number; end: number } {
  const first = Math.max(0, Math.min(Math.floor(scrolled / height) - BEYOND, count - 1));
  const end = Math.min(count, first + AT_MOST, Math.ceil((scrolled + seen) / height) + BEYOND);
  return { first, end: Math.max(first, end) };
}

/**
 * By how many rows the list moved under the reader when rows came, went or moved: the shift of most of those that were drawn.
 * `before`: their keys and places; `place`: where a key is now, or -1.
 */
export function shift(before: readonly (readonly [key: string, index: number])[], place: (key: string) => number): number {
  const shifts: number[] = [];
  for (const [key, index] of before) {
    const now = place(key);
    if (now >= 0) shifts.push(now - index);
  }
  return shifts.sort((a, b) => a - b)[shifts.length >> 1] ?? 0;
}
