import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { defaultPack } from "../pack/default";
import { cleaned } from "./clean";
import { compare, essence, letters } from "./compare";
import { readText } from "./editor";
import { Finder } from "./find";
import { toMarkdown } from "./markdown";

function page(html: string): Document {
  return parseHTML(`<!doctype html><html><head></head><body>${html}</body></html>`).document as unknown as Document;
}

function markdown(html: string): string {
  const document = page(`<div id="answer">${html}</div>`);
  const answer = document.getElementById("answer");
  assert.ok(answer);
  return toMarkdown(cleaned(answer, new Finder(defaultPack, document), "links"));
}

const katex = (tex: string): string =>
  `<span class="katex"><span class="katex-mathml"><math><semantics><mi>${tex}</mi><annotation encoding="application/x-tex">${tex}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">${tex}</span></span>`;
const code = (text: string, language: string, named = true): string =>
  `<pre><div><div class="head">${language}</div><div><button aria-label="Copy">Copy code</button></div><div><code class="whitespace-pre!${named ? ` language-${language}` : ""}"><span>${text}</span></code></div></div></pre>`;

const drawn: [string, string, string][] = [
  ["headings, emphasis, code", "<h2>Title</h2><p>A <strong>bold</strong> <em>word</em>, <code>a`b</code> and <del>gone</del>.</p>", "## Title\n\nA **bold** *word*, ``a`b`` and ~~gone~~."],
  ["tight lists", "<ul>\n<li>one</li>\n<li>two\n<ul>\n<li>in</li>\n</ul>\n</li>\n</ul><ol start=\"3\">\n<li>three</li>\n<li>four</li>\n</ol>", "- one\n- two\n  - in\n\n3. three\n4. four"],
  ["loose lists", "<ol>\n<li>\n<p>one</p>\n<p>more</p>\n</li>\n<li>\n<p>two</p>\n</li>\n</ol>", "1. one\n\n   more\n\n2. two"],
  ["code in a tight list", `<ul>\n<li>one</li>\n<li>two\n${code("a\n\nb\n", "sh")}</li>\n<li>three</li>\n</ul>`, "- one\n- two\n  ```sh\n  a\n\n  b\n  ```\n- three"],
  ["tasks", '<ul><li><input type="checkbox" checked disabled> done</li><li><input type="checkbox" disabled> open</li></ul>', "- [x] done\n- [ ] open"],
  ["soft breaks in quotes and paragraphs", "<blockquote>\n<p>one\ntwo <strong>b</strong>\nthree</p>\n</blockquote>\n<p>four\nfive</p>", "> one\n> two **b**\n> three\n\nfour\nfive"],
  ["hard breaks", "<p>one<br>\ntwo</p>", "one  \ntwo"],
  ["a table with alignment and a bar in a cell", '<div><table><thead><tr><th>a</th><th style="text-align:center">b | c</th><th align="right">d</th></tr></thead><tbody><tr><td>1</td><td><code>x|y</code></td><td></td></tr></tbody></table></div>', "| a | b \\| c | d |\n| --- | :---: | ---: |\n| 1 | `x\\|y` |  |"],
  ["code with its language, without its head", code("const a = 1;\n", "js"), "```js\nconst a = 1;\n```"],
  ["the language from the head", code("x\n", "python", false), "```python\nx\n```"],
  ["fences within fences", code("````md\n```\n````\n", "md"), "`````md\n````md\n```\n````\n`````"],
  ["maths once", `<p>So ${katex("x^2_a")} and</p><span class="katex-display">${katex("\\frac{a}{b}")}</span>`, "So \\(x^2_a\\) and\n\n\\[\\frac{a}{b}\\]"],
  ["links", '<p><a href="https://a.example/x">a</a> <a href="https://b.example/">https://b.example/</a> <a href="https://c.example/(1)">c</a></p>', "[a](https://a.example/x) <https://b.example/> [c](<https://c.example/(1)>)"],
  ["citations", '<p>Said<span><span data-testid="webpage-citation-pill"><a href="https://a.example/"><span>One</span></a></span></span>.</p>', "Said([One](https://a.example/))."],
  ["pictures are named", '<p><img alt="A cat" src="/backend-api/estuary/content?id=file_1"><img src="x"></p>', "[image: A cat][image]"],
  ["what is text stays text", "<p>snake_case 2 * 3 * 4 a*b* [x] [y](z) &lt;b&gt; &amp;amp; C:\\dir \\* #1 ~x~</p><p># no title</p><p>1. no list</p><p>- nor this</p>", "snake_case 2 * 3 * 4 a\\*b\\* [x] \\[y](z) \\<b> \\&amp; C:\\dir \\\\\\* #1 ~x~\n\n\\# no title\n\n1\\. no list\n\n\\- nor this"],
];
for (const [name, html, wanted] of drawn) test(`markdown: ${name}`, () => assert.equal(markdown(html), wanted));

