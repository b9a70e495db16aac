/** What the page's own keys are for. */
export type Shortcut = "search" | "newChat" | "copyCode" | "list" | "composer";

/** The shortcut that a press of keys means; null for none. `mac`: the command key does there what Control does elsewhere. */
export function shortcutOf(event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">, mac: boolean): Shortcut | null {
  if (event.altKey) return null;
  const control = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  const name = event.key.toLowerCase();
  if (event.key === "Escape" && event.shiftKey && !event.ctrlKey && !event.metaKey) return "composer";
  if (!control) return null;
  if (name === "k" && !event.shiftKey) return "search";
  if (name === "o" && event.shiftKey) return "newChat";
  // Where these signs lie elsewhere on the keyboard, their place counts; a slash may need Shift there.
  if (event.shiftKey && (event.code === "Semicolon" || name === ";" || name === ":")) return "copyCode";
  if (name === "/" || (event.code === "Slash" && !event.shiftKey)) return "list";
  return null;
}
