import assert from "node:assert/strict";
import { test } from "node:test";
import { readPack } from "./pack";

test("a pack", () => {
  const pack = readPack('{"version": 2026092102, "note": "n", "hooks": {"send": {}, "stop": {}}, "signature": {"algorithm": "ed25519", "value": "x"}}');
  assert.ok(typeof pack !== "string");
  assert.deepEqual({ ...pack, json: null }, { version: 2026092102, note: "n", hooks: 2, signed: true, json: null });
});

test("an unsigned one, with less", () => {
  const pack = readPack('{"version": 1}');
  assert.ok(typeof pack !== "string" && !pack.signed && pack.hooks === 0 && pack.note === null);
});

for (const [name, text, sentence] of [
  ["no JSON", '{"version": 1', /^This is not JSON\. ./],
  ["a list", "[1]", /JSON object/],
  ["null", "null", /JSON object/],
  ["no version", '{"hooks": {}}', /no version/],
  ["a version with a fraction", '{"version": 1.5}', /no version/],
] as const)
  test(name, () => assert.match(String(readPack(text)), sentence));
