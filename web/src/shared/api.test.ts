import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPage } from "./api";

const cases: [name: string, header: string | null, next: string | null][] = [
  ["no header", null, null],
  ["a relative link", '</api/x/?cursor=a>; rel="next"', "/api/x/?cursor=a"],
  ["the server's name for itself is left out", '<http://inside:8000/api/x/?cursor=a>; rel="next"', "/api/x/?cursor=a"],
  ["among others", '</first>; rel="first", </api/x/?cursor=b&limit=2>; rel="next", </last>; rel="last"', "/api/x/?cursor=b&limit=2"],
  ["a comma inside the address", '</api/x/?cursor=a,b>; rel="next"', "/api/x/?cursor=a,b"],
  ["no quotes", "</api/x/>; rel=next", "/api/x/"],
  ["another relation", '</api/x/>; rel="prev"', null],
  ["a name that starts alike", '</api/x/>; rel="nextbest"', null],
];

for (const [name, header, next] of cases) test(name, () => assert.equal(nextPage(header, "http://127.0.0.1:8000/admin/"), next));
