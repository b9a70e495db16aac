/** What a delta did to the text. `gap`: it starts beyond what is here, so the stream must be read again from the start. */
export type Applied = "appended" | "corrected" | "gap";

/** The text of an answer as its deltas build it. Offsets count Unicode code points, as the stream does, not UTF-16 units. */
export class Answer {
  /** The text so far. */
  text = "";
  private points = 0;

  /** The answer becomes its first `offset` code points and then `text`. */
  apply(offset: number, text: string): Applied {
    if (offset > this.points) return "gap";
    const before = this.text;
    const appends = offset === this.points;
    this.text = (appends ? before : before.slice(0, unitsOf(before, offset))) + text;
    this.points = offset + countPoints(text);
    // A stream that starts again from 0 with the same text has corrected nothing.
    return appends || this.text.startsWith(before) || before.startsWith(this.text) ? "appended" : "corrected";
  }
}

/** How many UTF-16 units the first `points` code points take. */
function unitsOf(text: string, points: number): number {
  let unit = 0;
  for (let point = 0; point < points && unit < text.length; point++) unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
  return unit;
}

function countPoints(text: string): number {
  let points = 0;
  for (let unit = 0; unit < text.length; points++) unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
  return points;
}
