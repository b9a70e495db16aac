import * as en from "../texts/en";

/** What the panel says, in the page's language. Read it while drawing, not when a module loads. */
export let t = en.panel;

/** Sets the language, before the first drawing. */
export function speakPanel(texts: typeof en.panel): void {
  t = texts;
}
