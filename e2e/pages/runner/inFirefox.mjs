// The verbs of scenarios in Firefox, over WebDriver BiDi: those that the chat page's main ways need.
import { hands } from "./hands.mjs";
import { axeIn } from "./look.mjs";
import { facts, seenText } from "./layout.mjs";
import { eventually, found, verbs as inChromium } from "./verbs.mjs";

const roles = ["button", "link", "checkbox", "option", "row"];
const widths = [1280, 360];

const sight = (run) => run.page.evaluate(seenText);
const there = async (run) => `There is: ${await sight(run)}`;
async function thing(run, words, role) {
  return eventually(`a ${role ?? "thing to press"} ${words}`, async () => {
    for (const r of role ? [role] : roles) {
      const node = await run.page.find(r, words);
      if (node) return node;
    }
  }, () => there(run));
}
const field = (run, label) => eventually(`a field ${label}`, () => run.page.field(label), () => there(run));
const { spoken, unspoken, focus, is, until, see, gone, never, style, tabTo, enter, say, title, clipboard, wait } = inChromium;

export const verbs = {
  ...Object.fromEntries(Object.entries(hands).filter(([name]) => !["offline", "block", "unblock", "slow"].includes(name))),
  spoken, unspoken, focus, is, until, see, gone, never, style, tabTo, enter, say, title, clipboard, wait,
  open: (run, path) => run.page.goto(run.base + (typeof path === "function" ? path(run) : path)),
  reload: (run) => run.page.reload(),
  async tab(run, n) {
    run.tabs[0] ??= run.page;
    run.page = run.tabs[n] ??= await run.tabs[0].firefox.tab(run.tabs[0].userContext);
    await run.page.front();
  },
  back: (run) => run.page.history(-1),
  forward: (run) => run.page.history(1),
  there: (run, role, words) => thing(run, words, role),
  async none(run, role, words) {
    await eventually(`no ${role} ${words}`, async () => !(await run.page.find(role, words)));
  },
  async press(run, words, role) {
    await run.page.click(await thing(run, words, role));
  },
  async fill(run, label, text) {
    await run.page.click(await field(run, label));
    await run.page.press("Control+a");
    await run.page.press("Delete");
    await run.page.type(typeof text === "function" ? text(run) : text);
  },
  async value(run, label, want) {
    const value = async () => run.page.call((el) => el.value, await field(run, label));
    await eventually(`${label} holds ${want}`, async () => (await value()) === want, value);
  },
  async choose(run, label, option) {
    const chosen = (el, words) => {
      el.value = [...el.options].find((o) => o.text === words).value;
      el.dispatchEvent(new Event("change", { bubbles: true }));
    };
    await run.page.call(chosen, await field(run, label), { type: "string", value: option });
  },
  async maybe(run, verb, words) {
    const node = await run.page.find("button", words);
    if (node) await run.page.click(node).catch(() => {});
  },
  type: (run, text) => run.page.type(typeof text === "function" ? text(run) : text),
  async keys(run, ...chords) {
    for (const chord of chords) await run.page.press(chord);
  },
  async url(run, want) {
    await eventually(`the address ${want}`, async () => found((await run.page.url()).slice(run.base.length), want), () => run.page.url());
  },
  async state(run, name) {
    run.states.push(name);
    for (const width of widths) {
      await run.page.size(width, 800);
      for (const fact of await run.page.evaluate(facts, { least: 24 })) run.fault(`${name} (${width}): ${fact}`);
    }
    await run.page.size(1280, 800);
    for (const finding of await axeIn(run.page)) run.fault(`${name}: ${finding}`);
  },
};

/** set opens a tab for a scenario; what it returns ends it: what the page did wrong, but for errors that were to be expected. */
export async function set(run, firefox) {
  run.page = await firefox.page();
  await run.page.size(1280, 800);
  return async (expected) => {
    const { page } = run;
    const faults = (await page.evaluate(() => globalThis.heard?.violations ?? []).catch(() => [])).map((v) => `a violation of the policy: ${v}`);
    for (const { level, text } of page.console) if (level === "error" && !expected.some((x) => x.test(text))) faults.push(`error: ${text}`);
    for (const host of page.hosts) if (host && host !== run.host) faults.push(`a request to ${host}`);
    await page.close();
    return faults;
  };
}
