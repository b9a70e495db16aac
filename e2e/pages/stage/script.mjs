// What a message makes the scripted worker do. A message may begin with words in square brackets:
//   [words 200]      an answer of so many words                [pace 50]       ms between pieces
//   [markdown]       headings, lists, a table, code, maths     [long 500]      Markdown of so many kB
//   [steps 2000]     ms in each of opening, typing, sent       [hold]          answers half, then waits to be stopped
//   [hold typing]    stops in that phase                       [correct]       takes half of it back and says it otherwise
//   [fail CODE]      half an answer, then that error           [fail CODE 30]  … with retry_after
//   [early CODE]     that error before anything was sent       [lost]          forgets it after go: worker_lost
//   [mode NAME]      mode_used                                 [title TEXT]    the chat's title (else its first words)
//   [say TEXT]       exactly that answer                       [rtl]           Arabic and Hebrew
// Without any it says the message back.
import { document, filler, rtl } from "./samples.mjs";

const sentences = {
  rate_limited: "The site says that too many messages were sent. Wait until the limit has passed.",
  logged_out: "The browser is logged out of the chat site. Log in there, then send it again.",
  challenge: "The site asks to prove that a human is there. Answer it in that browser, then send it again.",
  mode_unavailable: "The site does not offer this mode now. Send it with auto.",
  too_long: "The site says that the message is too long. Shorten it.",
  chat_not_found: "The site no longer has this chat. Send it in a new chat.",
  page_changed: "The page no longer looks as this extension knows it. Update the extension.",
  incomplete_answer: "The answer broke off. Look at the site before sending it again.",
  worker_lost: "The tab was closed while it answered. Look at the site before sending it again.",
  worker_error: "The worker could not answer. Send it again; if it stays, look at the worker's log.",
};

/** byText plays the attempt as its message says. */
export async function byText(a) {
  const words = new Map();
  let rest = a.message;
  for (let m; (m = rest.match(/^\s*\[(\w+)(?: ([^\]]*))?\]/)); rest = rest.slice(m[0].length)) words.set(m[1], m[2] ?? "");
  rest = rest.trim();
  const number = (name, usual) => (words.has(name) ? Number(words.get(name)) || usual : usual);

  const [code, after] = (words.get("fail") ?? "").split(" ");
  if (words.has("early")) return a.fail(words.get("early"), sentences[words.get("early")] ?? "It failed.");
  const held = words.get("hold");
  if (held && held !== "answering") {
    a.phase("opening");
    if (held !== "opening") a.phase("typing");
    if (held === "submitted") {
      await a.ready();
      a.phase("submitted");
    }
    return a.hold();
  }
  await a.take(number("steps", 0));
  if (words.has("lost")) return a.worker.lose(a);

  let answer = `You said: ${rest || a.message}`;
  if (words.has("words")) answer = filler(number("words", 100));
  if (words.has("markdown")) answer = document;
  if (words.has("long")) answer = document.repeat(Math.ceil((number("long", 100) * 1000) / document.length));
  if (words.has("rtl")) answer = rtl;
  if (words.has("say")) answer = words.get("say");

  const pieces = answer.match(/\S*\s*/gu).filter(Boolean);
  const pace = number("pace", 15);
  const most = words.has("hold") || code ? Math.ceil(pieces.length / 2) : pieces.length;
  const atOnce = Math.max(1, Math.ceil(pieces.length / 2000)); // words in one piece: 20 pieces a second are the protocol's most
  for (let i = 0; i < most; i += atOnce) {
    a.say(pieces.slice(i, Math.min(i + atOnce, most)).join(""));
    if (pace) await a.wait(pace);
  }
  if (words.has("hold")) return a.hold();
  if (code) return a.fail(code, sentences[code] ?? "It failed.", after ? { retry_after: Number(after) } : {});
  if (words.has("correct")) {
    const half = Math.floor([...a.text].length / 2);
    a.correct(half, "… no: this is how it ends.");
    await a.wait(200);
  }
  a.end({ chat_title: words.get("title") ?? (rest || a.message).slice(0, 70), ...(words.has("mode") && { mode_used: words.get("mode") }) });
}
