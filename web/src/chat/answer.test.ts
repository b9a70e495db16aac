import assert from "node:assert/strict";
import { test } from "node:test";
import { Answer } from "./answer";

const cases: { name: string; deltas: [number, string][]; text: string; last: string }[] = [
  { name: "appending", deltas: [[0, "Hi"], [2, " there"]], text: "Hi there", last: "appended" },
  { name: "offsets count code points", deltas: [[0, "😀é"], [2, "👍"], [3, "!"]], text: "😀é👍!", last: "appended" },
  { name: "a correction after an emoji", deltas: [[0, "a😀bcd"], [2, "X"]], text: "a😀X", last: "corrected" },
  { name: "a correction cuts no surrogate pair", deltas: [[0, "😀😀😀"], [1, "b"]], text: "😀b", last: "corrected" },
  { name: "cutting off is no news to the reader", deltas: [[0, "abc"], [1, ""]], text: "a", last: "appended" },
  { name: "from the start again with the same text", deltas: [[0, "abc"], [0, "abcdef"]], text: "abcdef", last: "appended" },
  { name: "appending after a correction", deltas: [[0, "abc"], [1, "😀"], [2, "z"]], text: "a😀z", last: "appended" },
  { name: "a gap changes nothing", deltas: [[0, "abc"], [4, "z"]], text: "abc", last: "gap" },
  { name: "a gap, though UTF-16 would reach", deltas: [[0, "😀😀"], [4, "z"]], text: "😀😀", last: "gap" },
];

for (const { name, deltas, text, last } of cases) {
  test(name, () => {
    const answer = new Answer();
    let applied = "";
    for (const [offset, piece] of deltas) applied = answer.apply(offset, piece);
    assert.equal(answer.text, text);
    assert.equal(applied, last);
  });
}
