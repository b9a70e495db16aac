import { isObject } from "./delta";
import type { Json } from "./delta";

// The site marks citations with characters of the private use area: U+E200 kind U+E202 payload U+E201.
const BEGIN = "\ue200";
const END = "\ue201";
/** Other marks of the same kind: they surround or part text that stays. */
const OTHERS = /[\ue202-\ue206]/g;
/** A mark is never longer; a beginning without an end is text. */
const MAX_MARK = 8_192;

/**
 * The text with its citation marks as Markdown links, where `references` (a message's metadata.content_references) tell
 * what they are, and without those that they do not. A mark that has not come whole at the end of a running text is held
 * back together with what follows it.
 */
export function resolveCitations(text: string, references: Json | undefined, running: boolean): string {
  if (!/[\ue200-\ue206]/.test(text)) return text;
  const links = linksOf(references);
  let out = "";
  let at = 0;
  for (;;) {
    const begin = text.indexOf(BEGIN, at);
    if (begin < 0) break;
    out += text.slice(at, begin);
    const end = text.indexOf(END, begin);
    if (end < 0) {
      if (running && text.length - begin <= MAX_MARK) return out.replace(OTHERS, "");
      // Broken off: its inside is no text for people. Too long: it was none.
      at = text.length - begin <= MAX_MARK ? text.length : begin + 1;
      continue;
    }
    if (end - begin > MAX_MARK) {
      at = begin + 1;
      continue;
    }
    out += links.get(text.slice(begin, end + 1)) ?? "";
    at = end + 1;
  }
  return (out + text.slice(at)).replace(OTHERS, "").replaceAll(BEGIN, "").replaceAll(END, "");
}

function linksOf(references: Json | undefined): Map<string, string> {
  const found = new Map<string, string>();
  if (!Array.isArray(references)) return found;
  for (const reference of references) {
    if (!isObject(reference) || typeof reference.matched_text !== "string" || !reference.matched_text.startsWith(BEGIN)) continue;
    found.set(reference.matched_text, linkOf(reference));
  }
  return found;
}

function linkOf(reference: Record<string, Json>): string {
  if (typeof reference.alt === "string" && reference.alt.trim() !== "") return reference.alt;
  const items = Array.isArray(reference.items) ? reference.items : [];
  const links = items.flatMap((item) => {
    if (!isObject(item) || typeof item.url !== "string" || !/^https?:\/\//.test(item.url)) return [];
    const title = [item.title, item.attribution, item.url].find((name): name is string => typeof name === "string" && name !== "") ?? "";
    return [`[${title.replace(/[[\]\\]/g, "\\$&").replace(/\s+/g, " ")}](${item.url.replace(/[\s()<>]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, "0")}`)})`];
  });
  return links.length > 0 ? `(${links.join(", ")})` : "";
}

/** The text without any citation, for comparing it with a page that shows them its own way. */
export function withoutCitations(text: string): string {
  return resolveCitations(text, undefined, false);
}
