import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Clock } from "./clock";

/** A page whose timers are held back for good, and a background that answers when it is told to. */
function hidden(): { clock: Clock; asked: [number, number][] } {
  const asked: [number, number][] = [];
  return { clock: new Clock(() => true, (id, ms) => asked.push([id, ms])), asked };
}

test("in a hidden page the background's word is enough, and counts once", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { clock, asked } = hidden();
  let ran = 0;
  clock.after(25, () => ran++);
  assert.deepEqual(asked, [[1, 25]]);
  clock.woke(1);
  clock.woke(1);
  mock.timers.tick(5_000);
  assert.equal(ran, 1);
  mock.timers.reset();
});

test("without an answer the page's own timer serves, late as it may be", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { clock } = hidden();
  let ran = 0;
  clock.after(25, () => ran++);
  mock.timers.tick(1_000);
  clock.woke(1);
  assert.equal(ran, 1);
  mock.timers.reset();
});

test("a visible page asks nobody, until it is hidden", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let slow = false;
  const asked: number[] = [];
  const clock = new Clock(() => slow, (id) => asked.push(id));
  clock.after(25, () => undefined);
  clock.slowed();
  assert.deepEqual(asked, []);
  slow = true;
  clock.slowed();
  assert.deepEqual(asked, [1]);
  clock.close();
  mock.timers.reset();
});

test("what is taken back or closed never runs", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { clock, asked } = hidden();
  let ran = 0;
  const off = clock.after(10, () => ran++);
  off();
  clock.woke(1);
  const end = clock.every(10, () => ran++);
  clock.woke(2);
  clock.woke(3);
  assert.equal(ran, 2);
  assert.deepEqual(asked.map(([id]) => id), [1, 2, 3, 4]);
  end();
  clock.woke(4);
  clock.every(10, () => ran++);
  clock.close();
  clock.woke(5);
  mock.timers.tick(5_000);
  assert.equal(ran, 2);
  mock.timers.reset();
});
