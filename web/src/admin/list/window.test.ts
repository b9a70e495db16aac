import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_DRAWN, windowOf } from "./window";

const ROW = 36;
const HEIGHT = 1080;
/** Rows beyond what is seen, so that a step of scrolling finds them drawn. */
const MORE = 7;

test("a short list is drawn whole", () => assert.deepEqual(windowOf(ALL_DRAWN, ROW, 5000, HEIGHT), { first: 0, end: ALL_DRAWN }));

test("what is seen is drawn and a little more, wherever the list stands, and never more than 60 rows", () => {
  const count = 20_000;
  for (let above = -2000; above <= count * ROW + 2000; above += 97) {
    const { first, end } = windowOf(count, ROW, above, HEIGHT);
    const top = Math.max(0, Math.floor(above / ROW));
    const bottom = Math.min(count, Math.ceil((above + HEIGHT) / ROW));
    if (top < count) assert.ok(first <= Math.max(0, top - MORE), `row ${top} is seen, drawn from ${first}`);
    if (above + HEIGHT > 0) assert.ok(end >= Math.min(count, bottom + MORE), `row ${bottom} is seen, drawn to ${end}`);
    assert.ok(end - first <= 60, `${end - first} rows`);
    assert.ok(first >= 0 && end <= count && first < end);
  }
});

test("a small step of scrolling leaves the window as it is", () => {
  assert.deepEqual(windowOf(1000, ROW, 400 * ROW, HEIGHT), windowOf(1000, ROW, 401 * ROW, HEIGHT));
});
