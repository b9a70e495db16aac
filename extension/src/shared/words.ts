// What is said about each condition: one sentence, and one thing to do.

import type { Condition, View } from "../view";
import type { Icon } from "./dom";

/** What a button does: a command of the background, or something the page itself does. */
export type Deed = "options" | "connect" | "resume" | "pause" | "open_site" | "doctor" | "allow" | "copy";

export interface Words {
  icon: Icon;
  tone: "ok" | "warn" | "bad" | "";
  sentence: string;
  more?: string;
  button?: { label: string; deed: Deed };
}

export function wordsFor(v: View, now: number): Words {
  const words = FOR[v.condition];
  return typeof words === "function" ? words(v, now) : words;
}

const PHASES: Record<string, string> = { opening: "opening the chat", typing: "typing", submitted: "sent, waiting", answering: "answering" };

/** Where the line comes from that pairs a browser. */
const LINE = "In your chatbridge's admin panel open Workers, choose Pair a browser, and paste the line that it makes into the options.";

const FOR: Record<Condition, Words | ((v: View, now: number) => Words)> = {
  unpaired: {
    icon: "act",
    tone: "warn",
    sentence: "Not set up yet.",
    more: LINE,
    button: { label: "Open the options", deed: "options" },
  },
  no_access: {
    icon: "act",
    tone: "warn",
    sentence: "The extension has no access to chatgpt.com.",
    more: "Allow it: requests are answered there, and on no other site.",
    button: { label: "Allow access", deed: "allow" },
  },
  bad_key: (v) => ({
    icon: "bad",
    tone: "bad",
    sentence: "The server refused the key.",
    more: `${v.detail || "It was revoked, or may not answer requests."} ${LINE}`,
    button: { label: "Open the options", deed: "options" },
  }),
  replaced: {
    icon: "act",
    tone: "warn",
    sentence: "Another browser took this one's place.",
    more: "It connected with a copy of this profile. Only one of them can work at a time: choose which.",
    button: { label: "Connect here again", deed: "connect" },
  },
  paused: (v) => ({
    icon: "wait",
    tone: "",
    sentence: v.working.length > 0 ? `Paused by you; ${count(v.working.length)} will still be finished.` : "Paused by you.",
    more: "Nothing more is taken until you resume.",
    button: { label: "Resume", deed: "resume" },
  }),
  too_old: {
    icon: "act",
    tone: "warn",
    sentence: "This version of the extension is too old for the server.",
    more: "Write a new copy with “chatbridge extension --out DIR” and load it again.",
    button: { label: "Try again", deed: "connect" },
  },
  connecting: (v) => ({ icon: "wait", tone: "", sentence: "Connecting…", more: v.server }),
  away: (v, now) => ({
    icon: "act",
    tone: "warn",
    sentence: v.until !== null && v.until > now ? `The server is away. Next try in ${Math.ceil((v.until - now) / 1000)} s.` : "The server is away. Trying now.",
    more: `${v.detail} Is it running, and is ${v.server} its address?`.trim(),
    button: { label: "Try now", deed: "connect" },
  }),
  logged_out: {
    icon: "act",
    tone: "warn",
    sentence: "You are logged out at the site.",
    more: "Log in there; requests wait until you have.",
    button: { label: "Open the site", deed: "open_site" },
  },
  challenge: {
    icon: "act",
    tone: "warn",
    sentence: "The site wants to know whether you are human.",
    more: "Answer it there; the extension never does.",
    button: { label: "Open the site", deed: "open_site" },
  },
  page_changed: {
    icon: "bad",
    tone: "bad",
    sentence: "The site's page is not as the extension knows it.",
    more: "Nothing is sent until it is. The doctor shows what is missing; a new selector pack or a new version mends it.",
    button: { label: "Run the doctor", deed: "doctor" },
  },
  unreachable: {
    icon: "act",
    tone: "warn",
    sentence: "chatgpt.com does not load.",
    more: "It is tried again every minute. Open it to see what it shows.",
    button: { label: "Open the site", deed: "open_site" },
  },
  limited: (v, now) => ({
    icon: "wait",
    tone: "warn",
    sentence: v.until === null ? "The site limits this account." : `The site limits this account until ${clock(v.until)} (${span(v.until - now)}).`,
    more: "Requests wait until it has ended; there is nothing to do.",
  }),
  working: (v, now) => ({
    icon: "ok",
    tone: "ok",
    sentence: `Working on ${count(v.working.length)}.`,
    more: v.working.map((w) => `${PHASES[w.phase] ?? w.phase}, ${span(now - w.since)}`).join(" · "),
    button: { label: "Pause", deed: "pause" },
  }),
  ready: { icon: "ok", tone: "ok", sentence: "Ready.", button: { label: "Pause", deed: "pause" } },
};

function count(n: number): string {
  return n === 1 ? "1 request" : `${n} requests`;
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Minutes and seconds, as 3:05. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
