import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "./rows";
import type { AdminRequest } from "./types";

const row = (id: string, second: number, status = "done") => ({ id, status, queued_at: new Date(second * 1000).toISOString() }) as AdminRequest;
const ids = (rows: AdminRequest[]) => rows.map(({ id }) => id).join("");

test("a fresh first page over more rows", () => {
  const shown = [row("d", 40), row("c", 30), row("b", 20), row("a", 10)];
  assert.equal(ids(merge(shown, [row("e", 50), row("d", 40)], false)), "edcba", "older rows stay");
  assert.equal(ids(merge(shown, [row("e", 50), row("d", 40), row("b", 20)], false)), "edba", "what is missing within its span no longer matches");
});

test("the fresh row wins", () => {
  const [first] = merge([row("a", 10, "executing")], [row("a", 10, "done")], false);
  assert.equal(first?.status, "done");
});

test("a fresh page that is the whole list replaces all", () => {
  assert.equal(ids(merge([row("b", 20), row("a", 10)], [row("b", 20)], true)), "b");
  assert.equal(ids(merge([row("a", 10)], [], true)), "");
});
