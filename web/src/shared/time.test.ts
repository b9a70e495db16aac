import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseZone, clock, counting, exact, took, zone, zoneName } from "./time";

test("a length as it counts", () => {
  const cases: [number, string][] = [[-5000, "0:00"], [0, "0:00"], [12_000, "0:12"], [185_000, "3:05"], [3_723_000, "1:02:03"]];
  for (const [milliseconds, words] of cases) assert.equal(counting(milliseconds), words);
});

test("a length that is over", () => {
  const cases: [number, string][] = [[-1, "0 ms"], [850, "850 ms"], [12_340, "12.3 s"], [59_960, "1 min 0 s"], [185_000, "3 min 5 s"], [7_440_000, "2 h 4 min"]];
  for (const [milliseconds, words] of cases) assert.equal(took(milliseconds), words);
});

test("a moment says its day and its year only where they are others", () => {
  const at = new Date(2026, 4, 9, 12, 0).getTime();
  assert.equal(clock(new Date(2026, 4, 9, 10, 42).toISOString(), at), "10:42");
  assert.match(clock(new Date(2026, 4, 10, 0, 5).toISOString(), at), /^(?!.*2026).*10.*00:05/);
  assert.match(clock(new Date(2025, 4, 9, 10, 42).toISOString(), at), /9.*2025.*10:42/);
  assert.match(exact(new Date(2026, 4, 9, 10, 42, 7).toISOString()), /9.*2026.*10:42:07/);
  assert.equal(clock("nonsense", at), "");
});

test("in UTC where that is chosen", () => {
  assert.equal(zoneName(), zone);
  chooseZone("utc");
  try {
    assert.equal(clock("2026-05-09T10:42:00Z", Date.parse("2026-05-09T23:59:00Z")), "10:42");
    assert.match(clock("2026-05-09T23:59:00Z", Date.parse("2026-05-10T00:01:00Z")), /9.*23:59/);
    assert.equal(zoneName(), "UTC");
  } finally {
    chooseZone("local");
  }
});
