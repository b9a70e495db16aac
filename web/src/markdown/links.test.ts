import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "./entities";
import { linkTarget } from "./links";

test("where a link may lead", () => {
  const cases: [address: string, target: string | null][] = [
    ["https://example.com/a?b=c#d", "https://example.com/a?b=c#d"],
    ["HTTP://Example.com", "http://example.com/"],
    ["mailto:a@example.com", "mailto:a@example.com"],
    ["https://example.com/\u202etxt", "https://example.com/%E2%80%AEtxt"],
    ["javascript:alert(1)", null],
    [" javascript:alert(1)", null],
    ["java\nscript:alert(1)", null],
    ["data:text/html,x", null],
    ["//example.com", null],
    ["/admin/", null],
    ["#x", null],
    ["https:example.com", null],
    ["https://", null],
    ["https://bank.example@evil.example/", null],
    ["ftp://example.com", null],
  ];
  for (const [address, target] of cases) assert.equal(linkTarget(address), target, address);
});

test("character references", () => {
  assert.equal(decode("a &amp;&lt; &#x41;&#66; &copy; &unknown; &hasOwnProperty; & &#0; &#x110000;"), "a &< AB © &unknown; &hasOwnProperty; & \ufffd \ufffd");
});
