// Markdown as the page draws it.
import MarkdownIt from "markdown-it";
import { el } from "./dom.js";

const md = new MarkdownIt({ html: false, linkify: false });

// Maths: \( … \) and \[ … \], drawn the way KaTeX does: the formula is there three times.
const maths = (open, close, display) => (state, silent) => {
  if (!state.src.startsWith(open, state.pos)) return false;
  const end = state.src.indexOf(close, state.pos + 2);
  if (end < 0) return false;
  if (!silent) {
    const token = state.push("maths", "", 0);
    token.content = state.src.slice(state.pos + 2, end);
    token.meta = { display };
  }
  state.pos = end + 2;
  return true;
};
md.inline.ruler.before("escape", "maths_inline", maths("\\(", "\\)", false));
md.inline.ruler.before("escape", "maths_display", maths("\\[", "\\]", true));
const escape = md.utils.escapeHtml;
md.renderer.rules.maths = (tokens, i) => {
  const tex = escape(tokens[i].content);
  const one = `<span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>${tex}</mi></mrow><annotation encoding="application/x-tex">${tex}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base">${tex}</span></span></span>`;
  return tokens[i].meta.display ? `<span class="katex-display">${one}</span>` : one;
};

let label = "Copy code";
const code = (content, lang) =>
  `<pre class="overflow-visible!"><div class="contain-inline-size rounded-2xl relative"><div class="flex items-center h-9 px-4 select-none">${escape(lang || "")}</div><div class="sticky top-9"><div class="absolute end-0"><button class="flex gap-1 items-center" aria-label="${escape(label)}">${escape(label)}</button></div></div><div class="overflow-y-auto p-4" dir="ltr"><code class="whitespace-pre!${lang ? ` language-${escape(lang)}` : ""}"><span>${escape(content)}</span></code></div></div></pre>`;
md.renderer.rules.fence = (tokens, i) => code(tokens[i].content, tokens[i].info.trim().split(/\s+/)[0]);
md.renderer.rules.code_block = (tokens, i) => code(tokens[i].content, "");
md.renderer.rules.table_open = () => `<div class="_tableContainer_1"><div tabindex="-1" class="group _tableWrapper_1"><table class="w-fit min-w-(--thread-content-width)">`;
md.renderer.rules.table_close = () => `</table></div></div>`;
md.renderer.rules.link_open = (tokens, i, options, env, self) => {
  tokens[i].attrSet("target", "_new");
  tokens[i].attrSet("rel", "noopener");
  return self.renderToken(tokens, i, options);
};

const MARK = /\ue200[^\ue201]*\ue201/g;

// draw fills an element with a text; references tell what its citation marks are.
export function draw(into, text, references, hooks, words) {
  label = words.copyCode;
  const shown = text.replace(MARK, (mark) => {
    const n = references.findIndex((r) => r.matched_text === mark);
    return n < 0 ? "" : `￼cite${n}￼`;
  });
  into.innerHTML = md.render(shown);
  const walk = document.createTreeWalker(into, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let n = walk.nextNode(); n; n = walk.nextNode()) if (n.data.includes("￼cite")) found.push(n);
  for (const n of found) {
    n.replaceWith(...n.data.split(/(￼cite\d+￼)/).map((part) => {
      const m = part.match(/^￼cite(\d+)￼$/);
      if (!m) return part;
      const { url, title } = references[m[1]].items[0];
      return el("span", { "data-state": "closed" }, el("span", { class: "ms-1 inline-flex", ...hooks.cite }, el("a", { href: url, target: "_blank", rel: "noopener", alt: url, class: "flex h-4.5 rounded-xl" }, el("span", { class: "relative" }, el("span", { class: "flex h-4 w-full" }, el("span", { class: "max-w-[15ch] truncate" }, title))))));
    }));
  }
}
