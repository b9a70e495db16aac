// Texts, both ways, to the last character.
const whole = { status: "done", prompts: 1, response: "truth", complete: true };
const message = (name, text, more = {}) => ({ name: `message: ${name}`, ask: { message: text }, expect: whole, ...more });
const answer = (name, text, reply = {}, more = {}) => ({ name: `answer: ${name}`, site: { reply: { text, ...reply } }, expect: { ...whole, source: ["both", "stream"], ...more } });
// A link may take a citation's place so late that the end says it first.
const corrected = { live: false };

const fences = "Before\n\n````md\n```js\nlet a = `b`;\n```\n````\n\n- one\n- two\n  ```sh\n  ls -l | wc\n  ```\n\nAfter `` a ` b ``.";
const table = "| left | mid | right |\n|:--|:-:|--:|\n| a \\| b | **c** | 1 |\n| `x \\| y` |  | 2 |\n\nend";
const maths = "So \\(a_1 < b^2\\) and\n\n\\[\\sum_{i=1}^n i = \\frac{n(n+1)}{2}\\]\n\nthat is all.";
const odd = "<b>not bold</b> & &amp; * star \\* 1. one\n\n> quote line one\n> line two\n\n---\n\n~~gone~~ **bold _both_**\n\n1. a\n2. b\n\n   more b\n\n# Heading #1\n\n[link](https://example.com/a_b_(c)?q=1&r=2)";
const long = Array.from({ length: 1250 }, (_, i) => `${i}. A line of a **long** answer, with “quotes”, 😀 and \`code ${i}\` in it${".".repeat(8)}`).join("\n");

const editors = ["prosemirror", "lexical", "bare", "textarea"];
const hard = "  leading, trailing  \n\n\tTab\ttab\n```js\nconst x = {a: 1};\n\n\n// two empty lines above\n```\n- list\n  - nested\n\n👩‍👩‍👧‍👦 🇩🇪 e\u0301 مرحبا بالعالم שלום “quotes” & <tags> @mention /slash #tag\n\nlast  ";

export default [
  ...editors.map((editor) => message(`everything at once, ${editor}`, hard, { site: { page: { editor } } })),
  message("CRLF", "one\r\ntwo\r\n\r\nfour"),
  message("one character", "?"),
  message("only emoji", "👩🏽‍🚀"),
  message("right to left", "ما هو الجواب؟\nשורה שנייה"),
  message("looks like a command", "/search @file #1 * - 1. > `"),
  ...editors.map((editor) => ({ name: `message: 100,000 characters, ${editor}`, site: { page: { editor } }, ask: { chars: 100_000 }, expect: whole, within: 90_000 })),
  { name: "message: cut by the composer", site: { page: { composerLimit: 60 } }, ask: { chars: 300 }, expect: { status: "failed", code: "too_long", prompts: 0 }, works: true, after: [["set", { page: { composerLimit: 0 } }]] },

  answer("fences", fences),
  answer("a table", table),
  answer("maths", maths),
  answer("odd characters", odd),
  answer("one character", "7"),
  answer("100,000 characters", long, { piece: 80, every: 1 }),
  answer("100,000 characters, whole messages", long, { piece: 4000, protocol: "full", every: 20 }),
  answer("fences, whole messages", fences, { protocol: "full" }),
  answer("emoji, in pieces", "👩‍👩‍👧‍👦😀🇩🇪 done é مرحبا".repeat(8), { piece: 1, every: 1 }),
  answer("citations become links", "As {{cite:https://example.com/a|Example}} says, and {{cite:https://example.org/b?c=d|Other}}.", {}, corrected),
  answer("citations over the WebSocket", "As {{cite:https://example.com/a|Example}} says.", { protocol: "handoff" }, corrected),
  answer("thinking, commentary, tools do not leak", "Only this.", { thinking: "SECRET thought", commentary: "COMMENTARY I look it up", tool: "print('TOOL')" }),
  answer("the same in whole messages", "Only this.", { thinking: "SECRET thought", commentary: "COMMENTARY I look it up", tool: "print('TOOL')", protocol: "full" }),
  answer("the same over the WebSocket", "Only this.", { thinking: "SECRET thought", commentary: "COMMENTARY I look it up", tool: "print('TOOL')", protocol: "handoff" }),
  { name: "answer: a generated image is named", site: { reply: { image: true } }, expect: { status: "done", prompts: 1, response: /image/i, live: false } },

  // Where the stream has a form that nobody knows, the document is all there is, and a hidden one may be empty.
  ...Object.entries({ fences, table, maths, odd }).map(([name, text]) => ({
    name: `answer: by the document alone, ${name}`, site: { page: { sealed: true, render: "timer" }, reply: { text } }, expect: { status: "done", prompts: 1, response: "rendered", source: "dom", chat: true, live: false }, within: 40_000,
  })),
  { name: "answer: by the document alone, citations", site: { page: { sealed: true, render: "timer" }, reply: { text: "As {{cite:https://example.com/a|Example}} says." } }, expect: { status: "done", prompts: 1, response: /^As .*\[Example\]\(https:\/\/example\.com\/a\).* says\.$/, source: "dom", live: false } },
  { name: "answer: by the document alone, thinking and commentary", site: { page: { sealed: true, render: "timer" }, reply: { text: "Only this.", thinking: "SECRET", commentary: "COMMENTARY" } }, expect: { status: "done", prompts: 1, response: "Only this.", source: "dom", live: false } },
  { name: "answer: by the document alone, cut", site: { page: { sealed: true, render: "timer" }, reply: { end: "cut" } }, expect: { status: "failed", code: "incomplete_answer", prompts: 1 }, within: 40_000 },
  { name: "answer: by a document that a hidden tab does not draw", site: { page: { sealed: true } }, expect: { status: "failed", code: "incomplete_answer", prompts: 1 }, within: 60_000 },
  { name: "answer: read back from the chat", site: { page: { resume: "poll" }, reply: { text: odd, wait: 1200 } }, meanwhile: [[["asked"], ["wait", 150], ["reloadTab"]]], expect: { status: "done", prompts: 1, response: "truth", live: false }, within: 40_000 },
];
