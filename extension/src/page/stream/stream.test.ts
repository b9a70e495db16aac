import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultPack } from "../../pack/default";
import { resolveCitations } from "./citations";
import { DeltaDecoder } from "./delta";
import type { Delta, Json } from "./delta";
import { Hub, isFor, messageIn, refusalOf } from "./hub";
import { answerTo, parseReadBack } from "./readback";
import { FrameReader } from "./sse";
import { Transcript } from "./transcript";

const rules = defaultPack.stream;

/** A small generator, so that a failure can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

function split(text: string, next: (below: number) => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + next(next(4) === 0 ? 60 : 5);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

test("frames, cut anywhere, with any line ends", () => {
  const wanted = [
    { name: "delta", data: "a" },
    { name: "", data: "b\nc" },
    { name: "", data: " d" },
    { name: "x", data: "" },
  ];
  const source = "\ufeffevent: delta\nid: 1\ndata: a\n\n: keepalive\n\ndata: b\ndata:c\n\nevent: lost\n\ndata:  d\n\nevent:x\ndata\n\n";
  for (const end of ["\n", "\r\n", "\r"]) {
    for (let seed = 0; seed < 40; seed++) {
      const reader = new FrameReader();
      const next = random(seed);
      const found = split(source.replaceAll("\n", end) + (end === "\r" ? ":" : ""), next).flatMap((piece) => reader.push(piece));
      assert.deepEqual(found, wanted, JSON.stringify({ end, seed }));
    }
  }
});

const message = (over: Record<string, Json> = {}): Record<string, Json> => ({
  id: "m1",
  author: { role: "assistant" },
  recipient: "all",
  channel: "final",
  content: { content_type: "text", parts: [""] },
  status: "in_progress",
  end_turn: null,
  metadata: {},
  ...over,
});

const deltas: [string, Delta[], Json][] = [
  ["a whole message, then bare text", [{ v: { message: { content: { parts: [""] } } } as Json }, { p: "/message/content/parts/0", o: "append", v: "a" }, { v: "b" }, { v: "c" }], { message: { content: { parts: ["abc"] } } }],
  ["operations", [{ p: "", o: "add", v: { a: [1, 2], b: "x", c: { d: 1 } } }, { p: "/a/1", o: "remove" }, { p: "/a/0", o: "add", v: 0 }, { p: "/a/-", o: "add", v: 9 }, { p: "/b", o: "replace", v: "y" }, { p: "/c", o: "append", v: { e: 2 } }, { p: "/c/d", o: "remove" }], { a: [0, 1, 9], b: "y", c: { e: 2 } }],
  ["a patch without its operation, and bare text after it", [{ p: "", o: "add", v: { t: "", s: "in_progress" } }, { p: "/t", o: "append", v: "a" }, { v: [{ p: "/t", o: "append", v: "b" }] }, { v: [{ p: "/t", o: "append", v: "c" }] }, { v: "d" }], { t: "abcd", s: "in_progress" }],
  ["a status without an operation after text", [{ p: "", o: "add", v: { t: "", status: "in_progress" } }, { p: "/t", o: "append", v: "a" }, { p: "/status", v: "finished_successfully" }], { t: "a", status: "finished_successfully" }],
  ["lists grow", [{ p: "", o: "add", v: { t: [] } }, { p: "/t", o: "append", v: [1] }, { v: [2] }, { p: "/t/1", o: "replace", v: 3 }], { t: [1, 3] }],
  ["escaped names", [{ p: "", o: "add", v: { "a/b": { "~": "" } } }, { p: "/a~1b/~0", o: "append", v: "x" }], { "a/b": { "~": "x" } }],
];
for (const [name, steps, wanted] of deltas) {
  test(`delta: ${name}`, () => {
    const decoder = new DeltaDecoder();
    for (const step of steps) assert.ok(decoder.apply(structuredClone(step)), JSON.stringify(step));
    assert.deepEqual(decoder.value, wanted);
  });
}

test("deltas that make no sense are told, and harm nothing", () => {
  for (const bad of [{ p: "/a/b/c", o: "append", v: "x" }, { p: "/__proto__/x", o: "add", v: 1 }, { p: "/a/99", o: "add", v: 1 }, { p: "/a", o: "patch", v: "x" }, { p: "/a", o: "shout", v: 1 }, { p: "/t", o: "append", v: { a: 1 } }] as Delta[]) {
    const decoder = new DeltaDecoder();
    decoder.apply({ p: "", o: "add", v: { a: [1], t: "x" } });
    assert.equal(decoder.apply(bad), false, JSON.stringify(bad));
    assert.deepEqual(decoder.value, { a: [1], t: "x" });
  }
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

const frame = (data: Json | string, name = ""): string => `${name ? `event: ${name}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const delta = (data: Json): string => frame(data, "delta");

/** As the site streams an answer: what leads up to it, thoughts and tools, and then the text. */
function answer(text: string, next: (below: number) => number, end = true): string {
  let out = frame('"v1"', "delta_encoding");
  out += frame({ type: "resume_conversation_token", token: "t", conversation_id: "c1" });
  out += delta({ p: "", o: "add", v: { message: message({ id: "s", author: { role: "system" } }), conversation_id: "c1" }, c: 0 });
  out += frame({ type: "input_message", input_message: { content: { content_type: "text", parts: ["Hello"] } }, conversation_id: "c1" });
  out += delta({ v: { message: message({ id: "t", channel: null, content: { content_type: "thoughts", thoughts: [{ content: "" }] } }), conversation_id: "c1" } });
  out += delta({ p: "/message/content/thoughts/0/content", o: "append", v: "secret" });
  out += delta({ p: "", o: "add", v: { message: message({ id: "k", channel: "commentary", content: { content_type: "text", parts: ["I look it up"] } }) } });
  out += delta({ p: "", o: "add", v: { message: message({ id: "p", recipient: "python", content: { content_type: "text", parts: ["1+1"] } }) } });
  out += delta({ p: "", o: "add", v: { message: message({ id: "e", author: { role: "tool" }, content: { content_type: "text", parts: ["2"] } }) } });
  out += delta({ p: "", o: "add", v: { message: message(), conversation_id: "c1" }, c: 5 });
  split(text, next).forEach((piece, i) => (out += delta(i === 0 ? { p: "/message/content/parts/0", o: "append", v: piece } : { v: piece })));
  if (end) {
    out += delta({ v: [{ p: "/message/status", o: "replace", v: "finished_successfully" }, { p: "/message/end_turn", o: "replace", v: true }, { p: "/message/metadata", o: "append", v: { finish_details: { type: "stop" } } }] });
    out += frame({ type: "title_generation", title: "A title", conversation_id: "c1" }) + frame({ type: "message_stream_complete", conversation_id: "c1" }) + frame("[DONE]");
  }
  return out;
}

