// The character references that texts written by machines hold. Others are shown as they are written.
const NAMED: Record<string, string> = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", ensp: "\u2002", emsp: "\u2003", thinsp: "\u2009", shy: "\u00ad",
  copy: "©", reg: "®", trade: "™", deg: "°", sect: "§", para: "¶", middot: "·", bull: "•", hellip: "…", ndash: "–", mdash: "—",
  lsquo: "‘", rsquo: "’", sbquo: "‚", ldquo: "“", rdquo: "”", bdquo: "„", laquo: "«", raquo: "»", times: "×", divide: "÷",
  plusmn: "±", minus: "−", ne: "≠", le: "≤", ge: "≥", asymp: "≈", infin: "∞", radic: "√", sum: "∑", larr: "←", uarr: "↑", rarr: "→",
  darr: "↓", harr: "↔", rArr: "⇒", lArr: "⇐", euro: "€", pound: "£", yen: "¥", cent: "¢", frac12: "½", frac14: "¼", frac34: "¾",
  sup2: "²", sup3: "³", micro: "µ", check: "✓",
};

/** Puts characters in the place of their references, such as `&amp;` and `&#x27;`. */
export function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,8}));/g, (written, decimal?: string, hexadecimal?: string, name?: string) => {
    if (name !== undefined) return Object.hasOwn(NAMED, name) ? NAMED[name]! : written;
    const point = decimal !== undefined ? Number(decimal) : Number.parseInt(hexadecimal!, 16);
    const none = point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
    return none ? "\ufffd" : String.fromCodePoint(point);
  });
}
