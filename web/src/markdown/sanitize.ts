// The second lock. draw.ts makes nothing but what is listed here, and nothing of an answer is ever parsed as HTML; should either
// fail one day, what is not listed is taken out before it is shown.
import { linkTarget } from "./links";

const TAGS = new Set("DIV P H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE PRE CODE HR TABLE THEAD TBODY TR TH TD A STRONG EM DEL BR INPUT SPAN BDI BUTTON".split(" "));
const ATTRIBUTES = new Set("class dir title href rel target start type checked disabled tabindex role aria-label".split(" "));

/** What a formula is drawn with; maths.ts has cleaned it by itself. */
const MATHS = "http://www.w3.org/1998/Math/MathML";

/** Makes an element a link that tells the other site nothing and opens in a tab of its own. */
export function setLink(element: Element, target: string): void {
  element.setAttribute("href", target);
  element.setAttribute("target", "_blank");
  element.setAttribute("rel", "noopener noreferrer nofollow");
}

/** Takes everything out of a tree that no answer may hold. Returns the tree. */
export function clean<T extends HTMLElement>(tree: T): T {
  for (const element of [tree, ...tree.querySelectorAll("*")]) {
    if (element.closest("math")?.namespaceURI === MATHS) continue;
    if (!(element instanceof HTMLElement) || !TAGS.has(element.tagName)) {
      element.replaceWith(element.textContent ?? "");
      continue;
    }
    for (const { name } of [...element.attributes]) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
    const href = element.getAttribute("href");
    if (href !== null) {
      const target = element.tagName === "A" ? linkTarget(href) : null;
      if (target === null) element.removeAttribute("href");
      else setLink(element, target);
    }
  }
  return tree;
}
