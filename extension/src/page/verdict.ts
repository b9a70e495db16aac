import type { ErrorCode, Evidence } from "../messages";
import type { Likeness } from "./compare";
import type { StreamState } from "./stream/transcript";

/** All that is known of an answer at one moment. Times are in milliseconds. */
export interface View {
  /** What the page's stream, or the chat that it read back, says; null where there is none. */
  stream: { state: StreamState; text: string; unsure: boolean; /** since its state changed */ stateFor: number; /** since anything came */ silentFor: number; again: boolean } | null;
  dom: {
    /** The turn of the answer is on the page. */
    found: boolean;
    text: string;
    likeness: Likeness | null;
    /** A stop button is there, or the turn says that it thinks. */
    running: boolean;
    /** Actions such as copy stand under it. */
    actions: boolean;
    error: boolean;
    cut: boolean;
    /** How long the text, and that nothing runs, have stood still. */
    stableFor: number;
    samples: number;
  };
  /** The whole answer was watched from the press on. */
  live: boolean;
  visible: boolean;
  /** A person pressed stop. */
  stopped: boolean;
  /** The chat is known and can be loaded anew without harm to anybody. */
  canLoad: boolean;
  /** How long the answer has been waited for. */
  waitedFor: number;
}

/** load: the page cannot tell; the chat is to be loaded anew, and then watched. */
export type Verdict = { kind: "wait" } | { kind: "load" } | { kind: "ended"; from: "stream" | "dom"; evidence: Evidence } | { kind: "failed"; code: ErrorCode; detail: string; partial: string };

/** The page draws what came within this time after the stream's end; then the stream counts alone. */
export const DRAW_MS = 3_000;
/** What is nearly the same is not going to be more alike. */
const CLOSE_MS = 400;
/** In a hidden tab drawing takes longer than it is worth. */
export const DRAW_HIDDEN_MS = 700;
/** The answer's text has stood still for so long, over several looks: then the page alone may be believed. */
const STILL_MS = 1_200;
const STILL_SAMPLES = 3;
/** A page whose stream broke takes it up again within this time, or never. */
const RESUME_MS = 8_000;
const RESUME_AFTER_ERROR_MS = 2_500;
/** An answer that runs at the site, but not in the page, is looked for again after this time. */
const LOAD_AGAIN_MS = 20_000;
/** Without a stop button, a stream or any text for so long there is nothing to wait for; longer where the page's call is out. */
const QUIET_MS = 30_000;
const QUIET_ASKED_MS = 120_000;
/** So long without a sign of life is no answer any more; while the site thinks it may be silent much longer. */
const SILENT_MS = 600_000;
const SILENT_THINKING_MS = 2_400_000;

const wait: Verdict = { kind: "wait" };

/** Decides whether an answer has ended, and how it is known. Done is only what was said to be whole. */
export function judge(view: View): Verdict {
  const { stream, dom } = view;
  if (!stream || stream.state === "waiting") return stream && stream.stateFor < RESUME_MS && !stillDone(view) ? wait : judgePage(view);
  switch (stream.state) {
    case "whole":
      return judgeWhole(view, stream);
    case "cut":
      return failed("The site ended the answer before it was whole, at a limit or because it was stopped. What came is kept. Look at the chat there to go on.", stream.text);
    case "stopped":
      return failed("The answer was stopped in the page. What came is kept.", stream.text);
    case "broken": {
      if (view.stopped) return failed("Somebody stopped the answer in the page. What came is kept.", stream.text);
      if (dom.running) return stream.stateFor > SILENT_MS ? brokeOff(longer(view)) : wait;
      if (stream.stateFor < (dom.error || dom.cut ? RESUME_AFTER_ERROR_MS : RESUME_MS)) return wait;
      // The connection broke; the answer may have gone on at the site.
      if (view.live && view.canLoad) return { kind: "load" };
      return brokeOff(longer(view));
    }
    case "running":
      if (view.stopped && !dom.running && dom.stableFor >= STILL_MS) return failed("Somebody stopped the answer in the page. What came is kept.", stream.text);
      // Not even the page's own text moves: nothing will come.
      if (Math.min(stream.silentFor, dom.stableFor) > (stream.text === "" ? SILENT_THINKING_MS : SILENT_MS)) return failed("The answer fell silent. What came is kept. Look at the chat at the site before you send again.", longer(view));
      if (stream.again && view.canLoad && !dom.running && Math.min(stream.silentFor, dom.stableFor) > LOAD_AGAIN_MS) return { kind: "load" };
      if (!stillDone(view) || Math.min(dom.stableFor, stream.silentFor) < RESUME_MS) return wait;
      // The page went on by ways that were not seen; or it shows no more than what came, and gave up.
      if (stream.text === "" || dom.likeness === "different") return judgePage(view);
      return brokeOff(longer(view));
  }
}

