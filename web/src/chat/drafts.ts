import { signal } from "@preact/signals";
import { local } from "../shared/storage";
import type { ResponseType, ThinkingTime } from "../shared/types";

const storedAs = (chat: string | null) => "chatbridge.draft." + (chat ?? "new");

/** The text in the composer. It is stored with each key press, by chat. */
export const draft = signal("");

/** Shows what was written in a chat and not sent; null: in a new chat. */
export function openDraft(chat: string | null): void {
  draft.value = local.get(storedAs(chat)) ?? "";
}

/** Keeps the text of a chat's composer. */
export function writeDraft(chat: string | null, text: string): void {
  draft.value = text;
  if (text === "") local.remove(storedAs(chat));
  else local.set(storedAs(chat), text);
}

/** Removes a stored text without touching the composer: the person has gone to another chat meanwhile. */
export function dropDraft(chat: string | null): void {
  local.remove(storedAs(chat));
}

const MODE = "chatbridge.mode";
const THINKING = "chatbridge.thinking";

/** Which kind of answer is asked for next. */
export const mode = signal<ResponseType>(oneOf(local.get(MODE), ["auto", "instant", "thinking"]));

/** How long the next thinking answer may think. */
export const thinking = signal<ThinkingTime>(oneOf(local.get(THINKING), ["standard", "extended"]));

export function chooseMode(choice: ResponseType): void {
  mode.value = choice;
  local.set(MODE, choice);
}

export function chooseThinking(choice: ThinkingTime): void {
  thinking.value = choice;
  local.set(THINKING, choice);
}

/** The stored word if it is one of `words`, else the first of them. */
function oneOf<T extends string>(stored: string | null, words: [T, ...T[]]): T {
  return words.find((word) => word === stored) ?? words[0];
}
