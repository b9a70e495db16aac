/** Begins what is signed, so that a signature of a pack can never pass for one of anything else. */
export const SIGNED_PREFIX = "chatbridge-pack-v1\n";

/**
 * The exact bytes that a pack's signature covers: the UTF-8 of SIGNED_PREFIX and then the pack as RFC 8785 (JSON
 * Canonicalization Scheme) writes it, without its member `signature`.
 *
 * For packs RFC 8785 comes to this. No white space. Members in the order of their names' UTF-16 code units. Numbers are
 * integers, in decimal. In strings only these are escaped: `"` and `\`, U+0008 U+0009 U+000A U+000C U+000D as \b \t \n
 * \f \r, other characters below U+0020 as \u00xx in lower case. Everything else, such as < > & U+007F U+2028, stands for
 * itself. (An encoder made for HTML escapes some of these.)
 *
 * Throws on what a pack cannot hold: numbers that are not safe integers, lone surrogates, names that reach prototypes.
 */
export function signedBytes(pack: object): Uint8Array<ArrayBuffer> {
  const { signature: _, ...rest } = pack as Record<string, unknown>;
  return new TextEncoder().encode(SIGNED_PREFIX + canonical(rest));
}

/** A JSON value as RFC 8785 writes it; see signedBytes. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new Error("a lone surrogate");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Error("a number that is not a safe integer");
    return String(Object.is(value, -0) ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([name, member]) => `${canonical(name)}:${canonical(member)}`).join(",")}}`;
  }
  throw new Error(`no JSON: ${typeof value}`);
}
