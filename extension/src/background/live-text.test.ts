import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveText, countPoints, headBytes } from "./live-text";

test("offsets count code points", () => {
  const t = new LiveText();
  assert.equal(t.replace(0, "a😀b"), 0);
  assert.equal(t.length, 3);
  assert.equal(t.from(1, 10), "😀b");
  assert.equal(t.from(2, 10), "b");
  assert.equal(t.replace(2, "👍🏽!"), 2);
  assert.equal(t.toString(), "a😀👍🏽!");
  assert.equal(t.length, 5);
});

test("a text that is shorter than the offset stays as it is", () => {
  const t = new LiveText();
  t.replace(0, "ab");
  for (const offset of [3, -1, 1.5, Number.NaN]) assert.equal(t.replace(offset, "x"), -1);
  assert.equal(t.toString(), "ab");
});

test("no piece splits a pair", () => {
  const t = new LiveText();
  t.replace(0, "😀😀😀");
  assert.equal(t.from(0, 3), "😀");
  assert.equal(t.from(1, 4), "😀😀");
});

test("the halves of a pair that come one after the other are one code point", () => {
  const t = new LiveText();
  t.replace(0, "a\ud83d");
  assert.equal(t.length, 2);
  assert.equal(t.replace(2, "\ude00b"), 1, "the code point before has changed");
  assert.equal(t.toString(), "a😀b");
  assert.equal(t.length, 3);
});

test("it agrees with the language's own code points, whatever comes", () => {
  const alphabet = ["a", "é", "中", "😀", "👍🏽", "\n", "‏א"];
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let round = 0; round < 50; round++) {
    const t = new LiveText();
    let model: string[] = [];
    for (let i = 0; i < 40; i++) {
      const offset = random(model.length + 1);
      const tail = Array.from({ length: random(6) }, () => alphabet[random(alphabet.length)]).join("");
      assert.equal(t.replace(offset, tail), offset);
      model = [...model.slice(0, offset), ...tail];
      assert.equal(t.toString(), model.join(""));
      assert.equal(t.length, model.length);
      const from = random(model.length + 1);
      assert.equal(t.from(from, 1 << 20), model.slice(from).join(""));
    }
  }
});

test("counting and cutting", () => {
  assert.equal(countPoints(""), 0);
  assert.equal(countPoints("\ud83d"), 1);
  assert.equal(countPoints("\ude00\ud83d"), 2);
  assert.equal(headBytes("aé😀", 3), "aé");
  assert.equal(headBytes("aé😀", 6), "aé");
  assert.equal(headBytes("aé😀", 7), "aé😀");
});
