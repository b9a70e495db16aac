// How soon each page shows something to who opens it first: node e2e/pages/bench-paint.mjs [--rounds N]. A fresh profile each time,
// over a line of 1.6 Mbit/s with 150 ms there and back, with a CPU slowed four times. BINARY is the chatbridge to measure (without it the tree's is built).
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { open } from "./stage.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const line = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 };

const stage = await open();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
try {
  for (const path of ["/", "/admin/"]) {
    const times = [];
    for (let i = 0; i < Number(values.rounds); i++) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const cdp = await context.newCDPSession(page);
      await cdp.send("Network.enable");
      await cdp.send("Network.emulateNetworkConditions", line);
      await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await page.goto(stage.server.url + path, { waitUntil: "networkidle" });
      times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
      await context.close();
    }
    console.log(`${path} first contentful paint ${times.map((t) => `${Math.round(t)} ms`).join(", ")}`);
  }
} finally {
  await browser.close();
  await stage.close();
}
