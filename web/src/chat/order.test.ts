import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chat } from "../shared/types";
import { join, merged } from "./order";

const chat = (id: number, at: number, unfinished = 0): Chat => ({ id, chat_id: null, title: null, created_at: "", updated_at: new Date(at).toISOString(), unfinished });
const ids = (chats: Chat[]) => chats.map(({ id }) => id);

test("a chat with news moves up, a new one comes in", () => {
  const known = [chat(3, 30), chat(2, 20), chat(1, 10)];
  assert.deepEqual(ids(merged(known, [chat(1, 40)])), [1, 3, 2]);
  assert.deepEqual(ids(merged(known, [chat(4, 25)])), [3, 4, 2, 1]);
  assert.deepEqual(ids(merged([], known)), [3, 2, 1]);
});

test("at the same moment the higher id is first, as at the server", () => assert.deepEqual(ids(merged([chat(1, 10)], [chat(2, 10)])), [2, 1]));

test("later news counts, in whatever order replies come", () => {
  assert.equal(merged([chat(1, 20, 1)], [chat(1, 10, 0)])[0]?.unfinished, 1);
  assert.equal(merged([chat(1, 20, 1)], [chat(1, 20, 0)])[0]?.unfinished, 0);
});

test("moments with and without fractions", () => {
  const [whole, part] = [chat(1, 0), chat(2, 0)];
  whole.updated_at = "2026-01-01T00:00:01Z";
  part.updated_at = "2026-01-01T00:00:01.5Z";
  assert.deepEqual(ids(merged([whole], [part])), [2, 1]);
  assert.equal(merged([part], [{ ...part, updated_at: whole.updated_at, unfinished: 1 }])[0]?.unfinished, 0, "a whole second is before its half");
});

const turn = (id: string, at: number) => ({ id, queued_at: new Date(at).toISOString() });
const [a, b, c, d] = [turn("a", 1), turn("b", 2), turn("c", 3), turn("d", 4)];

const joins: [name: string, shown: (typeof a)[], read: (typeof a)[], before: (typeof a)[] | null, after: (typeof a)[]][] = [
  ["nothing shown", [], [a, b], null, []],
  ["the same", [a, b], [a, b], [], []],
  ["older ones stay", [a, b, c], [b, c], [a], []],
  ["sent meanwhile", [a, b, c], [a, b], [], [c]],
  ["one has left the chat", [a, b, c], [a, c], [], []],
  ["clocks that differ put none in twice", [a, d, b], [a, d, b], [], []],
  ["they do not meet", [a, b], [c, d], null, []],
  ["all have left", [a], [], null, []],
];
for (const [name, shown, read, before, after] of joins) test(`messages: ${name}`, () => assert.deepEqual(join(shown, read), { before, after }));
