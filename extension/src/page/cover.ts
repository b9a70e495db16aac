import type { Finder } from "./find";

/** Whether a dialog keeps a person from the composer. Others, such as a notice in a corner, are the person's business. */
export function covered(finder: Finder): boolean {
  const dialogs = finder.all("dialog");
  if (dialogs.length === 0) return false;
  const composer = finder.composer();
  if (!composer) return true;
  if (composer.closest("[inert], [aria-hidden=true]")) return true;
  if (dialogs.some((dialog) => dialog.getAttribute("aria-modal") === "true")) return true;
  const { left, top, width, height } = composer.getBoundingClientRect();
  const there = finder.document.elementFromPoint(left + width / 2, top + height / 2);
  return there !== null && dialogs.some((dialog) => dialog.contains(there) || (there.contains(dialog) && !there.contains(composer)));
}
