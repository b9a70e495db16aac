import assert from "node:assert/strict";
import { test } from "node:test";
import { done, stepsDone } from "./steps";

const none = { account: false, worker_seen: false, worker_connected: false, answered: false, delivered: false };
const all = { account: true, worker_seen: true, worker_connected: true, answered: true, delivered: true };

test("facts tick the steps", () => {
  assert.deepEqual(Object.values(done(none)), [false, false, false, false, false]);
  assert.deepEqual(Object.values(done({ ...none, account: true, worker_seen: true })), [true, true, false, false, false]);
  assert.ok(!stepsDone({ ...all, delivered: false }));
  assert.ok(stepsDone(all));
});

test("a browser that leaves after its first answer brings no step back", () => assert.ok(stepsDone({ ...all, worker_connected: false })));
