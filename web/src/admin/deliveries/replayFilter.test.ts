import assert from "node:assert/strict";
import { test } from "node:test";
import { replayFilter } from "./replayFilter";

const nothing = { status: "", account: "", last: "", from: "", to: "", request_id: "", endpoint: "" };
const at = Date.parse("2026-01-01T12:00:00Z");

test("the list's filters are the replay's", () => {
  assert.deepEqual(replayFilter(nothing, at), {}, "what is not set selects all");
  assert.deepEqual(replayFilter({ ...nothing, status: "dead,failing", account: "7", endpoint: "12", request_id: "x" }, at), { status: ["dead", "failing"], account: 7, endpoint: 12, request_id: "x" });
  assert.deepEqual(replayFilter({ ...nothing, last: "1h" }, at), { from: "2026-01-01T11:00:00.000Z" });
  assert.deepEqual(replayFilter({ ...nothing, from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }, at), { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" });
});
