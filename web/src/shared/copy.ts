/** What came of copying: it is in the clipboard, or it is selected and the person presses the keys. */
export type Copied = "copied" | "selected" | "failed";

/**
 * Copies text. The Clipboard API exists only on https and localhost; elsewhere execCommand does it, and where that is refused
 * too the text is left selected. `shown` is the element that shows the text, for selecting; without it the third way is "failed".
 */
export async function copyText(text: string, shown?: HTMLElement | null): Promise<Copied> {
  try {
    await navigator.clipboard.writeText(text);
    return "copied";
  } catch {
    // Not there, or not allowed: the older ways follow.
  }
  if (byCommand(text)) return "copied";
  if (!shown) return "failed";
  select(shown);
  return "selected";
}

function byCommand(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "offscreen";
  // A modal dialog makes all outside it inert, and what is inert can't be selected.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(area);
  try {
    area.select();
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}

function select(element: HTMLElement): void {
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    element.focus();
    element.select();
    return;
  }
  getSelection()?.selectAllChildren(element);
}
