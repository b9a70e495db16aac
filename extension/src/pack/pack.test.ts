import assert from "node:assert/strict";
import { test } from "node:test";
import json from "../../pack/default.json";
import { canonical, signedBytes } from "./canonical";
import { defaultPack } from "./default";
import { matchPath } from "./paths";
import { isSigned } from "./signature";
import type { Pack } from "./types";
import { HOOKS } from "./types";
import { MAX_PACK_CHARACTERS, validatePack } from "./validate";

type Mutable = Record<string, never> & Record<string, unknown>;
const copy = (): Mutable => structuredClone(json) as unknown as Mutable;
// What a test does to a pack cannot be typed: it is wrong on purpose.
const reach = (pack: Mutable, ...path: (string | number)[]): Mutable => path.reduce((at, key) => (at as unknown as Record<string | number, Mutable>)[key] as Mutable, pack);

test("the built-in pack is valid and whole", () => {
  const verdict = validatePack(json);
  assert.ok(verdict.ok);
  for (const hook of HOOKS) assert.ok(verdict.pack.hooks[hook].alternatives.length > 0);
  assert.ok(validatePack(JSON.stringify(json)).ok);
});

const hostile: [string, (pack: Mutable) => unknown][] = [
  ["no JSON", () => "{"],
  ["null", () => null],
  ["a list", () => []],
  ["undefined", () => undefined],
  ["a missing hook", (p) => (delete (reach(p, "hooks") as Record<string, unknown>).send, p)],
  ["an unknown member", (p) => ((p as Record<string, unknown>).script = "alert(1)", p)],
  ["an unknown member of an alternative", (p) => ((reach(p, "hooks", "send", "alternatives", 0) as Record<string, unknown>).click = "body", p)],
  ["a rule in place of a selector", (p) => ((reach(p, "hooks", "send", "alternatives", 0) as Record<string, unknown>).css = "a{color:red}", p)],
  ["a long selector", (p) => ((reach(p, "hooks", "send", "alternatives", 0) as Record<string, unknown>).css = "a".repeat(401), p)],
  ["too many alternatives", (p) => ((reach(p, "hooks", "send") as Record<string, unknown>).alternatives = Array(21).fill({ css: "a" }), p)],
  ["none", (p) => ((reach(p, "hooks", "send") as Record<string, unknown>).alternatives = [], p)],
  ["a version as text", (p) => ((p as Record<string, unknown>).version = "2026092101", p)],
  ["a version with a fraction", (p) => ((p as Record<string, unknown>).version = 2026092101.5, p)],
  ["a prototype", () => JSON.stringify(json).replace('"hooks":{', '"hooks":{"__proto__":{"wanted_on":"always","alternatives":[{"css":"a"}]},')],
  ["a path that is a whole address", (p) => ((reach(p, "stream") as Record<string, unknown>).send = ["https://evil.example/"], p)],
  ["a picker without tiers", (p) => (delete (reach(p, "pickers", 0) as Record<string, unknown>).tiers, p)],
  ["tiers that do not fit their number", (p) => ((reach(p, "pickers", 0, "tiers") as Record<string, unknown>)["3"] = ["instant"], p)],
  ["a code that no page can show", (p) => ((reach(p, "trouble", 0) as Record<string, unknown>).code = "worker_lost", p)],
  ["a grace without end", (p) => ((reach(p, "trouble", 0) as Record<string, unknown>).for_ms = 1e9, p)],
  ["a signature of another length", (p) => ((p as Record<string, unknown>).signature = { algorithm: "ed25519", value: "AAAA" }, p)],
  ["too long a text", () => `${JSON.stringify(json)}${" ".repeat(MAX_PACK_CHARACTERS)}`],
  ["a lone surrogate", (p) => ((p as Record<string, unknown>).note = "\ud800", p)],
  ["a picker in a picker without end", (p) => {
    let at = reach(p, "pickers", 0) as Record<string, unknown>;
    for (let i = 0; i < 50; i++) at = at.effort = structuredClone(at) as Record<string, unknown>;
    return p;
  }],
];
for (const [name, make] of hostile) {
  test(`refused: ${name}`, () => {
    const verdict = validatePack(make(copy()));
    assert.equal(verdict.ok, false);
  });
}

test("canonical JSON", () => {
  assert.equal(canonical({ b: [1, true, null], a: { "é": "<&>\u2028\u007f", A: "\u0001\n\"\\" } }), '{"a":{"A":"\\u0001\\n\\"\\\\","é":"<&>\u2028\u007f"},"b":[1,true,null]}');
  // In the order of UTF-16 code units, not of code points.
  assert.equal(canonical({ "\ufb33": 1, "😀": 2 }), '{"😀":2,"\ufb33":1}');
  assert.throws(() => canonical({ a: 0.5 }));
  assert.throws(() => canonical({ a: "\udc00" }));
  assert.equal(new TextDecoder().decode(signedBytes({ b: 1, signature: { x: 1 }, a: 2 })), 'chatbridge-pack-v1\n{"a":2,"b":1}');
});

test("signatures", async () => {
  const { publicKey, privateKey } = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"])) as CryptoKeyPair;
  const hex = Buffer.from(await crypto.subtle.exportKey("raw", publicKey)).toString("hex");
  const sign = async (pack: Pack): Promise<Pack> => ({ ...pack, signature: { algorithm: "ed25519", value: Buffer.from(await crypto.subtle.sign({ name: "Ed25519" }, privateKey, signedBytes(pack))).toString("base64") } });
  const signed = await sign(defaultPack);
  assert.ok(validatePack(signed).ok);
  assert.equal(await isSigned(signed, hex), true);
  // Another order of members, as after a way through other programs.
  assert.equal(await isSigned(Object.fromEntries(Object.entries(signed).reverse()) as unknown as Pack, hex), true);
  assert.equal(await isSigned({ ...signed, version: signed.version + 1 }, hex), false);
  assert.equal(await isSigned(defaultPack, hex), false);
  assert.equal(await isSigned(signed, ""), false);
  assert.equal(await isSigned(signed, "00".repeat(32)), false);
});

test("a signature made elsewhere, with the throw-away key 9d61b19d… of RFC 8032", async () => {
  const pack = { version: 2026010101, note: "<&> \u2028 é 😀", hooks: {} } as unknown as Pack;
  assert.equal(new TextDecoder().decode(signedBytes(pack)), 'chatbridge-pack-v1\n{"hooks":{},"note":"<&> \u2028 é 😀","version":2026010101}');
  const value = "9RomOjfPl2TMWz1UJP6zFlbp3D13xgO4lEPQNkAhap5E5a0c3dMoEwycXA3kZpk2H3YO1i50I/7hU64vAIYOBw==";
  assert.equal(await isSigned({ ...pack, signature: { algorithm: "ed25519", value } }, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), true);
});

test("paths", () => {
  assert.deepEqual(matchPath("/c/{chat}", "/c/abc-1"), { chat: "abc-1" });
  assert.deepEqual(matchPath("/c/{chat}", "/c/abc/"), { chat: "abc" });
  assert.equal(matchPath("/c/{chat}", "/c/"), null);
  assert.equal(matchPath("/c/{chat}", "/c/a/b"), null);
  assert.equal(matchPath("/c/{chat}", "/x/a"), null);
});
