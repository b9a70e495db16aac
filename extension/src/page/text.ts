/** As the bridge counts: a surrogate pair is one. */
export function countPoints(text: string, from = 0, to = text.length): number {
  let count = to - from;
  for (let i = from; i < to - 1; i++) {
    if (isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1))) {
      count--;
      i++;
    }
  }
  return count;
}

export function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

export function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** For finding words of the page: lower case, single spaces. */
export function plain(text: string): string {
  return text.replace(/\s+/gu, " ").trim().toLowerCase();
}

/** How line ends compare: every editor makes CRLF and CR an LF. */
export function lines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** For finding a message among the turns: the page may trim it, fold spaces, or set marks for what it left out. */
export function bones(text: string): string {
  return text.replace(/[\s\u200b\u200e\u200f\u2060\ufeff]+/gu, "");
}

/** The UTF-8 length, in bytes. */
export function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
