import assert from "node:assert/strict";
import { test } from "node:test";
import { shortened } from "./shortened";

const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i + 1}`).join("\n");

test("a long message is shown as far as about a screen", () => {
  assert.equal(shortened("hello"), null);
  assert.equal(shortened(lines(20)), null);
  assert.equal(shortened(lines(25)), null, "little more is shown whole");
  assert.equal(shortened(lines(60)), lines(20));
  assert.equal(shortened("x".repeat(2_000)), null);
  assert.equal(shortened("x".repeat(5_000)), "x".repeat(1_800));
  assert.equal(shortened("x".repeat(1_799) + "😀".repeat(900)), "x".repeat(1_799), "no emoji is cut in two");
});
