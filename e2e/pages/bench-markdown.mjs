// How much of the browser's time an answer takes that grows: 500 kB in 10 s, 50 pieces a second, in the real chat page. By hand:
//
//   node e2e/pages/bench-markdown.mjs                 all answers, at full speed and slowed four times
//   node e2e/pages/bench-markdown.mjs --only mixed    one of them; --slow 1: at full speed only
//   … --follow                                        the reader goes along with the end, and does not stay where they are
//   … --silent                                        nothing is written by console.debug: it costs time only where developer tools listen, as here
//   … --dist DIR                                      another build of the pages than web/dist
//
// It serves web/dist with the server's headers and plays the API itself: the protocol allows a worker 20 pieces a second only.
// update: the processor time of each drawing; tasks: likewise (a busy machine makes both longer by the clock only). typing: by the
// clock, from a key to the frame that shows it, while the answer grows. still: the longest that no new text showed, by the clock.
// open: the same answer, finished, from the page's load on. Chromium slows a page down by the clock, too: at a load of 8 a page "four
// times slower" is as slow as one ten times, so each line tells the load.
//
// Traced is as little as will do: Chromium's developer-tools events count all of the page's boxes with each layout, 6 ms of 50 here.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { loadavg } from "node:os";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { document } from "./stage/samples.mjs";

const { values } = parseArgs({ options: { only: { type: "string" }, slow: { type: "string" }, kb: { type: "string", default: "500" }, follow: { type: "boolean" }, silent: { type: "boolean" }, dist: { type: "string" } } });
const SIZE = Number(values.kb) * 1000;
const PIECES = 500;
const EVERY = 20; // ms
const BUDGET = { 1: { update: 4, typing: 50, long: 0 }, 4: { update: 16, typing: 50, long: 7 } };

const sized = (text) => text.repeat(Math.ceil(SIZE / text.length)).slice(0, SIZE);
const prose = "Some sentences as answers have them, with *emphasis* here and **weight** there, a `name` and now and then [a link](https://example.com/x). They go on for a while, and then they end. ";
const answers = {
  // As answers are: prose, and in each 5 kB a list, a table, two blocks of code and two formulas.
  mixed: sized(document + (prose.repeat(4) + "\n\n").repeat(5) + ("- " + prose + "\n").repeat(4) + "\n"),
  // As no answer is: 900 blocks of code, 450 tables, 900 formulas.
  dense: sized(document),
  code: "```js\n" + sized("const value = compute(argument, 42); // a line of code\n"),
  list: sized("- an item with **bold** and `code`, as long as items are, and [a link](https://example.com/x)\n"),
  paragraph: sized("One paragraph that never ends, with *emphasis*, `code` and words. "),
  table: "| a | b | c |\n|---|---|---|\n" + sized("| one | two **bold** | 3 |\n"),
};

const assets = values.dist ? pathToFileURL(values.dist + "/") : new URL("../../web/dist/", import.meta.url);
const headers = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify",
};
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

/** serve plays the server for one answer; done: it is finished already. */
async function serve(text, done) {
  const request = {
    id: "00000000-0000-4000-8000-000000000001", message: "Write much", response_type: "auto", thinking_time: "standard", status: done ? "done" : "executing", phase: done ? null : "answering", waiting: null,
    response: done ? text : null, partial_response: null, error_message: null, error_code: null, retry_after: null, chat: { id: 1, chat_id: null, title: "A long answer", created_at: new Date().toISOString(), updated_at: new Date().toISOString(), unfinished: done ? 0 : 1 },
    attempt: 1, mode_used: null, evidence: null, queued_at: new Date().toISOString(), started_at: new Date().toISOString(), may_be_sent_at: null, completed_at: done ? new Date().toISOString() : null, stream_url: "/stream",
  };
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url, "http://x");
    if (pathname === "/stream") {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write(`data: ${JSON.stringify({ type: "connected", request_id: request.id })}\n\n`);
      const points = [...text];
      const size = Math.ceil(points.length / PIECES);
      let at = 0;
      const timer = setInterval(() => {
        res.write(`data: ${JSON.stringify({ type: "delta", offset: at, text: points.slice(at, at + size).join("") })}\n\n`);
        at += size;
        if (at < points.length) return;
        clearInterval(timer);
        res.end(`data: ${JSON.stringify({ type: "done", request_id: request.id, status: "done", response: text, error: null, completed_at: new Date().toISOString() })}\n\n`);
        Object.assign(request, { status: "done", phase: null, response: text, completed_at: new Date().toISOString() });
      }, EVERY);
      req.on("close", () => clearInterval(timer));
    } else if (pathname.startsWith("/api/")) {
      const json = (body) => res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
      if (pathname.startsWith("/api/chat/chats/")) json([request.chat]);
      else json(pathname.includes(request.id) ? request : [request]);
    } else {
      const name = pathname === "/" ? "index.html" : pathname.replace("/assets/", "");
      try {
        const file = await readFile(new URL(name, assets));
        res.writeHead(200, { ...headers, "Content-Type": types[name.split(".").at(-1)] }).end(file);
      } catch {
        res.writeHead(404).end();
      }
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) };
}

