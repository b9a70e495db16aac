import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { defaultPack } from "../pack/default";
import type { Alternative, HookName, Pack } from "../pack/types";
import { chunks } from "./editor";
import { Finder } from "./find";
import { PICKER_INVARIANTS } from "./invariants";
import { chatIdAt, isTemporary } from "./location";
import { wantedTier } from "./modes";
import { TextSender } from "./news";
import { countPoints, lines } from "./text";
import { Turns } from "./turns";
import { judge } from "./verdict";
import type { View } from "./verdict";
import { secondsUntil } from "./when";

// linkedom has no layout: everything is seen.
function visible(pack: Pack): Pack {
  const copy = structuredClone(pack);
  for (const hook of Object.values(copy.hooks)) for (const alternative of hook.alternatives) delete alternative.visible;
  return copy;
}

function finder(html: string, change: Partial<Record<HookName, Alternative[]>> = {}): Finder {
  const pack = visible(defaultPack);
  for (const [hook, alternatives] of Object.entries(change)) pack.hooks[hook as HookName].alternatives = alternatives;
  return new Finder(pack, parseHTML(`<!doctype html><html><body>${html}</body></html>`).document as unknown as Document);
}

const turn = (n: number, role: string, text: string, extra = ""): string =>
  `<section data-testid="conversation-turn-${n}" data-turn="${role}" data-turn-id="t${n}"><div data-message-author-role="${role}"><div class="${role === "user" ? "whitespace-pre-wrap" : "markdown"}">${text}</div></div>${extra}</section>`;
const composer = (buttons: string): string => `<form><div id="prompt-textarea" contenteditable="true" role="textbox"><p>x</p></div>${buttons}</form>`;
const chat = `<nav><button data-testid="accounts-profile-button">Me</button><a href="/"><button id="in-link">New</button></a></nav><main>
  ${turn(1, "user", "Question one")}${turn(2, "assistant", "Answer one", '<button data-testid="copy-turn-action-button">c</button>')}${turn(3, "user", "Question two")}${turn(4, "assistant", "Answer two")}</main>
  <button id="delete" data-testid="delete-everything">Delete</button>
  ${composer('<button id="plus" aria-haspopup="menu">+</button><button data-testid="send-button" id="composer-submit-button">Go</button>')}`;

test("the built-in pack finds what it should", () => {
  const it = finder(chat);
  assert.equal(it.find("composer")?.alternative, "id");
  assert.equal(it.find("form")?.alternative, "form");
  assert.equal(it.find("send")?.alternative, "test_id");
  assert.equal(it.find("stop"), null);
  assert.equal(it.find("account")?.alternative, "profile");
  assert.deepEqual(it.turns().map((one) => [it.keyOf(one), it.roleOf(one)]), [["data-turn-id=t1", "user"], ["data-turn-id=t2", "assistant"], ["data-turn-id=t3", "user"], ["data-turn-id=t4", "assistant"]]);
  const [, answered] = it.turns();
  assert.equal(it.find("answer", answered)?.element.textContent, "Answer one");
  assert.equal(it.find("actions", answered)?.alternative, "copy");
});

test("no pack can have anything else pressed", () => {
  for (const css of ["#delete", "#in-link", "#plus", "body", "form", "#prompt-textarea", "nav button", "section button", "a", "html", "*:not(*)", "[[["]) {
    for (const hook of ["send", "stop"] as const) assert.equal(finder(chat, { [hook]: [{ css }] }).find(hook), null, `${hook}: ${css}`);
  }
  // One button cannot be both.
  assert.equal(finder(chat, { stop: [{ css: "#composer-submit-button" }] }).find("send"), null);
  for (const css of ["section div", "nav", "body", "#delete"]) assert.equal(finder(chat, { composer: [{ css }] }).find("composer"), null, css);
  for (const css of ["body", "main"]) assert.equal(finder(chat, { turn: [{ css }] }).find("turn"), null, css);
  // A composer in what the pack calls a turn is none, and then there is nothing to press.
  assert.equal(finder(chat, { turn: [{ css: "form" }] }).find("send"), null);
  assert.equal(finder(chat, { form: [{ css: "body" }, { css: "html" }] }).find("form"), null);
  // The answer lies in the turn that is read.
  const it = finder(chat, { answer: [{ css: "nav" }, { css: "#prompt-textarea" }] });
  assert.equal(it.find("answer", it.turns()[1]), null);
});

test("what pickers may press", () => {
  const it = finder(`${chat}<header><button id="model" aria-haspopup="menu">M</button></header><div role="menu"><div role="menuitemradio" id="radio">A</div><a href="/x"><div role="menuitem" id="link">B</div></a><button id="plain">C</button></div>`);
  const context = it.context();
  const get = (id: string): Element => it.document.getElementById(id) ?? assert.fail(id);
  assert.equal(PICKER_INVARIANTS.button(get("model"), context), true);
  assert.equal(PICKER_INVARIANTS.button(get("plus"), context), true);
  for (const id of ["delete", "in-link", "composer-submit-button", "plain"]) assert.equal(PICKER_INVARIANTS.button(get(id), context), false, id);
  assert.equal(PICKER_INVARIANTS.choice(get("radio"), context), true);
  for (const id of ["link", "plain", "delete"]) assert.equal(PICKER_INVARIANTS.choice(get(id), context), false, id);
});

