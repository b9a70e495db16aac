import * as en from "../texts/en";

/** What both pages say, in the page's language. Read it while drawing, not when a module loads. */
export let s = en.shared;

/** Sets the language, before the first drawing. */
export function speakShared(texts: typeof en.shared): void {
  s = texts;
}
