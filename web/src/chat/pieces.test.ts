import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces } from "./pieces";

const long = "x".repeat(4_000);
const cases: [name: string, text: string, count: number][] = [
  ["empty", "", 1],
  ["short, with lines", "a\n\nb\n", 1],
  ["long, without a line break", long + long, 1],
  ["two pieces", `${long}\nb`, 2],
  ["a blank line at the cut", `${long}\n\n\nb`, 2],
  ["breaks before the cut", `${long.slice(2)}\n\n\nb`, 2],
  ["many", `${long}\n`.repeat(10), 11],
];

for (const [name, text, count] of cases) {
  test(name, () => {
    const found = pieces(text);
    assert.equal(found.length, count);
    assert.equal(found.join("\n"), text, "no text is lost");
    for (const piece of found.slice(0, -1)) assert.ok(!piece.endsWith("\n"), "a break at a piece's end would not show");
  });
}

test("adding text changes the last piece only", () => {
  const before = pieces(`${long}\n${long}\nab`);
  const after = pieces(`${long}\n${long}\nabc`);
  assert.deepEqual(after.slice(0, -1), before.slice(0, -1));
});

test("only blank lines", () => assert.equal(pieces("\n".repeat(9_000)).join("\n"), "\n".repeat(9_000)));
