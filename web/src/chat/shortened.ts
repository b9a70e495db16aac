/** A message is shown as far as this, about a screen; only what is clearly longer is shortened. Lines, and UTF-16 units. */
const LINES = 20;
const UNITS = 1_800;
const TOLERANCE = 1.25;

/** The beginning of a long message; null where all of it is short enough to show. */
export function shortened(message: string): string | null {
  let end = 0;
  let lines = 0;
  for (let at = message.indexOf("\n"); at >= 0; at = message.indexOf("\n", at + 1)) {
    lines++;
    if (lines === LINES) end = at;
    if (lines > LINES * TOLERANCE) break;
  }
  const byLines = lines > LINES * TOLERANCE ? end : Infinity;
  const byUnits = message.length > UNITS * TOLERANCE ? UNITS : Infinity;
  let cut = Math.min(byLines, byUnits);
  if (cut === Infinity) return null;
  const unit = message.charCodeAt(cut - 1);
  if (unit >= 0xd800 && unit < 0xdc00) cut--;
  return message.slice(0, cut);
}
