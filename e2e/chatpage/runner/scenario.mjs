// Runs one scenario: data in, what went wrong out.
import MarkdownIt from "markdown-it";
import { verbs, when } from "./verbs.mjs";

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const md = new MarkdownIt(); // two texts that it renders alike say the same
const within = 30_000; // ms that a scenario may take, unless it says otherwise

// A scenario:
//   name
//   site      {page, reply, replies}: over site/settings.mjs
//   ask       fields of the submit, or a list of them: `message` is made up if absent; `chars`: filled up to so many;
//             `gap`: once the one before has ended; `chat: "same"`: in the chat of the first one
//   before    [[verb, …], …] before anything is asked
//   meanwhile [[[condition, …], [verb, …], …], …] in turn: each waits for its condition, then does the rest
//   expect    what must come out, or a list, one for each ask (the last one holds for those beyond), or a function that
//             says it by how often the site was asked:
//     status; code, or codes for one of several; prompts (1 if absent; a list for one of several)
//     response  "truth"; "rendered": says the same as the truth; a text; a regular expression
//     partial   true: some beginning of the truth; source, complete, mode: of the evidence and mode_used
//     site      what the site was asked for: {model, effort, temporary}
//     chat      true: the site's id; null: none; title; retry: [from, to]
//     live      false: what came live need not be the answer's beginning, as after a restart
//   check     a function (run, fault) for what is left
//   works     afterwards a plain question must be answered; after: [[verb, …], …] before that
//   fresh     needs a browser of its own (unpaired: one that is not paired; ownBuild: one that trusts our packs)
//   blank     begins with a server on an empty folder and a browser without the extension
//   spoils    leaves one that nobody else may use
//   slow      is only run when asked for; within: ms
export async function runScenario(lane, scenario, number) {
  const faults = [];
  const fault = (text) => faults.push(text);
  lane.site.reset(scenario.site);
  const run = { lane, asked: [], ask: (fields) => ask(run, fields, scenario.name, number) };
  const began = Date.now();
  try {
    for (const [verb, ...args] of scenario.before ?? []) await verbs[verb](run, ...args);
    const meanwhile = (async () => {
      for (const [condition, ...steps] of scenario.meanwhile ?? []) {
        const [name, ...args] = condition;
        if (!when[name]) throw new Error(`no condition ${name}`);
        if (name === "after") await sleep(args[0]);
        else {
          for (const end = Date.now() + (scenario.within ?? within); !(await holds(when[name], run, args)); await sleep(4)) {
            if (Date.now() > end) throw new Error(`never came: ${name} ${args}`);
            if (run.over) return void fault(`ended before: ${name} ${args}`);
          }
        }
        for (const [verb, ...more] of steps) await verbs[verb](run, ...more);
      }
    })();
    const broke = meanwhile.then(() => new Promise(() => {}), (err) => Promise.reject(err)); // only what goes wrong
    broke.catch(() => {});
    for (const fields of [scenario.ask ?? {}].flat()) {
      if (fields.gap) await run.asked.at(-1).follower.done;
      await run.ask(fields);
    }
    const all = Promise.all(run.asked.map((a) => a.follower.done));
    const late = await Promise.race([all, broke, sleep(scenario.within ?? within).then(() => "late")]);
    if (late === "late") {
      lane.bridge.thaw();
      for (const a of run.asked) if (!a.follower.end) fault(`not ended after ${scenario.within ?? within} ms: ${await story(run, a)}`);
    } else {
      await sleep(30); // what would be said twice has time to be
      run.over = true;
      await meanwhile;
      await Promise.all(run.asked.map((a) => a.follower.done)); // of what was asked meanwhile, too
    }
    run.outcome = [];
    const expected = [scenario.expect].flat();
    for (const [i, a] of run.asked.entries()) {
      if (a.follower.end) run.outcome.push(await check(run, a, expected[i] ?? expected.at(-1), fault));
      a.follower.leave();
    }
    for (const s of lane.site.strangers) fault(`a request that was not the page's own: ${s}`);
    if (scenario.check) await scenario.check(run, fault);
    if (scenario.works && faults.length === 0) {
      for (const [verb, ...args] of scenario.after ?? []) await verbs[verb](run, ...args);
      const again = await run.ask({});
      if ((await Promise.race([again.follower.done, sleep(scenario.worksWithin ?? 15_000).then(() => "late")])) === "late") fault(`does not work afterwards: ${await story(run, again)}`);
      else await check(run, again, { status: "done", prompts: 1, response: "truth" }, (t) => fault(`afterwards: ${t}`));
      again.follower.leave();
    }
  } catch (err) {
    fault(String(err.stack ?? err).slice(0, 900));
  } finally {
    run.over = true;
    for (const a of run.asked) a.follower.leave();
    lane.bridge.thaw();
  }
  // What has not ended would be answered in the next scenario's browser.
  for (const a of run.asked) if (!a.follower.end) await lane.client.cancel(a.id).catch(() => {});
  return { name: scenario.name, ok: faults.length === 0, faults, ms: Date.now() - began, outcome: run.outcome ?? [] };
}

