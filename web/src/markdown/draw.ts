// Blocks of Markdown as elements. Everything is made by createElement and text nodes, from a fixed set of tags.
import type { Token, Tokens } from "marked";
import { s } from "../shared/texts";
import { drawCode } from "./code";
import { addPlain, make, patch } from "./dom";
import { decode } from "./entities";
import { type Formula } from "./formula";
import { drawFormula } from "./formulas";
import { linkTarget } from "./links";
import { clean, setLink } from "./sanitize";

/** Draws one top-level block. What shows nothing, such as a link's definition, becomes a comment. Of code, the first `codeAtMost` units. */
export function draw(token: Token, codeAtMost: number): HTMLElement | Comment {
  if (token.type === "code") return clean(drawCode(token.text.slice(0, codeAtMost), (token as Tokens.Code).lang ?? ""));
  const element = block(token);
  if (!element) return document.createComment("");
  // One direction for the whole block: an element inside with a direction of its own would not count for it.
  element.dir = "auto";
  return clean(element);
}

function block(token: Token): HTMLElement | null {
  switch (token.type) {
    case "heading":
      // The page's own title is the h1.
      return inline(make(`h${Math.min((token as Tokens.Heading).depth + 1, 6) as 2 | 3 | 4 | 5 | 6}`), token.tokens);
    case "paragraph":
      return inline(make("p"), token.tokens);
    case "code":
      return drawCode(token.text, (token as Tokens.Code).lang ?? "");
    case "formula":
      return make("p", { class: "formula-line" }, drawFormula(token as Formula));
    case "list":
      return list(token as Tokens.List);
    case "blockquote":
      return container(make("blockquote"), (token as Tokens.Blockquote).tokens);
    case "table":
      return table(token as Tokens.Table);
    case "hr":
      return make("hr");
    case "html":
      return make("p", { class: "as-written" }, (token as Tokens.HTML).text);
    case "text":
      return inline(make("p"), token.tokens ?? [token]);
    default:
      return null;
  }
}

function container<T extends HTMLElement>(element: T, tokens: Token[]): T {
  for (const token of tokens) {
    const inner = block(token);
    if (inner) element.append(inner);
  }
  return element;
}

function list(token: Tokens.List): HTMLElement {
  const element = token.ordered ? make("ol") : make("ul");
  if (token.ordered && token.start !== 1) element.setAttribute("start", String(token.start));
  if (hasWideNumbers(token)) element.className = "wide-numbers";
  for (const item of token.items) element.append(listItem(item));
  return element;
}

/** Numbers of three digits and more need more room before the text. */
function hasWideNumbers({ ordered, start, items }: Tokens.List): boolean {
  return ordered && Number(start) + items.length > 100;
}

function listItem(item: Tokens.ListItem): HTMLElement {
  const line = make("li");
  if (item.task) line.className = "task";
  for (const inner of item.tokens) {
    // In a tight list the text stands in the item itself.
    if (inner.type === "text") inline(line, inner.tokens ?? [inner]);
    else if (inner.type === "checkbox") line.append(checkbox(inner as Tokens.Checkbox));
    else container(line, [inner]);
  }
  return line;
}

/** Makes a drawn list one that has grown. Only items that are not what they were are drawn again. False: draw all of it. */
export function growList(element: Element, before: Tokens.List, after: Tokens.List): boolean {
  if (before.ordered !== after.ordered || before.start !== after.start || before.loose !== after.loose || hasWideNumbers(before) !== hasWideNumbers(after) || element.children.length !== before.items.length) return false;
  for (const [index, item] of after.items.entries()) {
    const old = before.items[index];
    if (old && old.raw === item.raw && index + 1 < before.items.length) continue;
    const line = clean(listItem(item));
    if (old) patch(element.children[index]!, line);
    else element.append(line);
  }
  while (element.children.length > after.items.length) element.lastElementChild!.remove();
  return true;
}

