// What may happen meanwhile, and when: the words of the scenarios' tables.
// Each gets {lane, asked} (asked: what was submitted, with its follower) and the
// arguments that the table gives.

import * as packs from "./packs.mjs";
import { Person } from "./person.mjs";

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const promptOf = (run, i = 0) => run.lane.site.chats.prompts.find((p) => p.text === run.asked[i].message);

// when: conditions, waited for.
export const when = {
  now: () => true,
  phase: (run, name, i = 0) => run.asked[i].follower.phase(name),
  text: (run, n, i = 0) => run.asked[i].follower.text.length >= n,
  asked: (run, i = 0) => !!promptOf(run, i), // the prompt has reached the site
  answered: (run, i = 0) => promptOf(run, i)?.run?.ended, // the site has said all it says
  heard: (run, what) => run.lane.site.heard.some((h) => h.what === what),
  ended: (run, i = 0) => !!run.asked[i].follower.end,
  waiting: (run, reason, i = 0) => run.asked[i].follower.events.some((e) => e.waiting?.reason === reason),
  idle: (run, i = 0) => run.asked[i].follower.events.some((e) => e.type === "status" && e.status === "idle" && e.reason), // put back
  hidden: (run) => run.lane.site.visible.at(-1) === "hidden",
};

const onTab = async (run, act) => run.lane.browser.on(await run.lane.tab(), act);

// onPage opens a page of the extension, does something there as a person would, and closes it.
async function onPage(run, name, what) {
  const { browser } = run.lane;
  const worker = await browser.wait("the service worker", () => browser.worker());
  const url = new URL(`${name}.html`, worker.url).href;
  const tab = await browser.open(url);
  try {
    await browser.wait(url, () => browser.on(tab, (s) => s.evaluate(`location.href === "${url}" && document.readyState === "complete"`)).catch(() => false));
    return await browser.on(tab, (s) => s.evaluate(`(async () => {
      const until = async (what, look) => { for (let i = 0; i < 500; i++) { const r = look(); if (r) return r; await new Promise((r) => setTimeout(r, 20)); } throw new Error("never: " + what + ": " + document.body.innerText); };
      const see = (css) => until(css, () => { const e = document.querySelector(css); return e?.checkVisibility() && !e.disabled && e; });
      const click = async (css) => (await see(css)).click();
      const says = (css, text) => until(String(text), () => text.test(document.querySelector(css)?.innerText ?? ""));
      await until("a view", () => document.querySelector("#status")?.innerText.trim());
      ${/^(await|\()/.test(what) ? what : `return ${what}`}
    })()`));
  } finally {
    await browser.close(tab);
  }
}

