// Hostile answers in the real chat page, against the real server, with a scripted worker: each vector of vectors.mjs is streamed in
// pieces and then, after a reload, shown whole. The canary must stay silent: no script runs, nothing is asked of another host,
// nothing navigates, the policy is not violated, and no element or attribute is there that an answer may not make.
//
//   node e2e/pages/xss.mjs --binary PATH            all vectors, and then the bombs of bombs.mjs
//   node e2e/pages/xss.mjs --only 'javascript'      those that hold this text; --bombs no, or a part of their names
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { bombs } from "./bombs.mjs";
import { open } from "./stage.mjs";
import { vectors } from "./vectors.mjs";

const { values } = parseArgs({ options: { binary: { type: "string" }, only: { type: "string", default: "" }, bombs: { type: "string", default: "yes" } } });
const A_CHAT = 24; // vectors that share a chat
const PAGES = 4; // open at once
const PATIENCE = 60_000; // ms
const HANG = 1_000; // ms of the page's own time that no bomb may take at once

const tags = "DIV P H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE PRE CODE HR TABLE THEAD TBODY TR TH TD A STRONG EM DEL BR INPUT SPAN BDI BUTTON".split(" ");
const attributes = "class dir title href rel target start type checked disabled tabindex role aria-label".split(" ");

const stage = await open({ binary: values.binary });
const { url } = stage.server;
const texts = new Map();
stage.worker.script = async (a) => {
  await a.take(0);
  const { text, whole } = texts.get(a.message);
  const points = [...text];
  for (let at = 0; !whole && at < points.length; ) {
    const size = 1 + Math.floor(Math.random() * Math.max(4, points.length / 4));
    a.say(points.slice(at, at + size).join(""));
    at += size;
    await a.wait(50);
  }
  if (whole) a.say(text);
  a.end({ chat_title: "Answers" });
};
stage.worker.report?.();

const submit = async (message, chat) => {
  const response = await fetch(url + "/api/chat/submit/", { method: "POST", headers: { "X-API-Key": stage.account.key, "Content-Type": "application/json" }, body: JSON.stringify({ message, chat_id: chat }) });
  if (!response.ok) throw new Error(`submit: ${response.status} ${await response.text()}`);
  return response.json();
};

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
const findings = [];

