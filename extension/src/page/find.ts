import { HOOKS } from "../pack/types";
import type { Alternative, HookName, Pack } from "../pack/types";
import { INVARIANTS } from "./invariants";
import type { Context } from "./invariants";
import { plain } from "./text";

export interface Found<E extends Element = HTMLElement> {
  element: E;
  /** The alternative's name, or its number. */
  alternative: string;
}

/** What stands for a chat's id in a selector. */
const CHAT = "CHAT";
/** Of longer texts only the beginning is searched for words: notices are short. */
const NOTICE_CHARACTERS = 2_000;

/** Finds a pack's hooks on the page. Each look is fresh: the page builds itself anew at any time. */
export class Finder {
  /** For each hook the alternative that matched last. */
  readonly matched: Record<string, string> = {};
  private turnSelectors: string[] = [];
  private kept: Context | null = null;

  constructor(
    public pack: Pack,
    readonly document: Document,
  ) {
    this.use(pack);
  }

  /** Looks by another pack from now on. */
  use(pack: Pack): void {
    this.pack = pack;
    this.turnSelectors = pack.hooks.turn.alternatives.map((alternative) => alternative.css);
    for (const name of Object.keys(this.matched)) delete this.matched[name];
    this.forget();
  }

  composer(): HTMLElement | null {
    return this.find("composer")?.element ?? null;
  }

  /** The first element of the first alternative that finds any. `turn` where the hook lies in one. */
  find(hook: HookName, turn: Element | null = null, chat = ""): Found | null {
    return this.search(hook, turn, chat)[0] ?? null;
  }

  /** All elements of that alternative, in the page's order. */
  all(hook: HookName, turn: Element | null = null): HTMLElement[] {
    return this.search(hook, turn, "").map((found) => found.element);
  }

  /** The turns that are on the page, outermost elements only. */
  turns(): HTMLElement[] {
    const found = this.all("turn");
    const known = new Set<Element>(found);
    return found.filter((turn) => {
      for (let up = turn.parentElement; up; up = up.parentElement) if (known.has(up)) return false;
      return true;
    });
  }

  roleOf(turn: Element): "user" | "assistant" | null {
    if (this.find("turn_assistant", turn)) return "assistant";
    return this.find("turn_user", turn) ? "user" : null;
  }

  /** What tells a turn from the others, over its being built anew. */
  keyOf(turn: Element): string {
    for (const name of this.pack.turn_keys) {
      const value = turn.getAttribute(name) ?? turn.querySelector(`[${name}]`)?.getAttribute(name);
      if (value) return `${name}=${value}`;
    }
    return "";
  }

  /**
   * What hooks are judged by. Kept until the running task ends, as a look asks for it hundreds of times; who changes the
   * page and looks again in one task says forget().
   */
  context(turn: Element | null = null): Context {
    if (!this.kept) {
      this.kept = this.look();
      queueMicrotask(() => (this.kept = null));
    }
    return { ...this.kept, turn };
  }

  forget(): void {
    this.kept = null;
  }

  private look(): Context {
    const composer = this.search("composer", null, "", bare(this))[0]?.element ?? null;
    const form = composer ? (this.search("form", null, "", { ...bare(this), composer })[0]?.element ?? null) : null;
    const stop = form ? (this.search("stop", null, "", { ...bare(this), composer, form })[0]?.element ?? null) : null;
    return { composer, form, stop, turn: null, turnOf: (element) => this.turnOf(element) };
  }

  turnOf(element: Element): Element | null {
    for (const css of this.turnSelectors) {
      const turn = closest(element, css);
      if (turn) return turn;
    }
    return null;
  }

  /** Elements in `root` that alternatives find and that pass `holds`; for what is no hook: trouble, pickers. */
  byAlternatives(alternatives: readonly Alternative[], root: ParentNode, holds: (element: Element) => boolean, composer: Element | null = null, chat = ""): Found[] {
    for (const [i, alternative] of alternatives.entries()) {
      const elements = this.matching(alternative, root, composer, chat).filter(holds);
      if (elements.length === 0) continue;
      if (alternative.pick === "last") elements.reverse();
      return elements.map((element) => ({ element: element as HTMLElement, alternative: alternative.name ?? String(i) }));
    }
    return [];
  }

