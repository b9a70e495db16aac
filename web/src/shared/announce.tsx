import { signal } from "@preact/signals";

const said = signal("");

/** Speaks a sentence to screen readers, politely. Only at boundaries: never for each piece of an answer. */
export function announce(text: string): void {
  // The same sentence twice would not be a change, and so not be spoken.
  said.value = said.peek() === text ? text + "\u00a0" : text;
}

/** The one polite region of the page. */
export function Announcer() {
  return (
    <div class="offscreen" role="status" aria-live="polite">
      {said}
    </div>
  );
}
