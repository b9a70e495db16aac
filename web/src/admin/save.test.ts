import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../shared/api";
import { errorsOf, inWords } from "./save";

const failure = (status: number, fields: Record<string, string[]> = {}) => new ApiError(status, "code", "What to do.", fields);

test("each sentence beside its field, what has none in the form", () => {
  assert.deepEqual(errorsOf(failure(400, { email: ["A."], key: ["B."] }), ["email"]), { email: ["A."], form: ["B."] });
  assert.deepEqual(errorsOf(failure(409), ["email"]), { form: ["What to do."] });
  assert.deepEqual(errorsOf(new Error("broken"), []), { form: ["broken"] });
});

test("a session that has ended is nobody's mistake", () => assert.deepEqual(errorsOf(failure(401), ["email"]), {}));

test("all of it in words", () => assert.equal(inWords({ email: ["A.", "B."], form: ["C."] }), "A. B. C."));
