import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, headersOf, newRow, rowsOf, wrongRows, type HeaderRow } from "./headers";

const stored = { "X-Tenant": "••••", Authorization: "••••" };
const row = (name: string, value: string): HeaderRow => ({ ...newRow(), name, value });

test("what is left alone keeps its value", () => {
  assert.deepEqual(headersOf(rowsOf(stored)), stored);
  assert.equal(changed(rowsOf(stored), stored), false);
  assert.equal(changed([...rowsOf(stored), newRow()], stored), false, "an empty row is nothing");
  assert.deepEqual(headersOf([newRow()]), {});
});

test("a new value, a new header, one that is gone", () => {
  const [first, second] = rowsOf(stored) as [HeaderRow, HeaderRow];
  assert.deepEqual(headersOf([{ ...first, value: "Bearer x" }, second]), { Authorization: "Bearer x", "X-Tenant": "••••" });
  assert.deepEqual(headersOf([first, row(" X-New ", " kept as it is")]), { Authorization: "••••", "X-New": " kept as it is" });
  for (const rows of [[first], [{ ...first, value: "x" }, second], [first, second, row("X-New", "1")], [first, { ...second, name: "X-Other", value: "1" }]]) assert.equal(changed(rows, stored), true);
});

test("a stored value is kept under its own name only", () => {
  const [first] = rowsOf(stored) as [HeaderRow];
  assert.equal(wrongRows([{ ...first, name: "authorization" }]).size, 0, "whatever the case");
  assert.match(wrongRows([{ ...first, name: "X-Auth" }]).get(first.id) ?? "", /X-Auth needs a value/);
});

test("what is wrong with rows", () => {
  const nameless = row("", "v");
  const twice = row("X-TENANT", "2");
  const wrong = wrongRows([...rowsOf(stored), nameless, twice, newRow()]);
  assert.deepEqual([...wrong.keys()], [nameless.id, twice.id]);
});
