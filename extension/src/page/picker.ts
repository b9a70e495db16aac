// One picker of a pack: to open it, read what it offers and shows, choose, and close it again.
import type { Alternative, Picker, Tier } from "../pack/types";
import { Failure, SENTENCES } from "./failure";
import type { Finder, Found } from "./find";
import { PICKER_INVARIANTS } from "./invariants";
import { isDisabled } from "./press";
import type { Changes } from "./wait";
import { nextTask } from "./wait";

/** A menu is there a moment after its button was pressed, or it is not this picker's button. */
const OPEN_MS = 1_500;
/** A choice shows in the page at once; a page that shows it with the next frame never does in a hidden tab. */
const SETTLE_MS = 600;
/** More presses of an arrow key than any slider has positions. */
const MAX_STEPS = 10;

/** What an open picker offers. */
export interface Seen {
  picker: Picker;
  positions: Found[];
  tiers: Tier[];
  /** What is set, in the pack's words; null where the picker does not show it. */
  now: Tier | null;
}

export class Pickers {
  constructor(
    private readonly finder: Finder,
    private readonly changes: Changes,
  ) {}

  /** The button of a picker, if the page has it; nothing is opened. */
  button(picker: Picker): Found | null {
    const context = this.finder.context();
    return this.finder.byAlternatives(picker.button, this.finder.document, (element) => PICKER_INVARIANTS.button(element, context), context.composer)[0] ?? null;
  }

  /** Opens the first of these pickers that the page has, and reads it. Several may have one button. */
  async open(pickers: readonly Picker[], signal: AbortSignal): Promise<Seen | null> {
    let opened: Element | null = null;
    for (const picker of pickers) {
      const button = this.button(picker)?.element;
      if (!button || isDisabled(button)) continue;
      if (button !== opened) {
        if (opened) await this.escape();
        opened = button;
        const any = (): boolean => pickers.some((other) => this.content(other) !== null);
        if (!any()) push(button);
        await this.changes.until(any, OPEN_MS, signal);
      }
      if (!this.content(picker)) continue;
      for (const step of picker.steps ?? []) {
        const entry = this.choices(step, this.finder.document)[0]?.element;
        if (entry) push(entry);
        await nextTask();
      }
      const seen = await this.changes.until(() => this.read(picker), picker.steps ? OPEN_MS : SETTLE_MS, signal);
      if (seen) {
        this.finder.matched[`picker_${picker.name}`] = seen.positions[0]?.alternative ?? "";
        return seen;
      }
    }
    if (opened) await this.escape();
    return null;
  }

  /** Also where the attempt was given up: an open menu holds the keyboard. */
  async shut(picker: Picker): Promise<void> {
    const { signal } = new AbortController();
    for (let i = 0; i < 3 && this.content(picker); i++) {
      await this.escape();
      await this.changes.until(() => !this.content(picker), SETTLE_MS, signal);
    }
    const button = this.button(picker)?.element;
    if (button && this.content(picker)) {
      push(button);
      await this.changes.until(() => !this.content(picker), SETTLE_MS, signal);
    }
  }

  /** Presses what stands for `wanted`. Whether it is set then, an open() afterwards tells. Throws Failure mode_unavailable. */
  async choose(seen: Seen, wanted: Tier, signal: AbortSignal): Promise<void> {
    const at = seen.tiers.indexOf(wanted);
    if (at < 0) throw unavailable(`It offers ${seen.tiers.join(", ")}.`);
    if (seen.picker.form === "slider") return this.slide(seen, at, wanted, signal);
    const entry = seen.positions[at]?.element;
    if (!entry) throw unavailable();
    if (isDisabled(entry)) throw unavailable(this.reason(entry));
    push(entry);
    await this.changes.until(() => !entry.isConnected || isChecked(entry), SETTLE_MS, signal);
  }

  private async slide(seen: Seen, at: number, wanted: Tier, signal: AbortSignal): Promise<void> {
    const place = (): number => {
      const range = sliderRange(this.read(seen.picker)?.positions[0]?.element);
      return range ? range.now - range.min : -1;
    };
    for (let step = 0; step < MAX_STEPS; step++) {
      const here = place();
      if (here === at || here < 0) return;
      const slider = this.read(seen.picker)?.positions[0]?.element;
      if (!slider) return;
      if (isDisabled(slider)) throw unavailable(this.reason(slider));
      slider.focus();
      key(slider, here < at ? "ArrowRight" : "ArrowLeft");
      if (await this.changes.until(() => place() !== here, SETTLE_MS, signal)) continue;
      // A page that draws by frames shows it only when it is opened anew.
      await this.shut(seen.picker);
      await this.open([seen.picker], signal);
      if (place() === here) throw unavailable(`The slider does not go to ${wanted}.`);
    }
  }

