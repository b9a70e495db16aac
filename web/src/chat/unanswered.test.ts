import assert from "node:assert/strict";
import { test } from "node:test";
import { forget, type Send, tokenFor } from "./unanswered";

test("the same send without an answer keeps its token", () => {
  let sends: Send[] = [];
  let made = 0;
  const fresh = () => `t${++made}`;
  const take = (body: string) => {
    const [token, kept] = tokenFor(sends, body, fresh);
    sends = kept;
    return token;
  };
  assert.equal(take("a"), "t1");
  assert.equal(take("b"), "t2");
  assert.equal(take("a"), "t1", "another send between them changes nothing");
  sends = forget(sends, "t1");
  assert.equal(take("a"), "t3", "answered: the same words again are a new message");
  assert.equal(take("b"), "t2");
});

test("no more than a few are kept", () => {
  let sends: Send[] = [];
  for (let i = 0; i < 20; i++) [, sends] = tokenFor(sends, String(i), () => `t${i}`);
  assert.deepEqual(sends.map(({ token }) => token), ["t16", "t17", "t18", "t19"]);
});
