import { signal } from "@preact/signals";
import { local } from "../shared/storage";
import type { ResponseType, ThinkingTime } from "../shared/types";

export const MODES = ["auto", "instant", "thinking"] as const satisfies ResponseType[];
export const THINKING_TIMES = ["standard", "extended"] as const satisfies ThinkingTime[];

const MODE = "chatbridge.mode";
const THINKING = "chatbridge.thinking";

/** Which kind of answer is asked for next. */
export const mode = signal<ResponseType>(oneOf(local.get(MODE), MODES));

/** How long the next thinking answer may think. */
export const thinking = signal<ThinkingTime>(oneOf(local.get(THINKING), THINKING_TIMES));

/** The next new chat is one that the site does not keep. Not stored: it is asked for each time. */
export const temporary = signal(false);

export function chooseMode(choice: ResponseType): void {
  mode.value = choice;
  local.set(MODE, choice);
}

export function chooseThinking(choice: ThinkingTime): void {
  thinking.value = choice;
  local.set(THINKING, choice);
}

/** The stored word if it is one of `words`, else the first of them. */
function oneOf<T extends string>(stored: string | null, words: readonly [T, ...T[]]): T {
  return words.find((word) => word === stored) ?? words[0];
}