test("a whole stream, cut anywhere, byte for byte", () => {
  const text = "Ünïcode 🎉👩‍👩‍👧 שלום\n\n```js\n\"quoted\" \\n\n```\n| a | b |\r\n";
  for (let seed = 0; seed < 60; seed++) {
    const next = random(seed);
    const transcript = new Transcript(rules);
    assert.equal(transcript.state, "waiting");
    for (const piece of split(answer(text, next), next)) transcript.push(piece);
    assert.equal(transcript.text, text);
    assert.equal(transcript.state, "whole");
    assert.equal(transcript.chatId, "c1");
    assert.equal(transcript.title, "A title");
    assert.equal(transcript.input, "Hello");
    assert.equal(transcript.unsure, false);
  }
});

test("nothing but the answer is taken while it runs", () => {
  const transcript = new Transcript(rules);
  const texts = new Set<string>();
  for (const piece of split(answer("Result", random(3), false), random(4))) {
    transcript.push(piece);
    texts.add(transcript.text);
  }
  for (const text of texts) assert.ok("Result".startsWith(text), text);
  assert.equal(transcript.state, "running");
});

test("how answers end", () => {
  const run = (...frames: string[]): Transcript => {
    const transcript = new Transcript(rules);
    for (const one of frames) transcript.push(one);
    return transcript;
  };
  const complete = frame({ type: "message_stream_complete" });
  const full = (over: Record<string, Json>): string => frame({ message: message({ content: { content_type: "text", parts: ["x"] }, ...over }), conversation_id: "c1" });
  assert.equal(run(full({})).state, "running");
  assert.equal(run(full({ status: "finished_successfully" })).state, "running");
  assert.equal(run(full({ status: "finished_successfully", end_turn: true })).state, "whole");
  assert.equal(run(full({ status: "finished_successfully" }), complete).state, "whole");
  assert.equal(run(full({ status: "finished_successfully", end_turn: false }), complete).state, "cut");
  assert.equal(run(full({}), complete).state, "broken");
  assert.equal(run(full({ status: "finished_partial_completion" })).state, "cut");
  assert.equal(run(full({ status: "finished_successfully", end_turn: true, metadata: { finish_details: { type: "max_tokens" } } })).state, "cut");
  assert.equal(run(full({ status: "finished_successfully", metadata: { finish_details: { type: "interrupted" } } }), complete).state, "stopped");
  const broken = run(full({}));
  broken.close("error");
  assert.equal(broken.state, "broken");
  const silent = run();
  silent.close("end");
  assert.equal(silent.state, "broken");
  assert.equal(run(complete).state, "broken");
  // Only [DONE]: no end at all.
  assert.equal(run(full({}), frame("[DONE]")).state, "running");
  assert.equal(run(frame("{nonsense"), full({})).unsure, true);
});