test("conditions of alternatives", () => {
  const html = `<main>${turn(1, "assistant", "status", "").replace('class="markdown"', 'class="markdown" data-streaming-response-status')}</main><main>
    <section data-turn="assistant" data-turn-id="x"><div class="markdown" id="before">thought</div><div data-streaming-response-status><div class="markdown">live</div></div><div class="markdown" id="one">one</div><div class="markdown" id="two">two</div></section></main>`;
  const it = finder(html);
  const last = it.document.querySelector("[data-turn-id=x]");
  assert.equal(it.find("answer", last)?.element.id, "two");
  assert.equal(finder(html, { answer: [{ css: ".markdown", not_within: "[data-streaming-response-status]" }] }).find("answer", last)?.element.id, "before");
});

test("our question and its answer", () => {
  const it = finder(chat);
  assert.equal(new Turns(it, " Question\none ", null).find().assistant?.getAttribute("data-turn-id"), "t2");
  assert.equal(new Turns(it, "Question two", null).find().assistant?.getAttribute("data-turn-id"), "t4");
  assert.deepEqual(new Turns(it, "Never", null).find(), { user: null, assistant: null });
  // The same words again: only new turns count.
  const before = new Set(["data-turn-id=t1", "data-turn-id=t2"]);
  assert.equal(new Turns(it, "Question one", before).find().user, null);
  assert.equal(new Turns(it, "Question two", before).find().assistant?.getAttribute("data-turn-id"), "t4");
});

test("a text in pieces: nothing is lost, and no piece is only white space", () => {
  const texts = ["word ".repeat(9_000), "\n".repeat(50) + "x" + "\n".repeat(40_000) + "y\n\n", "日本語".repeat(12_000), "🎉".repeat(20_000), "a\u0301".repeat(20_000), "- ".repeat(20_000), `${"x".repeat(17_000)}${" ".repeat(30_000)}`];
  for (const text of texts) {
    const pieces = chunks(text, "whole");
    assert.equal(pieces.join(""), text);
    for (const piece of pieces) {
      assert.match(piece, /\S/);
      assert.ok(piece.isWellFormed());
    }
    assert.deepEqual(chunks(text, "event"), [text]);
  }
});

test("code points and line ends", () => {
  assert.equal(countPoints("a🎉b"), 3);
  assert.equal(countPoints("\ud83c"), 1);
  assert.equal(countPoints("a🎉b🎉", 1), 3);
  assert.equal(lines("a\r\nb\rc\n"), "a\nb\nc\n");
});

test("the text as pieces at offsets", () => {
  let have = "";
  const sizes: number[] = [];
  const sender = new TextSender((offset, text) => {
    assert.ok(text.isWellFormed());
    have = Array.from(have).slice(0, offset).join("") + text;
    sizes.push(offset);
  });
  const show = (text: string): void => sender.update(text);
  show("ab🎉");
  assert.equal(have, "ab🎉");
  show("ab🎉\ud83c");
  assert.equal(have, "ab🎉");
  show("ab🎉🎊c");
  assert.equal(have, "ab🎉🎊c");
  show("ab🎈x");
  assert.equal(have, "ab🎈x");
  show("");
  assert.equal(have, "");
  show("again");
  assert.deepEqual(sizes, [0, 3, 2, 0, 0]);
  have = "";
  sender.restart();
  assert.equal(have, "again");
});

const now = new Date(2026, 8, 21, 21, 40, 0);
const until: [string, number | null][] = [
  ["too many requests. try again in 5 minutes.", 300],
  ["try again in 1 hour and 30 minutes", 5400],
  ["try again in 90 s", null],
  ["limit until 10:42 pm today", 3720],
  ["until 22:00.", 1200],
  ["until 9:40 pm", 86_400],
  ["until tomorrow at 9:00 am", 40_800],
  ["until further notice", null],
  ["until 25:00", null],
  ["please wait a few minutes", null],
];
for (const [text, wanted] of until) {
  test(`limits: ${text}`, () => {
    assert.equal(secondsUntil(text, [{ after: "try again in ", form: "duration" }, { after: "until ", form: "clock" }], defaultPack.units, now), wanted);
  });
}

