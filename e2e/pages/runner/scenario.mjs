// Runs one scenario: data in, what went wrong out.
import { mkdir } from "node:fs/promises";
import * as inFirefox from "./inFirefox.mjs";
import { verbs as inChromium } from "./verbs.mjs";
import { Watch } from "./watch.mjs";

const within = 120_000; // ms that a scenario may take, unless it says otherwise

// A scenario:
//   name     "kind: what"; kinds are taken apart by the gate
//   stage    "shared" (one server for the lane's scenarios; each has an account and a worker of its own, where `worker` is not
//            false), "filled" (one with everything that lists show, not to be changed), or options for one of its own
//            ({password, flags, listen, account, worker}: see stage.mjs)
//   worker   false, or options of Worker.join
//   page     {width, touch, locale, zone, reduced, forced, host, storage}: how the browser is set up
//   steps    [[verb, …], …]: verbs.mjs. What a step waits for must come within some seconds
//   errors   regular expressions of lines that the console may have, such as that a server was away
//   within   ms
//   slow     only in full runs
export async function runScenario(lane, scenario, flags) {
  const began = Date.now();
  const run = { lane, flags, scenario, faults: [], states: [], tabs: [], marks: new Map() };
  run.fault = (text) => run.faults.push(text);
  const verbs = (run.verbs = lane.firefox ? inFirefox.verbs : inChromium);
  let at = "the start";
  try {
    await set(run);
    const steps = (async () => {
      for (const [verb, ...args] of scenario.steps) {
        if (run.late) return;
        at = `${verb}(${args.map((a) => (typeof a === "function" ? "…" : a instanceof RegExp ? String(a) : JSON.stringify(a))).join(", ").slice(0, 160)})`;
        if (process.env.TRACE) console.error(`  ${scenario.name}: ${at}`);
        if (!verbs[verb]) throw new Error(`no verb ${verb}`);
        await verbs[verb](run, ...args);
      }
    })();
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not done after ${scenario.within ?? within} ms`)), scenario.within ?? within)));
    steps.catch(() => {});
    await Promise.race([steps, late]).finally(() => clearTimeout(timer));
  } catch (err) {
    run.late = true;
    run.fault(`at ${at}: ${String(err.message ?? err).split("\n").slice(0, 4).join(" ").slice(0, 700)}`);
    await lastSight(run).catch(() => {});
  }
  try {
    if (run.verdict) run.faults.push(...(await run.verdict(scenario.errors ?? [])));
    await clear(run);
  } catch (err) {
    run.fault(`afterwards: ${String(err.stack ?? err).slice(0, 700)}`);
  }
  return { name: scenario.name, ok: run.faults.length === 0, faults: run.faults, ms: Date.now() - began, outcome: run.states };
}

async function set(run) {
  const { lane, scenario } = run;
  const kind = scenario.stage ?? "shared";
  run.stage = await lane.stage(kind);
  run.own = typeof kind === "object";
  Object.assign(run, { server: run.stage.server, sinks: run.stage.sinks, account: run.stage.account, worker: run.stage.worker });
  if (kind === "shared") {
    run.account = await run.server.account({ webhookURL: `${run.server.url}/api/webhooks/chatgpt/` });
    run.worker = null;
    if (scenario.worker !== false) {
      run.worker = await run.stage.join(scenario.worker, run.account);
      run.worker.report();
    }
  }
  const p = scenario.page ?? {};
  run.host = p.host ? `${p.host}:${run.server.port}` : run.server.address;
  run.base = `http://${run.host}`;
  const browser = await lane.browser();
  if (lane.firefox) {
    run.verdict = await inFirefox.set(run, browser);
    return;
  }
  run.context = await browser.newContext({
    viewport: { width: p.width ?? 1280, height: p.height ?? 800 },
    locale: p.locale ?? "en-GB",
    timezoneId: p.zone ?? "Europe/Berlin",
    colorScheme: "light",
    reducedMotion: p.reduced ? "reduce" : null,
    forcedColors: p.forced ? "active" : null,
    hasTouch: !!p.touch,
    isMobile: !!p.touch,
    permissions: p.host ? [] : ["clipboard-read", "clipboard-write"],
    acceptDownloads: true,
  });
  run.watch = await Watch.over(run.context, () => [run.host]);
  run.verdict = (expected) => run.watch.verdict(run.context, expected);
  run.context.setDefaultTimeout(15_000);
  await inChromium.tab(run, 0);
}

async function clear(run) {
  await run.context?.close();
  run.server?.thaw();
  if (run.own) return run.stage.close();
  if (run.server && run.server.process.exitCode === null && run.server.process.signalCode === null) {
    if (run.worker && run.scenario.stage !== "filled") run.worker.disconnect();
  } else await run.server?.again();
  if (run.stage?.kind === "shared" && run.account) await run.server.admin("PATCH", `accounts/${run.account.id}/`, { active: false });
}

// lastSight keeps a picture of what went wrong where a folder is named for it.
async function lastSight(run) {
  const folder = process.env.FAILED;
  if (!folder || !run.page) return;
  await mkdir(folder, { recursive: true });
  await run.page.screenshot({ path: `${folder}/${run.scenario.name.replace(/[^\w]+/g, "-")}.png`, timeout: 3000 });
}
