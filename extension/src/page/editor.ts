// Reading and writing the text of the composer, whatever editor it is. ProseMirror, bare editors and fields take what
// execCommand does to their document, and no synthetic input events. Lexical is the other way round: it undoes changes
// of its document, and listens to beforeinput.
import { isHigh, isLow, lines } from "./text";

export type Editor = "textarea" | "prosemirror" | "lexical" | "bare";

export function editorOf(composer: HTMLElement): Editor {
  if (composer.localName === "textarea") return "textarea";
  if (composer.classList.contains("ProseMirror")) return "prosemirror";
  if (composer.hasAttribute("data-lexical-editor")) return "lexical";
  return "bare";
}

/** The composer's text as its lines: a block or a break begins a new one. */
export function readText(composer: HTMLElement): string {
  if (composer.localName === "textarea") return (composer as HTMLTextAreaElement).value;
  const reader = new LineReader();
  reader.block(composer);
  return reader.lines.join("\n");
}

/** Whether the composer holds exactly this text; line ends aside, which every editor makes LF. */
export function holds(composer: HTMLElement, text: string): boolean {
  const found = readText(composer);
  const wanted = lines(text);
  if (found === wanted) return true;
  // An editor without pre-wrap can keep spaces only as no-break spaces; it makes them spaces again when it is read.
  if (editorOf(composer) !== "bare" || keepsSpaces(composer)) return false;
  return found.replaceAll("\u00a0", " ") === wanted.replaceAll("\u00a0", " ");
}

export function isEmpty(composer: HTMLElement): boolean {
  return readText(composer).replace(/[\u200b\ufeff\n]/g, "") === "";
}

function keepsSpaces(composer: HTMLElement): boolean {
  return composer.ownerDocument.defaultView?.getComputedStyle(composer).whiteSpace.startsWith("pre") ?? false;
}

const BLOCKS = new Set(["p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"]);

class LineReader {
  readonly lines: string[] = [];
  /** Whether the last line can be added to, or a block has ended after it. */
  private open = false;

  block(element: Element): void {
    const before = this.lines.length;
    this.open = false;
    this.children(element);
    // A block without anything is a line too, but the composer itself is not.
    if (this.lines.length === before && element.parentElement && BLOCKS.has(element.localName)) this.lines.push("");
    this.open = false;
  }

  private children(element: Element): void {
    for (const node of element.childNodes) {
      if (node.nodeType === 3) this.add(node.nodeValue ?? "");
      else if (node.nodeType === 1) this.element(node as Element);
    }
  }

  private element(element: Element): void {
    if (element.classList.contains("ProseMirror-separator") || element.classList.contains("placeholder-overlay")) return;
    if (element.localName === "br") {
      if (!this.open) this.lines.push("");
      this.open = true;
      // The last break of a block only holds the line open.
      if (!isLast(element)) this.lines.push("");
    } else if (BLOCKS.has(element.localName)) this.block(element);
    else this.children(element);
  }

  private add(text: string): void {
    if (text === "") return;
    const [first = "", ...rest] = text.split("\n");
    if (this.open) this.lines[this.lines.length - 1] += first;
    else this.lines.push(first);
    this.lines.push(...rest);
    this.open = true;
  }
}

/** Nothing follows it in its block but what shows nothing. */
function isLast(element: Element): boolean {
  for (let at: Element = element; ; at = at.parentElement as Element) {
    for (let next = at.nextSibling; next; next = next.nextSibling) {
      if (next.nodeType === 3 && next.nodeValue !== "") return false;
      if (next.nodeType === 1) return BLOCKS.has((next as Element).localName);
    }
    if (!at.parentElement || BLOCKS.has(at.parentElement.localName) || at.parentElement.hasAttribute("contenteditable")) return true;
  }
}

/**
 * "whole": line ends go in with the text. "paragraphs": line by line. "event", "events": the same two as input events.
 * "document": the lines are put into the editor's document, which ProseMirror takes for typing as it does any change there.
 */
export type Way = "whole" | "paragraphs" | "event" | "events" | "document";

/** Commands lay the editor out anew for each line, and Lexical is slower still: 600 lines take seconds. */
const MANY_LINES = 150;
const LONG = 65_536;

/** The ways to try, the surest first. Firefox makes of a line end within inserted text what editors do not expect. */
export function waysFor(composer: HTMLElement, firefox: boolean, text: string): Way[] {
  const editor = editorOf(composer);
  const long = text.length > LONG || text.split("\n").length > MANY_LINES;
  if (editor === "lexical") return long ? ["event"] : ["events", "event"];
  const commands: Way[] = editor === "textarea" ? ["whole"] : firefox ? ["paragraphs", "whole"] : ["whole", "paragraphs"];
  if (!long || (editor === "bare" && !keepsSpaces(composer))) return commands;
  return ["document", ...commands];
}

/** Characters in one go: an editor takes in so much in some tens of milliseconds, and the page stays awake in between. */
const CHUNK = 16_384;

/**
 * Cuts a text for insertion bit by bit. Each piece holds more than white space: ProseMirror takes a change that adds
 * just an empty line for the Enter key, and Enter sends. No surrogate pair or cluster is cut where it can be helped.
 */
