import assert from "node:assert/strict";
import { test } from "node:test";
import { finder, snippet as cut } from "./snippet";

const snippet = (text: string, q: string) => cut(text, finder(q));

test("the match with what stands around it", () => {
  assert.deepEqual(snippet("Say Hello to all", "hello"), { before: "Say ", match: "Hello", after: " to all" });
  assert.equal(snippet("Say Hello", "bye"), null);
  assert.equal(snippet("Say Hello", ""), null);
});

test("one line, cut on both sides", () => {
  const found = snippet(`${"a".repeat(50)} \n\n b\nMATCH\nc ${"d".repeat(200)}`, "match");
  assert.equal(found?.before, `… ${"a".repeat(6)} b `);
  assert.equal(found?.match, "MATCH");
  assert.match(found?.after ?? "", /^ c d+ …$/);
});

test("signs of patterns are signs", () => assert.equal(snippet("what (a.b)* costs $5?", "(a.b)* costs $5?")?.match, "(a.b)* costs $5?"));

test("letters of other alphabets, in any case", () => {
  assert.deepEqual(finder("ü")("Über ΣΊΣΥΦΟΣ"), { from: 0, to: 1 });
  assert.equal(snippet("İstanbul", "st")?.before, "İ", "lower case is longer than upper case there");
});

test("no half of an emoji", () => {
  const found = snippet(`${"😀".repeat(30)}ax b${"😀".repeat(90)}`, "x")!;
  assert.ok(!/\p{Cs}/u.test(found.before + found.after));
});
