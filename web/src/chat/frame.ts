import { signal } from "@preact/signals";
import { media } from "../shared/media";

/** The list of chats stands beside the open chat; else it is a drawer. */
export const wide = media("(min-width: 1000px)");

/** The drawer is open. */
export const drawer = signal(false);

/** The dialog that lists the keys is open. */
export const keysShown = signal(false);

/** A sentence that confirms what was just done; it goes by itself. */
export const toast = signal("");

/** How long it stays, in milliseconds. */
const TOAST_FOR = 3_000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Confirms what was just done. */
export function confirm(text: string): void {
  toast.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.value = ""), TOAST_FOR);
}