// story is what became of a request, in short.
async function story(run, a) {
  const { status, phase, waiting, attempt } = await run.lane.client.get(a.id);
  const events = a.follower.events.filter((e) => e.type === "status").map((e) => `+${e.at - a.at} ${e.status}${e.phase ? `/${e.phase}` : ""}${e.reason ? ` for ${e.reason}` : ""}${e.waiting ? ` (${e.waiting.reason})` : ""}${e.away ? " away" : ""}`);
  return `${JSON.stringify({ status, phase, waiting, attempt })}; ${events.join(", ")}; page: ${run.lane.site.heard.slice(-8).map((h) => `+${h.at - a.at} ${h.what}`).join(", ")}`;
}

const holds = async (condition, run, args) => {
  try {
    return await condition(run, ...args);
  } catch {
    return false; // such as what has not been asked yet
  }
};

async function ask(run, { gap, chars, chat, ...fields }, name, number) {
  let message = fields.message ?? `${number} ${name}: what is it? (${run.asked.length})`;
  if (chars) message = filler(message, chars);
  if (chat === "same") fields.chat_id = (await run.lane.client.get(run.asked[0].id)).chat.id;
  const request = await run.lane.client.submit({ ...fields, message });
  const a = { id: request.request_id, message, follower: run.lane.client.follow(request), at: Date.now() };
  run.asked.push(a);
  return a;
}

// filler makes a long message of lines, with what is easily lost.
export function filler(start, chars) {
  let text = `${start}\n`;
  for (let i = 0; text.length < chars; i++) text += i % 7 === 3 ? "\n" : i % 11 === 5 ? "\t“zitiert” 😀 مرحبا " + i + "\n" : `  line ${i} of a long message, with some words in it.\n`;
  return text.slice(0, chars - 1) + ".";
}

async function check(run, a, want, fault) {
  const { lane } = run;
  const got = await lane.client.get(a.id);
  const prompts = lane.site.chats.prompts.filter((p) => p.text.replaceAll("\r\n", "\n") === a.message.replaceAll("\r\n", "\n"));
  const strange = lane.site.chats.prompts.filter((p) => !run.asked.some((x) => x.message.replaceAll("\r\n", "\n") === p.text));
  const truth = prompts[0]?.truth ?? null;
  if (typeof want === "function") want = want(prompts.length);
  const differs = (what, is, should) => fault(`${what}: ${short(is)}, wanted ${short(should)}`);
  const equal = (what, is, should) => is === should || differs(what, is, should);
  if (strange.length) fault(`the site was asked what nobody asked: ${short(strange.map((p) => p.text))}`);
  if (want.codes) want.codes.includes(got.error_code) || differs("error_code", got.error_code, want.codes);
  equal("status", got.status, want.status);
  if (want.status === "failed" && !want.codes) equal("error_code", got.error_code, want.code);
  if (Array.isArray(want.prompts)) want.prompts.includes(prompts.length) || differs("prompts", prompts.length, want.prompts);
  else equal("prompts", prompts.length, want.prompts ?? 1);
  if (prompts.length > 1) fault("SENT TWICE");
  if (want.response === "truth") equal("response", got.response, truth);
  else if (want.response === "rendered") md.render(got.response ?? "") === md.render(truth ?? "") || differs("response", got.response, truth);
  else if (want.response instanceof RegExp) want.response.test(got.response ?? "") || differs("response", got.response, String(want.response));
  else if (want.response !== undefined) equal("response", got.response, want.response);
  if (want.source) [want.source].flat().includes(got.evidence?.source) || differs("source", got.evidence, want.source);
  if (want.complete !== undefined) equal("complete", got.evidence?.complete, want.complete);
  if (want.mode !== undefined) equal("mode_used", got.mode_used, want.mode);
  if (want.site) for (const [k, v] of Object.entries(want.site)) equal(`the site's ${k}`, prompts[0]?.[k], v);
  if (want.partial) {
    const whole = prompts[0]?.run?.steps.findLast((s) => s.text !== undefined)?.text ?? truth ?? "";
    if (!got.partial_response || !whole.startsWith(got.partial_response.slice(0, -2).trimEnd())) differs("partial_response", got.partial_response, `a beginning of ${short(whole)}`);
  }
  if (want.chat === true) equal("chat_id", got.chat.chat_id, prompts[0]?.chatId);
  if (want.chat === null) equal("chat_id", got.chat.chat_id, null);
  if (want.title !== undefined) equal("title", got.chat.title, want.title);
  if (want.retry) (got.retry_after >= want.retry[0] && got.retry_after <= want.retry[1]) || differs("retry_after", got.retry_after, want.retry);
  // The text that came live is the answer's, or a beginning of it.
  const live = a.follower.text;
  if (got.status === "done" && live && !got.response.startsWith(live) && want.live !== false) differs("the live text", live, got.response);
  for (const f of a.follower.faults) fault(f);
  return `${got.status}${got.error_code ? `/${got.error_code}` : ""} prompts ${prompts.length}${got.evidence ? ` by ${got.evidence.source}${got.evidence.complete ? "" : ", not known complete"}` : ""}${got.error_message ? ` “${got.error_message.slice(0, 140)}”` : ""}`;
}

const short = (v) => {
  const s = typeof v === "string" ? JSON.stringify(v) : JSON.stringify(v) ?? String(v);
  return s.length > 300 ? `${s.slice(0, 180)} … ${s.slice(-100)} (${s.length})` : s;
};
