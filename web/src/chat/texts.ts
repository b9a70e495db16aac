import * as en from "../texts/en";

/** What the chat page says, in the page's language. Read it while drawing, not when a module loads. */
export let t = en.chat;

/** Sets the language, before the first drawing. */
export function speakChat(texts: typeof en.chat): void {
  t = texts;
}