  private search(hook: HookName, turn: Element | null, chat: string, given?: Context): Found[] {
    const { scope, holds } = INVARIANTS[hook];
    const context = given ?? (hook === "composer" ? bare(this) : this.context(turn));
    const root = scope === "form" ? context.form : scope === "turn" ? turn : this.document;
    if (!root) return [];
    const { alternatives } = this.pack.hooks[hook];
    const found =
      hook === "form" && context.composer
        ? this.around(alternatives, context.composer, (element) => holds(element, context))
        : this.byAlternatives(alternatives, root, (element) => holds(element, context), context.composer, chat);
    if (found[0]) this.matched[hook] = found[0].alternative;
    return found;
  }

  /** The nearest ancestor that an alternative names. */
  private around(alternatives: readonly Alternative[], element: Element, holds: (element: Element) => boolean): Found[] {
    for (const [i, alternative] of alternatives.entries()) {
      const up = element.parentElement && closest(element.parentElement, alternative.css);
      if (up && holds(up)) return [{ element: up as HTMLElement, alternative: alternative.name ?? String(i) }];
    }
    return [];
  }

  private matching(alternative: Alternative, root: ParentNode, composer: Element | null, chat: string): Element[] {
    const css = chat ? alternative.css.replaceAll(CHAT, chat) : alternative.css;
    let elements = query(root, css);
    // A turn's own attributes may be what is looked for.
    if (root instanceof this.elementType && matches(root, css)) elements = [root, ...elements];
    const { within, not_within, not_before, text, visible, attributes } = alternative;
    const barriers = not_before ? query(root, not_before) : [];
    return elements.filter((element) => {
      if (within && !closest(element, within)) return false;
      if (not_within && closest(element, not_within)) return false;
      if (barriers.some((barrier) => (element.compareDocumentPosition(barrier) & FOLLOWING) !== 0)) return false;
      for (const test of attributes ?? []) {
        const value = element.getAttribute(test.name);
        if (test.is !== undefined && value !== test.is) return false;
        if (test.not !== undefined && value === test.not) return false;
        if (test.has && !test.has.some((word) => plain(value ?? "").includes(word))) return false;
      }
      if (visible && !isVisible(element)) return false;
      if (text) {
        const words = plain(textWithout(element, composer));
        if (!text.some((word) => words.includes(word))) return false;
      }
      return true;
    });
  }

  private get elementType(): typeof Element {
    return this.document.defaultView?.Element ?? Element;
  }
}

/** Node.DOCUMENT_POSITION_FOLLOWING, which has no global where there is no window. */
const FOLLOWING = 4;

/** What is known before a composer is found. */
function bare(finder: Finder): Context {
  return { composer: null, form: null, stop: null, turn: null, turnOf: (element) => finder.turnOf(element) };
}

/** A pack's selector may not parse here; it then finds nothing. */
function query(root: ParentNode, css: string): Element[] {
  try {
    return [...root.querySelectorAll(css)];
  } catch {
    return [];
  }
}

function matches(element: Element, css: string): boolean {
  try {
    return element.matches(css);
  } catch {
    return false;
  }
}

function closest(element: Element, css: string): Element | null {
  try {
    return element.closest(css);
  } catch {
    return null;
  }
}

/** It is drawn, and takes up room: what only a screen reader gets is a pixel wide. Hidden tabs have a layout too. */
export function isVisible(element: Element): boolean {
  if (!element.checkVisibility({ visibilityProperty: true })) return false;
  // A tab that was discarded and loaded again out of sight has a window without any size.
  if (element.ownerDocument.defaultView?.innerWidth === 0) return true;
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.height > 1;
}

/** The element's text but for what is being typed in the composer: a person's words are no notice of the page's. */
export function textWithout(element: Element, composer: Element | null): string {
  if (!composer || !element.contains(composer)) return (element.textContent ?? "").slice(0, NOTICE_CHARACTERS);
  let text = "";
  const walk = (node: Node): void => {
    if (node === composer || text.length > NOTICE_CHARACTERS) return;
    if (node.nodeType === 3) text += node.nodeValue ?? "";
    else {
      for (const child of node.childNodes) walk(child);
      text += " ";
    }
  };
  walk(element);
  return text.slice(0, NOTICE_CHARACTERS);
}

/** All names of hooks, for the doctor. */
export const hookNames: readonly HookName[] = HOOKS;
