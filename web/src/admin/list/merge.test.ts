import assert from "node:assert/strict";
import { test } from "node:test";
import { append, compare, inPlace, same } from "./merge";

interface Row {
  id: string;
  status: string;
}
const rows = (ids: string, status = "done"): Row[] => Array.from(ids, (id) => ({ id, status }));
const id = (row: Row) => row.id;
const names = (list: Row[]) => list.map(id).join("");

test("nothing moves: new rows are counted, missing ones named", () => {
  const cases: { shown: string; page: string; whole: boolean; fresh: number; more: boolean; gone: string; why: string }[] = [
    { shown: "dcba", page: "edcb", whole: false, fresh: 1, more: false, gone: "", why: "one came" },
    { shown: "dcba", page: "dcba", whole: true, fresh: 0, more: false, gone: "", why: "nothing happened" },
    { shown: "dcba", page: "db", whole: false, fresh: 0, more: false, gone: "c", why: "within the page's reach one is missing; a is beyond it" },
    { shown: "dcba", page: "db", whole: true, fresh: 0, more: false, gone: "ca", why: "the page is all there is" },
    { shown: "dcba", page: "hgfe", whole: false, fresh: 4, more: true, gone: "", why: "more came than a page holds" },
    { shown: "dba", page: "dcba", whole: true, fresh: 1, more: false, gone: "", why: "one came in the middle" },
    { shown: "dcba", page: "", whole: true, fresh: 0, more: false, gone: "dcba", why: "nothing matches any more" },
    { shown: "dcba", page: "", whole: false, fresh: 0, more: false, gone: "", why: "a search that has not come so far yet" },
    { shown: "", page: "ba", whole: true, fresh: 2, more: false, gone: "", why: "the first ones" },
  ];
  for (const { shown, page, whole, fresh, more, gone, why } of cases) {
    const news = compare(rows(shown), rows(page), whole, id);
    assert.equal(names(news.rows), shown, why);
    assert.equal(news.fresh, fresh, why);
    assert.equal(news.more, more, why);
    assert.equal([...news.gone].join(""), gone, why);
  }
});

test("a changed row is changed in its place, the others stay the same objects", () => {
  const shown = rows("cba");
  const after = inPlace(shown, [{ id: "b", status: "failed" }, { id: "a", status: "done" }], id);
  assert.equal(names(after), "cba");
  assert.equal(after[1]?.status, "failed");
  assert.equal(after[0], shown[0]);
  assert.equal(after[2], shown[2]);
  assert.equal(inPlace(shown, rows("cba"), id), shown, "nothing changed, nothing is drawn");
});

test("a page that overlaps adds what is new in it", () => assert.equal(names(append(rows("dc"), rows("cba"), id)), "dcba"));

test("equal values of JSON", () => {
  const equal: [unknown, unknown][] = [[1, 1], [null, null], [{ a: [1, { b: "x" }] }, { a: [1, { b: "x" }] }]];
  const different: [unknown, unknown][] = [[1, 2], [null, {}], [{}, null], [[], {}], [{ a: 1 }, { b: 1 }], [{ a: 1 }, { a: 1, b: 2 }], [[1, 2], [1]]];
  for (const [a, b] of equal) assert.ok(same(a, b));
  for (const [a, b] of different) assert.ok(!same(a, b), JSON.stringify([a, b]));
});
