import assert from "node:assert/strict";
import { test } from "node:test";
import type { Token } from "marked";
import { Blocks } from "./blocks";
import { lex } from "./lexer";

/** Numbers between 0 and 1, the same ones for the same seed. */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PARTS = [
  "# Title\n\n", "## Second *level* #\n", "Setext\n===\n\n", "Two\nlines\n---\n", "A paragraph with **strong**, *em*, `code`, ~~gone~~ and $x_1 + y$.\n\n", "One line\n", "text\n***bold***\n\n", "***\n", "---\n\n", "* * *\n",
  "- one\n- two\n  - inner\n\n    more\n- three\n\n", "1. first\n2. second\n   ```js\n   let a = 1;\n   ```\n3. third\n\n", "- [ ] open\n- [x] done\n", "* star\n+ plus\n\n", "12) late\n", "1.\n", "-\n", "- a\n\n\n- b\n\n",
  "> quoted\nlazy\n\n", "> > deep\n> back\n", "> - list\n> - in quote\n\n", ">\n", "> ```\n> code\n> ```\n\n",
  "```ts\nconst a = `x`;\n\n\nfoo()\n```\n\n", "```\nopen fence, with ``` inside\n```\n", "~~~~\n```\n~~~\n~~~~\n", "   ```py\n     indented\n  less\n   ```\n\n", "````md\n```\nx\n```\n````\n", "```\n```\n", "```\n\n```\n",
  "    indented code\n\n    more of it\n\n", "| a | b |\n|---|:-:|\n| 1 | *2* |\n| 3 | `|` |\n\n", "head | er\n--- | ---\ncell | cell\n", "text\n| a |\n|---|\n| b |\n", "| a |\n|-x\n\n",
  "[ref]: https://example.com/a \"Title\"\n", "[late]: <https://example.com/b>\n\n", "See [ref], [text][late], [unknown] and ![pic][ref].\n\n", "[link](https://example.com \"t\") <https://example.com> https://example.com/x www.example.com me@example.com\n\n",
  "<div>\n  <b>raw</b>\n</div>\n\n", "<!-- comment\n\n-->\n", "text <b>inline</b> <script>alert(1)</script>\n", "<details>\n<summary>x</summary>\nmore\n\n",
  "$$\na\n+ b\n= c\n$$\n\n", "\\[\nx^2\n\\]\n", "Inline \\(a_1\\) and \\[b\\] and $5 and $10.\n\n", "$$ never closed\n+ a\n\nand on\n\n", "$$x$$ tail\n",
  "😀 emoji 👩‍👩‍👧 and é\n\n", "مرحبا بالعالم\n\n", "hard  \nbreak\\\nhere\n\n", "a &amp; b &copy; &#x27;\n\n", "\n", "\n\n\n", "   \n", "\t tab\n", "#nospace\n", "#\n", "1986. A great year\n\n", "\\# escaped \\*x\\*\n\n", "=====\n", "term\n: colon\n\n", "[^1]: note\n\n", "word",
];

function documentOf(random: () => number): string {
  let text = "";
  const parts = 1 + Math.floor(random() * 14);
  for (let part = 0; part < parts; part++) text += PARTS[Math.floor(random() * PARTS.length)];
  return random() < 0.3 ? text.trimEnd() : text;
}

/** What is drawn of a token. */
function drawn({ type, text, tokens, items, lang, header, rows }: Record<string, unknown>): unknown {
  return { type, text, tokens, items, lang: lang || undefined, header, rows };
}

const shape = (blocks: Blocks["blocks"]) => blocks.map(({ start, token }) => [start, drawn(token)]);

function readAll(blocks: Blocks): void {
  for (let steps = 0; !blocks.advance(); steps++) assert.ok(steps < 10_000, "reading comes to an end");
}

function whole(text: string): Blocks {
  const blocks = new Blocks();
  blocks.set(text, true);
  readAll(blocks);
  return blocks;
}

/** Feeds the text in pieces; some are wrong at first and corrected by a later one. */
function inPieces(text: string, random: () => number): Blocks {
  const blocks = new Blocks();
  const longest = random() < 0.5 ? 3 : 60;
  let shown = "";
  while (shown !== text) {
    const right = text.startsWith(shown) ? shown.length : 0;
    const upTo = Math.min(text.length, right + 1 + Math.floor(random() ** 3 * longest));
    shown = text.slice(0, upTo);
    blocks.set(shown, false);
    if (random() < 0.9) readAll(blocks);
    if (random() < 0.08) {
      const from = Math.floor(random() * shown.length);
      blocks.set(shown.slice(0, from) + PARTS[Math.floor(random() * PARTS.length)], false);
      if (random() < 0.8) readAll(blocks);
      blocks.set(shown, false);
    }
  }
  blocks.set(text, true);
  readAll(blocks);
  return blocks;
}