test("a new message begins the text anew; a picture is named", () => {
  const transcript = new Transcript(rules);
  transcript.push(frame({ message: message({ id: "a", content: { content_type: "text", parts: ["first"] } }) }));
  transcript.push(frame({ message: message({ id: "b", content: { content_type: "text", parts: ["second"] } }) }));
  assert.equal(transcript.text, "second");
  const image = new Transcript(rules);
  image.push(frame({ message: message({ id: "i", author: { role: "tool" }, content: { content_type: "multimodal_text", parts: [{ asset_pointer: "sediment://x" }] } }) }));
  image.push(frame({ type: "message_stream_complete" }));
  assert.equal(image.state, "whole");
  assert.equal(image.text, "[image]");
});

const mark = (n: number): string => `\ue200cite\ue202turn0search${n}\ue201`;

test("citations become links, or go", () => {
  const references: Json = [
    { matched_text: mark(0), alt: "([One](https://a.example/))", items: [] },
    { matched_text: mark(1), alt: "", items: [{ title: "Two [x]", url: "https://b.example/a b(1)" }, { title: "evil", url: "javascript:alert(1)" }] },
    { matched_text: "of", alt: "not a mark" },
  ];
  const text = `Of this${mark(0)} and that${mark(1)} and${mark(2)} \ue203set\ue204 off.`;
  assert.equal(resolveCitations(text, references, false), "Of this([One](https://a.example/)) and that([Two \\[x\\]](https://b.example/a%20b%281%29)) and set off.");
  assert.equal(resolveCitations(text, undefined, false), "Of this and that and set off.");
  // A mark that comes bit by bit never shows.
  for (let n = 0; n <= text.length; n++) assert.doesNotMatch(resolveCitations(text.slice(0, n), references, true), /cite|turn0|[\ue200-\ue206]/);
  assert.equal(resolveCitations("broken \ue200cite\ue202x", references, false), "broken ");
  assert.equal(resolveCitations(`long \ue200${"y".repeat(9_000)}`, references, true), `long ${"y".repeat(9_000)}`);
});

test("a chat that is read back, as a list and as a tree", () => {
  const asked = { id: "u", author: { role: "user" }, content: { content_type: "text", parts: [" Hello\nthere "] } };
  const said = message({ content: { content_type: "text", parts: ["Hi"] }, status: "finished_successfully", end_turn: null });
  const later = [{ id: "u2", author: { role: "user" }, content: { content_type: "text", parts: ["More"] } }, message({ id: "m2", content: { content_type: "text", parts: ["More said"] } })];
  const list = JSON.stringify({ id: "c1", title: "T", messages: [asked, said, ...later], page_info: {} });
  const tree = JSON.stringify({ conversation_id: "c1", title: "T", current_node: "d", mapping: { r: { message: null }, a: { message: asked, parent: "r" }, x: { message: message({ id: "other" }), parent: "a" }, b: { message: said, parent: "a" }, c: { message: later[0], parent: "b" }, d: { message: later[1], parent: "c" } } });
  for (const body of [list, tree]) {
    const read = parseReadBack(body);
    assert.ok(read);
    const found = answerTo("Hello there", read, rules);
    assert.equal(found?.text, "Hi");
    assert.equal(found?.state, "whole");
    assert.equal(found?.chatId, "c1");
    assert.equal(answerTo("More", read, rules)?.state, "running");
    assert.equal(answerTo("Never", read, rules), null);
  }
  for (const bad of ["", "null", "[]", '{"mapping":{"a":{"parent":"a","message":{}}},"current_node":"a"}']) assert.doesNotThrow(() => parseReadBack(bad));
});