/** tab opens the chat page with ears for everything that must not happen. */
async function tab() {
  const context = await browser.newContext();
  const page = await context.newPage();
  const heard = [];
  page.on("request", (request) => new URL(request.url()).origin !== url && !request.url().startsWith("data:") && heard.push(`asked ${request.url()}`));
  page.on("console", (message) => message.type() === "error" && !/Failed to load resource|SSE error/.test(message.text()) && heard.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(`error: ${error.stack ?? error.message}`));
  page.on("dialog", (dialog) => (heard.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("framenavigated", (frame) => !frame.url().startsWith(url + "/?chat=") && frame.url() !== "about:blank" && heard.push(`went to ${frame.url()}`));
  context.on("page", (other) => other !== page && heard.push("opened a window"));
  await page.exposeFunction("canaryHeard", (what) => heard.push(what));
  await page.addInitScript((key) => {
    localStorage.setItem("chatbridge.key", key);
    window.canary = () => window.canaryHeard("the canary sang");
    for (const name of ["alert", "confirm", "prompt", "open", "print"]) window[name] = () => window.canaryHeard(name);
    addEventListener("securitypolicyviolation", (event) => window.canaryHeard(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  }, stage.account.key);
  return { page, context, heard };
}

/** inspect runs in the page: what is in its answers that no answer may make. */
function inspect({ tags, attributes }) {
  const found = [];
  for (const element of document.querySelectorAll(".markdown *")) {
    const maths = element.closest("math");
    if (!maths && !tags.includes(element.tagName)) found.push(`<${element.tagName}>`);
    for (const { name, value } of element.attributes) {
      if (/^on|^style$|src|action|href:|^id$|^name$/i.test(name) || (!maths && !attributes.includes(name)) || (maths && /href/i.test(name))) found.push(`${element.tagName} ${name}=${value}`);
      if (name !== "href") continue;
      if (!/^(?:https?:\/\/|mailto:)/.test(value) || element.target !== "_blank" || element.rel !== "noopener noreferrer nofollow") found.push(`link to ${value}`);
      if (URL.canParse(value) && new URL(value).username) found.push(`link with a name before the host: ${value}`);
    }
  }
  const box = (element) => element.getBoundingClientRect();
  const log = document.querySelector("[role=log]");
  for (const element of document.querySelectorAll(".markdown, .markdown *")) if (getComputedStyle(element).position === "fixed") found.push(`${element.tagName} is fixed`);
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  if (!document.getElementById("composer") || document.getElementById("composer").tagName !== "TEXTAREA") found.push("the composer is another");
  return { found, log: !!log && box(log).width > 0 };
}

const ended = (page, count) => page.waitForFunction((n) => document.querySelectorAll(".answer[aria-busy=false]").length >= n && ![...document.querySelectorAll(".answer")].some((a) => a.getAttribute("aria-busy") === "true"), count, { timeout: PATIENCE });

async function chatOf(group, number) {
  const { page, context, heard } = await tab();
  const report = async (how) => {
    const { found } = await page.evaluate(inspect, { tags, attributes });
    for (const what of [...heard.splice(0), ...new Set(found)]) findings.push(`${how}, vectors ${number * A_CHAT}–${number * A_CHAT + group.length - 1}: ${what}`);
  };
  const name = (index) => `vector ${number * A_CHAT + index}`;
  group.forEach((text, index) => texts.set(name(index), { text }));
  const first = await submit(name(0), null);
  await page.goto(`${url}/?chat=${first.chat.id}`);
  await page.locator(".question").first().waitFor();
  for (let index = 1; index < group.length; index++) await submit(name(index), first.chat.id);
  await ended(page, group.length);
  await page.waitForTimeout(300);
  await report("streamed");
  await page.reload();
  await ended(page, group.length);
  await page.waitForTimeout(500);
  await report("whole");
  // With a reader's keys and pointer: what waits for focus or for a pointer would sing now.
  await page.locator("[role=log]").focus();
  for (let press = 0; press < 10; press++) await page.keyboard.press("Tab");
  await page.mouse.move(640, 300, { steps: 5 });
  await report("touched");
  await context.close();
}

async function bomb(name, text) {
  const { page, context, heard } = await tab();
  texts.set(name, { text, whole: true });
  const { id, chat } = await submit(name, null);
  for (let done = false; !done; ) {
    const request = await (await fetch(`${url}/api/chat/requests/${id}/`, { headers: { "X-API-Key": stage.account.key } })).json();
    done = request.status === "done" || request.status === "failed";
    if (request.status === "failed") findings.push(`bomb ${name}: ${request.error_code} ${request.error_message}`);
    if (!done) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const cdp = await context.newCDPSession(page);
  await page.addInitScript(() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask", buffered: true });
  });
  // On a machine that does other things too, a task takes longer than its own time: the two clocks together tell by how much.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const began = Date.now();
  const timed = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  try {
    await page.goto(`${url}/?chat=${chat.id}`);
    await ended(page, 1);
    await page.waitForFunction(() => {
      const now = document.querySelector(".markdown")?.childElementCount + ":" + document.querySelectorAll(".markdown *").length;
      const same = window.before === now;
      window.before = now;
      return same;
    }, null, { timeout: PATIENCE, polling: 700 });
    const { TaskDuration } = await timed();
    const tasks = await page.evaluate(() => window.tasks);
    const wall = tasks.reduce((sum, one) => sum + one, 0);
    const own = Math.max(0, ...tasks) * Math.min(1, (TaskDuration * 1000) / Math.max(wall, 1));
    if (own > HANG) findings.push(`bomb ${name}: one task took ${Math.round(own)} ms`);
    console.log(`bomb ${name}: longest task ${Math.round(own)} ms of its own, all ${Math.round(TaskDuration * 1000)} ms, shown after ${Date.now() - began} ms`);
  } catch (error) {
    findings.push(`bomb ${name}: ${error.message.split("\n")[0]}`);
  }
  for (const what of heard) findings.push(`bomb ${name}: ${what}`);
  await context.close();
}

try {
  const wanted = vectors.filter((vector) => vector.includes(values.only));
  const groups = Array.from({ length: Math.ceil(wanted.length / A_CHAT) }, (_, number) => [wanted.slice(number * A_CHAT, (number + 1) * A_CHAT), number]);
  const lanes = Array.from({ length: PAGES }, async () => {
    for (let next = groups.shift(); next; next = groups.shift()) await chatOf(...next);
  });
  await Promise.all(lanes);
  console.log(`${wanted.length} vectors, streamed and whole: ${findings.length} findings`);
  if (values.bombs !== "no") for (const [name, text] of Object.entries(bombs)) if (values.bombs === "yes" || name.includes(values.bombs)) await bomb(name, text);
  for (const finding of findings) console.log("FOUND", finding);
} finally {
  await browser.close();
  await stage.close();
}
process.exit(findings.length > 0 ? 1 : 0);
