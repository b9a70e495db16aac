import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Texts } from "./texts";
import type { ToBridge } from "./wire";

type Delta = Extract<ToBridge, { type: "delta" }>;
const of = { request_id: "r", attempt: 1 };

/** The bridge's side: it applies deltas as the contract says. */
class Bridge {
  points: string[] = [];
  deltas: Delta[] = [];
  online = true;
  first = true;
  readonly take = (m: ToBridge): boolean => {
    if (!this.online) return false;
    const delta = m as Delta;
    if (this.first) assert.equal(delta.offset, 0, "the first delta after a connect has offset 0");
    this.first = false;
    assert.ok(delta.offset <= this.points.length, "a gap");
    this.points = [...this.points.slice(0, delta.offset), ...delta.text];
    this.deltas.push(delta);
    return true;
  };
}

test("at most twenty deltas a second, and nothing is lost", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const bridge = new Bridge();
  const texts = new Texts(bridge.take, () => now);
  let written = "";
  for (let i = 0; i < 1000; i++) {
    const piece = i % 7 === 0 ? "😀" : "x";
    texts.change("k", of, [...written].length, piece);
    written += piece;
    now += 1;
    mock.timers.tick(1);
  }
  now += 100;
  mock.timers.tick(100);
  assert.equal(bridge.points.join(""), written);
  assert.ok(bridge.deltas.length <= 21, `${bridge.deltas.length} deltas in a second`);
  mock.timers.reset();
});

test("corrections, a lost connection and a resync", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const bridge = new Bridge();
  const texts = new Texts(bridge.take, () => now);
  const pass = (): void => {
    now += 50;
    mock.timers.tick(50);
  };
  texts.change("k", of, 0, "one two");
  pass();
  texts.change("k", of, 4, "three");
  pass();
  assert.equal(bridge.points.join(""), "one three");
  bridge.online = false;
  texts.change("k", of, 9, " four");
  pass();
  bridge.online = true;
  bridge.first = true;
  bridge.points = [];
  texts.again("k");
  assert.equal(bridge.points.join(""), "one three four");
  bridge.first = true;
  pass();
  texts.again("k");
  assert.equal(bridge.points.join(""), "one three four");
  assert.equal(texts.seen("k"), "one three four");
  texts.forget("k");
  assert.equal(texts.seen("k"), "");
  mock.timers.reset();
});

test("at the end what was told is a beginning of the answer", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const bridge = new Bridge();
  const texts = new Texts(bridge.take, () => 0);
  texts.change("k", of, 0, "😀 As  says");
  texts.forget("k", "😀 As ([Example](https://e.example)) says");
  assert.equal(bridge.points.join(""), "😀 As ");
  const before = bridge.deltas.length;
  bridge.points = [];
  texts.change("l", of, 0, "one");
  texts.change("l", of, 3, " two, not told yet");
  texts.forget("l", "one three");
  texts.forget("l", "other");
  assert.equal(bridge.deltas.length, before + 1);
  mock.timers.reset();
});

test("a long text goes in pieces", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const bridge = new Bridge();
  const texts = new Texts(bridge.take, () => now);
  const long = "😀ab".repeat(200_000);
  texts.change("k", of, 0, long);
  for (let i = 0; i < 10; i++) {
    now += 50;
    mock.timers.tick(50);
  }
  assert.equal(bridge.points.join(""), long);
  assert.ok(bridge.deltas.length > 2);
  mock.timers.reset();
});