const same: [string, string][] = [
  ["# T\n\nA **b** `c` [l](https://x.example/a_(1)?q=1 \"t\") &amp; end", "T A b c l & end"],
  ["1. one\n2. two\n   3) three\n\n> 1. quoted", "one\ntwo\nthree\nquoted"],
  ["```js title\nconst a = \"1. x\";\n```\nafter", "const a = \"1. x\";\nafter"],
  ["````md\n```\ninner 1. x\n```\n````", "```\ninner 1. x\n```"],
  ["| a | b |\n|:--|--:|\n| 1 | 2 |", "ab12"],
  ["\\(x^2\\) <br> <https://a.example/>", "x^2 https://a.example/"],
];
for (const [stream, shown] of same) test(`same: ${JSON.stringify(stream)}`, () => assert.equal(compare(stream, shown), "same", `${essence(stream)} / ${letters(shown)}`));

test("differences that matter, and those that do not", () => {
  const text = Array.from({ length: 200 }, (_, i) => `word${i * 7919}`).join(" ");
  assert.equal(compare(text, text.slice(0, 700)), "behind");
  assert.equal(compare(text, ""), "behind");
  assert.equal(compare(text, text.replace("word7919", "nbsp")), "close");
  assert.equal(compare(text, text.slice(0, 500)+ text.slice(520)), "close");
  assert.equal(compare(text, `Something else altogether was drawn here. ${text.slice(0, 100)}`), "different");
  assert.equal(compare("yes", "no, this is not what the stream said at all"), "different");
  assert.equal(compare("🎉", "🎉"), "same");
});

const editors: [string, string, string][] = [
  ["ProseMirror", '<div class="ProseMirror" contenteditable="true"><p>a</p><p><br class="ProseMirror-trailingBreak"></p><p>  b </p><p><br class="ProseMirror-trailingBreak"></p></div>', "a\n\n  b \n"],
  ["ProseMirror, empty", '<div class="ProseMirror" contenteditable="true"><p data-placeholder="Ask" class="placeholder"><br class="ProseMirror-trailingBreak"></p></div>', ""],
  ["ProseMirror, hard breaks", '<div class="ProseMirror" contenteditable="true"><p>a<br>b<br><br class="ProseMirror-trailingBreak"></p></div>', "a\nb\n"],
  ["Lexical", '<div data-lexical-editor="true" contenteditable="true"><p><span data-lexical-text="true">a</span><br><br><span data-lexical-text="true">b</span></p></div>', "a\n\nb"],
  ["Lexical, a line break at the end", '<div data-lexical-editor="true" contenteditable="true"><p><span>a</span><br><br></p></div>', "a\n"],
  ["bare, loose text and blocks", '<div contenteditable="true">a<div><br></div><div>b</div></div>', "a\n\nb"],
  ["bare, nested", '<div contenteditable="true"><div>a</div><div><div>b</div><div>c</div></div>d</div>', "a\nb\nc\nd"],
  ["bare, line ends in the text", '<div contenteditable="true">a\n\nb</div>', "a\n\nb"],
];
for (const [name, html, wanted] of editors) {
  test(`read back: ${name}`, () => {
    const element = page(html).querySelector("[contenteditable]");
    assert.ok(element);
    assert.equal(readText(element as HTMLElement), wanted);
  });
}
