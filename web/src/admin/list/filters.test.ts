import assert from "node:assert/strict";
import { test } from "node:test";
import { apiQuery, countSet, fromField, readValues, toField, type Filter } from "./filters";

const filters: Filter[] = [
  { kind: "choice", name: "status", label: "Status", options: [] },
  { kind: "account", name: "account" },
  { kind: "time" },
];
const read = (query: string) => readValues(filters, new URLSearchParams(query));

test("filters are read from the address", () => {
  assert.deepEqual(read("status=failed&open=7&x=1"), { status: "failed", account: "", last: "", from: "", to: "" });
  assert.equal(read("status=dead&status=failing").status, "dead,failing");
  assert.equal(read("last=2y").last, "", "no such length");
  assert.equal(read("from=yesterday").from, "", "no time");
  assert.deepEqual({ ...read("last=1h&from=2026-01-01T00:00:00Z") }, { status: "", account: "", last: "1h", from: "", to: "" }, "one of the two");
});

test("time counts as one filter", () => {
  assert.equal(countSet(filters, read("")), 0);
  assert.equal(countSet(filters, read("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&status=done")), 2);
});

test("a last hour is counted from now", () => {
  const at = Date.parse("2026-01-01T12:00:00Z");
  assert.deepEqual(apiQuery(read("last=1h&status=done"), at), { status: "done", account: "", from: "2026-01-01T11:00:00.000Z", to: "" });
  assert.equal(apiQuery(read("from=2026-01-01T00:00:00Z"), at).from, "2026-01-01T00:00:00Z");
});

test("a moment in a field and back", () => {
  const iso = "2026-05-09T10:42:00Z";
  for (const utc of [true, false]) assert.equal(fromField(toField(iso, utc), utc), iso);
  assert.equal(toField(iso, true), "2026-05-09T10:42");
  for (const text of ["", "nonsense"]) {
    assert.equal(toField(text, true), "");
    assert.equal(fromField(text, true), "");
    assert.equal(fromField(text, false), "");
  }
});
