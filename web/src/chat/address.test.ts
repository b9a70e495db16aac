import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse } from "./address";

const cases: [href: string, chat: string | null, q: string, request: string][] = [
  ["http://a/", null, "", ""],
  ["http://a/client/?chat=12", "12", "", ""],
  ["http://a/?chat=ab%2Fc&q=x+y%26z#4f", "ab/c", "x y&z", "4f"],
  ["http://a/?chat=&q=", null, "", ""],
  ["http://a/#%", null, "", ""],
];

for (const [href, chat, q, request] of cases) test(`reads ${href}`, () => assert.deepEqual(parse(href), { chat, q, request }));

test("writes what it reads", () => {
  for (const [, chat, q, request] of cases) assert.deepEqual(parse(format("http://a/client/?chat=1&q=2#3", { chat, q, request })), { chat, q, request });
});

test("leaves the rest of the URL", () => assert.equal(format("http://a/client/?x=1&chat=2#3", { chat: null, q: "", request: "" }), "http://a/client/?x=1"));
