import { signal, type ReadonlySignal } from "@preact/signals";

/** A media query as a signal that lives as long as the page. */
export function media(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => (matches.value = list.matches));
  return matches;
}
