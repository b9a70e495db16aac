import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook, Worker } from "./types";
import { matchedOf, pauseWords, reportText, stateOf, verdict } from "./workers";

const worker = (values: Partial<Worker> = {}) => ({ worker_id: "w_1", name: "laptop", version: "1.2", site: "chatgpt.com", connected: true, pause: null, paused_until: null, health: null, ...values }) as Worker;
const hook = (name: string, found: boolean, wanted_on?: string): Hook => ({ name, found, alternative: found ? "id" : "", ...(wanted_on && { wanted_on }) });

test("away first, then paused", () => {
  assert.equal(stateOf(worker()), "connected");
  assert.equal(stateOf(worker({ pause: "challenge" })), "paused");
  assert.equal(stateOf(worker({ pause: "challenge", connected: false })), "away");
});

test("a pause says why, how long and what to do", () => {
  const at = new Date(2026, 4, 9, 10, 38, 55).getTime();
  assert.equal(pauseWords(worker(), at), null);
  const until = new Date(2026, 4, 9, 10, 42).toISOString();
  assert.equal(pauseWords(worker({ pause: "rate_limited", paused_until: until }), at), "The site limits this account until 10:42 (3:05). It goes on by itself then.");
  assert.match(pauseWords(worker({ pause: "logged_out" }), at) ?? "", /Log in there/);
  assert.match(pauseWords(worker({ pause: "page_changed" }), at) ?? "", /doctor/);
  assert.match(pauseWords(worker({ pause: "something_new" }), at) ?? "", /something_new/);
});

test("what it matched, whatever a worker sends", () => {
  const of = (matched: unknown) => matchedOf(worker({ health: { logged_in: true, page_ok: true, limited_until: null, matched } }));
  assert.deepEqual(of({ send: "submit", composer: 2 }), [["composer", "2"], ["send", "submit"]]);
  for (const nothing of [undefined, null, [1], "x"]) assert.deepEqual(of(nothing), []);
});

test("the doctor's verdict", () => {
  assert.deepEqual(verdict([hook("send", true), hook("stop", true)]), { tone: "ok", words: "All 2 were found." });
  assert.equal(verdict([hook("send", true), hook("stop", false, "while answering")]).tone, "ok");
  assert.equal(verdict([]).tone, "plain");
  for (const wanted of [undefined, "every page"]) {
    const bad = verdict([hook("send", false, wanted), hook("stop", false, "sometimes")]);
    assert.equal(bad.tone, "bad");
    assert.match(bad.words, /: send\./);
  }
});

test("the report as text", () => {
  const text = reportText(worker(), [hook("send", true, "with text")]);
  assert.ok(text.startsWith("laptop (w_1), 1.2, chatgpt.com\nAll 1 were found.\n\n"));
  assert.ok(text.endsWith("\nsend\tyes\tid\twith a text"));
});
