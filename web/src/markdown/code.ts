// Blocks of code. Long ones are cut into pieces at line breaks, so that text that comes lays out only the last piece
// (500 kB in one element cost 170 ms for each addition).
import { announce } from "../shared/announce";
import { copyText } from "../shared/copy";
import { s } from "../shared/texts";
import { beginsWith } from "./blocks";
import { addPlain, make, TURNING } from "./dom";

/** The shortest piece, in UTF-16 units: about a screen. */
const PIECE = 4_000;

/** Longer code keeps one colour: colouring it would hold up the page. UTF-16 units. */
const COLOURED_AT_MOST = 100_000;

/** How long "Copied" stays on the button, in milliseconds. */
const COPIED_FOR = 2_000;

/** Draws a block of code: its language, a button that copies it, and the code, which scrolls sideways by itself. */
export function drawCode(text: string, info: string): HTMLElement {
  const language = languageOf(info);
  const code = make("code", language ? { class: "language-" + language } : {});
  addPieces(code, withoutLastBreak(text));
  return make(
    "div",
    { class: "code", dir: "ltr" },
    make("div", { class: "code-head meta" }, make("span", {}, language), make("button", { type: "button", class: "button quiet code-copy", "aria-label": s.markdown.copyCode }, s.copy)),
    make("pre", { tabindex: "0", role: "group", "aria-label": language ? s.markdown.codeIn(language) : s.markdown.code }, code),
  );
}

/** The first word after the fence: the language. Anything else there is no name. */
export function languageOf(info: string): string {
  return /^[\w+#.-]{1,30}/.exec(info.trim())?.[0].toLowerCase() ?? "";
}

/** The last line break is the fence's, and not the code's. */
function withoutLastBreak(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** Changes drawn code from one text to another. What is only added leaves all the rest alone. */
export function changeCode(block: HTMLElement, before: string, after: string): void {
  const code = block.querySelector<HTMLElement>("pre > code")!;
  const [from, to] = [withoutLastBreak(before), withoutLastBreak(after)];
  if (to === from) return;
  const last = code.lastElementChild;
  if (!beginsWith(to, from) || !last || !last.classList.contains("piece") || last.childElementCount > 0) {
    code.replaceChildren();
    addPieces(code, to);
    return;
  }
  const rest = last.textContent + to.slice(from.length);
  if (rest.length <= PIECE && last.firstChild instanceof Text && !TURNING.test(rest)) {
    last.firstChild.appendData(to.slice(from.length));
    return;
  }
  last.remove();
  addPieces(code, rest);
}

/** Each piece is a line box of its own and ends with its line break, which shows nothing there but keeps the text whole. */
function addPieces(code: HTMLElement, text: string): void {
  let from = 0;
  do {
    const cut = text.indexOf("\n", from + PIECE);
    const to = cut < 0 ? text.length : cut + 1;
    const piece = make("span", { class: "piece" });
    addPlain(piece, text.slice(from, to));
    code.append(piece);
    from = to;
  } while (from < text.length);
}

/** The code of a block, as it came. */
export function codeOf(block: Element): string {
  return block.querySelector("pre")?.textContent ?? "";
}

/** Copies the code whose button was pressed. Returns false for a press on anything else. */
export async function pressed(target: EventTarget | null): Promise<boolean> {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>(".code-copy") : null;
  const block = button?.closest(".code");
  if (!button || !block) return false;
  const came = await copyText(codeOf(block), block.querySelector("pre"));
  button.textContent = s.copied[came];
  announce(s.copied[came]);
  if (came === "copied") setTimeout(() => (button.textContent = s.copy), COPIED_FOR);
  return true;
}

const waiting: HTMLElement[] = [];
let colouring = false;

/** Code is coloured when it comes near the screen: an answer can hold very many blocks. */
const NEAR = "600px";
let watcher: IntersectionObserver | null = null;

/** Colours the code in a block that has settled, when it is nearly seen and the page has nothing else to do. */
export function colour(block: HTMLElement): void {
  watcher ??= new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        watcher!.unobserve(target);
        waiting.push(target as HTMLElement);
      }
      if (waiting.length > 0 && !colouring) void colourWaiting();
    },
    { rootMargin: NEAR },
  );
  for (const code of block.querySelectorAll<HTMLElement>("pre > code[class^=language-]")) watcher.observe(code);
}

async function colourWaiting(): Promise<void> {
  colouring = true;
  try {
    const { highlight } = (await import("/assets/highlight.js" as string)) as typeof import("./highlight");
    for (let code = waiting.shift(); code; code = waiting.shift()) {
      await idle();
      const text = code.textContent ?? "";
      if (!code.isConnected || text.length > COLOURED_AT_MOST || TURNING.test(text)) continue;
      const nodes = highlight(text, code.className.slice("language-".length));
      if (nodes) code.replaceChildren(nodes);
    }
  } catch {
    // The file did not come: the code stays in one colour.
    waiting.length = 0;
  } finally {
    colouring = false;
  }
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: 500 });
    else setTimeout(resolve, 50);
  });
}
