// A text that grows and is now and then corrected, with offsets in Unicode code points as chatbridge.v1 counts them.
// Surrogate pairs are one code point; a lone surrogate is one too, as for the bridge, which reads it as U+FFFD.

export class LiveText {
  private text = "";
  /** Code points of `text`. */
  private points = 0;

  get length(): number {
    return this.points;
  }

  toString(): string {
    return this.text;
  }

  /**
   * Makes the text its first `offset` code points and `tail`. Returns the first code point that may have changed, or -1,
   * changing nothing, where the text is shorter than that. (The halves of a split pair become one code point.)
   */
  replace(offset: number, tail: string): number {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.points) return -1;
    const head = offset === this.points ? this.text : this.text.slice(0, this.index(offset));
    const joined = isHigh(head.charCodeAt(head.length - 1)) && isLow(tail.charCodeAt(0)) ? 1 : 0;
    this.text = head + tail;
    this.points = offset + countPoints(tail) - joined;
    return offset - joined;
  }

  /** At most `most` UTF-16 units from a code point on, whole code points only. */
  from(offset: number, most: number): string {
    const start = this.index(Math.min(offset, this.points));
    let end = Math.min(this.text.length, start + most);
    if (end < this.text.length && isPair(this.text, end - 1)) end--;
    return this.text.slice(start, end);
  }

  private index(offset: number): number {
    if (this.points === this.text.length) return offset; // no pairs
    if (offset <= this.points / 2) {
      let at = 0;
      for (let n = 0; n < offset; n++) at += isPair(this.text, at) ? 2 : 1;
      return at;
    }
    let at = this.text.length;
    for (let n = this.points; n > offset; n--) at -= at >= 2 && isPair(this.text, at - 2) ? 2 : 1;
    return at;
  }
}

/** How many code points a string has. */
export function countPoints(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length - 1; i++)
    if (isPair(s, i)) {
      n--;
      i++;
    }
  return n;
}

/** How many UTF-16 units two strings have alike from their start; no pair is split. */
export function sameUnits(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a.charCodeAt(n) === b.charCodeAt(n)) n++;
  return n > 0 && isHigh(a.charCodeAt(n - 1)) ? n - 1 : n;
}

/** A string's beginning of at most `most` bytes of UTF-8, whole code points only. */
export function headBytes(s: string, most: number): string {
  const room = new Uint8Array(Math.min(most, s.length * 3));
  return s.slice(0, new TextEncoder().encodeInto(s, room).read);
}

function isPair(s: string, at: number): boolean {
  return isHigh(s.charCodeAt(at)) && isLow(s.charCodeAt(at + 1));
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
