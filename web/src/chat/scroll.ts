// The reader's place is theirs. After a send the page follows the new answer until the question meets the top edge, then it holds.
// "New text" or End follows on; any scrolling by hand lets go. What the person did decides, not how far from the end they are.
import { signal } from "@preact/signals";

/** Space left above the question when it has met the top edge, in pixels. */
const ABOVE = 16;

type Following = { what: "nothing" } | { what: "question"; id: string } | { what: "end" };

let log: HTMLElement | null = null;
let following: Following = { what: "nothing" };

/** There is text below what is seen. */
export const textBelow = signal(false);

/** Tells which element scrolls. Returns a function that lets go of it. */
export function attach(element: HTMLElement): () => void {
  log = element;
  const letGo = () => (following = { what: "nothing" });
  const wheel = (event: WheelEvent) => event.deltaY < 0 && letGo();
  const press = (event: PointerEvent) => {
    // A press right of the content is one on the scrollbar.
    if (event.target === element && event.offsetX >= element.clientWidth) letGo();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement) return;
    if (["ArrowUp", "PageUp", "Home"].includes(event.key)) letGo();
    if (event.key === "End") followEnd();
  };
  const grown = new ResizeObserver(moved);
  element.addEventListener("wheel", wheel, { passive: true });
  element.addEventListener("touchmove", letGo, { passive: true });
  element.addEventListener("pointerdown", press);
  element.addEventListener("scroll", look, { passive: true });
  addEventListener("keydown", keys);
  grown.observe(element);
  for (const child of element.children) grown.observe(child);
  return () => {
    grown.disconnect();
    removeEventListener("keydown", keys);
    log = null;
  };
}

/** Follows an answer until its question meets the top edge. */
export function followQuestion(id: string): void {
  following = { what: "question", id };
  requestAnimationFrame(moved);
}

/** Follows the end. */
export function followEnd(): void {
  following = { what: "end" };
  moved();
}

/** Shows a request at the top, or where there is none with that id, the end; once. */
export function jumpTo(id: string): void {
  following = { what: "nothing" };
  const question = id ? document.getElementById(id) : null;
  if (question) question.scrollIntoView();
  else if (log) log.scrollTop = log.scrollHeight;
  look();
}

function moved(): void {
  if (log && following.what === "end") log.scrollTop = log.scrollHeight;
  if (log && following.what === "question") {
    const question = document.getElementById(following.id);
    if (question) {
      const top = question.getBoundingClientRect().top - log.getBoundingClientRect().top + log.scrollTop - ABOVE;
      const end = log.scrollHeight - log.clientHeight;
      log.scrollTop = Math.min(top, end);
      if (top <= end) following = { what: "nothing" };
    }
  }
  look();
}

function look(): void {
  if (log) textBelow.value = log.scrollHeight - log.clientHeight - log.scrollTop > 24;
}