function hub(): { hub: Hub; hear(message: object): void } {
  const window = new EventTarget();
  const heard = new Hub(window as unknown as Window, rules, () => {});
  return { hub: heard, hear: (message) => heard.hear(JSON.stringify(message)) };
}

const body = JSON.stringify({ messages: [{ author: { role: "user" }, content: { content_type: "text", parts: ["Hello"] } }] });

test("an answer that is handed over to a socket, with catch-ups and in pieces", () => {
  const { hub: it, hear } = hub();
  const whole = answer("Over the socket", random(9));
  const cut = whole.indexOf("\n\n", 900) + 2;
  hear({ t: "call", id: 1, kind: "send", path: "/backend-api/f/conversation", body });
  hear({ t: "open", id: 1, status: 200, stream: true, retryAfter: null });
  hear({ t: "piece", id: 1, text: whole.slice(0, cut) + frame({ type: "stream_handoff", options: [{ type: "resume_sse_endpoint" }, { type: "subscribe_ws_topic", topic_id: "T" }] }) + frame("[DONE]") });
  hear({ t: "close", id: 1, error: false });
  const { transcript } = it.calls[0] ?? assert.fail();
  assert.notEqual(transcript.state, "broken");
  const item = (text: string, topic = "T"): object => ({ type: "message", topic_id: topic, payload: { type: "conversation-turn-stream", payload: { type: "stream-item", encoded_item: text } } });
  const frames = whole.slice(cut).split("\n\n").filter((one) => one !== "");
  hear({ t: "socket", text: JSON.stringify({ type: "reply", id: 2, reply: { catchups: frames.slice(0, 2).map((one) => item(one)) } }) });
  hear({ t: "socket", text: JSON.stringify(item(frame({ message: message({ id: "z", content: { content_type: "text", parts: ["foreign"] } }) }), "other")) });
  for (const one of frames.slice(2)) hear({ t: "socket", text: JSON.stringify([item(one)]) });
  assert.equal(transcript.text, "Over the socket");
  assert.equal(transcript.state, "whole");
});

test("calls: whose they are, and how they fail", () => {
  const { hub: it, hear } = hub();
  hear({ t: "call", id: 1, kind: "send", path: "/", body });
  const call = it.calls[0] ?? assert.fail();
  assert.equal(isFor(call, " Hello\n"), true);
  assert.equal(isFor(call, "Other"), false);
  assert.equal(messageIn("[]"), null);
  hear({ t: "open", id: 1, status: 429, stream: false, retryAfter: "77" });
  hear({ t: "piece", id: 1, text: "{}" });
  hear({ t: "close", id: 1, error: false });
  assert.deepEqual(call.refused, { code: "rate_limited", status: 429, retryAfter: 77 });
  hear({ t: "call", id: 2, kind: "send", path: "/", body: null });
  hear({ t: "close", id: 2, error: true });
  const second = it.calls[1] ?? assert.fail();
  assert.equal(isFor(second, "Hello"), null);
  assert.equal(second.failed, true);
  assert.equal(second.transcript.state, "broken");
  // Whatever the page says under our name: no throw.
  for (const bad of ["", "null", "1", '{"t":"piece"}', '{"t":"call"}', '{"t":"socket","text":"["}', '{"t":"socket","text":"{\\"type\\":\\"message\\"}"}', '{"t":"open","id":{}}']) assert.doesNotThrow(() => it.hear(bad), bad);
});

test("refusals", () => {
  const of = (status: number, text: string, after: string | null = null): unknown => {
    const { code, retryAfter } = refusalOf(status, text, after, rules.refusals);
    return [code, retryAfter];
  };
  assert.deepEqual(of(413, "{}"), ["too_long", null]);
  assert.deepEqual(of(400, '{"detail":{"code":"message_length_exceeds_limit"}}'), ["too_long", null]);
  assert.deepEqual(of(429, '{"detail":{"code":"model_cap_exceeded","clears_in":1234}}'), ["rate_limited", 1234]);
  assert.deepEqual(of(429, '{"detail":"Only one message at a time."}'), ["worker_error", null]);
  assert.deepEqual(of(429, "<html>"), ["rate_limited", null]);
  assert.deepEqual(of(403, '{"detail":"Unusual activity"}'), ["challenge", null]);
  assert.deepEqual(of(404, '{"detail":{"code":"conversation_not_found"}}'), ["chat_not_found", null]);
  assert.deepEqual(of(500, "{}"), ["worker_error", null]);
});
