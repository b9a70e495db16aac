import type { HookName } from "../pack/types";

/** Where a hook is looked for. A turn is the one being read. */
export type Scope = "page" | "form" | "turn";

/** What is known when a hook is judged. */
export interface Context {
  composer: Element | null;
  form: Element | null;
  turn: Element | null;
  stop: Element | null;
  /** The turn that holds this element, if any. */
  turnOf(element: Element): Element | null;
}

export interface Invariant {
  scope: Scope;
  /** For people: shown nowhere, kept true by holds. */
  is: string;
  holds(element: Element, context: Context): boolean;
}

/**
 * What each hook may be, whatever a pack says. A pack can make the extension miss things, never press something else:
 * only `send`, `stop` and the parts of pickers are ever pressed, and nothing that is or lies in a link.
 */
export const INVARIANTS: Record<HookName, Invariant> = {
  composer: {
    scope: "page",
    is: "a field for text, in no turn and no dialog",
    holds: (e, c) => isEditable(e) && !c.turnOf(e) && !e.closest("[role=dialog], [aria-modal=true], dialog, nav"),
  },
  form: {
    scope: "page",
    is: "around the composer, around no turn, and less than the page",
    holds: (e, c) => c.composer !== null && e !== c.composer && e.contains(c.composer) && !isWholePage(e) && !c.turnOf(e),
  },
  send: {
    scope: "form",
    is: "a plain button in the composer's form that is not the stop button and opens nothing",
    holds: (e, c) => inForm(e, c) && isButton(e) && e !== c.stop && !e.hasAttribute("aria-haspopup") && e.getAttribute("type") !== "reset",
  },
  stop: {
    scope: "form",
    is: "a plain button in the composer's form that opens nothing",
    holds: (e, c) => inForm(e, c) && isButton(e) && !e.hasAttribute("aria-haspopup") && e.getAttribute("type") !== "reset",
  },
  attachment: { scope: "form", is: "in the composer's form, outside the text", holds: (e, c) => inForm(e, c) && !c.composer?.contains(e) },
  turn: { scope: "page", is: "holds no composer, and is less than the page", holds: (e, c) => !isWholePage(e) && !(c.composer && e.contains(c.composer)) },
  turn_user: { scope: "turn", is: "the turn or in it", holds: inTurn },
  turn_assistant: { scope: "turn", is: "the turn or in it", holds: inTurn },
  user_text: { scope: "turn", is: "in the turn", holds: inTurn },
  answer: { scope: "turn", is: "in the turn, and nothing to type in", holds: (e, c) => inTurn(e, c) && !isEditable(e) && !e.querySelector("textarea, [contenteditable=true]") },
  actions: { scope: "turn", is: "in the turn", holds: inTurn },
  thinking: { scope: "turn", is: "in the turn", holds: inTurn },
  turn_error: { scope: "turn", is: "in the turn", holds: inTurn },
  turn_cut: { scope: "turn", is: "in the turn", holds: inTurn },
  citation: { scope: "turn", is: "in the turn", holds: inTurn },
  image: { scope: "turn", is: "an image in the turn", holds: (e, c) => inTurn(e, c) && e.localName === "img" },
  dialog: { scope: "page", is: "in no turn, and not around the composer", holds: (e, c) => !c.turnOf(e) && !(c.composer && e.contains(c.composer)) },
  account: { scope: "page", is: "in no turn", holds: (e, c) => !c.turnOf(e) },
  title: { scope: "page", is: "in no turn", holds: (e, c) => !c.turnOf(e) },
};

/** The same for what a picker names. */
export const PICKER_INVARIANTS = {
  /** A button that says of itself that it opens something, beside the composer or in the page's head. */
  button: (e: Element, c: Context): boolean =>
    isButton(e) && e.hasAttribute("aria-haspopup") && e.getAttribute("type") !== "submit" && !c.turnOf(e) && (inForm(e, c) || e.closest("header, [role=banner], #page-header, main") !== null),
  content: (e: Element, c: Context): boolean => !isWholePage(e) && !c.turnOf(e) && !(c.composer && e.contains(c.composer)) && !e.closest("nav"),
  /** A choice of a menu, a set of radios or a slider, in what the button opened. */
  choice: (e: Element, c: Context): boolean => ["menuitem", "menuitemradio", "radio", "option", "slider"].includes(e.getAttribute("role") ?? "") && !isLink(e) && !c.turnOf(e),
};

function inForm(e: Element, c: Context): boolean {
  return c.form !== null && c.form.contains(e);
}

function inTurn(e: Element, c: Context): boolean {
  return c.turn !== null && c.turn.contains(e);
}

function isButton(e: Element): boolean {
  return (e.localName === "button" || e.getAttribute("role") === "button") && !isLink(e);
}

function isLink(e: Element): boolean {
  return e.closest("a, area, [role=link]") !== null || e.querySelector("a[href]") !== null;
}

export function isEditable(e: Element): boolean {
  if (e.localName === "textarea") return true;
  return ["true", "", "plaintext-only"].includes(e.getAttribute("contenteditable") ?? "no");
}

function isWholePage(e: Element): boolean {
  return ["html", "body", "main", "nav"].includes(e.localName);
}