export function chunks(text: string, way: Way, size = CHUNK): string[] {
  // Lexical takes no second piece within a line, and lines are put only into an empty editor.
  if (way !== "whole" && way !== "paragraphs") return [text];

  const found: string[] = [];
  let from = 0;
  while (text.length - from > size) {
    const cut = cutAfter(text, from + size);
    if (cut < 0) break;
    found.push(text.slice(from, cut));
    from = cut;
  }
  found.push(text.slice(from));
  return found;
}

/** Far enough for any word; beyond it a plainer place has to do. */
const LOOK_AHEAD = 2_000;

function cutAfter(text: string, at: number): number {
  const letter = /[\p{L}\p{N}]/u;
  const end = Math.min(text.length, at + LOOK_AHEAD);
  for (let i = at; i < end; i++) {
    if (isLow(text.charCodeAt(i)) || isHigh(text.charCodeAt(i - 1))) continue;
    if (letter.test(text[i - 1] ?? "") && letter.test(text[i] ?? "")) return i;
  }
  // No two letters side by side: before anything that shows and joins nothing.
  for (let i = at; i < text.length; i++) {
    if (isLow(text.charCodeAt(i)) || /[\s\p{M}\u200d]/u.test(text[i] ?? "") || text[i - 1] === "\u200d") continue;
    if (/\S/.test(text.slice(Math.max(0, at - CHUNK), i))) return i;
  }
  return -1;
}

/** Puts a piece in at the end, in this task. The page's own listeners run within it. */
export function insertPiece(composer: HTMLElement, piece: string, way: Way): void {
  const { ownerDocument: document } = composer;
  if (document.activeElement !== composer) composer.focus({ preventScroll: true });
  caretToEnd(composer);
  if (way === "event" || way === "events") tellSelection(composer);
  if (way === "event") return tell(composer, "beforeinput", "insertText", piece);
  if (way === "document") return putLines(composer, piece);
  if (way === "whole") {
    document.execCommand("insertText", false, piece);
    return;
  }
  for (const [i, line] of piece.split("\n").entries()) {
    if (way === "events") {
      if (i > 0) tell(composer, "beforeinput", "insertLineBreak");
      if (line !== "") tell(composer, "beforeinput", "insertText", line);
    } else {
      if (i > 0) document.execCommand("insertParagraph");
      if (line !== "") document.execCommand("insertText", false, line);
    }
  }
}

/** An editor that lives by input events does what beforeinput says, and prevents the browser's own work. */
function tell(composer: HTMLElement, type: "beforeinput" | "input", inputType: string, data: string | null = null): void {
  composer.dispatchEvent(new InputEvent(type, { inputType, data, bubbles: true, cancelable: type === "beforeinput", composed: true }));
}

/** Fills an empty editor with lines at once. */
function putLines(composer: HTMLElement, text: string): void {
  if (composer.localName === "textarea") {
    (composer as HTMLTextAreaElement).setRangeText(text, 0, (composer as HTMLTextAreaElement).value.length, "end");
  } else {
    const document = composer.ownerDocument;
    composer.replaceChildren(
      ...text.split("\n").map((line) => {
        const block = document.createElement(editorOf(composer) === "prosemirror" ? "p" : "div");
        block.append(line === "" ? document.createElement("br") : line);
        return block;
      }),
    );
    caretToEnd(composer);
  }
  // ProseMirror sees the document itself change.
  if (editorOf(composer) !== "prosemirror") tell(composer, "input", "insertText", text);
}

/** Takes everything out. On an empty composer the command breaks editors. */
export function clearText(composer: HTMLElement): void {
  if (readText(composer) === "") return;
  const { ownerDocument: document } = composer;
  composer.focus({ preventScroll: true });
  if (composer.localName === "textarea") (composer as HTMLTextAreaElement).select();
  else document.getSelection()?.selectAllChildren(composer);
  if (editorOf(composer) === "lexical") {
    tellSelection(composer);
    tell(composer, "beforeinput", "deleteContentBackward");
  } else document.execCommand("delete");
}

/** The browser tells of a new selection only with the next task. */
function tellSelection(composer: HTMLElement): void {
  composer.ownerDocument.dispatchEvent(new Event("selectionchange"));
}

function caretToEnd(composer: HTMLElement): void {
  if (composer.localName === "textarea") {
    const field = composer as HTMLTextAreaElement;
    field.setSelectionRange(field.value.length, field.value.length);
    return;
  }
  const selection = composer.ownerDocument.getSelection();
  if (!selection) return;
  // Into the last paragraph, before the break that holds it open, not behind it.
  let last: Node = composer;
  while (last.lastChild && last.lastChild.nodeType === 1 && (last.lastChild as Element).localName !== "br") last = last.lastChild;
  const { lastChild } = last;
  if (lastChild?.nodeType === 3) selection.collapse(lastChild, (lastChild.nodeValue ?? "").length);
  else if (lastChild && (lastChild as Element).localName === "br") selection.collapse(last, last.childNodes.length - 1);
  else selection.collapse(last, last.childNodes.length);
}
