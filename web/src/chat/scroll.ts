// The reader's place is theirs. After a send the page follows the new answer until the question meets the top edge, then it holds.
// "New text" or End follows on; any scrolling by hand lets go. What the person did decides, not how far from the end they are.
import { signal } from "@preact/signals";
import { drawing } from "../markdown/view";

/** Space left above the question when it has met the top edge, in pixels. */
const ABOVE = 16;

/** Text that begins this far below what is seen is not worth a word. Pixels. */
const HARDLY = 24;

/** How long a chat that was opened is kept at its place while it is still being drawn, and after that. Milliseconds. */
const OPENING_AT_MOST = 3_000;
const DRAWN_FOR = 300;

type Following = { what: "nothing" } | { what: "question"; id: string } | { what: "end" } | { what: "opened"; id: string };

let log: HTMLElement | null = null;
let following: Following = { what: "nothing" };
let opening: ReturnType<typeof setTimeout> | undefined;

/** There is text below what is seen. */
export const textBelow = signal(false);

/** Tells which element scrolls; its first child holds all that is in it. Returns a function that lets go of it. */
export function attach(element: HTMLElement): () => void {
  log = element;
  following = { what: "nothing" };
  const wheel = (event: WheelEvent) => {
    if (event.deltaY < 0 && !event.ctrlKey) letGo();
    else if (following.what === "opened") letGo();
  };
  const press = (event: PointerEvent) => {
    // A press right of the content is one on the scrollbar.
    if (event.target === element && event.offsetX >= element.clientWidth) letGo();
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
    clearTimeout(opening);
    removeEventListener("keydown", keys);
    if (log === element) log = null;
  };
}

function letGo(): void {
  following = { what: "nothing" };
}

const UPWARD = new Set(["ArrowUp", "PageUp", "Home", "Tab"]);
const DOWNWARD = new Set(["ArrowDown", "PageDown", " "]);

function keys(event: KeyboardEvent): void {
  const at = event.target;
  if (at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement || at instanceof HTMLInputElement || event.defaultPrevented) return;
  // The list of chats and dialogs move by the same keys, and nothing here.
  if (at instanceof Element && at !== document.body && !log?.contains(at) && !at.closest("main")) return;
  if (event.key === "End" && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    followEnd();
  } else if (UPWARD.has(event.key) || (event.key === " " && event.shiftKey) || (DOWNWARD.has(event.key) && following.what === "opened")) {
    letGo();
  }
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

/** Shows a request at the top, or with "" the end, and stays there until the chat is drawn or the reader moves. */
export function jumpTo(id: string): void {
  // A message that was just sent in a new chat is followed already.
  if (id === "" && following.what === "question") return;
  following = { what: "opened", id };
  clearTimeout(opening);
  let until = performance.now() + OPENING_AT_MOST;
  const over = () => {
    if (following.what !== "opened") return;
    // A hidden page draws nothing.
    if (document.hidden) until = performance.now() + OPENING_AT_MOST;
    if (drawing() && performance.now() < until) opening = setTimeout(over, DRAWN_FOR);
    else letGo();
  };
  opening = setTimeout(over, DRAWN_FOR);
  moved();
}

function moved(): void {
  if (!log) return;
  const end = log.scrollHeight - log.clientHeight;
  switch (following.what) {
    case "end":
      log.scrollTop = end;
      break;
    case "opened":
      log.scrollTop = topOf(following.id) ?? end;
      break;
    case "question": {
      const top = topOf(following.id);
      if (top === null) break;
      log.scrollTop = Math.min(top, end);
      if (top <= end) letGo();
    }
  }
  look();
}

/** Where to scroll so that a question stands at the top edge; null if it is not here. */
function topOf(id: string): number | null {
  const question = id ? document.getElementById(id) : null;
  if (!question || !log?.contains(question)) return null;
  return question.getBoundingClientRect().top - log.getBoundingClientRect().top + log.scrollTop - ABOVE;
}

function look(): void {
  if (log) textBelow.value = log.scrollHeight - log.clientHeight - log.scrollTop > HARDLY;
}

/** Remembers what stands at the top edge. The returned function puts it back there, whatever came above it since. */
export function holdPlace(): () => void {
  const frame = log?.getBoundingClientRect();
  const held = frame && [...log!.querySelectorAll("article")].find((article) => article.getBoundingClientRect().bottom > frame.top);
  if (!held) return () => {};
  const before = held.getBoundingClientRect().top;
  return () => {
    if (log && held.isConnected) log.scrollTop += held.getBoundingClientRect().top - before;
  };
}
