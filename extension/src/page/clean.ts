import type { Finder } from "./find";

/** What is left of a formula in a cleaned answer: an element that holds just its TeX. */
export const TEX = "data-chatbridge-tex";

/** Controls and what only helps to draw. */
const NOISE = "button, [role=button], svg, style, script, noscript, template, audio, video, iframe, input:not([type=checkbox]), .sr-only, [hidden]";

/**
 * A copy of an answer's element with only the answer in it: no buttons, formulas as TeX once (KaTeX holds each three
 * times), code blocks without their heads, citations as plain links or gone.
 */
export function cleaned(answer: Element, finder: Finder, citations: "links" | "gone"): HTMLElement {
  const { document } = finder;
  const copy = answer.cloneNode(true) as HTMLElement;
  for (const maths of copy.querySelectorAll(".katex-display, .katex")) {
    if (!copy.contains(maths)) continue;
    const tex = maths.querySelector('annotation[encoding="application/x-tex"]')?.textContent;
    if (tex === undefined || tex === null) continue;
    const span = document.createElement("span");
    span.setAttribute(TEX, maths.classList.contains("katex-display") ? "display" : "inline");
    span.textContent = tex;
    maths.replaceWith(span);
  }
  for (const pre of copy.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    const lines = document.createElement("code");
    const language = code ? languageOf(pre, code) : "";
    if (language) lines.className = `language-${language}`;
    lines.textContent = (code ?? pre).textContent;
    pre.replaceChildren(lines);
  }
  for (const css of finder.pack.hooks.citation.alternatives.map((alternative) => alternative.css)) {
    for (const pill of select(copy, css)) {
      const links = citations === "gone" ? [] : [...(pill.localName === "a" ? [pill] : pill.querySelectorAll("a[href]"))];
      const line = document.createElement("span");
      for (const [i, link] of links.entries()) {
        const plain = document.createElement("a");
        plain.setAttribute("href", link.getAttribute("href") ?? "");
        plain.textContent = (link.textContent ?? "").trim();
        line.append(i === 0 ? "(" : ", ", plain);
      }
      if (links.length > 0) line.append(")");
      pill.replaceWith(line);
    }
  }
  for (const noise of copy.querySelectorAll(NOISE)) noise.remove();
  copy.normalize(); // what is left of a text in parts reads as one
  return copy;
}

/** The class says it; else a short word alone in the block's head. */
function languageOf(pre: Element, code: Element): string {
  const named = /(?:^|\s)language-([^\s!]+)/.exec(code.className)?.[1];
  if (named) return named;
  const head = [...pre.querySelectorAll("div, span")].find((element) => !element.contains(code) && !code.contains(element) && element.children.length === 0 && !element.closest("button"));
  const word = (head?.textContent ?? "").trim().toLowerCase();
  return /^[a-z0-9+#.-]{1,20}$/.test(word) ? word : "";
}

function select(root: Element, css: string): Element[] {
  try {
    return [...root.querySelectorAll(css)];
  } catch {
    return [];
  }
}