// verbs: what is done then.
export const verbs = {
  wait: (run, ms) => sleep(ms),
  killWorker: (run) => run.lane.browser.killWorker(),
  reloadTab: (run) => onTab(run, (s) => s.send("Page.reload")),
  navigateTab: (run, url) => onTab(run, (s) => s.send("Page.navigate", { url })),
  // clickTab presses a link or button of the page, as a person would.
  clickTab: (run, css) => onTab(run, (s) => s.evaluate(`document.querySelector(${JSON.stringify(css)}).click()`)),
  closeTab: async (run) => run.lane.browser.close(await run.lane.tab()),
  async hideTab(run) {
    const other = await run.lane.browser.open("about:blank");
    await run.lane.browser.front(other);
  },
  async discardTab(run) {
    const { browser } = run.lane;
    // One that has just been started has no interfaces yet.
    const w = await browser.wait("the service worker", async () => {
      const found = browser.worker();
      return found && (await browser.on(found, (s) => s.evaluate(`!!globalThis.chrome?.tabs`)).catch(() => false)) && found;
    });
    await browser.on(w, (s) => s.evaluate(`chrome.tabs.query({}).then(async (tabs) => { for (const t of tabs) if (t.url?.startsWith("https://chatgpt.com/")) await chrome.tabs.discard(t.id).catch(() => {}); })`));
  },
  async killBrowser(run, after = 0) {
    await run.lane.browser.kill();
    if (after) await sleep(after);
    await run.lane.open();
  },
  async quitBrowser(run) {
    await run.lane.browser.stop();
    await run.lane.open();
  },
  killServer: (run, after = 0) => run.lane.bridge.restart(after),
  freeze: (run) => run.lane.bridge.freeze(),
  thaw: (run) => run.lane.bridge.thaw(),
  cancel: (run, i = 0) => run.lane.client.cancel(run.asked[i].id),
  set: (run, settings) => run.lane.site.set(settings),
  tell: (run, what) => run.lane.site.tell(what),
  // type is a person at the keyboard: trusted input events, wherever the focus is.
  type: (run, text) =>
    onTab(run, async (s) => {
      for (const c of text) {
        await s.send("Input.dispatchKeyEvent", { type: "keyDown", key: c, text: c });
        await s.send("Input.dispatchKeyEvent", { type: "keyUp", key: c });
      }
    }),
  key: (run, key, code) =>
    onTab(run, async (s) => {
      for (const type of ["rawKeyDown", "keyUp"]) await s.send("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code });
    }),
  // composer looks what stands in the composer.
  async composer(run, wanted) {
    const got = await onTab(run, (s) => s.evaluate(`document.querySelector("#prompt-textarea").innerText`));
    if (!wanted.test(got)) throw new Error(`the composer holds ${JSON.stringify(got.slice(0, 200))}`);
  },
  // ownTab is a tab of the site that the person opened and writes in.
  async ownTab(run, draft) {
    const tab = await run.lane.browser.open("https://chatgpt.com/");
    run.own = tab;
    await run.lane.browser.wait("the person's tab", () => run.lane.browser.targets.get(tab.targetId)?.url === "https://chatgpt.com/" && run.lane.site.heard.some((h) => h.what === "mounted"));
    await run.lane.browser.on(tab, async (s) => {
      await s.evaluate(`(async () => { for (let i = 0; i < 300 && !document.querySelector("#prompt-textarea"); i++) await new Promise((r) => setTimeout(r, 20)); document.querySelector("#prompt-textarea").focus(); })()`);
      if (draft) await s.send("Input.insertText", { text: draft });
    });
  },
  // publish hands a pack for the redesigned page to the bridge, which hands it on.
  async publish(run, how) {
    const file = await packs.write(run.lane.binary, run.lane.folder, how);
    await run.lane.bridge.cli("pack", "publish", file);
    run.published = Date.now();
  },
  // consent is a person's click in the popup.
  async consent(run) {
    await onPage(run, "popup", `click("#take")`);
    run.published = Date.now();
  },
  capacity: (run, n) => onPage(run, "options", `(await see("#capacity")).value = "${n}"; await click("#more [type=submit]"); await says("#saved", /Saved/)`),
  // opened waits for a page of the extension that opened by itself.
  opened: (run, page) => run.lane.browser.wait(page, async () => (await run.lane.browser.urls()).some((url) => /^(chrome|moz)-extension:/.test(url) && url.endsWith(`/${page}`))),
  // pair is a person's pasted line in the options page, with what is easily copied around it; says: what the page must answer.
  pair: (run, key, says) =>
    onPage(run, "options", `(await see("#line")).value = ""; const line = document.querySelector("#line"), clipboardData = new DataTransfer(); clipboardData.setData("text/plain", ${JSON.stringify(`\n  ${run.lane.bridge.url}\n${key === "right" ? run.lane.client.key : key} \r\n`)});
      line.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true })); await click("#save"); await says("#result", ${says})`),
  // popupSays looks what the popup tells; doctor runs it there.
  popupSays: (run, says) => onPage(run, "popup", `await says("#status", ${says})`),
  async doctor(run, ...finds) {
    const found = await onPage(run, "popup", `await click("#run"); await says("#hooks", /composer/); return document.getElementById("hooks").innerText`);
    for (const f of finds) if (!f.test(found)) throw new Error(`the doctor's table lacks ${f}: ${found}`);
  },
  // doctorByServer asks for the same from the command line.
  async doctorByServer(run, ...finds) {
    const workers = await run.lane.bridge.admin("GET", "/api/admin/workers/");
    const found = await run.lane.bridge.cli("doctor", "--url", run.lane.bridge.url, "--worker", workers.find((w) => w.connected ?? true).worker_id).catch((err) => err.stdout + err.stderr);
    for (const f of finds) if (!f.test(found)) throw new Error(`the doctor's table lacks ${f}: ${found}`);
  },
  // reloadExtension is what an update does.
  async reloadExtension(run) {
    const { browser } = run.lane;
    const before = await browser.wait("the service worker", () => browser.worker());
    await sleep(500); // a worker that has just begun is not begun anew
    await browser.on(before, (s) => s.send("Runtime.evaluate", { expression: "setTimeout(() => chrome.runtime.reload(), 20)" }));
    await browser.wait("another service worker", () => browser.worker() && browser.worker().targetId !== before.targetId);
  },
  nothingAsked(run) {
    if (run.lane.site.chats.prompts.length) throw new Error("the site was asked too early");
  },
  // walk is a person who goes through steps, each a name and what they do; run.walked says how long each took, in ms.
  async walk(run, steps) {
    const { browser, bridge, site, folder } = run.lane;
    const person = new Person(browser, folder);
    run.walked = [];
    for (const [name, act] of steps) {
      const began = Date.now();
      await act(person, { browser, bridge, site }).catch((err) => {
        throw new Error(`${name}: ${err.message}`);
      });
      run.walked.push([name, Date.now() - began]);
    }
    await person.leave();
  },
  // growChats makes every chat longer than a page shows; forgetChats deletes them at the site.
  growChats: (run, turns) => run.lane.site.chats.grow(turns),
  forgetChats: (run) => run.lane.site.chats.chats.clear(),
};
