import assert from "node:assert/strict";
import { test } from "node:test";
import { range, shift } from "./range";

test("what is seen and a little around it", () => {
  assert.deepEqual(range(0, 480, 48, 20_000), { first: 0, end: 16 });
  assert.deepEqual(range(4800, 480, 48, 20_000), { first: 94, end: 116 });
  assert.deepEqual(range(20_000 * 48 - 480, 480, 48, 20_000), { first: 19_984, end: 20_000 });
});

test("never more than fit the budget", () => {
  const { first, end } = range(48_000, 8_000, 48, 20_000);
  assert.equal(end - first, 58);
});

test("few rows, or none", () => {
  assert.deepEqual(range(0, 480, 48, 3), { first: 0, end: 3 });
  assert.deepEqual(range(0, 480, 48, 0), { first: 0, end: 0 });
  assert.deepEqual(range(9_600, 480, 48, 3), { first: 2, end: 3 }, "scrolled further than there are rows now");
});

test("rows that came in above move the others", () => {
  const drawn = [["a", 10], ["b", 11], ["c", 12]] as const;
  const at = (places: Record<string, number>) => (key: string) => places[key] ?? -1;
  assert.equal(shift(drawn, at({ a: 12, b: 13, c: 14 })), 2);
  assert.equal(shift(drawn, at({ a: 0, b: 11, c: 12 })), 0, "one that moved up by itself moves nobody");
  assert.equal(shift(drawn, at({})), 0);
});
