import assert from "node:assert/strict";
import { test } from "node:test";
import { blockFormula, formula } from "./formula";

test("formulas in a paragraph", () => {
  const cases: [source: string, found: string | null, before?: string][] = [
    ["$x_1$ and", "x_1"],
    ["$2 \\times 3$", "2 \\times 3"],
    ["$$a+b$$ c", "a+b"],
    ["\\(a_1\\) b", "a_1"],
    ["\\[x\\]", "x"],
    ["$a\\$b$", "a\\$b"],
    ["$5 and $10", null],
    ["$5-$10", null],
    ["$5 for 2$", null],
    ["$HOME/$PATH", null],
    ["$5", null, "US"],
    ["$x$", null, "a"],
    ["$ x$", null],
    ["$x $", null],
    ["$x\n\ny$", null],
    ["$$ $$", null],
    ["\\(never closed", null],
    ["\\(a\n\nb\\)", null],
    ["$" + "x".repeat(5_000) + "$", null],
  ];
  for (const [source, found, before = ""] of cases) assert.equal(formula(source, before)?.text ?? null, found, source.slice(0, 40));
});

test("formulas on lines of their own", () => {
  assert.equal(blockFormula("$$\na\n+ b\n$$\nafter", false)?.raw, "$$\na\n+ b\n$$\n");
  assert.equal(blockFormula("\\[\nx\n\\]", false)?.text, "\nx\n");
  assert.equal(blockFormula("$$x$$ and words", false), undefined);
  assert.equal(blockFormula("$$\na\n\nb\n$$", true), undefined, "a blank line ends it");
  assert.equal(blockFormula("$$\na", true)?.open, true, "it may still be closed");
  assert.equal(blockFormula("$$\na", false), undefined);
  assert.equal(blockFormula("text $$x$$", true), undefined);
});
