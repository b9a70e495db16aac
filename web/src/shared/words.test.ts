import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseWords, remedy, waitingWords } from "./words";

test("where the message may have reached the site, one click does not send it again", () => {
  const at = "2026-01-01T00:00:00Z";
  for (const code of ["timeout", "incomplete_answer", "worker_lost"]) assert.equal(remedy({ error_code: code, may_be_sent_at: at }), "look", code);
  assert.equal(remedy({ error_code: "worker_lost", may_be_sent_at: null }), "again");
});

test("each failure has its remedy", () => {
  const cases = { rate_limited: "again", logged_out: "site", challenge: "site", expired: "again", cancelled: "again", worker_error: "again", too_long: "edit", page_changed: "update", mode_unavailable: "auto", chat_not_found: "new_chat", internal: "copy_id", unheard_of: "again" };
  for (const [code, what] of Object.entries(cases)) assert.equal(remedy({ error_code: code, may_be_sent_at: null }), what, code);
});

test("why it waits", () => {
  const at = new Date(2026, 4, 9, 10, 38, 55).getTime();
  const until = new Date(2026, 4, 9, 10, 42).toISOString();
  assert.equal(waitingWords({ reason: "no_worker", until }, 0, at), "No browser is connected. Waiting until 10:42.");
  assert.equal(waitingWords({ reason: "paused", until }, 0, at), "The site limits this account until 10:42 (3:05).");
  assert.match(waitingWords({ reason: "paused", until: null }, 0, at), /^The browser is paused\./);
  assert.equal(waitingWords({ reason: "busy", until: null }, 12_000, at), "Waiting its turn, 0:12");
  assert.equal(waitingWords(null, 12_000, at), "Waiting its turn, 0:12");
  assert.equal(waitingWords({ reason: "chat_busy", until: null }, 12_000, at), "Waiting for the message before it in this chat, 0:12");
});

test("what the worker does", () => {
  assert.equal(phaseWords("answering", false), "Answering");
  assert.equal(phaseWords(null, false), "Taken by a browser");
  assert.match(phaseWords("typing", true), /^Typing the message\. The browser is away/);
});
