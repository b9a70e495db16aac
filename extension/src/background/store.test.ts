import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, failureOf, responseOf } from "./result";
import { Store, type Area } from "./store";
import type { Kept } from "./state";
import { MAX_ANSWER_BYTES, utf8Length } from "./wire";

class Memory implements Area {
  items: Record<string, unknown> = {};
  get(): Promise<Record<string, unknown>> {
    return Promise.resolve(structuredClone(this.items));
  }
  set(items: Record<string, unknown>): Promise<void> {
    Object.assign(this.items, structuredClone(items));
    return Promise.resolve();
  }
  remove(keys: string[]): Promise<void> {
    for (const key of keys) delete this.items[key];
    return Promise.resolve();
  }
}

const of = { request_id: "r", attempt: 1 };
const kept: Kept = {
  request: { ...of, message: "x", response_type: "auto", thinking_time: "standard", chat_id: null, temporary: false },
  phase: "submitted",
  chat_id: null,
  result: null,
};

test("the number only grows, over deaths and over a clock that was set back", async () => {
  const area = new Memory();
  const first = new Store(area);
  await first.load();
  const a = await first.raise();
  const b = await first.raise();
  assert.ok(b.n > a.n && a.worker_id === b.worker_id);
  const second = new Store(area);
  await second.load();
  const real = Date.now;
  Date.now = () => 1;
  try {
    const c = await second.raise();
    assert.ok(c.n > b.n && c.worker_id === a.worker_id);
  } finally {
    Date.now = real;
  }
});

test("attempts come back as they were kept, and what can't be read is left out", async () => {
  const area = new Memory();
  const store = new Store(area);
  await store.saveAttempt(kept);
  area.items["attempt/broken/1"] = { request: { request_id: "broken" } };
  assert.deepEqual((await store.load()).kept, [kept]);
  await store.eraseAttempt("r/1");
  assert.deepEqual((await store.load()).kept, []);
});

test("settings are bounded", async () => {
  const area = new Memory();
  area.items.settings = { server: "http://x", key: "k", capacity: 99, halted: "nonsense" };
  assert.deepEqual((await new Store(area).load()).settings, { server: "http://x", key: "k", name: "", capacity: 5, paused: false, halted: null });
});

test("results keep within the protocol", () => {
  const ended = { type: "ended", ...of, chat_id: null, chat_title: null, mode_used: null, evidence: { source: "stream", complete: true } } as const;
  assert.equal(responseOf(of, { ...ended, response: "x" }).type, "response");
  const empty = responseOf(of, { ...ended, response: "" });
  assert.ok(empty.type === "error" && empty.code === "incomplete_answer");
  // Within 7 MiB, but not with its escapes: eight MiB of message.
  for (const response of ["é".repeat(4 << 20), "\u0001".repeat(2 << 20)]) {
    const long = responseOf(of, { ...ended, response });
    assert.ok(long.type === "error" && long.code === "incomplete_answer" && (long.partial_response?.length ?? 0) > 100_000);
    assert.ok(utf8Length(JSON.stringify(long)) <= MAX_ANSWER_BYTES + 1000);
  }
  assert.equal(failureOf(of, { code: "nonsense" as never, detail: "d" }, "").code, "worker_error");
  assert.equal(failureOf(of, { code: "incomplete_answer", detail: "d", partial: "ab" }, "abc").partial_response, "abc");
  assert.equal(failure(of, "rate_limited", "s", { retryAfter: 1.2 }).retry_after, 2);
});
