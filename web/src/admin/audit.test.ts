import assert from "node:assert/strict";
import { test } from "node:test";
import { actionWords, actorWords, detailLine, detailWords, targetHref, targetWords, type AuditEntry } from "./audit";

test("who it was", () => {
  assert.equal(actorWords("admin"), "Admin");
  assert.equal(actorWords("token deploy"), "Token deploy");
  assert.equal(actorWords("somebody new"), "somebody new");
});

test("what was done", () => {
  assert.equal(actionWords("endpoint.switched_off"), "Endpoint switched off");
  assert.equal(actionWords("thing.done"), "thing.done");
});

test("which it was, and where that is", () => {
  const href = (target: string | null, account: number | null = 3) => targetHref({ target, account } as AuditEntry);
  assert.equal(targetWords("endpoint 7"), "endpoint 7");
  assert.equal(href("endpoint 7"), "/admin/accounts/3/endpoints/7/");
  assert.equal(href("delivery 9"), "/admin/deliveries/?open=9");
  assert.equal(href("version 2026092101", null), "/admin/packs/");
  assert.equal(targetWords("key cb_12345…"), "key cb_12345…");
  for (const name of ["deploy", "deploy 2", "constructor 1", ""]) {
    assert.equal(targetWords(name), name);
    assert.equal(href(name), null);
  }
  assert.equal(href(null), null);
});

test("what is known of it", () => {
  assert.equal(detailLine({ email: "a@example.com", webhook_url: null, active: false }), "Email: a@example.com · Active: no");
  assert.equal(detailLine({ headers: ["X-A", "X-B"], rate_limit: 6000, events: [] }), "Headers: X-A, X-B · Tries a minute: 6,000 · Events: none");
  assert.equal(detailLine({ matching: 3, endpoint: 0, status: null }), "Matching: 3", "a filter that is not set is not told");
  assert.equal(detailLine({ webhook_url: "" }), "Webhook URL: none");
  assert.equal(detailLine({ other: { deep: 1 } }), 'other: {"deep":1}');
  for (const nothing of [null, undefined, {}]) assert.deepEqual(detailWords(nothing), []);
  assert.equal(detailLine("a word"), "Detail: a word");
});
