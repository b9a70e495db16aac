// Formulas in an answer: their source until the file that draws them is there, then MathML.
import { make } from "./dom";
import type { Formula } from "./formula";

type Typeset = (typeof import("./maths"))["typeset"];

/** Drawn formulas that are kept: a paragraph that grows is drawn again and again. */
const KEPT = 300;

let typeset: Typeset | null = null;
let loading: Promise<void> | null = null;
const drawn = new Map<string, Element | null>();

/** An element for the formula. Where it can't be drawn yet, or at all, it shows the source. */
export function drawFormula({ raw, text, display, open }: Formula): HTMLElement {
  const element = make("span", { class: display ? "formula display" : "formula", dir: "ltr" });
  if (open) element.append(raw);
  else if (!typeset || !fill(element, text, display)) {
    element.append(raw.trim());
    if (!typeset) {
      element.classList.add("waits");
      loading ??= load();
    }
  }
  return element;
}

function fill(element: HTMLElement, source: string, display: boolean): boolean {
  const name = (display ? "d" : "i") + source;
  let maths = drawn.get(name);
  if (maths === undefined) {
    maths = typeset!(source, display);
    if (drawn.size >= KEPT) drawn.clear();
    drawn.set(name, maths);
  }
  if (!maths) return false;
  element.replaceChildren(maths.cloneNode(true));
  return true;
}

async function load(): Promise<void> {
  try {
    ({ typeset } = (await import("/assets/maths.js" as string)) as typeof import("./maths"));
  } catch {
    return; // The sources stay.
  }
  for (const element of document.querySelectorAll<HTMLElement>(".formula.waits")) {
    element.classList.remove("waits");
    const source = (element.textContent ?? "").replace(/^(?:\$\$?|\\[([])|(?:\$\$?|\\[)\]])$/g, "");
    fill(element, source, element.classList.contains("display"));
  }
}
