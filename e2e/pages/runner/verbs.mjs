// What a scenario's steps do. A person's verbs find things as people do, by role and words; none knows how a page is built.
import { deepStrictEqual } from "node:assert";
import { seenText } from "./layout.mjs";
import { look } from "./look.mjs";
import { hands } from "./hands.mjs";

const patience = 15_000; // ms; the machine may be a busy one
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** eventually polls until look() is true, and says what there is where it does not come to be. */
export async function eventually(what, look, show = () => "", within = patience) {
  for (const end = Date.now() + within; ; await sleep(40)) {
    const is = await look().catch(() => false); // such as in the middle of a navigation
    if (is) return is;
    if (Date.now() > end) throw new Error(`never: ${what}. ${String(await show()).replace(/\s+/g, " ").slice(0, 500)}`);
  }
}

export const found = (text, want) => (want instanceof RegExp ? want.test(text.replace(/\s*\n\s*/g, " ")) || want.test(text) : text.replace(/\s+/g, " ").includes(want.replace(/\s+/g, " ")));
const sight = (run) => run.page.evaluate(seenText);
const url = (run, path) => (/^http/.test(path) ? path : run.base + path);

// target finds what has these words and can be pressed or chosen; of several the first that is visible.
const pressable = ["button", "link", "checkbox", "radio", "option", "menuitem", "tab", "switch"];
function targets(run, words, role) {
  const scope = run.scope ?? run.page;
  const named = (r) => scope.getByRole(r, words === null ? {} : { name: words, exact: typeof words === "string" });
  let all = role ? named(role) : pressable.map(named).reduce((a, b) => a.or(b));
  if (!role) all = all.or(scope.locator("summary", { hasText: words })); // the head of details has no role of its own
  return all.filter({ visible: true });
}
const target = (run, words, role) => targets(run, words, role).first();
// field is what has this label; a password has no role, and a label around a select counts its options by getByLabel.
function field(run, label) {
  const scope = run.scope ?? run.page;
  const how = { exact: typeof label === "string" };
  const all = ["textbox", "searchbox", "combobox", "spinbutton", "checkbox"].map((r) => scope.getByRole(r, { name: label, ...how })).reduce((a, b) => a.or(b));
  return all.or(scope.getByLabel(label, how)).filter({ visible: true }).first();
}