test("chats by their address", () => {
  const at = (pathname: string): string | null => chatIdAt({ pathname }, defaultPack);
  assert.equal(at("/c/abc-1"), "abc-1");
  assert.equal(at("/g/g-x/c/abc"), "abc");
  assert.equal(at("/c/WEB:3f1c"), null);
  assert.equal(at("/"), null);
  assert.equal(isTemporary({ search: "?temporary-chat=true" }), true);
  assert.equal(wantedTier("thinking", "extended"), "extended");
  assert.equal(wantedTier("instant", "extended"), "instant");
  assert.equal(wantedTier("auto", "extended"), null);
});

const quiet: View["dom"] = { found: true, text: "page text", likeness: null, running: false, actions: true, error: false, cut: false, stableFor: 20_000, samples: 9 };
const stream = (over: Partial<NonNullable<View["stream"]>> = {}): View["stream"] => ({ state: "whole", text: "stream text", unsure: false, stateFor: 10_000, silentFor: 10_000, again: false, ...over });
const view = (over: Partial<View>): View => ({ stream: stream(), dom: quiet, live: true, visible: true, stopped: false, canLoad: false, waitedFor: 10_000, ...over });
const said = (over: Partial<View>): string => {
  const verdict = judge(view(over));
  if (verdict.kind === "ended") return `${verdict.evidence.source} ${verdict.evidence.complete}`;
  return verdict.kind === "failed" ? verdict.code : verdict.kind;
};
const verdicts: [string, Partial<View>, string][] = [
  ["both say the same", { dom: { ...quiet, likeness: "same" }, stream: stream({ stateFor: 0 }) }, "both true"],
  ["the page has not drawn it yet", { dom: { ...quiet, likeness: "behind" }, stream: stream({ stateFor: 500 }) }, "wait"],
  ["the page does not draw it at all", { dom: { ...quiet, likeness: "behind" } }, "stream true"],
  ["a hidden page draws nothing", { visible: false, dom: { ...quiet, found: false }, stream: stream({ stateFor: 0 }) }, "stream true"],
  ["the page says something else", { dom: { ...quiet, likeness: "different" } }, "incomplete_answer"],
  ["not understood, but drawn the same", { dom: { ...quiet, likeness: "same" }, stream: stream({ unsure: true }) }, "both true"],
  ["not understood, and not drawn", { dom: { ...quiet, likeness: null }, stream: stream({ unsure: true }) }, "incomplete_answer"],
  ["cut", { stream: stream({ state: "cut" }) }, "incomplete_answer"],
  ["stopped", { stream: stream({ state: "stopped" }) }, "incomplete_answer"],
  ["just broken", { stream: stream({ state: "broken", stateFor: 1_000 }) }, "wait"],
  ["broken, the page goes on", { stream: stream({ state: "broken" }), dom: { ...quiet, running: true } }, "wait"],
  ["broken for good", { stream: stream({ state: "broken" }) }, "incomplete_answer"],
  ["broken, and the chat can be loaded", { stream: stream({ state: "broken" }), canLoad: true }, "load"],
  ["broken again after that", { stream: stream({ state: "broken" }), canLoad: true, live: false }, "incomplete_answer"],
  ["broken by a person", { stream: stream({ state: "broken", stateFor: 0 }), stopped: true }, "incomplete_answer"],
  ["running", { stream: stream({ state: "running", silentFor: 0 }), dom: { ...quiet, running: true } }, "wait"],
  ["running by what was read back, but not here", { stream: stream({ state: "running", silentFor: 30_000, again: true }), dom: { ...quiet, stableFor: 30_000 }, canLoad: true }, "load"],
  ["thinking for long", { stream: stream({ state: "running", text: "", silentFor: 1_200_000 }), dom: { ...quiet, running: true, stableFor: 1_200_000 } }, "wait"],
  ["silent for long", { stream: stream({ state: "running", silentFor: 700_000 }), dom: { ...quiet, running: true, stableFor: 700_000 } }, "incomplete_answer"],
  ["the page gave up with what came", { stream: stream({ state: "running" }), dom: { ...quiet, likeness: "same" } }, "incomplete_answer"],
  ["the page alone, watched to its end", { stream: null }, "dom true"],
  ["the page alone, its end not seen", { stream: null, live: false }, "dom false"],
  ["the page alone, still moving", { stream: null, dom: { ...quiet, stableFor: 300 } }, "wait"],
  ["the page alone, still running", { stream: null, dom: { ...quiet, running: true } }, "wait"],
  ["the page alone, cut", { stream: null, dom: { ...quiet, cut: true } }, "incomplete_answer"],
  ["the page alone, an error", { stream: null, dom: { ...quiet, error: true } }, "incomplete_answer"],
  ["the page alone, stopped by a person", { stream: null, stopped: true }, "incomplete_answer"],
  ["the page alone, no actions under it", { stream: null, dom: { ...quiet, actions: false, stableFor: 3_000 } }, "wait"],
  ["nothing at all, for long", { stream: null, dom: { ...quiet, found: false }, waitedFor: 700_000 }, "incomplete_answer"],
];
for (const [name, over, wanted] of verdicts) test(`verdict: ${name}`, () => assert.equal(said(over), wanted));
