import { type ReadonlySignal, signal } from "@preact/signals";

const state = signal(navigator.onLine);
addEventListener("online", () => (state.value = true));
addEventListener("offline", () => (state.value = false));

/** Whether the browser has a network at all; true says nothing about the server. */
export const online: ReadonlySignal<boolean> = state;
