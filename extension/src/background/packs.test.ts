import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultPack } from "../pack/default";
import { Packs } from "./packs";
import type { KeptPacks } from "./store";

function packs(): { packs: Packs; saved: KeptPacks[]; used: number[] } {
  const saved: KeptPacks[] = [];
  const used: number[] = [];
  return { packs: new Packs((k) => Promise.resolve(void saved.push(structuredClone(k))), (p) => used.push(p.version), () => undefined, ""), saved, used };
}

const newer = { ...defaultPack, version: defaultPack.version + 1 };
delete (newer as { signature?: unknown }).signature;

test("an unsigned pack waits for a click", async () => {
  const w = packs();
  await w.packs.offer(newer);
  assert.equal(w.packs.current.version, defaultPack.version);
  assert.equal(w.packs.waiting?.version, newer.version);
  await w.packs.decide(true);
  assert.equal(w.packs.current.version, newer.version);
  assert.equal(w.packs.waiting, null);
  assert.deepEqual(w.used, [newer.version]);
});

test("one that was declined does not come back, a newer one does", async () => {
  const w = packs();
  await w.packs.offer(newer);
  await w.packs.decide(false);
  const again = packs();
  again.packs.restore(w.saved.at(-1)!);
  await again.packs.offer(newer);
  assert.equal(again.packs.waiting, null);
  await again.packs.offer({ ...newer, version: newer.version + 1 });
  assert.equal(again.packs.waiting?.version, newer.version + 1);
});

test("nothing that validation refuses is kept, and nothing older", async () => {
  const w = packs();
  for (const bad of [null, "x", {}, { ...newer, hooks: {} }, { ...defaultPack }, { ...newer, version: 1 }]) await w.packs.offer(bad);
  assert.equal(w.packs.waiting, null);
  assert.deepEqual(w.saved, []);
});

test("after an update the built-in pack wins where it is newer, and a broken one is dropped", () => {
  for (const pack of [{ ...newer, version: 1 }, { version: newer.version }]) {
    const w = packs();
    w.packs.restore({ pack, waiting: null, declined: 0 });
    assert.equal(w.packs.current, defaultPack);
  }
});
