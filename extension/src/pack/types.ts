// A selector pack: what is known of the chat page, as data. Its shape is pack/schema.json, its first copy pack/default.json.
// It says where to look and what things mean; what each thing may be is said by code (page/invariants.ts).

/** One way to find a hook. The first alternative of a hook that finds anything counts. */
export interface Alternative {
  css: string;
  /** What `matched` and the doctor show; without it the alternative's number. */
  name?: string;
  /** An ancestor that it must have, or must not. */
  within?: string;
  not_within?: string;
  /** Nothing that matches this, in the scope searched, may come after the element. */
  not_before?: string;
  /** Its text, in lower case and with single spaces, holds one of these. */
  text?: string[];
  /** It fills a place on the page (a hidden fallback does not). */
  visible?: boolean;
  /** Which of several counts; the first one if nothing is said. */
  pick?: "first" | "last";
  attributes?: AttributeTest[];
  /** When the page came to look so, and who saw it: for the person who edits this pack. */
  since?: string;
  source?: string;
}

export interface AttributeTest {
  name: string;
  /** Exactly this value. */
  is?: string;
  /** Any value but this one (an absent attribute passes). */
  not?: string;
  /** Its value holds one of these, in lower case. */
  has?: string[];
}

/** On which pages a hook is to be found; the doctor counts its absence elsewhere as nothing. */
export type WantedOn = "always" | "text" | "answering" | "chat" | "sometimes";

export interface Hook {
  wanted_on: WantedOn;
  alternatives: Alternative[];
}

/** Everything that the code looks for by name; a pack names them all. */
export const HOOKS = [
  "composer",
  "form",
  "send",
  "stop",
  "attachment",
  "turn",
  "turn_user",
  "turn_assistant",
  "user_text",
  "answer",
  "actions",
  "thinking",
  "turn_error",
  "turn_cut",
  "citation",
  "image",
  "dialog",
  "account",
  "title",
] as const;
export type HookName = (typeof HOOKS)[number];

/** The codes that a page can show evidence of. */
export type TroubleCode = "logged_out" | "challenge" | "rate_limited" | "too_long" | "chat_not_found" | "mode_unavailable";

/** How to read from a text, an attribute or an answer when a limit ends. */
export interface When {
  /** What stands right before it, in lower case; "" anywhere. Ignored for an attribute. */
  after: string;
  /** "in 5 minutes", "at 10:42 PM", or a date as in RFC 3339. */
  form: "duration" | "clock" | "instant";
  attribute?: string;
  css?: string;
}

/** One proof of one trouble. All that it names must hold. */
export interface Evidence {
  name: string;
  code: TroubleCode;
  host?: string[];
  path?: string[];
  title?: string[];
  find?: Alternative[];
  none?: Alternative[];
  /** The page's own text is shorter than this many characters. */
  shorter_than?: number;
  /** It must have held for so long, so that what passes by is not taken for trouble. */
  for_ms?: number;
  when?: When[];
  source?: string;
}

/** What the site's own answer to the page's own call says. The first one that fits counts. */
export interface Refusal {
  status?: number[];
  /** The body, in lower case, holds one of these. */
  body?: string[];
  code: TroubleCode | "worker_error";
  /** Dotted names of a number of seconds in a JSON body, such as detail.clears_in. */
  seconds?: string[];
}

/** A position of a picker, in our words. Others than the first three pass as they are to mode_used. */
export type Tier = string;

export interface Picker {
  name: string;
  form: "radios" | "slider" | "named";
  /** The button in the composer's form or the page's head that opens it. */
  button: Alternative[];
  /** What is open then. */
  content: Alternative[];
  /** Menu entries to press, one after the other, to come from `content` to the choice itself. */
  steps?: Alternative[][];
  /** radios: each position. slider: the slider itself. */
  items?: Alternative[];
  /** By how many positions there are, what each one is, the first one first. */
  tiers?: Record<string, Tier[]>;
  /** named: each mode's own entry. */
  named?: Record<string, Alternative[]>;
  /** named: a second picker, for how long to think once `standard` is chosen. */
  effort?: Picker;
  since?: string;
  source?: string;
}

export interface Streams {
  /** Paths of the page's own calls that answer with the event stream; a part in braces stands for anything but a slash. */
  send: string[];
  resume: string[];
  /** Paths that read a chat back as JSON. */
  read: string[];
  /** Types of events and the names of frames. */
  events: {
    encoding: string[];
    complete: string[];
    title: string[];
    handoff: string[];
    input: string[];
  };
  /** Channels that are the answer; an absent one is too. */
  channels: string[];
  content_types: string[];
  statuses: { finished: string[]; running: string[] };
  finish: { cut: string[]; stopped: string[] };
  /** Hand-over to a socket. */
  socket: { options: string[]; message: string; turn: string; item: string; done: string };
  refusals: Refusal[];
}

export interface Pack {
  /** A date and a counter, 2026092101; the greater one is newer. */
  version: number;
  note?: string;
  hooks: Record<HookName, Hook>;
  /** Attributes that tell one turn from another, the surest first. */
  turn_keys: string[];
  /** Paths of chats; {chat} stands for the id. */
  chat_paths: string[];
  /** How ids begin that pass away again. */
  passing_ids: string[];
  /** Titles that are no chat's. */
  no_titles: string[];
  trouble: Evidence[];
  pickers: Picker[];
  stream: Streams;
  /** Words for seconds, by language, for `when`. */
  units: Record<string, number>;
  signature?: Signature;
}

export interface Signature {
  algorithm: "ed25519";
  /** Base64. */
  value: string;
}
