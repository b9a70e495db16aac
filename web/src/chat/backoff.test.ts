import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff";

test("pauses grow, up to half a minute", () => {
  const backoff = new Backoff();
  assert.deepEqual(Array.from({ length: 8 }, () => backoff.broken(0, 0)), [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test("a connection that lived starts them over; one that broke at once does not", () => {
  const backoff = new Backoff();
  for (let i = 0; i < 3; i++) backoff.broken(0, 0);
  backoff.opened(1_000);
  assert.equal(backoff.broken(2_000, 0), 8000);
  backoff.opened(10_000);
  assert.equal(backoff.broken(30_000, 0), 1000);
  assert.equal(backoff.broken(40_000, 0), 2000, "the time of one that never stood counts for nothing");
});

test("spread by up to a fifth", () => assert.equal(new Backoff().broken(0, 1), 1200));