export const verbs = {
  ...hands,

  // Where one is.
  async open(run, path) {
    await run.page.goto(url(run, typeof path === "function" ? path(run) : path));
  },
  async tab(run, n) {
    if (!run.tabs[n]) run.tabs[n] = await run.context.newPage();
    run.page = run.tabs[n];
    await run.page.bringToFront();
  },
  async closeTab(run, n) {
    await run.tabs[n].close();
    delete run.tabs[n];
  },
  reload: (run) => run.page.reload(),
  back: (run) => run.page.goBack(),
  forward: (run) => run.page.goForward(),
  async url(run, want) {
    await eventually(`the address ${want}`, async () => found(run.page.url().slice(run.base.length), want), () => run.page.url());
  },
  async title(run, want) {
    await eventually(`the title ${want}`, async () => found(await run.page.evaluate(() => document.title), want), () => run.page.evaluate(() => document.title));
  },

  // What one sees.
  async see(run, want, within) {
    await eventually(`see ${want}`, async () => found(await sight(run), want), async () => `There is: ${await sight(run)}`, within);
  },
  async gone(run, want) {
    await eventually(`${want} goes`, async () => !found(await sight(run), want), async () => `There is: ${await sight(run)}`);
  },
  async never(run, want) {
    if (found(await sight(run), want)) throw new Error(`there is ${want}: ${await sight(run)}`);
  },
  // spoken: what a screen reader was told since the page was opened.
  async spoken(run, want) {
    const said = () => run.page.evaluate(() => globalThis.heard.spoken);
    await eventually(`spoken: ${want}`, async () => (await said()).some((s) => found(s, want)), async () => `Said: ${(await said()).join(" | ")}`);
  },
  async unspoken(run, want) {
    const said = await run.page.evaluate(() => globalThis.heard.spoken);
    if (said.some((s) => found(s, want))) throw new Error(`a screen reader was told ${want}`);
  },
  async there(run, role, words) {
    await eventually(`a ${role} ${words}`, () => target(run, words, role).isVisible(), async () => `There is: ${await sight(run)}`);
  },
  async none(run, role, words) {
    await eventually(`no ${role} ${words}`, async () => !(await target(run, words, role).isVisible()));
  },
  async enabled(run, words, is = true) {
    await eventually(`${words} is ${is ? "enabled" : "disabled"}`, async () => (await target(run, words).isEnabled()) === is);
  },
  async value(run, label, want) {
    const value = () => field(run, label).inputValue();
    await eventually(`${label} holds ${want}`, async () => (want instanceof RegExp ? want.test(await value()) : (await value()) === want), async () => `It holds ${JSON.stringify(await value())}`);
  },
  // style: how the element that has this text (the last one, if several do) is drawn.
  async style(run, text, property, want) {
    const drawn = ([words, name]) => {
      const all = [...document.querySelectorAll("*")].filter((el) => [...el.childNodes].some((n) => n.nodeType === 3 && n.data.includes(words)) && el.checkVisibility());
      return all.length ? getComputedStyle(all.at(-1))[name] : null;
    };
    const is = () => run.page.evaluate(drawn, [text, property]);
    await eventually(`${property} of “${text}” is ${want}`, async () => (await is()) === want, is);
  },
  // focus: what has the keyboard, by its role or its name.
  async focus(run, want) {
    const focused = () =>
      run.page.evaluate(() => {
        const el = document.activeElement;
        const words = el.getAttribute("aria-label") ?? (el.getAttribute("aria-labelledby") ? document.getElementById(el.getAttribute("aria-labelledby").split(" ")[0])?.innerText : null) ?? el.labels?.[0]?.innerText ?? el.innerText ?? "";
        return `${el.getAttribute("role") ?? el.tagName.toLowerCase()} ${words.trim()}`;
      });
    await eventually(`the focus is on ${want}`, async () => found(await focused(), want), async () => `It is on ${await focused()}`);
  },
  // state: the page is in a state that has a name. It is looked at, and pictured where that was asked for.
  async state(run, name, how = {}) {
    run.states.push(name);
    const { flags } = run;
    for (const w of await look(run.page, name, { whole: flags.whole, shots: flags.shots, touch: run.scenario.page?.touch, ...how })) run.fault(w);
  },

  // What one does.
  async press(run, words, role) {
    const all = targets(run, words, role);
    await all.first().waitFor();
    for (const one of await all.all()) if (await one.isEnabled()) return one.click(); // of two Saves, the one that can be pressed
    await all.first().click();
  },
  async fill(run, label, text) {
    await field(run, label).fill(typeof text === "function" ? text(run) : text);
  },
  // type goes key by key to what has the focus; keys are pressed as they are named: "Control+k".
  type: (run, text) => run.page.keyboard.type(typeof text === "function" ? text(run) : text),
  async keys(run, ...chords) {
    for (const chord of chords) await run.page.keyboard.press(chord);
  },
  // tabTo presses Tab until what has the focus has these words.
  async tabTo(run, words) {
    const passed = [];
    for (let i = 0; i < 80; i++) {
      await run.verbs.keys(run, "Tab");
      const at = await run.page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText.trim());
      if (found(at, words)) return;
      passed.push(at.slice(0, 20));
    }
    throw new Error(`Tab does not reach ${words}: ${passed.join(", ").slice(0, 400)}`);
  },
  async choose(run, label, option) {
    await field(run, label).selectOption({ label: option });
  },
  async check(run, label, on = true) {
    await field(run, label).setChecked(on);
  },
  // maybe does a step that may come too late: something that went by itself meanwhile.
  async maybe(run, verb, words) {
    if (await target(run, words).isVisible()) await verbs[verb](run, words).catch(() => {});
  },
  // within does steps inside one part of the page.
  async within(run, role, words, ...steps) {
    const outer = run.scope;
    run.scope = (outer ?? run.page).getByRole(role, words === null ? {} : { name: words, exact: typeof words === "string" }).filter({ visible: true }).first();
    try {
      for (const [verb, ...args] of steps) await verbs[verb](run, ...args);
    } finally {
      run.scope = outer;
    }
  },
  wheel: (run, y) => run.page.mouse.wheel(0, y),
  wait: (run, ms) => sleep(ms),
  size: (run, width, height = 800) => run.page.setViewportSize({ width, height }),
  // compose is an input method: text in the making, then Enter, which takes it.
  async compose(run, making, text) {
    const cdp = await run.context.newCDPSession(run.page);
    await cdp.send("Input.imeSetComposition", { text: making, selectionStart: making.length, selectionEnd: making.length });
    await cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Process", code: "Enter", windowsVirtualKeyCode: 229 });
    if (text !== undefined) await cdp.send("Input.insertText", { text });
    await cdp.send("Input.dispatchKeyEvent", { type: "keyUp", key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 });
    await cdp.detach();
  },
  async clipboard(run, want) {
    const text = () => run.page.evaluate(() => navigator.clipboard.readText());
    await eventually(`the clipboard has ${want}`, async () => found(await text(), typeof want === "function" ? want(run) : want), text);
  },
  async download(run, words, want) {
    const [file] = await Promise.all([run.page.waitForEvent("download"), target(run, words).click()]);
    if (!want.test(file.suggestedFilename())) throw new Error(`the file is called ${file.suggestedFilename()}`);
  },
  // is runs a function of the scenario's own and compares what it returns, if `want` is given.
  async is(run, what, act, want) {
    const got = await act(run);
    if (want === undefined) return;
    try {
      deepStrictEqual(got, want);
    } catch {
      throw new Error(`${what}: ${JSON.stringify(got)}, wanted ${JSON.stringify(want)}`);
    }
  },
  async until(run, what, act) {
    await eventually(what, () => Promise.resolve(act(run)));
  },

  // The usual ways in.
  async enter(run, { path = "/", remember = false } = {}) {
    await run.verbs.open(run, path);
    await run.verbs.fill(run, "API Key", run.account.key);
    if (remember) await run.verbs.check(run, "Remember here");
    await run.verbs.press(run, "Log in");
    await run.verbs.there(run, "textbox", "Message");
  },
  async enterPanel(run, path = "/admin/") {
    await run.verbs.open(run, path);
    await run.verbs.fill(run, "Password", run.server.password);
    await run.verbs.press(run, "Log in");
    await run.verbs.none(run, "button", "Log in");
  },
  async say(run, message) {
    await run.verbs.fill(run, "Message", message);
    await run.verbs.press(run, "Send");
  },
};
