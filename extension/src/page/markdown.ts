import TurndownService from "turndown";
import { TEX } from "./clean";

/** Stands for a line break within a paragraph until its text is written: turndown makes spaces of line breaks. */
const SOFT = "\ue0a0";

const INLINE = new Set(["a", "abbr", "b", "code", "del", "em", "i", "kbd", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "u"]);

const service = new TurndownService({ headingStyle: "atx", hr: "---", bulletListMarker: "-", codeBlockStyle: "fenced", emDelimiter: "*", strongDelimiter: "**", br: "  " });
// What is text and no mark stays as it is where it can: fewer escapes than turndown makes, and only where they change the meaning.
service.escape = (text) => escapeText(text.replaceAll(SOFT, "\n"));

service.addRule("listItem", {
  filter: "li",
  replacement(content, node) {
    const list = node.parentNode as Element | null;
    const start = Number(list?.getAttribute("start") ?? 1) || 1;
    const mark = list?.localName === "ol" ? `${start + [...list.children].indexOf(node as Element)}. ` : "- ";
    const loose = !isTight(node as Element);
    const body = content.replace(/^\n+|\n+$/g, "").replaceAll("\n", `\n${" ".repeat(mark.length)}`).replace(/^ +$/gm, "");
    return mark + body + (loose ? "\n" : "") + (node.nextSibling ? "\n" : "");
  },
});

service.addRule("strike", { filter: ["del", "s"], replacement: (content) => `~~${content}~~` });

service.addRule("task", {
  filter: (node) => node.nodeName === "INPUT" && node.getAttribute("type") === "checkbox",
  replacement: (_, node) => ((node as Element).hasAttribute("checked") ? "[x]" : "[ ]"),
});

service.addRule("maths", {
  filter: (node) => node.hasAttribute(TEX),
  replacement(_, node) {
    const tex = node.textContent ?? "";
    if ((node as Element).getAttribute(TEX) !== "display") return `\\(${tex}\\)`;
    return (node.parentNode as Element | null)?.localName === "p" ? `\\[${tex}\\]` : `\n\n\\[${tex}\\]\n\n`;
  },
});

service.addRule("codeBlock", {
  filter: "pre",
  replacement(_, node) {
    const code = (node as Element).querySelector("code") ?? (node as Element);
    const text = (code.textContent ?? "").replace(/\n$/, "");
    const fence = "`".repeat(Math.max(2, ...[...text.matchAll(/^\s*(`{3,})/gm)].map((match) => match[1]?.length ?? 0)) + 1);
    const language = /language-(\S+)/.exec(code.className)?.[1] ?? "";
    // In an item of a tight list an empty line would make all of it loose.
    const gap = isTight(node.parentNode as Element | null) ? "\n" : "\n\n";
    return `${gap}${fence}${language}\n${text}\n${fence}${gap}`;
  },
});

service.addRule("link", {
  filter: (node) => node.nodeName === "A" && node.hasAttribute("href"),
  replacement(content, node) {
    const href = (node as Element).getAttribute("href") ?? "";
    const text = content.trim();
    if (text === "") return "";
    if ((node.textContent ?? "").trim() === href && /^https?:\/\/[^\s<>]+$/.test(href)) return `<${href}>`;
    return `[${text}](${/[\s()<>]/.test(href) ? `<${href.replace(/[<>\n]/g, encodeURIComponent)}>` : href})`;
  },
});

// Pictures are named, not carried: their addresses are good for the logged-in page only.
service.addRule("image", {
  filter: "img",
  replacement: (_, node) => imageNote((node as Element).getAttribute("alt")),
});

service.addRule("cell", {
  filter: ["th", "td"],
  replacement: (content) => ` ${content.trim().replace(/\s*\n+\s*/g, "<br>").replace(/(?<!\\)\|/g, "\\|")} |`,
});

service.addRule("row", { filter: "tr", replacement: (content) => `\n|${content}` });

service.addRule("tablePart", { filter: ["thead", "tbody", "tfoot"], replacement: (content) => content });

service.addRule("table", {
  filter: "table",
  replacement(content, node) {
    const rows = content.split("\n").filter((line) => line.startsWith("|"));
    const first = (node as Element).querySelector("tr");
    if (!first || rows.length === 0) return content;
    const lines = [...first.children].map((cell) => {
      const align = cell.getAttribute("align") ?? /text-align:\s*(left|center|right)/.exec(cell.getAttribute("style") ?? "")?.[1];
      return align === "left" ? ":---" : align === "center" ? ":---:" : align === "right" ? "---:" : "---";
    });
    return `\n\n${[rows[0], `| ${lines.join(" | ")} |`, ...rows.slice(1)].join("\n")}\n\n`;
  },
});

/** A list item whose text stands without paragraphs. */
function isTight(item: Element | null): boolean {
  return item?.localName === "li" && ![...item.children].some((child) => child.localName === "p");
}

export function imageNote(alt: string | null): string {
  const name = (alt ?? "").replace(/\s+/g, " ").trim();
  return name === "" ? "[image]" : `[image: ${name}]`;
}

/** The Markdown of an answer's cleaned element (cleaned()). */
export function toMarkdown(answer: HTMLElement): string {
  keepSoftBreaks(answer);
  return service.turndown(answer).replaceAll(SOFT, "\n").replace(/[ \t]+$/gm, (spaces) => (spaces === "  " ? spaces : "")).trim();
}

/** Marks the line breaks within running text. Those between blocks and at their ends only lay out the source. */
function keepSoftBreaks(element: Element): void {
  for (const node of [...element.childNodes]) {
    if (node.nodeType === 1) {
      if (!["pre", "code"].includes((node as Element).localName)) keepSoftBreaks(node as Element);
      continue;
    }
    const text = node.nodeValue ?? "";
    if (node.nodeType !== 3 || !text.includes("\n")) continue;
    let inner = text;
    if (!isInline(node.previousSibling)) inner = inner.replace(/^[ \t]*\n\s*/, "");
    if (!isInline(node.nextSibling)) inner = inner.replace(/\s*\n[ \t]*$/, "");
    node.nodeValue = inner.replace(/[ \t]*\n[ \t]*/g, SOFT);
  }
}

function isInline(node: Node | null): boolean {
  return node?.nodeType === 1 && INLINE.has((node as Element).localName);
}

function escapeText(text: string): string {
  return text
    .replace(/\\(?=[!-/:-@[-`{-~]|$)/g, "\\\\")
    .replace(/`/g, "\\`")
    .replace(/(?<=\S)\*|\*(?=\S)/g, "\\*")
    .replace(/(?<![\p{L}\p{N}])_(?=\S)|(?<=\S)_(?![\p{L}\p{N}])/gu, "\\_")
    .replace(/\[(?=[^\]]*\][([:])|\[(?=\^)/g, "\\[")
    .replace(/<(?=[a-z/!?])/gi, "\\<")
    .replace(/&(?=#?\w+;)/g, "\\&")
    .replace(/~~/g, "\\~~")
    .replace(/^(\s*)(#{1,6}\s|>|[-+]\s|[-=]{3,}\s*$|~~~)/gm, "$1\\$2")
    .replace(/^(\s*\d{1,9})([.)]\s)/gm, "$1\\$2");
}