function judgeWhole(view: View, stream: NonNullable<View["stream"]>): Verdict {
  const { dom } = view;
  const notes: string[] = [];
  if (stream.again) notes.push("read back from the chat");
  if (stream.unsure) notes.push("an event of the stream was not understood");
  if (dom.likeness === "same" && !stream.unsure) return ended("stream", "both", true, notes);
  // A page that draws by animation frames draws nothing in a hidden tab.
  const patience = view.visible ? DRAW_MS : dom.found ? DRAW_HIDDEN_MS : 0;
  if (stream.stateFor < (dom.likeness === "close" ? Math.min(CLOSE_MS, patience) : patience)) return wait;
  switch (dom.likeness) {
    case "same":
      return ended("stream", "both", true, notes);
    case "close":
      return ended("stream", "both", true, [...notes, "the page draws it a little differently"]);
    case "different":
      return failed("The page shows another text than its stream brought. What the stream brought is kept. Look at the chat at the site.", stream.text);
    case "behind":
    case null:
      // What is not drawn yet says nothing against the stream, unless the stream itself is doubtful.
      if (stream.unsure) return failed("The stream was not understood and the page does not show the answer. What came is kept.", stream.text);
      return ended("stream", "stream", true, [...notes, dom.likeness === "behind" ? "the page had not drawn all of it yet" : "the page was not compared"]);
  }
}

/** Without a stream that says anything: the page alone. */
function judgePage(view: View): Verdict {
  const { dom, stream } = view;
  if (view.stopped && !dom.running && dom.stableFor >= STILL_MS) return failed("Somebody stopped the answer in the page. What came is kept.", dom.text);
  if (!dom.found || dom.running || dom.stableFor < STILL_MS || dom.samples < STILL_SAMPLES) {
    const quiet = stream ? QUIET_ASKED_MS : QUIET_MS;
    if (!dom.running && !dom.found && Math.min(view.waitedFor, dom.stableFor) > quiet) return failed("No answer can be seen in the page. Look at the chat at the site before you send again.", dom.text);
    if (!dom.running && view.waitedFor > SILENT_MS) return failed("No answer came. Look at the chat at the site before you send again.", dom.text);
    return wait;
  }
  if (dom.error) return failed("The page says that the answer went wrong. What came is kept. Look at the chat at the site before you send again.", dom.text);
  if (dom.cut) return failed("The answer was stopped or cut off. What came is kept.", dom.text);
  if (dom.text === "" || !stillDone(view)) return dom.stableFor > RESUME_MS * 2 ? failed("The answer did not come to an end that the page shows. What came is kept.", dom.text) : wait;
  const doubts: string[] = [];
  if (!view.live) doubts.push("its end was not watched");
  if (!view.visible) doubts.push("the tab is hidden");
  if (stream) doubts.push("its stream had no end");
  return ended("dom", "dom", doubts.length === 0, ["read from the page alone", ...doubts]);
}

/** The page shows an answer that has ended. */
function stillDone({ dom }: View): boolean {
  return dom.found && !dom.running && dom.actions && dom.stableFor >= STILL_MS && dom.samples >= STILL_SAMPLES;
}

function brokeOff(partial: string): Verdict {
  return failed(`${partial === "" ? "The connection broke before any of the answer came." : "The answer broke off. What came is kept."} Look at the chat at the site before you send again.`, partial);
}

function longer({ stream, dom }: View): string {
  return stream && stream.text.length >= dom.text.length ? stream.text : dom.text;
}

function ended(from: "stream" | "dom", source: Evidence["source"], complete: boolean, notes: string[]): Verdict {
  return { kind: "ended", from, evidence: { source, complete, ...(notes.length > 0 ? { note: notes.join("; ") } : {}) } };
}

function failed(detail: string, partial: string, code: ErrorCode = "incomplete_answer"): Verdict {
  return { kind: "failed", code, detail, partial };
}