  private content(picker: Picker): HTMLElement | null {
    const context = this.finder.context();
    return this.finder.byAlternatives(picker.content, this.finder.document, (element) => PICKER_INVARIANTS.content(element, context))[0]?.element ?? null;
  }

  private choices(alternatives: readonly Alternative[], root: ParentNode): Found[] {
    const context = this.finder.context();
    return this.finder.byAlternatives(alternatives, root, (element) => PICKER_INVARIANTS.choice(element, context));
  }

  /** What an open picker offers and shows; null where it is none that this entry of the pack describes. */
  private read(picker: Picker): Seen | null {
    const content = this.content(picker);
    if (!content) return null;
    // A submenu opens outside of the menu that it belongs to.
    const root = picker.steps ? this.finder.document : content;
    if (picker.form === "named") return this.readNamed(picker, root);
    let positions = this.choices(picker.items ?? [], root);
    if (picker.form === "slider") {
      const range = sliderRange(positions[0]?.element);
      const tiers = range && picker.tiers?.[String(range.max - range.min + 1)];
      return range && tiers ? { picker, tiers, positions: positions.slice(0, 1), now: tiers[range.now - range.min] ?? null } : null;
    }
    // Of several sets of radios, such as models and efforts, the one that holds the first entry counts.
    const group = positions[0]?.element.closest("[role=group], [role=radiogroup]");
    if (group) positions = positions.filter(({ element }) => group.contains(element));
    const tiers = picker.tiers?.[String(positions.length)];
    return tiers ? { picker, positions, tiers, now: tiers[checkedOf(positions)] ?? null } : null;
  }

  private readNamed(picker: Picker, root: ParentNode): Seen | null {
    const tiers: Tier[] = [];
    const positions: Found[] = [];
    for (const [tier, alternatives] of Object.entries(picker.named ?? {})) {
      const found = this.choices(alternatives, root)[0];
      if (!found || positions.some((other) => other.element === found.element)) continue;
      tiers.push(tier);
      positions.push(found);
    }
    return positions.length > 0 ? { picker, positions, tiers, now: tiers[checkedOf(positions)] ?? null } : null;
  }

  /** What the page says of a choice that is barred. */
  private reason(element: Element): string {
    const id = element.getAttribute("aria-describedby");
    const text = (id ? this.finder.document.getElementById(id)?.textContent : element.getAttribute("title")) ?? "";
    return text.trim() === "" ? "" : `The page says: ${text.replace(/\s+/g, " ").trim().slice(0, 200)}`;
  }

  private async escape(): Promise<void> {
    const { document } = this.finder;
    key(document.activeElement ?? document.body, "Escape");
    await nextTask();
  }
}

export function unavailable(more = ""): Failure {
  return new Failure("mode_unavailable", `${SENTENCES.mode_unavailable} ${more}`.trim());
}

/** How pages learn of a press: menus open on pointerdown, others on click; each listens to one of them. */
function push(element: HTMLElement): void {
  const options = { bubbles: true, cancelable: true, composed: true, button: 0, detail: 1 };
  const pointer = { ...options, pointerId: 1, pointerType: "mouse", isPrimary: true };
  element.dispatchEvent(new PointerEvent("pointerdown", { ...pointer, buttons: 1 }));
  element.dispatchEvent(new MouseEvent("mousedown", { ...options, buttons: 1 }));
  element.dispatchEvent(new PointerEvent("pointerup", pointer));
  element.dispatchEvent(new MouseEvent("mouseup", options));
  element.click();
}

function key(element: Element, name: string): void {
  for (const type of ["keydown", "keyup"]) element.dispatchEvent(new KeyboardEvent(type, { key: name, code: name, bubbles: true, cancelable: true, composed: true }));
}

function checkedOf(positions: readonly Found[]): number {
  return positions.findIndex(({ element }) => isChecked(element));
}

function isChecked(element: Element): boolean {
  return ["aria-checked", "aria-selected"].some((name) => element.getAttribute(name) === "true") || ["checked", "on"].includes(element.getAttribute("data-state") ?? "");
}

function sliderRange(slider: Element | undefined): { min: number; max: number; now: number } | null {
  if (!slider) return null;
  const [min, max, now] = ["aria-valuemin", "aria-valuemax", "aria-valuenow"].map((name) => Number.parseInt(slider.getAttribute(name) ?? "", 10)) as [number, number, number];
  return [min, max, now].every(Number.isSafeInteger) && max >= min ? { min, max, now } : null;
}