/** The same for a table. */
export function growTable(element: Element, before: Tokens.Table, after: Tokens.Table): boolean {
  const body = element.querySelector("tbody")!;
  const same = (a: Tokens.TableCell[], b: Tokens.TableCell[]) => a.length === b.length && a.every(({ text, align }, column) => text === b[column]!.text && align === b[column]!.align);
  if (!same(before.header, after.header) || body.children.length !== before.rows.length) return false;
  for (const [index, cells] of after.rows.entries()) {
    const old = before.rows[index];
    if (old && same(old, cells)) continue;
    const line = clean(row(cells, "td"));
    if (old) patch(body.children[index]!, line);
    else body.append(line);
  }
  while (body.children.length > after.rows.length) body.lastElementChild!.remove();
  return true;
}

function checkbox({ checked }: Tokens.Checkbox): HTMLElement {
  const box = make("input", { type: "checkbox", disabled: "", "aria-label": checked ? s.markdown.done : s.markdown.open });
  if (checked) box.setAttribute("checked", "");
  return box;
}

function table(token: Tokens.Table): HTMLElement {
  const body = make("tbody", {}, ...token.rows.map((cells) => row(cells, "td")));
  const whole = make("table", {}, make("thead", {}, row(token.header, "th")), body);
  return make("div", { class: "table", tabindex: "0", role: "group", "aria-label": s.markdown.table }, whole);
}

function row(cells: Tokens.TableCell[], tag: "th" | "td"): HTMLElement {
  return make("tr", {}, ...cells.map((cell) => inline(make(tag, cell.align ? { class: "to-" + cell.align } : {}), cell.tokens)));
}

function inline<T extends HTMLElement>(into: T, tokens: Token[] = []): T {
  for (const token of tokens) addInline(into, token);
  return into;
}

function addInline(into: HTMLElement, token: Token): void {
  switch (token.type) {
    case "strong":
      into.append(inline(make("strong"), token.tokens));
      return;
    case "em":
      into.append(inline(make("em"), token.tokens));
      return;
    case "del":
      into.append(inline(make("del"), token.tokens));
      return;
    case "codespan": {
      const code = make("code", { dir: "ltr" });
      addPlain(code, token.text);
      into.append(code);
      return;
    }
    case "br":
      into.append(make("br"));
      return;
    case "link":
      link(into, token as Tokens.Link);
      return;
    case "image":
      // Nothing is loaded from elsewhere: an image is a link to it.
      link(into, token as Tokens.Image);
      return;
    case "checkbox":
      into.append(checkbox(token as Tokens.Checkbox), " ");
      return;
    case "formula":
      into.append(drawFormula(token as Formula));
      return;
    case "escape":
      addText(into, token.text);
      return;
    default:
      if ("tokens" in token && token.tokens) inline(into, token.tokens);
      else addText(into, decode("text" in token ? token.text : token.raw));
  }
}

/** A cell of a table has no other way to break its line; anywhere else a tag is text. */
const BREAK = /(<br ?\/?>)/i;

function addText(into: HTMLElement, text: string): void {
  if ((into instanceof HTMLTableCellElement || into.closest("td, th")) && BREAK.test(text)) {
    for (const part of text.split(BREAK)) {
      if (BREAK.test(part)) into.append(make("br"));
      else if (part !== "") into.append(part);
    }
    return;
  }
  // Side by side they would be two nodes where patching expects one.
  if (into.lastChild instanceof Text) into.lastChild.appendData(text);
  else into.append(text);
}

function link(into: HTMLElement, token: Tokens.Link | Tokens.Image): void {
  const target = linkTarget(decode(token.href));
  if (target === null) {
    addText(into, token.raw);
    return;
  }
  const element = make("a", { title: target });
  setLink(element, target);
  inline(element, token.tokens);
  const words = element.textContent ?? "";
  if (element.childElementCount === 0) {
    element.textContent = "";
    addPlain(element, words.trim() === "" ? target : words);
  }
  into.append(element);
}
