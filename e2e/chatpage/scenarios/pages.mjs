// Pages of all kinds that are known, and all modes: each answers, whole.
const done = (over = {}) => ({ status: "done", prompts: 1, response: "truth", ...over });
const whole = done({ complete: true, source: ["both", "stream"], chat: true });

const page = (name, page, more = {}) => ({ name: `page: ${name}`, site: { page }, expect: whole, ...more });
const mode = (name, settings, fields, expect) => ({ name: `mode: ${name}`, site: { page: settings }, ask: fields, expect: done({ complete: true, ...expect }) });
const refused = (name, settings, fields) => ({ name: `mode: ${name}`, site: { page: settings }, ask: fields, expect: { status: "failed", code: "mode_unavailable", prompts: 0 }, works: true, after: [["set", { page: { picker: "none", barred: [] } }]] });

const instant = { response_type: "instant" };
const thinking = { response_type: "thinking", thinking_time: "standard" };
const extended = { response_type: "thinking", thinking_time: "extended" };

export default [
  page("ProseMirror, sections, rAF", {}, { expect: { ...whole, title: "A title" } }),
  page("Lexical, articles, old read endpoint", { editor: "lexical", markup: "article", read: "old" }),
  page("bare contenteditable, timers", { editor: "bare", render: "timer" }),
  page("textarea", { editor: "textarea" }),
  page("one button for send and stop", { send: "id" }),
  page("German", { lang: "de" }),
  page("Chinese, one button", { lang: "zh", send: "id", editor: "lexical" }),
  page("without a passing id", { transient: false }),
  page("Chat/Work radios", { workMode: true }),
  page("slow to mount", { mountAfter: 1500 }),
  { name: "page: the stream of whole messages", site: { reply: { protocol: "full" } }, expect: whole },
  { name: "page: hand-over to a WebSocket", site: { reply: { protocol: "handoff" } }, expect: whole },
  { name: "page: title before the text", site: { reply: { afterTitle: true, title: "Früher Titel" } }, expect: { ...whole, title: "Früher Titel" } },
  { name: "page: slow answer, many deltas", site: { reply: { every: 30, piece: 8 } }, expect: whole },
  { name: "page: a toast that means nothing", site: { page: { alert: "Your export is ready" } }, expect: whole },

  { name: "chat: a second message in the same chat", ask: [{}, { chat: "same", gap: true }], expect: whole },
  { name: "chat: two for one chat at once, in order", site: { reply: { every: 12 } }, ask: [{}, { chat: "same" }, { chat: "same" }], expect: whole, check: inOrder },
  { name: "chat: two at once, each a new chat", ask: [{}, {}], expect: whole },
  { name: "chat: long and virtualised", site: { page: { virtual: 4 } }, ask: [{}, { chat: "same", gap: true }], meanwhile: [[["ended"], ["growChats", 60]]], expect: whole },
  { name: "chat: continued in articles, Lexical, old read endpoint", site: { page: { markup: "article", editor: "lexical", read: "old" } }, ask: [{}, { chat: "same", gap: true }], expect: whole },
  { name: "chat: not found", ask: [{}, { gap: true }, { chat: "same", gap: true }], meanwhile: [[["ended"], ["forgetChats"]]], expect: [whole, whole, { status: "failed", code: "chat_not_found", prompts: 0 }], works: true },
  { name: "chat: deleted while the tab shows it", ask: [{}, { chat: "same", gap: true }], meanwhile: [[["ended"], ["forgetChats"]]], expect: [whole, { status: "failed", code: "chat_not_found", prompts: 1 }], works: true },
  { name: "chat: temporary", ask: { temporary: true }, expect: done({ complete: true, chat: null, site: { temporary: true } }) },
  { name: "chat: temporary, with its toggle", site: { page: { temporaryMenu: true, transient: false } }, ask: { temporary: true }, expect: done({ chat: null, site: { temporary: true } }) },
  { name: "chat: after a temporary one a kept one", ask: [{ temporary: true }, { gap: true }], expect: [done({ chat: null }), { ...whole, site: { temporary: false } }] },

  mode("intelligence, instant", { picker: "intelligence" }, instant, { site: { model: "gpt-5-6-instant" }, mode: "instant" }),
  mode("intelligence, thinking", { picker: "intelligence", tier: "instant" }, thinking, { site: { model: "gpt-5-6-thinking", effort: "standard" } }),
  mode("intelligence, extended", { picker: "intelligence" }, extended, { site: { effort: "extended" } }),
  mode("intelligence in German, extended", { picker: "intelligence", lang: "de" }, extended, { site: { effort: "extended" } }),
  mode("intelligence in Chinese, instant", { picker: "intelligence", lang: "zh" }, instant, { site: { model: "gpt-5-6-instant" } }),
  mode("intelligence, auto leaves it alone", { picker: "intelligence", tier: "extended" }, {}, { site: { effort: "extended" } }),
  mode("slider, instant", { picker: "slider" }, instant, { site: { model: "gpt-5-6-instant" } }),
  mode("slider, thinking", { picker: "slider", tier: "instant" }, thinking, { site: { effort: "standard" } }),
  mode("slider, extended", { picker: "slider" }, extended, { site: { effort: "extended" } }),
  mode("switcher, instant", { picker: "switcher" }, instant, { site: { model: "gpt-5-6-instant" } }),
  mode("switcher, thinking", { picker: "switcher" }, thinking, { site: { model: "gpt-5-6-thinking", effort: "standard" } }),
  mode("switcher, extended", { picker: "switcher" }, extended, { site: { model: "gpt-5-6-thinking", effort: "extended" } }),
  mode("no picker, auto", {}, { response_type: "auto" }, { site: { model: "auto" } }),
  refused("no picker, thinking", {}, thinking),
  refused("no picker, instant", {}, instant),
  refused("intelligence, a barred tier", { picker: "intelligence", barred: ["extended"] }, extended),
  refused("slider, a barred tier", { picker: "slider", barred: ["extended"] }, extended),
];

function inOrder(run, fault) {
  const asked = run.asked.map((a) => a.message);
  const heard = run.lane.site.chats.prompts.map((p) => p.text);
  if (JSON.stringify(asked) !== JSON.stringify(heard)) fault(`asked in another order: ${heard}`);
  if (new Set(run.lane.site.chats.prompts.map((p) => p.chatId)).size !== 1) fault("asked in more than one chat");
}
