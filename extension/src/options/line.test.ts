import assert from "node:assert/strict";
import { test } from "node:test";
import { oneLine, parseLine } from "./line";

test("the panel's line, as people paste it", () => {
  assert.equal(oneLine("\r\n  http://localhost:8000\r\n cb_k\u00a0\n"), "http://localhost:8000 cb_k");
  for (const line of ["http://localhost:8000 cb_k", "  http://localhost:8000\tcb_k \n", "http://localhost:8000\ncb_k"])
    assert.deepEqual(parseLine(line), { ok: true, server: "http://localhost:8000", key: "cb_k" });
  for (const line of ["", "cb_k", "http://localhost:8000", "cb_k http://localhost:8000", "http://localhost:8000 a b"]) {
    const read = parseLine(line);
    assert.ok(!read.ok && read.sentence.endsWith("."), line);
  }
});