test("random documents in random pieces with corrections settle to the blocks of one whole read", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = numbers(seed);
    const text = documentOf(random);
    const once = whole(text);
    assert.deepEqual(shape(inPieces(text, random).blocks), shape(once.blocks), `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

test("one whole read gives what the lexer gives for the whole text", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const text = documentOf(numbers(seed));
    const { tokens } = lex(text, {}, false);
    const expected = tokens.filter(({ type }) => type !== "space").map(drawn);
    const found = whole(text).blocks.map(({ token }) => drawn(token));
    assert.deepEqual(found, expected, `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

test("a long block ends where it has to, the same in pieces as at once", () => {
  for (const text of ["x".repeat(70_000), "word 😀 ".repeat(5_000), "- item\n".repeat(6_000), "| a |\n|---|\n" + "| 1 |\n".repeat(7_000), "> quote\n".repeat(5_000), "```\n" + "code\n".repeat(20_000), "\n".repeat(70_000) + "end", " ".repeat(70_000) + "end"]) {
    const once = whole(text);
    const pieces = new Blocks();
    for (let at = 0; at < text.length; at += 17_001) {
      pieces.set(text.slice(0, at), false);
      readAll(pieces);
    }
    pieces.set(text, true);
    readAll(pieces);
    assert.deepEqual(shape(pieces.blocks), shape(once.blocks), text.slice(0, 20));
    for (const { token } of once.blocks) assert.ok(token.type === "code" || token.raw.length <= 32_768, token.type);
  }
});

/** A document with a long list or table. */
function longOf(random: () => number): string {
  const pick = (from: string[]) => from[Math.floor(random() * from.length)]!;
  const words = () => pick(["word ", "*em* ", "`code` ", "[ref] ", "😀 ", "a|b "]).repeat(1 + Math.floor(random() * 30)).trim();
  let text = pick(["", "Before\n\n", "Before\n", "[ref]: https://example.com\n\n"]);
  const kind = Math.floor(random() * 3);
  if (kind === 0) text += "| a | b |\n|---|:-:|\n";
  for (let item = 0; item < 400; item++) {
    if (kind === 0) text += `| ${words()} | ${item} |\n`;
    else text += (kind === 1 ? "- " : random() < 0.005 ? `${item + 1}) ` : `${item + 1}. `) + words() + pick(["\n", "\n", "\n", "\n  - inner\n\n    more\n", "\n\n", "\n   ```\n   code\n   ```\n", "\nlazy\n", "\n   # head\n"]);
  }
  return text + pick(["", "\nAfter\n", "---\n", "\n[ref]: https://example.com/late\n"]);
}

test("long lists and tables are blocks of some items or rows each, the same in pieces as at once", () => {
  let long = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = numbers(seed);
    const text = longOf(random);
    const once = whole(text).blocks;
    const pieces = new Blocks();
    for (let at = 0; at < text.length; at += 1 + Math.floor(random() ** 4 * 3_000)) {
      pieces.set(text.slice(0, at), false);
      if (random() < 0.9) readAll(pieces);
      if (random() < 0.02) {
        pieces.set(text.slice(0, Math.floor(at * random())) + "- other\n", false);
        readAll(pieces);
      }
    }
    pieces.set(text, true);
    readAll(pieces);
    assert.deepEqual(shape(pieces.blocks), shape(once), `seed ${seed}`);
    if (once.some(({ goesOn }) => goesOn)) long++;
    for (const [index, { goesOn, token, end }] of once.entries()) {
      assert.ok(token.type !== "list" && token.type !== "table" || token.raw.length < 10_000, `seed ${seed}: ${token.raw.length}`);
      if (goesOn) assert.deepEqual([once[index + 1]!.token.type, once[index + 1]!.start], [token.type, end]);
    }
    // Together they hold what the lexer gives for the whole.
    const texts = (tokens: Token[]) => tokens.flatMap(({ type, items, rows }) => (type === "list" ? items.map((item: { text: string }) => item.text.trimEnd()) : type === "table" ? rows.map((cells: { text: string }[]) => cells.map((cell) => cell.text)) : []));
    assert.deepEqual(texts(once.map(({ token }) => token)), texts(lex(text, {}, false).tokens), `seed ${seed}`);
  }
  assert.ok(long > 20, `${long} of 40 are long enough to be cut`);
});

test("the rest of a long list goes on with the next number, and the rest of a table under its head", () => {
  const list = whole("1. an item as long as they are\n".repeat(1_000)).blocks;
  assert.ok(list.length > 3);
  assert.equal(list[2]!.token["start"], 1 + list[0]!.token["items"].length + list[1]!.token["items"].length);
  const table = whole("| a | b |\n|---|---|\n" + "| one | two |\n".repeat(3_000)).blocks;
  assert.ok(table.length > 3);
  assert.equal(table[2]!.token["header"][1].text, "b");
  assert.equal(table.reduce((rows, { token }) => rows + token["rows"].length, 0), 3_000);
});

test("what is settled is not read again", () => {
  const blocks = new Blocks();
  blocks.set("# One\n\nTwo\n\nThree\n\nFour", false);
  readAll(blocks);
  const before = blocks.blocks.slice(0, blocks.settled);
  assert.ok(before.length >= 2);
  blocks.set("# One\n\nTwo\n\nThree\n\nFour goes on\n\nFive\n\nSix", false);
  readAll(blocks);
  for (const [index, block] of before.entries()) assert.equal(blocks.blocks[index], block);
});

test("a link that is defined late is found at the end", () => {
  const blocks = new Blocks();
  const read = (text: string, complete: boolean) => {
    blocks.set(text, complete);
    readAll(blocks);
    return JSON.stringify(blocks.blocks[0]!.token);
  };
  const text = "See [here].\n\nMore.\n\nAnd more.\n\n";
  read(text, false);
  assert.doesNotMatch(read(text + "[here]: https://example.com\n", false), /href/, "until then what is settled stays");
  assert.match(read(text + "[here]: https://example.com\n", true), /"href":"https:\/\/example.com"/);
});

test("nothing takes long or throws: marks without end", () => {
  for (const text of [">".repeat(10_000) + "x", "- ".repeat(10_000) + "x", "[".repeat(10_000), "*a ".repeat(10_000), "*a **a ".repeat(5_000), "~".repeat(40_000) + "x", "[a](b".repeat(10_000), "`a``b".repeat(5_000), "|-".repeat(20_000)]) {
    const began = process.cpuUsage().user;
    whole(text);
    assert.ok(process.cpuUsage().user - began < 1_000_000, `${text.slice(0, 10)} took over a second`);
  }
});