/** watch runs in the page before anything else: it times keys until they are shown, and how long the answer stands still. */
function watch(silent) {
  localStorage.setItem("chatbridge.key", "k".repeat(40));
  if (silent) console.debug = () => {};
  window.typed = [];
  window.still = () => {
    let [longest, last] = [0, performance.now()];
    new ResizeObserver(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }).observe(document.querySelector(".markdown"));
    window.still = () => longest;
  };
  addEventListener("keydown", (event) => requestAnimationFrame(() => setTimeout(() => window.typed.push(performance.now() - event.timeStamp))), true);
}

const FRAME = "PageAnimator::serviceScriptedAnimations";
const TASK = "ThreadControllerImpl::RunTask";

/** trace listens to the browser until stop, which gives how long the scripts of each frame and each task took, by the clock and of its own, in ms. */
async function trace(cdp) {
  const events = [];
  cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value.filter(({ name }) => name === FRAME || name === TASK)));
  await cdp.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "blink"] }, transferMode: "ReportEvents" });
  return async () => {
    const complete = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
    await cdp.send("Tracing.end");
    await complete;
    const thread = events.find(({ name }) => name === FRAME);
    const of = (wanted) => events.filter(({ name, pid, tid, tdur }) => name === wanted && pid === thread?.pid && tid === thread?.tid && tdur !== undefined);
    return { updates: of(FRAME).map(({ tdur }) => tdur / 1000), tasks: of(TASK).map(({ tdur }) => tdur / 1000), wall: of(TASK).map(({ dur }) => dur / 1000) };
  };
}

/** A frame whose scripts took less drew nothing of the answer. ms at full speed */
const DREW = 0.2;

const p = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;
const ms = (value) => `${value.toFixed(1)} ms`;

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
let missed = 0;
for (const [name, text] of Object.entries(answers)) {
  if (values.only && values.only !== name) continue;
  for (const slow of values.slow ? [Number(values.slow)] : [1, 4]) {
    for (const done of [false, true]) {
      const server = await serve(text, done);
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      page.on("pageerror", (error) => console.log("error in the page:", error.message));
      await page.addInitScript(watch, values.silent);
      const cdp = await context.newCDPSession(page);
      await cdp.send("Emulation.setCPUThrottlingRate", { rate: slow });
      const began = Date.now();
      let stop = done ? await trace(cdp) : null;
      await page.goto(server.url + "/?chat=1");
      if (!done) {
        await page.locator(".markdown .part").first().waitFor();
        stop = await trace(cdp);
        await page.evaluate(() => window.still());
        if (values.follow) await page.locator(".below button").click();
        await page.getByRole("textbox", { name: "Message", exact: true }).focus();
        for (const at = Date.now(); Date.now() - at < PIECES * EVERY * 0.9; ) await page.keyboard.type("some words ", { delay: 60 });
      }
      await page.waitForFunction((least) => document.querySelector(".answer")?.getAttribute("aria-busy") === "false" && document.querySelector(".markdown").textContent.length > least, text.length * 0.4, { timeout: 120_000, polling: 200 });
      const took = Date.now() - began;
      const { updates: frames, tasks, wall } = await stop();
      const updates = frames.filter((one) => one > DREW * slow);
      const [typing, still] = done ? [] : await page.evaluate(() => [window.typed, window.still()]);
      const cpu = tasks.reduce((sum, one) => sum + one, 0) / 1000;
      const longest = `longest task ${ms(Math.max(0, ...tasks))} (${ms(Math.max(0, ...wall))} by the clock)`;
      if (done) {
        console.log(`${name} ×${slow} open: ${ms(took)}, ${longest}`);
      } else {
        const budget = BUDGET[slow] ?? BUDGET[4];
        const [update, key, long] = [p(updates, 0.95), p(typing, 0.95), tasks.filter((one) => one > 50).length];
        if (update > budget.update || key > budget.typing || long > budget.long) missed++;
        console.log(
          `${name} ×${slow} stream: update p50 ${ms(p(updates, 0.5))} p95 ${ms(update)} (${(update / budget.update).toFixed(2)} of the budget), ` +
            `typing p50 ${ms(p(typing, 0.5))} p95 ${ms(key)} (${(key / budget.typing).toFixed(2)}), tasks over 50 ms ${long}, ${longest}, ` +
            `${updates.length} updates, still ${ms(still)}, CPU ${cpu.toFixed(1)} s; load ${loadavg()[0].toFixed(1)}`,
        );
      }
      await context.close();
      server.close();
    }
  }
}
await browser.close();
process.exitCode = missed > 0 ? 1 : 0;
